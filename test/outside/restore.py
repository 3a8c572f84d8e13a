#!/usr/bin/env python3
"""Restores a snapshot of a Bunker store that lies in a folder; written from docs/format.md alone.

    restore.py STORE --list                       (--passphrase-file FILE | --phrase-file FILE)
    restore.py STORE TARGET [--snapshot ID]       (the newest one, unless the beginning of an id is given)

Shares no code with the program. Whatever the format does not allow is refused: names, signatures,
associated data, ids, lengths, padding and order are all checked. Bucket objects are not restored.
"""

import argparse
import hashlib
import hmac
import os
import re
import stat
import sys
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Iterator

import zstandard
from argon2.low_level import Type, hash_secret_raw
from blake3 import blake3
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from mnemonic import Mnemonic

KIB, MIB = 1024, 1024 * 1024
ZERO_NONCE = bytes(12)


class Refused(Exception):
    """The store holds something that the format does not allow."""


def need(condition: bool, message: str) -> None:
    if not condition:
        raise Refused(message)


# --- §2 Primitives -------------------------------------------------------------------------------


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def extract(salt: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), secret, "sha256")


def expand(key: bytes, info: bytes, count: int) -> bytes:
    out = block = b""
    for number in range(1, -(-count // 32) + 1):
        block = hmac.digest(key, block + info + bytes([number]), "sha256")
        out += block
    return out[:count]


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return expand(extract(salt, secret), info, 32)


def gcm_open(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except (InvalidTag, ValueError) as error:
        raise Refused("a sealed part does not open") from error


def hpke_open(private: X25519PrivateKey, info: bytes, associated: bytes, sealed: bytes) -> bytes:
    """RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 1, AES-256-GCM 2."""
    need(len(sealed) >= 48, "a sealed part is too short")
    enc, text = sealed[:32], sealed[32:]
    kem = b"KEM" + b"\x00\x20"
    suite = b"HPKE" + b"\x00\x20" + b"\x00\x01" + b"\x00\x02"

    def labeled_extract(name: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
        return extract(salt, b"HPKE-v1" + name + label + secret)

    def labeled_expand(name: bytes, key: bytes, label: bytes, context: bytes, n: int) -> bytes:
        return expand(key, n.to_bytes(2, "big") + b"HPKE-v1" + name + label + context, n)

    try:
        agreed = private.exchange(X25519PublicKey.from_public_bytes(enc))
    except ValueError as error:
        raise Refused("a sealed part does not open") from error
    root = labeled_extract(kem, b"", b"eae_prk", agreed)
    context = enc + private.public_key().public_bytes_raw()
    shared = labeled_expand(kem, root, b"shared_secret", context, 32)
    schedule = b"\x00" + labeled_extract(suite, b"", b"psk_id_hash", b"")
    schedule += labeled_extract(suite, b"", b"info_hash", info)
    secret = labeled_extract(suite, shared, b"secret", b"")
    key = labeled_expand(suite, secret, b"key", schedule, 32)
    return gcm_open(
        key, labeled_expand(suite, secret, b"base_nonce", schedule, 12), text, associated
    )


def u32(data: bytes, at: int) -> int:
    need(0 <= at <= len(data) - 4, "lengths do not add up")
    return int.from_bytes(data[at : at + 4], "little")


def decode_cbor(data: bytes) -> Any:
    value, end = _cbor_item(data, 0, 1)
    need(end == len(data), "CBOR: bytes left over")
    return value


def _cbor_item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    need(at < len(data), "CBOR: cut off")
    major, n, at = data[at] >> 5, data[at] & 31, at + 1
    if major == 7:
        need(n == 21, "CBOR: neither a number, a string, an array, a map nor true")
        return True, at
    if n >= 24:
        need(n <= 27, "CBOR: indefinite length")
        width, least = ((1, 24), (2, 1 << 8), (4, 1 << 16), (8, 1 << 32))[n - 24]
        need(at + width <= len(data), "CBOR: cut off")
        n, at = int.from_bytes(data[at : at + width], "big"), at + width
        need(n >= least, "CBOR: not the shortest form")
    if major <= 1:
        need(n + major < 1 << 53, "CBOR: a number of more than 53 bits")
        return (n, at) if major == 0 else (-1 - n, at)
    if major <= 3:
        need(at + n <= len(data), "CBOR: cut off")
        raw = data[at : at + n]
        try:
            return (raw if major == 2 else raw.decode("utf-8")), at + n
        except UnicodeDecodeError as error:
            raise Refused("CBOR: a text that is not UTF-8") from error
    need(major <= 5, "CBOR: a tag")
    need(depth <= 16, "CBOR: nested too deep")
    if major == 4:
        items = []
        for _ in range(n):
            value, at = _cbor_item(data, at, depth + 1)
            items.append(value)
        return items, at
    return _cbor_map(data, at, n, depth)


def _cbor_map(data: bytes, at: int, n: int, depth: int) -> tuple[dict[int, Any], int]:
    found: dict[int, Any] = {}
    last = b""
    for _ in range(n):
        key, end = _cbor_item(data, at, depth + 1)
        need(type(key) is int, "CBOR: a key that is no integer")
        need(key >= 0, "made by a newer version: a key below 0")
        need(last < data[at:end], "CBOR: keys that are not sorted")
        last = data[at:end]
        found[key], at = _cbor_item(data, end, depth + 1)
    return found, at


# --- Shapes: what a value has to look like -------------------------------------------------------

Shape = Callable[[Any], bool]


def whole(least: int = 0, most: int = (1 << 53) - 1) -> Shape:
    return lambda value: type(value) is int and least <= value <= most


def octets(least: int, most: int) -> Shape:
    return lambda value: type(value) is bytes and least <= len(value) <= most


def text(least: int = 0, most: int = 1 << 53) -> Shape:
    return lambda value: type(value) is str and least <= len(value.encode()) <= most


def is_ascending(values: list[Any]) -> bool:
    return all(a < b for a, b in zip(values, values[1:]))


def split_ids(joined: bytes) -> list[bytes]:
    return [joined[at : at + 32] for at in range(0, len(joined), 32)]


def ids(least: int = 0, in_order: bool = True) -> Shape:
    def fits(value: Any) -> bool:
        if type(value) is not bytes or len(value) % 32 or len(value) < 32 * least:
            return False
        return not in_order or is_ascending(split_ids(value))

    return fits


def lists(*shapes: Shape, key: Callable[[Any], Any] | None = None, least: int = 0) -> Shape:
    """An array of tuples of these shapes, strictly ascending by `key`."""

    def fits(value: Any) -> bool:
        if (
            type(value) is not list
            or len(value) < least
            or not all(tuple_of(*shapes)(v) for v in value)
        ):
            return False
        return key is None or is_ascending([key(v) for v in value])

    return fits


def tuple_of(*shapes: Shape) -> Shape:
    return lambda value: (
        type(value) is list
        and len(value) == len(shapes)
        and all(shape(part) for shape, part in zip(shapes, value))
    )


def texts(value: Any) -> bool:
    return type(value) is list and all(text()(v) for v in value)


def sorted_texts(value: Any) -> bool:
    return texts(value) and is_ascending([v.encode() for v in value])


def fields(
    value: Any, what: str, required: dict[int, Shape], optional: dict[int, Shape] | None = None
) -> dict[int, Any]:
    need(type(value) is dict, f"{what}: expected a map")
    for key, shape in {**required, **(optional or {})}.items():
        need(key in value or key not in required, f"{what}: key {key} is missing")
        need(key not in value or shape(value[key]), f"{what}: key {key} is not as it must be")
    return value


ID = octets(32, 32)
NUMBER = whole(1, (1 << 32) - 1)
TIME = whole()
PAIRS = lists(NUMBER, ID, key=tuple)
MANIFESTS = lists(ID, NUMBER, ID, key=lambda m: m[2])
SIGNER_HEADS = lists(ID, NUMBER, ID, key=lambda m: m[0])
SPAN = whole(0, 1 << 40)

# --- §3 Keys -------------------------------------------------------------------------------------


class Keys:
    """What the owner secret gives."""

    def __init__(self, secret: bytes) -> None:
        def derived(name: str) -> bytes:
            return hkdf(secret, b"", b"bunker/1 " + name.encode())

        self.agreement = X25519PrivateKey.from_private_bytes(derived("agreement"))
        self.agreement_public = self.agreement.public_key().public_bytes_raw()
        signature = Ed25519PrivateKey.from_private_bytes(derived("signature"))
        self.signing_public = signature.public_key().public_bytes_raw()
        self.id_keys = {3: derived("data id"), 4: derived("tree id")}
        self.index_key = derived("index")
        self.store_id = store_id_of(self.agreement_public, self.signing_public)


def store_id_of(agreement_public: bytes, signing_public: bytes) -> bytes:
    return sha256(b"bunker/1 store" + agreement_public + signing_public)


def keys_of_phrase(phrase: str) -> Keys:
    words = phrase.split()
    need(len(words) == 24, f"a recovery phrase has 24 words, not {len(words)}")
    try:
        return Keys(bytes(Mnemonic("english").to_entropy(words)))
    except (ValueError, LookupError) as error:
        raise Refused(f"the recovery phrase is wrong: {error}") from error


def keys_of_passphrase(store: Path, passphrase: str) -> Keys:
    secret = unicodedata.normalize("NFC", passphrase).encode()
    for name in sorted(os.listdir(store / "keys")):
        if re.fullmatch(r"[0-9a-f]{64}", name):
            slot = Signed.read(store / "keys" / name, 2, bytes.fromhex(name))
            keys = open_slot(slot, secret)
            if keys is not None:
                return keys
    raise Refused("the passphrase opens no key slot")


def open_slot(slot: "Signed", passphrase: bytes) -> Keys | None:
    shapes = {1: whole(8, 262_144), 2: whole(1, 16), 3: whole(1, 1), 4: ID, 5: ID, 6: ID}
    public = fields(slot.public, "key slot", shapes)
    need(slot.signer == public[6], "key slot: not signed by the owner")
    need(slot.store_id == store_id_of(public[5], public[6]), "key slot: of another store")
    stretched = hash_secret_raw(
        passphrase, slot.salt, public[2], public[1], public[3], 64, Type.ID, 0x13
    )
    if sha256(b"bunker/1 commitment" + stretched[32:]) != public[4]:
        return None
    bundle = decode_cbor(slot.open_with(0, stretched[:32]))
    fields(bundle, "bundle", {1: whole(1, 3), 3: ID, 4: ID})
    need(bundle[1] == 1, "this passphrase opens no owner's key, and only an owner can restore")
    keys = Keys(fields(bundle, "bundle", {2: ID})[2])
    need(
        (bundle[3], bundle[4]) == (keys.agreement_public, keys.signing_public), "bundle: other keys"
    )
    need(keys.store_id == slot.store_id, "bundle: of another store")
    fields(decode_cbor(slot.open(1, keys)), "key slot's note", {1: text(), 2: TIME})
    return keys


# --- §4 The header, and signed objects -----------------------------------------------------------


def check_header(data: bytes, kinds: tuple[int, ...]) -> int:
    need(len(data) >= 48 and data[:4] == b"BNKR", "not an object of Bunker")
    need(data[4] <= 1 and 1 <= data[5] <= 7, "made by a newer version")
    need(data[4] == 1 and data[5] in kinds, "another kind of object than its name says")
    need(data[6:10] == b"\1\1\1\1", "made by a newer version: another suite")
    need(data[10:16] == bytes(6), "reserved bytes that are not zero")
    return data[5]


LABELS: dict[int, tuple[str, ...]] = {
    1: ("record",),
    2: ("slot", "slot note"),
    5: ("segment",),
    6: ("closure", "snapshot"),
    7: ("heartbeat",),
}
STEPS = {1: 4 * KIB, 2: 4 * KIB, 5: 16 * KIB, 6: 16 * KIB, 7: 4 * KIB}
MOST = {1: 64 * MIB, 2: 64 * KIB, 5: 256 * MIB, 6: 256 * MIB, 7: MIB}


@dataclass
class Signed:
    id: bytes
    kind: int
    salt: bytes
    store_id: bytes
    signer: bytes
    public: dict[int, Any]
    prefix: bytes
    """From 0 up to the end of the public part."""
    sections: list[bytes] = field(repr=False)

    @staticmethod
    def read(path: Path, kind: int, object_id: bytes) -> "Signed":
        need(path.stat().st_size <= MOST[kind], f"{path}: too long")
        try:
            return Signed.parse(path.read_bytes(), kind, object_id)
        except Refused as error:
            raise Refused(f"{path}: {error}") from error

    @staticmethod
    def parse(data: bytes, kind: int, object_id: bytes) -> "Signed":
        need(sha256(data) == object_id, "its bytes are not those that its name promises")
        check_header(data, (kind,))
        need(len(data) % STEPS[kind] == 0, "a length that is not a multiple of its step")
        public_end = 116 + u32(data, 112)
        need(public_end - 116 <= 16 * MIB and public_end <= len(data) - 64, "lengths do not add up")
        sections, at = [], public_end
        for _ in LABELS[kind]:
            end = at + 4 + u32(data, at)
            sections.append(data[at + 4 : end])
            at = end
        need(at == len(data) - 64, "lengths do not add up")
        store_id, signer = data[48:80], data[80:112]
        try:
            signed = b"bunker/1" + bytes([kind]) + store_id + data[:at]
            Ed25519PublicKey.from_public_bytes(signer).verify(data[at:], signed)
        except (InvalidSignature, ValueError) as error:
            raise Refused("the signature is wrong") from error
        public = decode_cbor(data[116:public_end])
        need(type(public) is dict, "a public part that is no map")
        prefix = data[:public_end]
        return Signed(object_id, kind, data[16:48], store_id, signer, public, prefix, sections)

    def open(self, index: int, keys: Keys) -> bytes:
        need(self.store_id == keys.store_id, "an object of another store")
        label = self._label(index)
        if label == b"bunker/1 snapshot":
            associated = label + self.store_id + self.prefix
            plain = hpke_open(keys.agreement, label, associated, self.sections[index])
            return self._unpadded(index, plain)
        return self.open_with(index, hkdf(keys.index_key, self.salt, label))

    def open_with(self, index: int, key: bytes) -> bytes:
        associated = self._label(index) + self.store_id + self.prefix
        return self._unpadded(index, gcm_open(key, ZERO_NONCE, self.sections[index], associated))

    def _label(self, index: int) -> bytes:
        return b"bunker/1 " + LABELS[self.kind][index].encode()

    def _unpadded(self, index: int, plain: bytes) -> bytes:
        end = 4 + u32(plain, 0)
        need(end <= len(plain), "lengths do not add up")
        need(not any(plain[end:]), "padding that is not zero")
        step = STEPS[self.kind] if index == 0 else 256
        need(index == 0 or len(plain) % 256 == 0, "a section that is not padded")
        need(len(plain) - end < step, "more padding than is needed")
        return plain[4:end]


def find_objects(folder: Path) -> Iterator[tuple[Path, int, bytes]]:
    """Objects called <number>-<id>; what is called otherwise is not part of the store."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = re.fullmatch(r"([0-9]{10})-([0-9a-f]{64})", path.name)
        if match:
            need(NUMBER(int(match[1])), f"{path}: a number that is none")
            yield path, int(match[1]), bytes.fromhex(match[2])


def find_signed(folder: Path) -> Iterator[tuple[Path, int, bytes, bytes]]:
    for signer in sorted(folder.iterdir()) if folder.is_dir() else ():
        if re.fullmatch(r"[0-9a-f]{64}", signer.name):
            for path, number, object_id in find_objects(signer):
                yield path, number, object_id, bytes.fromhex(signer.name)


def read_of_signer(path: Path, kind: int, number: int, object_id: bytes, signer: bytes) -> Signed:
    found = Signed.read(path, kind, object_id)
    need(found.signer == signer, f"{path}: another signer than its name says")
    need(found.public.get(1) == number, f"{path}: another number than its name says")
    return found


# --- §9 The owner log ----------------------------------------------------------------------------

RECORDS: dict[int, tuple[dict[int, Shape], dict[int, Shape]]] = {
    1: ({1: ID, 2: ID, 3: tuple_of(whole(), whole(), whole()), 4: whole(), 5: text()}, {}),
    2: ({1: whole(0, 2), 2: SPAN, 3: SPAN, 4: SPAN}, {}),
    3: ({1: octets(16, 16), 2: text()}, {3: text(), 4: text(), 5: text()}),
    4: ({1: whole(2, 3), 2: ID, 3: text(1, 255), 4: sorted_texts}, {5: SPAN, 6: SPAN}),
    5: ({1: ID, 2: ids()}, {}),
    6: ({1: octets(16, 16), 2: MANIFESTS}, {3: text()}),
    7: ({1: octets(16, 16), 2: MANIFESTS}, {}),
    8: ({1: lists(ID, ids(), key=lambda s: s[0])}, {}),
    9: ({1: octets(16, 16), 2: ids(), 3: ids(), 4: TIME}, {}),
    10: ({1: octets(16, 16), 2: ID, 3: ids(), 4: ids(), 5: ids(), 6: ids()}, {}),
    11: ({1: ids()}, {2: text()}),
    12: (
        {1: PAIRS, 2: lists(NUMBER, ID, whole(1, 12), octets(0, 64 * MIB), key=lambda r: r[:2])},
        {},
    ),
}


@dataclass(eq=False)
class Record:
    number: int
    id: bytes
    kind: int
    body: dict[int, Any]
    heads: list[list[Any]]


def decode_record(kind: int, section: bytes) -> dict[int, Any]:
    need(kind in RECORDS, f"made by a newer version: a record of kind {kind}")
    required, optional = RECORDS[kind]
    body = fields(decode_cbor(section), f"record of kind {kind}", {0: TIME, **required}, optional)
    if kind == 3:
        there = [key in body for key in (3, 4, 5)]
        need(
            (body[2], there) in (("s3", [True] * 3), ("folder", [False] * 3)), "a strange location"
        )
    return body


class Log:
    """The owner's records, and which of them are in force (§9.2)."""

    def __init__(self, store: Path, keys: Keys) -> None:
        self.records: dict[bytes, Record] = {}
        for path, number, object_id in find_objects(store / "owner"):
            try:
                self.records[object_id] = self._read(path, number, object_id, keys)
            except Refused as error:
                raise Refused(f"{path}: {error}") from error
        self._add_listed()
        self.before: dict[bytes, set[bytes]] = {}
        for record in sorted(self.records.values(), key=lambda r: r.number):
            self._link(record)
        need(any(r.kind == 1 for r in self.records.values()), "the owner log has no genesis")
        dead = {i for covered, listed in self.checkpoints for i in covered - listed}
        self.alive = [r for r in self.records.values() if r.id not in dead]
        self.location = self._location(store)

    def _read(self, path: Path, number: int, object_id: bytes, keys: Keys) -> Record:
        signed = Signed.read(path, 1, object_id)
        need(signed.signer == keys.signing_public, "not signed by the owner")
        public = fields(signed.public, "record", {1: NUMBER, 2: PAIRS, 3: whole(1)})
        need(public[1] == number, "another number than its name says")
        body = decode_record(public[3], signed.open(0, keys))
        need(
            number == 1 + max((n for n, _ in public[2]), default=0), "a number that does not follow"
        )
        need((number == 1) == (public[3] == 1), "a genesis that is none, or a record without heads")
        if public[3] == 1:
            own = (keys.agreement_public, keys.signing_public)
            need((body[1], body[2]) == own, "a genesis with other keys")
        return Record(number, object_id, public[3], body, public[2])

    def _add_listed(self) -> None:
        """Takes over what checkpoints list; whose records need not be there any more."""
        self.checkpoints: list[tuple[set[bytes], set[bytes]]] = []
        for checkpoint in [r for r in self.records.values() if r.kind == 12]:
            for number, object_id, kind, section in checkpoint.body[2]:
                body = decode_record(kind, section)
                self.records.setdefault(object_id, Record(number, object_id, kind, body, []))
            listed = {entry[1] for entry in checkpoint.body[2]}
            self.checkpoints.append(({i for _, i in checkpoint.body[1]} | listed, listed))

    def _link(self, record: Record) -> None:
        behind = {i for _, i in record.heads}
        covered = {i for entry, _ in self.checkpoints for i in entry}
        for number, head in record.heads:
            known = self.records.get(head)
            need(known is not None or head in covered, f"record {head.hex()} is missing")
            need(known is None or known.number == number, "a head with another number")
        if record.kind == 12:
            behind |= {i for _, i in record.body[1]} | {entry[1] for entry in record.body[2]}
        self.before[record.id] = behind.union(*(self.before.get(i, set()) for i in behind))

    def _location(self, store: Path) -> bytes | None:
        """The id of this place, if the log knows it; removals elsewhere mean nothing here."""
        path = store / "location"
        match = re.fullmatch(r"([0-9a-f]{32})\n", path.read_text()) if path.is_file() else None
        found = bytes.fromhex(match[1]) if match else None
        known = [r.body[1] for r in self.of_kind(3) if r.body[2] == "folder"]
        return found if found in known else None

    def of_kind(self, kind: int) -> list[Record]:
        return [r for r in self.alive if r.kind == kind]

    def here(self, kind: int) -> list[Record]:
        return [r for r in self.of_kind(kind) if r.body[1] == self.location]

    def takes_back(self, taker: Record, taken: Record) -> bool:
        """Whether a revocation or undo, by its place in the log, meets a record."""
        both = {taker.id, taken.id}
        together = any(both <= listed for _, listed in self.checkpoints)
        return not together and taker.id not in self.before[taken.id]

    def accepts(self, signed: Signed, role: int) -> bool:
        revocations = [r for r in self.of_kind(5) if r.body[1] == signed.signer]
        later = [r for r in revocations if not any(r.id in self.before[o.id] for o in revocations)]
        if any(signed.id in split_ids(r.body[2]) for r in later):
            return True
        own = [r for r in self.of_kind(4) if r.body[2] == signed.signer]
        counting = [c for c in own if not any(self.takes_back(r, c) for r in revocations)]
        last = [c for c in counting if not any(c.id in self.before[o.id] for o in counting)]
        return bool(last) and all(c.body[1] == role for c in last)

    def is_removed(self, manifest: bytes) -> bool:
        def of(kind: int) -> list[Record]:
            return [r for r in self.here(kind) if manifest in [m[2] for m in r.body[2]]]

        return any(not any(self.takes_back(u, r) for u in of(7)) for r in of(6))

    def is_swept(self, pack: bytes) -> bool:
        return any(pack in split_ids(r.body[3]) for r in self.here(10))

    def substitutes(self, pack: bytes) -> list[list[bytes]]:
        pairs = [pair for r in self.of_kind(8) for pair in r.body[1]]
        return [split_ids(new) for old, new in pairs if old == pack]


# --- §5, §6 Packs and blobs ----------------------------------------------------------------------


@dataclass
class Blob:
    ordinal: int
    offset: int
    stored: int
    plain: int
    codec: int


class Pack:
    """A pack whose name, key, trailer and padding were verified; blobs are opened one by one."""

    def __init__(self, path: Path, object_id: bytes, keys: Keys) -> None:
        self.path, self.keys, self.id = path, keys, object_id
        need(path.stat().st_size <= 64 * MIB, "a pack of more than 64 MiB")
        data = path.read_bytes()
        need(sha256(data) == object_id, "its bytes are not those that its name promises")
        self.kind, self.bytes, self.md5 = (
            check_header(data, (3, 4)),
            len(data),
            hashlib.md5(data).digest(),
        )
        header, place = data[:48], keys.store_id + data[:48]
        self.key = hpke_open(keys.agreement, b"bunker/1 pack", place, data[48:128])
        trailer_bytes = u32(data, len(data) - 4)
        start = len(data) - 4 - trailer_bytes
        need(trailer_bytes > 0 and trailer_bytes % (16 * KIB) == 0, "a trailer of a strange length")
        need(start >= 128, "lengths do not add up")
        label = b"bunker/1 trailer"
        trailer_key = hkdf(keys.index_key, header[16:48], label)
        self.blobs: dict[bytes, Blob] = {}
        self._decode(gcm_open(trailer_key, ZERO_NONCE, data[start:-4], label + place), start)
        exponent = len(data).bit_length() - 1
        low = exponent - exponent.bit_length()
        need(len(data) % (1 << low) == 0, "a length that is not Padmé's")

    def _decode(self, trailer: bytes, end: int) -> None:
        count, offset = u32(trailer, 0), 128
        need(1 <= count <= 65_536 and 4 + 44 * count <= len(trailer), "a trailer that is none")
        rest = trailer[4 + 44 * count :]
        need(len(rest) < 16 * KIB and not any(rest), "padding that is not zero, or too much of it")
        for ordinal in range(count):
            at = 4 + 44 * ordinal
            blob_id = trailer[at : at + 32]
            stored, plain, codec = (u32(trailer, at + k) for k in (32, 36, 40))
            blob = Blob(ordinal, offset, stored, plain, codec)
            need((codec == 2) == (ordinal == count - 1), "padding is not the last blob alone")
            need(codec <= 2 and stored >= 16, "a strange blob")
            need(codec == 1 or plain == stored - 16, "a blob whose lengths do not fit")
            need(codec == 2 or 1 <= plain <= 4 * MIB, "a blob of a strange length")
            if codec == 2:
                need(blob_id == bytes(32), "padding with an id")
                need(not any(self._unsealed(blob_id, blob)), "padding that is not zero")
            else:
                need(blob_id not in self.blobs, "a blob twice in one pack")
                self.blobs[blob_id] = blob
            offset += stored
        need(offset == end, "lengths do not add up")

    def _unsealed(self, blob_id: bytes, blob: Blob) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(blob.offset)
            sealed = file.read(blob.stored)
        nonce = blob.ordinal.to_bytes(4, "little") + bytes(8)
        return gcm_open(self.key, nonce, sealed, bytes([self.kind]) + blob_id)

    def agrees(self, listing: "Listing") -> bool:
        facts = (listing.length, listing.kind, listing.blobs) == (self.bytes, self.kind, self.blobs)
        return facts and listing.md5 in (self.md5, bytes(16))

    def get(self, blob_id: bytes) -> bytes:
        blob = self.blobs[blob_id]
        data = self._unsealed(blob_id, blob)
        if blob.codec == 1:
            try:
                need(zstandard.frame_content_size(data) == blob.plain, "a frame of another length")
                data = zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
            except zstandard.ZstdError as error:
                raise Refused(f"a blob that is no Zstandard frame: {error}") from error
        need(len(data) == blob.plain, "a blob of another length")
        key = self.keys.id_keys[self.kind]
        need(blake3(data, key=key).digest() == blob_id, "a blob that is not what its id says")
        return data


# --- §7 Index segments ---------------------------------------------------------------------------


@dataclass
class Listing:
    """What a segment says of one pack."""

    length: int
    md5: bytes
    kind: int
    blobs: dict[bytes, Blob]


def decode_segment(section: bytes) -> dict[bytes, Listing]:
    pack_count, blob_count = u32(section, 0), u32(section, 4)
    first_blob = 8 + 56 * pack_count
    need(len(section) == first_blob + 56 * blob_count, "segment: lengths do not add up")
    listings: dict[bytes, Listing] = {}
    for at in range(8, first_blob, 56):
        need(section[at + 53 : at + 56] == bytes(3), "segment: reserved bytes that are not zero")
        kind, count = section[at + 52], u32(section, at + 32)
        need(kind in (3, 4) and 128 <= count <= 64 * MIB, "segment: a strange pack")
        listings[section[at : at + 32]] = Listing(count, section[at + 36 : at + 52], kind, {})
    packs = list(listings)
    need(len(packs) == pack_count and is_ascending(packs), "segment: packs that are not sorted")
    last = (b"", -1)
    for at in range(first_blob, len(section), 56):
        blob_id = section[at : at + 32]
        pack, *rest = (u32(section, at + k) for k in range(32, 56, 4))
        need(last < (blob_id, pack), "segment: blobs that are not sorted")
        need(pack < pack_count, "segment: a blob in no pack")
        last = (blob_id, pack)
        listings[packs[pack]].blobs[blob_id] = Blob(*rest)
    return listings


def read_index(store: Path, log: Log, keys: Keys) -> list[dict[bytes, Listing]]:
    found = []
    for path, number, object_id, signer in find_signed(store / "index"):
        signed = read_of_signer(path, 5, number, object_id, signer)
        fields(signed.public, "segment", {1: NUMBER, 2: TIME}, {3: ids(1)})
        if log.accepts(signed, 2):
            found.append(decode_segment(signed.open(0, keys)))
    return found


# --- §8 Manifests --------------------------------------------------------------------------------


@dataclass
class Manifest:
    id: bytes
    number: int
    signer: bytes
    time: int
    closure: dict[int, Any]
    snapshot: dict[int, Any]

    def closure_ids(self, key: int) -> list[bytes]:
        return split_ids(self.closure.get(key, b""))


COUNTS = {key: whole() for key in range(1, 8)}
ROOT_SHAPES = {1: octets(0, MIB), 2: lambda value: type(value) is dict}


def read_manifest(signed: Signed, keys: Keys) -> Manifest:
    public = fields(signed.public, "manifest", {1: NUMBER, 2: TIME, 3: SIGNER_HEADS, 4: PAIRS})
    optional = {
        1: tuple_of(NUMBER, ID),
        3: ids(1),
        4: ids(1),
        5: lists(NUMBER, ID, key=tuple, least=1),
    }
    closure = fields(decode_cbor(signed.open(0, keys)), "closure", {2: whole(0, 32)}, optional)
    base, stands_on = closure.get(1), closure.get(5, [])
    need(len(stands_on) == closure[2], "closure: a depth that does not fit")
    need((stands_on[-1] if stands_on else None) == base, "closure: a base that is not the last")
    need(base is None or base[0] < public[1], "closure: a base that is not older")
    need(base is not None or 4 not in closure, "closure: dropped packs without a base")
    required = {
        1: text(),
        2: text(),
        3: lambda v: type(v) is list,
        4: sorted_texts,
        6: TIME,
        7: TIME,
    }
    required |= {8: lambda v: type(v) is dict, 9: text()}
    snapshot = fields(decode_cbor(signed.open(1, keys)), "snapshot", required, {5: text(1)})
    fields(snapshot[8], "counts", COUNTS)
    for root in snapshot[3]:
        check_entry(fields(root, "root", ROOT_SHAPES)[2])
    return Manifest(signed.id, public[1], signed.signer, public[2], closure, snapshot)


# --- §8.1 Trees ----------------------------------------------------------------------------------

FILE, FOLDER, LINK, FIFO, SOCKET, CHARACTER, BLOCK, OBJECT = range(1, 9)
NAME = re.compile(rb"[^/\0]{1,4096}", re.DOTALL)
BYTE_PAIRS = lists(octets(1, MIB), octets(0, 64 * MIB), key=lambda p: p[0], least=1)
TEXT_PAIRS = lists(text(), text(), key=lambda p: p[0].encode(), least=1)
ALWAYS: dict[int, Shape] = {
    0: lambda v: type(v) is bytes and bool(NAME.fullmatch(v)) and v not in (b".", b".."),
    1: whole(1, 8),
    2: whole(0, 4095),
    3: whole(),
    4: whole(),
    7: lambda v: type(v) is int,
}
SOMETIMES: dict[int, Shape] = {
    5: text(),
    6: text(),
    8: whole(1, 999_999_999),
    9: whole(1),
    10: octets(1, 4096),
    11: whole(1),
    12: tuple_of(whole(), whole()),
    13: BYTE_PAIRS,
    14: lists(whole(), whole(1), least=1),
    15: ids(1, in_order=False),
    16: ids(1, in_order=False),
    17: lambda v: v is True,
    18: octets(1, 4096),
    19: text(),
    20: text(),
    21: whole(),
    22: TEXT_PAIRS,
    23: TEXT_PAIRS,
    24: text(),
    25: lists(text(), octets(0, MIB), key=lambda p: p[0].encode(), least=1),
    26: tuple_of(whole(0, 2), whole(), whole(0, 1)),
    27: TEXT_PAIRS,
}
ONLY_IN: dict[int, set[int]] = {
    9: {FILE, OBJECT},
    10: {LINK},
    12: {CHARACTER, BLOCK},
    14: {FILE, OBJECT},
    15: {FILE, FOLDER, OBJECT},
    16: {FILE, OBJECT},
    17: {FILE, OBJECT},
    **{key: {OBJECT} for key in range(18, 28)},
}


def check_entry(entry: Any) -> None:
    fields(entry, "entry", ALWAYS, SOMETIMES)
    kind = entry[1]
    for key, kinds in ONLY_IN.items():
        need(key not in entry or kind in kinds, f"entry: key {key} in an entry of type {kind}")
    for key in (10, 12, 18):
        need(key in entry or kind not in ONLY_IN[key], f"entry: key {key} is missing")
    need(15 not in entry or 16 not in entry, "entry: content and content lists")
    need(kind != FOLDER or len(entry.get(15, bytes(32))) == 32, "entry: a folder with two trees")
    end = -1
    for offset, length in entry.get(14, []):
        need(offset > end, "entry: holes that touch or are not sorted")
        end = offset + length
    need(end <= entry.get(9, 0), "entry: a hole beyond the end")


class Blobs:
    """All blobs of the packs of one snapshot."""

    def __init__(self, packs: list[Pack]) -> None:
        self._found: dict[int, dict[bytes, Pack]] = {3: {}, 4: {}}
        for pack in packs:
            self._found[pack.kind].update({blob_id: pack for blob_id in pack.blobs})

    def get(self, kind: int, blob_id: bytes) -> bytes:
        need(blob_id in self._found[kind], f"blob {blob_id.hex()} is in no pack of the snapshot")
        return self._found[kind][blob_id].get(blob_id)

    def _node(self, blob_id: bytes, forms: tuple[int, int]) -> list[Any]:
        node = decode_cbor(self.get(4, blob_id))
        need(
            type(node) is list and len(node) == 2 and node[0] in forms,
            "a tree blob of a strange form",
        )
        need(type(node[0]) is int, "a tree blob of a strange form")
        return node

    def entries(self, tree: bytes, level: int = 0) -> Iterator[dict[int, Any]]:
        """Of one folder, in order; the caller compares names across pages."""
        form, members = self._node(tree, (0, 1))
        if form == 0:
            need(type(members) is list, "a tree that is none")
            for entry in members:
                check_entry(entry)
                yield entry
            return
        need(level < 4, "pages are nested too deep")
        need(lists(ALWAYS[0], ID, key=lambda p: p[0], least=1)(members), "pages that are none")
        for first, page in members:
            for index, entry in enumerate(self.entries(page, level + 1)):
                need(index > 0 or entry[0] == first, "a page that begins with another name")
                yield entry

    def sorted_entries(self, tree: bytes) -> Iterator[dict[int, Any]]:
        last = b""
        for entry in self.entries(tree):
            need(last < entry[0], "entries that are not sorted")
            last = entry[0]
            yield entry

    def chunks(self, entry: dict[int, Any]) -> Iterator[bytes]:
        for chunk in split_ids(entry.get(15, b"")):
            yield self.get(3, chunk)
        for content_list in split_ids(entry.get(16, b"")):
            yield from self._listed(content_list, 1)

    def _listed(self, content_list: bytes, level: int) -> Iterator[bytes]:
        need(level <= 4, "content lists are nested too deep")
        form, joined = self._node(content_list, (2, 3))
        need(ids(1, in_order=False)(joined), "a content list that is none")
        for member in split_ids(joined):
            if form == 2:
                yield self.get(3, member)
            else:
                yield from self._listed(member, level + 1)


# --- Restoring -----------------------------------------------------------------------------------


class Store:
    def __init__(self, path: Path, keys: Keys) -> None:
        self.path, self.keys, self.log = path, keys, Log(path, keys)
        self.manifests: dict[bytes, Manifest] = {}
        self.offered: list[Manifest] = []
        for name, number, object_id, signer in find_signed(path / "snapshots"):
            try:
                signed = read_of_signer(name, 6, number, object_id, signer)
                manifest = read_manifest(signed, keys)
            except Refused as error:
                print(f"left out: {error}", file=sys.stderr)
                continue
            self.manifests[object_id] = manifest
            if not self.log.accepts(signed, 2):
                print(f"left out: {name}: of a foreign signer", file=sys.stderr)
            elif not self.log.is_removed(object_id):
                self.offered.append(manifest)
        self.offered.sort(key=lambda m: (m.time, m.number, m.id))

    def packs_of(self, manifest: Manifest) -> set[bytes]:
        number_and_id = manifest.closure.get(1)
        packs: set[bytes] = set()
        if number_and_id is not None:
            base = self.manifests.get(number_and_id[1])
            if base is None:
                raise Refused(f"manifest {number_and_id[1].hex()}, a base, is missing")
            same = (base.signer, base.number) == (manifest.signer, number_and_id[0])
            need(same, "closure: a base of another signer or number")
            on = [*base.closure.get(5, []), number_and_id]
            need(manifest.closure[5] == on, "closure: it stands on other manifests than its base")
            packs = self.packs_of(base)
        dropped, added = set(manifest.closure_ids(4)), set(manifest.closure_ids(3))
        need(dropped <= packs, "closure: a dropped pack that the base does not have")
        need(not added & packs, "closure: an added pack that the base has")
        return packs - dropped | added

    def _name(self, pack: bytes) -> Path:
        return self.path / "packs" / pack.hex()[:2] / pack.hex()

    def _standing_in(self, pack: bytes, seen: frozenset[bytes] = frozenset()) -> set[bytes] | None:
        """The packs that are there for this one; itself, or what a substitution names."""
        if self._name(pack).is_file() and not self.log.is_swept(pack):
            return {pack}
        for substitutes in self.log.substitutes(pack) if pack not in seen else []:
            parts = [self._standing_in(new, seen | {pack}) for new in substitutes]
            if all(part is not None for part in parts):
                return {i for part in parts if part is not None for i in part}
        return None

    def blobs_of(self, manifest: Manifest) -> Blobs:
        index = read_index(self.path, self.log, self.keys)
        packs: dict[bytes, Pack] = {}
        for wanted in sorted(self.packs_of(manifest)):
            there = self._standing_in(wanted)
            if there is None:
                raise Refused(f"pack {wanted.hex()} is missing")
            for pack in sorted(there - packs.keys()):
                packs[pack] = self._open_pack(pack, index)
        return Blobs(list(packs.values()))

    def _open_pack(self, pack: bytes, index: list[dict[bytes, Listing]]) -> Pack:
        try:
            opened = Pack(self._name(pack), pack, self.keys)
            for segment in index:
                listing = segment.get(pack)
                need(listing is None or opened.agrees(listing), "an index segment says otherwise")
            return opened
        except Refused as error:
            raise Refused(f"{self._name(pack)}: {error}") from error


class Restorer:
    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs
        self.first_names: dict[int, bytes] = {}
        self.skipped = 0

    def restore(self, entry: dict[int, Any], path: bytes) -> None:
        kind, group = entry[1], entry.get(11)
        if group in self.first_names:
            os.link(self.first_names[group], path, follow_symlinks=False)
            return
        if kind == OBJECT:
            print(f"left out: {os.fsdecode(path)!r}: a bucket object", file=sys.stderr)
            self.skipped += 1
            return
        self._make(entry, path)
        if group is not None:
            self.first_names[group] = path
        self._describe(entry, path)

    def _make(self, entry: dict[int, Any], path: bytes) -> None:
        kind = entry[1]
        if kind == FILE:
            self._write(entry, path)
        elif kind == FOLDER:
            os.mkdir(path, 0o700)
            for child in self.blobs.sorted_entries(entry[15]) if 15 in entry else ():
                self.restore(child, os.path.join(path, child[0]))
        elif kind == LINK:
            os.symlink(entry[10], path)
        else:
            kinds = {FIFO: stat.S_IFIFO, SOCKET: stat.S_IFSOCK}
            kinds |= {CHARACTER: stat.S_IFCHR, BLOCK: stat.S_IFBLK}
            os.mknod(path, kinds[kind] | 0o600, os.makedev(*entry.get(12, (0, 0))))

    def _write(self, entry: dict[int, Any], path: bytes) -> None:
        """The chunks fill what lies between the holes."""
        end, at = entry.get(9, 0), 0
        holes = [*entry.get(14, []), [end, 0]]
        with open(path, "xb") as file:
            os.chmod(file.fileno(), 0o600)
            file.truncate(end)
            for chunk in self.blobs.chunks(entry):
                while chunk:
                    while at == holes[0][0] and len(holes) > 1:
                        at += holes.pop(0)[1]
                    count = min(len(chunk), holes[0][0] - at)
                    need(count > 0, f"{path!r}: more content than its size")
                    file.seek(at)
                    file.write(chunk[:count])
                    chunk, at = chunk[count:], at + count
            while at == holes[0][0] and len(holes) > 1:
                at += holes.pop(0)[1]
            need(at == end, f"{path!r}: less content than its size")

    def _describe(self, entry: dict[int, Any], path: bytes) -> None:
        if os.geteuid() == 0:
            os.lchown(path, entry[3], entry[4])
        for name, value in entry.get(13, []):
            os.setxattr(path, name, value, follow_symlinks=False)
        if entry[1] != LINK:
            os.chmod(path, entry[2])
        modified = entry[7] * 1_000_000_000 + entry.get(8, 0)
        os.utime(path, ns=(modified, modified), follow_symlinks=False)


def restore_snapshot(store: Store, manifest: Manifest, target: bytes) -> int:
    """A single folder becomes the target, another single root comes into it; of several roots, each
    comes below it by the path it had."""
    restorer = Restorer(store.blobs_of(manifest))
    roots = manifest.snapshot[3]
    if len(roots) == 1 and roots[0][2][1] == FOLDER:
        restorer.restore(roots[0][2], target)
        return restorer.skipped
    os.mkdir(target)
    for root in roots:
        path = root[1] if len(roots) > 1 else root[2][0]
        parts = [part for part in path.split(b"/") if part]
        need(bool(parts) and not {b".", b".."} & set(parts), f"a strange root {root[1]!r}")
        os.makedirs(os.path.join(target, *parts[:-1]), exist_ok=True)
        restorer.restore(root[2], os.path.join(target, *parts))
    return restorer.skipped


def describe(manifest: Manifest) -> str:
    time = datetime.fromtimestamp(manifest.time / 1000, timezone.utc).isoformat(
        timespec="milliseconds"
    )
    roots = " ".join(repr(os.fsdecode(root[1])) for root in manifest.snapshot[3])
    return (
        f"{manifest.id.hex()} {time} {manifest.snapshot[1]} {manifest.snapshot[8][1]} files {roots}"
    )


def run(options: argparse.Namespace) -> int:
    path = Path(options.store)
    if options.phrase_file:
        keys = keys_of_phrase(Path(options.phrase_file).read_text())
    else:
        passphrase = Path(options.passphrase_file).read_text().removesuffix("\n")
        keys = keys_of_passphrase(path, passphrase)
    store = Store(path, keys)
    if options.list:
        for manifest in store.offered:
            print(describe(manifest))
        return 0
    chosen = [m for m in store.offered if m.id.hex().startswith(options.snapshot)]
    need(bool(chosen), "there is no such snapshot")
    need(not options.snapshot or len(chosen) == 1, "several snapshots begin like this")
    return 1 if restore_snapshot(store, chosen[-1], os.fsencode(options.target)) else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Restores a snapshot of a Bunker store in a folder."
    )
    parser.add_argument("store")
    parser.add_argument("target", nargs="?", help="a folder that does not exist yet")
    parser.add_argument("--list", action="store_true", help="list the snapshots, the oldest first")
    parser.add_argument("--snapshot", default="", help="the beginning of a snapshot's id")
    secret = parser.add_mutually_exclusive_group(required=True)
    secret.add_argument("--passphrase-file")
    secret.add_argument("--phrase-file")
    options = parser.parse_args()
    if options.target is None and not options.list:
        parser.error("name a target, or --list")
    sys.setrecursionlimit(20_000)
    try:
        return run(options)
    except (Refused, OSError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
