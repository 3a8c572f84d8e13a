// Packs: many blobs in one object (docs/format.md §6).
//
//     header (48) | sealed key (80) | blob | blob | … | sealed trailer | u32 its length
//
// The bytes of a new pack are laid out in the core; what is here reads them, and seals the parts.

import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes, equalBytes, storeU32, utf8 } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { type BlobId, ID_BYTES } from "../base/ids.ts";
import { PACK_BYTES_MAX } from "../base/limits.ts";
import { type Platform, release } from "../base/platform.ts";
import { decompressBlob } from "../crypto/compress.ts";
import { objectKey } from "../crypto/derive.ts";
import { openFrom, SEAL_OVERHEAD_BYTES, sealTo } from "../crypto/seal.ts";
import type { Keyed, ReadContext, StoreKeys } from "./context.ts";
import { corrupt } from "./fields.ts";
import { decodeHeader, HEADER_BYTES, type Header, kindNumber } from "./header.ts";
import { decodeTrailer, type PlacedBlob, trailerBytes } from "./trailer.ts";

export const PACK_KEY_BYTES = 32;
export const SEALED_PACK_KEY_BYTES = PACK_KEY_BYTES + SEAL_OVERHEAD_BYTES;
const TRAILER_LENGTH_BYTES = 4;
const ZERO_NONCE = new Uint8Array(12);

export type PackKind = "data" | "tree";

/** The structure of a pack; `header` and `sealedKey` are views. */
export interface Pack {
  readonly kind: PackKind;
  readonly header: Bytes;
  readonly sealedKey: Bytes;
  readonly blobs: readonly PlacedBlob[];
}

/** What opening a blob needs to know of it. */
export interface SealedBlob extends Pick<PlacedBlob, "id" | "ordinal" | "plainBytes"> {
  readonly packKey: Bytes;
  readonly kind: PackKind;
  readonly codec: number;
}

export type IdOf = (space: PackKind, bytes: Bytes) => Bytes;

/** The salt for a new pack's header (§6.3); `random` has 32 fresh bytes. */
export function trailerSalt(
  keyed: Keyed,
  indexKey: Bytes,
  random: Bytes,
  trailerPlain: Bytes,
): Bytes {
  return keyed(indexKey, concatBytes(random, trailerPlain));
}

/** Seals a new pack's key to the owner: 80 bytes. */
export async function sealPackKey(keys: StoreKeys, header: Bytes, packKey: Bytes): Promise<Bytes> {
  assert(packKey.length === PACK_KEY_BYTES, `a pack's key has ${PACK_KEY_BYTES} bytes`);
  const associated = concatBytes(keys.storeId, header);
  const sealed = await sealTo(keys.agreementPublic, PACK_KEY_INFO, associated, packKey);
  assert(sealed.length === SEALED_PACK_KEY_BYTES, "a sealed key has its length");
  return sealed;
}

const PACK_KEY_INFO = utf8("bunker/1 pack");

/** Owner only. Throws `wrong-key` without the private key, `corrupt` where it does not open. */
export async function openPackKey(
  { keys }: ReadContext,
  header: Bytes,
  sealedKey: Bytes,
): Promise<Bytes> {
  if (keys.agreementPrivate === undefined) {
    throw new BunkerError("wrong-key", "only the owner's key opens packs");
  }
  const associated = concatBytes(keys.storeId, header);
  const key = await openFrom(keys.agreementPrivate, PACK_KEY_INFO, associated, sealedKey);
  if (key?.length !== PACK_KEY_BYTES) throw corrupt("pack", "its key does not open");
  return key;
}

export async function sealTrailer(
  context: ReadContext,
  header: Bytes,
  trailerPlain: Bytes,
): Promise<Bytes> {
  const key = await trailerKey(context, header);
  return context.platform.sealGcm(
    key,
    ZERO_NONCE,
    trailerAssociated(context, header),
    trailerPlain,
  );
}

/** Opens the trailer of a pack of `packBytes`; padding is not in the list. Throws `corrupt`. */
export async function openTrailer(
  context: ReadContext,
  header: Bytes,
  sealedTrailer: Bytes,
  packBytes: number,
): Promise<readonly PlacedBlob[]> {
  const associated = trailerAssociated(context, header);
  const key = await trailerKey(context, header);
  const plain = await context.platform.openGcm(key, ZERO_NONCE, associated, sealedTrailer);
  if (plain === undefined) throw corrupt("pack", "its trailer does not open");
  const blobsBytes =
    packBytes -
    (HEADER_BYTES + SEALED_PACK_KEY_BYTES + sealedTrailer.length + TRAILER_LENGTH_BYTES);
  return decodeTrailer(plain, blobsBytes);
}

/** Reads a pack's header. Throws `corrupt` or `unsupported-version`. */
export function decodePackHeader(header: Bytes): Header & { readonly kind: PackKind } {
  const { kind, salt } = decodeHeader(header, "pack");
  if (kind !== "data" && kind !== "tree") throw corrupt("pack", `expected a pack, found a ${kind}`);
  return { kind, salt };
}

/** Reads a whole pack's structure. The caller has checked its name. */
export async function decodePack(context: ReadContext, bytes: Bytes): Promise<Pack> {
  if (bytes.length > PACK_BYTES_MAX) throw corrupt("pack", `no length of a pack: ${bytes.length}`);
  const { kind } = decodePackHeader(bytes);
  const header = bytes.subarray(0, HEADER_BYTES);
  const end = bytes.length - TRAILER_LENGTH_BYTES;
  const start = end - trailerBytes(bytes.subarray(-TRAILER_LENGTH_BYTES), bytes.length);
  const blobs = await openTrailer(context, header, bytes.subarray(start, end), bytes.length);
  const sealedKey = bytes.subarray(HEADER_BYTES, HEADER_BYTES + SEALED_PACK_KEY_BYTES);
  return { kind, header, sealedKey, blobs };
}

export function blobNonce(ordinal: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  storeU32(nonce, 0, ordinal);
  return nonce;
}

export function blobAssociated(kind: PackKind, id: BlobId): Uint8Array<ArrayBuffer> {
  const associated = new Uint8Array(1 + ID_BYTES);
  associated[0] = kindNumber(kind);
  associated.set(id, 1);
  return associated;
}

/**
 * Opens one blob, and checks its length and its id. The caller has bounded `plainBytes`.
 *
 * Throws `corrupt`, and `unsupported-version` for an unknown codec.
 */
export async function openBlob(
  platform: Platform,
  blob: SealedBlob,
  sealed: Bytes,
  idOf: IdOf,
): Promise<Uint8Array<ArrayBuffer>> {
  const associated = blobAssociated(blob.kind, blob.id);
  const opened = await platform.openGcm(blob.packKey, blobNonce(blob.ordinal), associated, sealed);
  if (opened === undefined) throw corrupt("blob", "it does not open");
  const plain = await decompressBlob(platform, blob.codec, opened, blob.plainBytes);
  if (plain !== opened) release(opened);
  if (plain.length !== blob.plainBytes || !equalBytes(idOf(blob.kind, plain), blob.id)) {
    throw corrupt("blob", "its content is not what its id says");
  }
  return plain as Uint8Array<ArrayBuffer>;
}

function trailerKey({ platform, keys }: ReadContext, header: Bytes): Promise<Bytes> {
  return objectKey(platform, keys.indexKey, decodePackHeader(header).salt, "trailer");
}

function trailerAssociated({ keys }: ReadContext, header: Bytes): Bytes {
  return concatBytes(utf8("bunker/1 trailer"), keys.storeId, header);
}
