// Ids: fixed byte strings, and their hexadecimal texts as map keys and names.

import { assert, present } from "./assert.ts";
import { type Bytes, hexOf, parseHex } from "./bytes.ts";

/** Every hash, key id and public key of the format has this length. */
export const ID_BYTES = 32;

/** The id of a blob: keyed BLAKE3 of its plaintext. */
export type BlobId = Bytes & { readonly __blob?: never };
/** SHA-256 of an object's bytes: the last part of its name. */
export type ObjectId = Bytes & { readonly __object?: never };
/** An Ed25519 public key: a writer's or a keeper's identity. */
export type SignerId = Bytes & { readonly __signer?: never };
/** An id as 64 hexadecimal digits. */
export type HexId = string & { readonly __hex?: never };

export function hexId(id: Bytes): HexId {
  assert(id.length === ID_BYTES, `an id has ${ID_BYTES} bytes, not ${id.length}`);
  return hexOf(id);
}

export function isHexId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** The bytes of an id whose text is known to be one. */
export function parseHexId(text: HexId): Uint8Array<ArrayBuffer> {
  return present(isHexId(text) ? parseHex(text) : undefined, "an id has 64 hexadecimal digits");
}
