// Header: the 48 bytes with which every object begins (docs/format.md §4).
//
//     "BNKR" | version | kind | KEM | AEAD | id hash | cutter | 6 zero bytes | salt (32)

import { assert, present } from "../base/assert.ts";
import { type Bytes, concatBytes, equalBytes, isZero, utf8 } from "../base/bytes.ts";
import { corrupt, madeByNewer } from "./fields.ts";

export const HEADER_BYTES = 48;
export const SALT_BYTES = 32;

export type ObjectKind = "record" | "slot" | "data" | "tree" | "segment" | "manifest" | "heartbeat";

export interface Header {
  readonly kind: ObjectKind;
  readonly salt: Bytes;
}

const MAGIC = utf8("BNKR");
const VERSION = 1;
/** KEM X25519, AEAD AES-256-GCM, id hash BLAKE3, cutter of §6.4. */
const SUITE = Uint8Array.of(1, 1, 1, 1);
const KIND_NUMBERS: Readonly<Record<ObjectKind, number>> = {
  record: 1,
  slot: 2,
  data: 3,
  tree: 4,
  segment: 5,
  manifest: 6,
  heartbeat: 7,
};
const KINDS = new Map(
  Object.entries(KIND_NUMBERS).map(([kind, number]) => [number, kind as ObjectKind]),
);

/** The number of a kind, as it stands in headers, signed messages and blobs' associated data. */
export function kindNumber(kind: ObjectKind): number {
  return KIND_NUMBERS[kind];
}

export function encodeHeader(header: Header): Uint8Array<ArrayBuffer> {
  assert(header.salt.length === SALT_BYTES, `a salt has ${SALT_BYTES} bytes`);
  const start = Uint8Array.of(VERSION, kindNumber(header.kind));
  return concatBytes(MAGIC, start, SUITE, new Uint8Array(6), header.salt);
}

/**
 * Reads the header at the beginning of an object; its salt is a view.
 *
 * Throws `corrupt`, or `unsupported-version` where version, kind or suite are not of this version.
 */
export function decodeHeader(bytes: Bytes, what = "object"): Header {
  if (bytes.length < HEADER_BYTES) throw corrupt(what, "shorter than a header");
  if (!equalBytes(bytes.subarray(0, 4), MAGIC)) throw corrupt(what, "expected a Bunker object");
  const kind = KINDS.get(present(bytes[5], "the header is there"));
  if (bytes[4]! > VERSION) throw madeByNewer(what);
  if (bytes[4] !== VERSION) throw corrupt(what, `expected version ${VERSION}, found ${bytes[4]}`);
  if (kind === undefined || !equalBytes(bytes.subarray(6, 10), SUITE)) throw madeByNewer(what);
  if (!isZero(bytes.subarray(10, 16))) throw corrupt(what, "expected zeros in the header");
  return { kind, salt: bytes.subarray(16, HEADER_BYTES) };
}
