// Platform: the primitives that the runtime does faster than we could.
//
// The pure rooms reach them through this interface only, so that the code that reads a store also
// runs in a browser or at the edge. The reading side awaits every answer; the writing side uses a
// `NativePlatform`, whose answers are there at once.

import type { Bytes } from "./bytes.ts";

export type Awaitable<T> = T | Promise<T>;
type Owned = Uint8Array<ArrayBuffer>;

/** What Argon2id may spend, and how many bytes it gives. */
export interface StretchOrder {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  readonly outputBytes: number;
}

export interface Platform {
  random(byteCount: number): Owned;
  sha256(bytes: Bytes): Awaitable<Owned>;
  /** HKDF-SHA-256 (RFC 5869). */
  hkdf(key: Bytes, salt: Bytes, info: Bytes, byteCount: number): Awaitable<Owned>;
  /** AES-256-GCM; returns the ciphertext followed by its 16-byte tag. */
  sealGcm(key: Bytes, nonce: Bytes, associated: Bytes, plain: Bytes): Awaitable<Owned>;
  /** Returns `undefined` where the tag does not match. */
  openGcm(key: Bytes, nonce: Bytes, associated: Bytes, sealed: Bytes): Awaitable<Owned | undefined>;
  /** Ed25519 (RFC 8032) from the 32-byte seed. */
  sign(seed: Bytes, message: Bytes): Awaitable<Owned>;
  verify(publicKey: Bytes, message: Bytes, signature: Bytes): Awaitable<boolean>;
  signingPublicKey(seed: Bytes): Awaitable<Owned>;
  /** X25519 (RFC 7748): the public key of a 32-byte private key. */
  agreementPublicKey(privateKey: Bytes): Awaitable<Owned>;
  /** Argon2id (RFC 9106), where the runtime has it; the caller has bounded the cost. */
  readonly stretch?: (passphrase: Bytes, salt: Bytes, order: StretchOrder) => Awaitable<Owned>;
  /**
   * Decodes one zstd frame to exactly `plainBytes`; throws where the frame says or yields another
   * length. The caller has bounded `plainBytes`.
   */
  decompress(frame: Bytes, plainBytes: number): Awaitable<Owned>;
}

export interface NativePlatform extends Platform {
  sha256(bytes: Bytes): Owned;
  hkdf(key: Bytes, salt: Bytes, info: Bytes, byteCount: number): Owned;
  sealGcm(key: Bytes, nonce: Bytes, associated: Bytes, plain: Bytes): Owned;
  /** Seals where it stands: the last 16 bytes of `area` are the tag's, those before are the plaintext. */
  sealGcmInPlace(key: Bytes, nonce: Bytes, associated: Bytes, area: Bytes): void;
  openGcm(key: Bytes, nonce: Bytes, associated: Bytes, sealed: Bytes): Owned | undefined;
  sign(seed: Bytes, message: Bytes): Owned;
  verify(publicKey: Bytes, message: Bytes, signature: Bytes): boolean;
  signingPublicKey(seed: Bytes): Owned;
  agreementPublicKey(privateKey: Bytes): Owned;
  decompress(frame: Bytes, plainBytes: number): Owned;

  md5(bytes: Bytes): Owned;
  /** One zstd frame that records its content size. */
  compress(plain: Bytes, level: number): Owned;
  /** The same on the runtime's thread pool. `plain` must not be shared memory. */
  compressPooled(plain: Bytes, level: number): Promise<Owned>;
}

/**
 * Gives memory back at once that is used up: the collector is far too late for large pieces. A view
 * of a part, and shared memory, are left alone.
 */
export function release(bytes: Bytes): void {
  const { buffer, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && byteLength > 0 && byteLength === buffer.byteLength) {
    buffer.transfer(0);
  }
}
