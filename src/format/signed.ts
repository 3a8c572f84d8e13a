// Signed objects: the container of all kinds but packs (docs/format.md §4).
//
//     header | store id | signer | u32 P | public part | (u32 length | sealed bytes)… | signature
//
// A section's associated data is its label, the store id, and everything before the sections; the
// signature covers all that stands before it, as it stands.

import { assert, present } from "../base/assert.ts";
import { type Bytes, concatBytes, equalBytes, loadU32, utf8 } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { ID_BYTES, type SignerId } from "../base/ids.ts";
import type { Platform } from "../base/platform.ts";
import { objectKey } from "../crypto/derive.ts";
import { openFrom, sealTo } from "../crypto/seal.ts";
import { SIGNATURE_BYTES, signedMessage } from "../crypto/sign.ts";
import { decodeCbor } from "./cbor.ts";
import { type Cbor, type CborMap, encodeCbor } from "./cbor-encoder.ts";
import type { ReadContext, WriteContext } from "./context.ts";
import { corrupt } from "./fields.ts";
import { FORMS, padSections, sectionForm, type SignedKind, u32, unpad } from "./forms.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, type Header, kindNumber } from "./header.ts";
import { checkName, type ObjectName } from "./names.ts";

export interface SignedObject {
  readonly kind: SignedKind;
  readonly header: Header;
  readonly storeId: Bytes;
  readonly signer: SignerId;
  readonly public: CborMap;
  /** Where the public part ends: what stands before is associated with every section. */
  readonly publicEnd: number;
  readonly sealed: readonly Bytes[];
  readonly bytes: Bytes;
}

export interface NewSigned {
  readonly kind: SignedKind;
  /** From {@link newSalt}. */
  readonly salt: Bytes;
  readonly public: CborMap;
  /** The content of each section. */
  readonly sections: readonly Bytes[];
  /** The key of a slot's first section. */
  readonly stretchedKey?: Bytes;
}

const PUBLIC_BYTES_MAX = 16 * 1024 * 1024;
const ZERO_NONCE = new Uint8Array(12);
/** Header, store id, signer and the length of the public part. */
const PUBLIC_OFFSET = HEADER_BYTES + 2 * ID_BYTES + 4;

/** A salt that no two different objects share, even where a cloned machine repeats its randomness. */
export function newSalt(context: WriteContext, sections: readonly Bytes[]): Bytes {
  const fresh = context.platform.random(32);
  return context.keyed(context.keys.indexKey, concatBytes(fresh, ...sections));
}

/**
 * Pads, seals and signs. The result is read back and compared, but for what is sealed to the owner,
 * whose seal `sealTo` has made twice.
 */
export async function encodeSigned(
  context: WriteContext,
  object: NewSigned,
): Promise<Uint8Array<ArrayBuffer>> {
  const { kind, sections } = object;
  const form = FORMS[kind];
  assert(
    sections.length === form.sections.length,
    `a ${kind} has ${form.sections.length} sections`,
  );
  const head = encodeHead(context, object);
  const plains = padSections(form, head.length, sections);
  const parts: Bytes[] = [head];
  for (const [i, plain] of plains.entries()) {
    const sealed = await sealSection(context, object, { index: i, head, plain });
    parts.push(u32(sealed.length), sealed);
  }
  const unsigned = concatBytes(...parts);
  const message = signedMessage(kindNumber(kind), context.keys.storeId, unsigned);
  const bytes = concatBytes(unsigned, await context.platform.sign(context.signer.seed, message));
  if (bytes.length > form.bytesMax) {
    throw new BunkerError(
      "full",
      `a ${kind} has at most ${form.bytesMax} bytes, not ${bytes.length}`,
    );
  }
  await checkWritten(context, bytes, object);
  return bytes;
}

/** Reads the structure of a signed object; checks neither name nor signature. Throws `corrupt`. */
export function decodeSigned(bytes: Bytes, kind: SignedKind): SignedObject {
  const form = FORMS[kind];
  const header = decodeHeader(bytes, kind);
  if (header.kind !== kind) throw corrupt(kind, `expected a ${kind}, found a ${header.kind}`);
  if (bytes.length % form.stepBytes !== 0 || bytes.length > form.bytesMax) {
    throw corrupt(kind, `no length of a ${kind}: ${bytes.length}`);
  }
  const end = bytes.length - SIGNATURE_BYTES;
  const publicEnd = PUBLIC_OFFSET + loadU32(bytes, PUBLIC_OFFSET - 4);
  if (publicEnd > end) throw corrupt(kind, "its public part is cut off");
  return {
    kind,
    header,
    storeId: bytes.subarray(HEADER_BYTES, HEADER_BYTES + ID_BYTES),
    signer: bytes.subarray(HEADER_BYTES + ID_BYTES, HEADER_BYTES + 2 * ID_BYTES),
    public: decodePublic(bytes.subarray(PUBLIC_OFFSET, publicEnd), kind),
    publicEnd,
    sealed: splitSections(bytes.subarray(publicEnd, end), kind),
    bytes,
  };
}

/** Throws `corrupt` unless the signature is that of the object's signer. */
export async function verifySigned(platform: Platform, object: SignedObject): Promise<void> {
  const end = object.bytes.length - SIGNATURE_BYTES;
  const message = signedMessage(
    kindNumber(object.kind),
    object.storeId,
    object.bytes.subarray(0, end),
  );
  const signature = object.bytes.subarray(end);
  if (!(await platform.verify(object.signer, message, signature))) {
    throw corrupt(object.kind, "its signature does not match");
  }
}

/**
 * Checks the name, the store where `storeId` is given, and the signature.
 *
 * Throws `corrupt`, also for an object of another store, and `unsupported-version`.
 */
export async function readSigned(
  platform: Platform,
  name: string,
  bytes: Bytes,
  expected: { readonly kind: SignedKind; readonly storeId?: Bytes },
): Promise<{ readonly object: SignedObject; readonly name: ObjectName }> {
  const { kind, storeId } = expected;
  const parts = await checkName(platform, name, bytes);
  if (parts.kind !== (kind === "record" ? "log" : kind)) {
    throw corrupt(kind, `expected a name of a ${kind}, found ${name}`);
  }
  const object = decodeSigned(bytes, kind);
  if (storeId !== undefined && !equalBytes(object.storeId, storeId)) {
    throw new BunkerError("corrupt", `${name}: belongs to another store`, { subject: name });
  }
  if ("signer" in parts && !equalBytes(parts.signer, object.signer)) {
    throw corrupt(kind, "its name has another signer");
  }
  await verifySigned(platform, object);
  return { object, name: parts };
}

/** Throws `corrupt` unless the name has this number. */
export function checkNumber(name: ObjectName, number: number): void {
  if ("number" in name && name.number === number) return;
  throw corrupt(name.kind, `expected the number of its name, found ${number}`);
}

/** Opens a section under indexKey, or the stretched one with its own key; gives its content. */
export async function openSection(
  platform: Platform,
  object: SignedObject,
  index: number,
  key: { readonly indexKey: Bytes } | { readonly stretchedKey: Bytes },
): Promise<Bytes> {
  const { label } = sectionForm(object.kind, index);
  const sealed = present(object.sealed[index], "the form has this section");
  const sectionKey =
    "indexKey" in key
      ? await objectKey(platform, key.indexKey, object.header.salt, label)
      : key.stretchedKey;
  const plain = await platform.openGcm(sectionKey, ZERO_NONCE, associatedOf(object, label), sealed);
  if (plain === undefined) throw corrupt(object.kind, "it does not open");
  return unpad(plain, object.kind, index);
}

/** Opens the section that is sealed to the owner. Throws `wrong-key` without the private key. */
export async function openOwnerSection(
  { keys }: ReadContext,
  object: SignedObject,
  index: number,
): Promise<Bytes> {
  if (keys.agreementPrivate === undefined) {
    throw new BunkerError("wrong-key", "only the owner's key opens this");
  }
  const { label } = sectionForm(object.kind, index);
  const sealed = present(object.sealed[index], "the form has this section");
  const info = utf8(`bunker/1 ${label}`);
  const associated = associatedOf(object, label);
  const plain = await openFrom(keys.agreementPrivate, info, associated, sealed);
  if (plain === undefined) throw corrupt(object.kind, "it does not open");
  return unpad(plain, object.kind, index);
}

function encodeHead(context: WriteContext, object: NewSigned): Bytes {
  const header = encodeHeader({ kind: object.kind, salt: object.salt });
  const publicPart = encodeCbor(object.public);
  assert(publicPart.length <= PUBLIC_BYTES_MAX, "the public part is bounded");
  const { storeId } = context.keys;
  return concatBytes(header, storeId, context.signer.publicKey, u32(publicPart.length), publicPart);
}

async function sealSection(
  context: WriteContext,
  object: NewSigned,
  section: { readonly index: number; readonly head: Bytes; readonly plain: Bytes },
): Promise<Bytes> {
  const { platform, keys } = context;
  const { label, how } = sectionForm(object.kind, section.index);
  const associated = concatBytes(utf8(`bunker/1 ${label}`), keys.storeId, section.head);
  if (how === "owner") {
    return sealTo(keys.agreementPublic, utf8(`bunker/1 ${label}`), associated, section.plain);
  }
  const key =
    how === "stretched"
      ? present(object.stretchedKey, "a stretched section has its key")
      : await objectKey(platform, keys.indexKey, object.salt, label);
  return platform.sealGcm(key, ZERO_NONCE, associated, section.plain);
}

async function checkWritten(context: WriteContext, bytes: Bytes, object: NewSigned): Promise<void> {
  const read = decodeSigned(bytes, object.kind);
  await verifySigned(context.platform, read);
  assert(
    equalBytes(encodeCbor(read.public), encodeCbor(object.public)),
    "the public part is read back",
  );
  for (const [i, content] of object.sections.entries()) {
    const { how } = sectionForm(object.kind, i);
    if (how === "owner") continue;
    const stretchedKey = object.stretchedKey;
    const key =
      how === "stretched" && stretchedKey !== undefined
        ? { stretchedKey }
        : { indexKey: context.keys.indexKey };
    const opened = await openSection(context.platform, read, i, key);
    assert(equalBytes(opened, content), `section ${i} of a ${object.kind} is read back`);
  }
}

function decodePublic(bytes: Bytes, kind: SignedKind): CborMap {
  const value: Cbor = decodeCbor(bytes, { what: kind, bytesMax: PUBLIC_BYTES_MAX });
  if (!(value instanceof Map)) throw corrupt(kind, "its public part is no map");
  return value;
}

function splitSections(bytes: Bytes, kind: SignedKind): readonly Bytes[] {
  const sealed: Bytes[] = [];
  let at = 0;
  for (const _ of FORMS[kind].sections) {
    if (at + 4 > bytes.length) throw corrupt(kind, "a section is missing");
    const end = at + 4 + loadU32(bytes, at);
    if (end > bytes.length) throw corrupt(kind, "a section is cut off");
    sealed.push(bytes.subarray(at + 4, end));
    at = end;
  }
  if (at !== bytes.length) throw corrupt(kind, "bytes are left over");
  return sealed;
}

function associatedOf(object: SignedObject, label: string): Bytes {
  const head = object.bytes.subarray(0, object.publicEnd);
  return concatBytes(utf8(`bunker/1 ${label}`), object.storeId, head);
}
