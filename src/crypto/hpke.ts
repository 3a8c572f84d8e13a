// HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, by @hpke/core.
//
//   sealed = enc (32: the ephemeral public key) | ciphertext | tag (16)

import {
  Aes256Gcm,
  CipherSuite,
  DecapError,
  DeserializeError,
  DhkemX25519HkdfSha256,
  HkdfSha256,
  OpenError,
} from "@hpke/core";
import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes, copyBytes } from "../base/bytes.ts";

const KEY_BYTES = 32;
const ENC_BYTES = 32;
const TAG_BYTES = 16;
/** Of fresh randomness, for the ephemeral key of one seal. */
export const EPHEMERAL_BYTES = 32;
/** How much longer a sealed text is than the plain one. */
export const HPKE_OVERHEAD_BYTES = ENC_BYTES + TAG_BYTES;

export interface HpkeContext {
  readonly info: Bytes;
  readonly associated: Bytes;
}

/**
 * Seals to an X25519 public key. All depends on `ephemeral` only: equal inputs give equal output,
 * and the same `ephemeral` never serves two texts.
 */
export async function hpkeSeal(
  publicKey: Bytes,
  { info, associated }: HpkeContext,
  plain: Bytes,
  ephemeral: Bytes,
): Promise<Uint8Array<ArrayBuffer>> {
  assert(publicKey.length === KEY_BYTES, `a public key has ${KEY_BYTES} bytes`);
  assert(ephemeral.length === EPHEMERAL_BYTES, `an ephemeral secret has ${EPHEMERAL_BYTES} bytes`);
  const suite = createSuite();
  // The runtime refuses views of shared memory, hence the copies.
  const recipientPublicKey = await suite.kem.deserializePublicKey(copyBytes(publicKey));
  const params = { recipientPublicKey, info: copyBytes(info), ekm: copyBytes(ephemeral) };
  const { enc, ct } = await suite.seal(params, copyBytes(plain), copyBytes(associated));
  return concatBytes(new Uint8Array(enc), new Uint8Array(ct));
}

/** Opens what was sealed to this X25519 private key; `undefined` for anything else. */
export async function hpkeOpen(
  privateKey: Bytes,
  { info, associated }: HpkeContext,
  sealed: Bytes,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  assert(privateKey.length === KEY_BYTES, `a private key has ${KEY_BYTES} bytes`);
  if (sealed.length < HPKE_OVERHEAD_BYTES) return undefined;
  const suite = createSuite();
  const recipientKey = await suite.kem.deserializePrivateKey(copyBytes(privateKey));
  const enc = copyBytes(sealed.subarray(0, ENC_BYTES));
  const ciphertext = copyBytes(sealed.subarray(ENC_BYTES));
  try {
    const params = { recipientKey, enc, info: copyBytes(info) };
    return new Uint8Array(await suite.open(params, ciphertext, copyBytes(associated)));
  } catch (error) {
    if (isNotForUs(error)) return undefined;
    throw error;
  }
}

// A bad tag, and an ephemeral key that is none (a point of low order, for one).
function isNotForUs(error: unknown): boolean {
  return (
    error instanceof OpenError || error instanceof DecapError || error instanceof DeserializeError
  );
}

function createSuite(): CipherSuite {
  return new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
}
