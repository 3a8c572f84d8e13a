// Seal: to the owner's public key, so that a machine can write what it can't read.

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { EPHEMERAL_BYTES, HPKE_OVERHEAD_BYTES, hpkeOpen, hpkeSeal } from "./hpke.ts";

/** How much longer a seal is than what is sealed. */
export const SEAL_OVERHEAD_BYTES = HPKE_OVERHEAD_BYTES;

/**
 * Seals `plain` to an X25519 public key: ephemeral key (32 bytes), ciphertext, tag (16 bytes).
 *
 * Whoever seals can't open what was sealed. So it is made twice from the same ephemeral secret and
 * compared: a fault of memory or processor would else be found when the backup is needed.
 */
export async function sealTo(
  publicKey: Bytes,
  info: Bytes,
  associated: Bytes,
  plain: Bytes,
): Promise<Uint8Array<ArrayBuffer>> {
  const ephemeral = globalThis.crypto.getRandomValues(new Uint8Array(EPHEMERAL_BYTES));
  const context = { info, associated };
  const sealed = await hpkeSeal(publicKey, context, plain, ephemeral);
  const again = await hpkeSeal(publicKey, context, plain, ephemeral);
  ephemeral.fill(0);
  assert(equalBytes(sealed, again), "a seal comes out the same twice");
  return sealed;
}

/** Opens a seal; `undefined` where it was not made for this key, `info` and `associated`. */
export async function openFrom(
  privateKey: Bytes,
  info: Bytes,
  associated: Bytes,
  sealed: Bytes,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return hpkeOpen(privateKey, { info, associated }, sealed);
}
