// Signed messages: what an Ed25519 signature of the format covers.
//
//   "bunker/1" | u8 kind | store id (32) | all stored bytes before the signature

import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts";
import { ID_BYTES } from "../base/ids.ts";

export const SIGNATURE_BYTES = 64;

/** The message to sign or to verify for the object of this kind whose stored bytes are `bytes`. */
export function signedMessage(kind: number, storeId: Bytes, bytes: Bytes): Uint8Array<ArrayBuffer> {
  assert(Number.isInteger(kind) && kind >= 0 && kind <= 255, `a kind is one byte, not ${kind}`);
  assert(storeId.length === ID_BYTES, `a store id has ${ID_BYTES} bytes, not ${storeId.length}`);
  return concatBytes(utf8("bunker/1"), Uint8Array.of(kind), storeId, bytes);
}
