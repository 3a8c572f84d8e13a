// Platform of this machine: the runtime's own primitives, the fastest measured of each kind.
//
// Every output is a plain Uint8Array that owns an exact ArrayBuffer, so that `release` can give its
// memory back. (The runtime returns Buffers, whose `slice` shares memory, and whose memory may be
// longer than they are.)

import {
  argon2Sync,
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  randomFillSync,
} from "node:crypto";
import { assert } from "../base/assert.ts";
import { type Bytes, copyBytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { checkFrame } from "../base/frame.ts";
import { type NativePlatform, release, type StretchOrder } from "../base/platform.ts";
import { publicKeyOfEd25519, publicKeyOfX25519, signEd25519, verifyEd25519 } from "./curve.ts";

type Owned = Uint8Array<ArrayBuffer>;

const GCM = "aes-256-gcm";
const GCM_KEY_BYTES = 32;
const GCM_NONCE_BYTES = 12;
const GCM_TAG_BYTES = 16;

/**
 * The runtime's cipher can't write into memory of ours. Piece by piece the copy stays in the cache:
 * 1 MiB sealed in 220 us against 258 us at once (4 MiB: 820 us; half or double the piece is slower).
 */
const GCM_PIECE_BYTES = 64 * 1024;

export const nativePlatform: NativePlatform = {
  random: (byteCount) => randomFillSync(new Uint8Array(byteCount)),
  sha256: (bytes) => owned(Bun.SHA256.hash(bytes as Owned) as Owned),
  md5: (bytes) => owned(Bun.MD5.hash(bytes as Owned) as Owned),
  hkdf: (key, salt, info, byteCount) =>
    new Uint8Array(hkdfSync("sha256", key, salt, info, byteCount)),
  sealGcm,
  sealGcmInPlace,
  openGcm,
  sign: signEd25519,
  verify: verifyEd25519,
  signingPublicKey: publicKeyOfEd25519,
  agreementPublicKey: publicKeyOfX25519,
  compress: (plain, level) => owned(Bun.zstdCompressSync(plain as Owned, { level })),
  compressPooled,
  decompress,
  stretch,
};

function stretch(passphrase: Bytes, salt: Bytes, order: StretchOrder): Owned {
  const { memoryKib: memory, passes, lanes: parallelism, outputBytes: tagLength } = order;
  const parameters = { message: passphrase, nonce: salt, parallelism, tagLength, memory, passes };
  return copyBytes(argon2Sync("argon2id", parameters));
}

function sealGcm(key: Bytes, nonce: Bytes, associated: Bytes, plain: Bytes): Owned {
  const sealed = allocate(plain.length + GCM_TAG_BYTES);
  sealInto(sealed, plain, { key, nonce, associated });
  return sealed;
}

function sealGcmInPlace(key: Bytes, nonce: Bytes, associated: Bytes, area: Bytes): void {
  const plain = area.subarray(0, area.length - GCM_TAG_BYTES);
  sealInto(area, plain, { key, nonce, associated });
}

// `sealed` may begin with `plain` itself: a piece is read before it is written.
function sealInto(
  sealed: Bytes,
  plain: Bytes,
  { key, nonce, associated }: { key: Bytes; nonce: Bytes; associated: Bytes },
): void {
  checkGcm(key, nonce);
  assert(sealed.length === plain.length + GCM_TAG_BYTES, "there is room for the tag");
  const cipher = createCipheriv(GCM, key, nonce);
  cipher.setAAD(associated);
  updateInPieces(cipher, plain, sealed);
  cipher.final();
  sealed.set(cipher.getAuthTag(), plain.length);
}

function openGcm(key: Bytes, nonce: Bytes, associated: Bytes, sealed: Bytes): Owned | undefined {
  checkGcm(key, nonce);
  if (sealed.length < GCM_TAG_BYTES) return undefined;
  const plainBytes = sealed.length - GCM_TAG_BYTES;
  const decipher = createDecipheriv(GCM, key, nonce);
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(plainBytes));
  const plain = allocate(plainBytes);
  updateInPieces(decipher, sealed.subarray(0, plainBytes), plain);
  try {
    decipher.final();
  } catch {
    release(plain); // The one error that `final` has here: the tag does not match.
    return undefined;
  }
  return plain;
}

function checkGcm(key: Bytes, nonce: Bytes): void {
  assert(key.length === GCM_KEY_BYTES, `a key has ${GCM_KEY_BYTES} bytes, not ${key.length}`);
  assert(
    nonce.length === GCM_NONCE_BYTES,
    `a nonce has ${GCM_NONCE_BYTES} bytes, not ${nonce.length}`,
  );
}

function updateInPieces(
  cipher: { update(input: Bytes): Buffer },
  input: Bytes,
  output: Bytes,
): void {
  for (let at = 0; at < input.length; at += GCM_PIECE_BYTES) {
    const wanted = Math.min(GCM_PIECE_BYTES, input.length - at);
    const piece = cipher.update(input.subarray(at, at + wanted));
    assert(piece.length === wanted, "the cipher returns as much as it takes");
    output.set(piece, at);
    // Its memory is a little longer than it is; much longer would be memory that it shares.
    const own = piece.byteOffset === 0 && piece.buffer.byteLength <= wanted + GCM_TAG_BYTES;
    if (own && piece.buffer instanceof ArrayBuffer) piece.buffer.transfer(0);
  }
}

async function compressPooled(plain: Bytes, level: number): Promise<Owned> {
  assert(plain.buffer instanceof ArrayBuffer, "the pool does not copy shared memory");
  return owned(await Bun.zstdCompress(plain as Owned, { level }));
}

function decompress(frame: Bytes, plainBytes: number): Owned {
  checkFrame(frame, plainBytes);
  const plain = owned(decodeFrame(frame));
  if (plain.length !== plainBytes) {
    throw new BunkerError(
      "corrupt",
      `expected ${plainBytes} bytes from zstd, found ${plain.length}`,
    );
  }
  return plain;
}

// Allocates what the frame's header says, which `checkFrame` has compared, and fails above that.
function decodeFrame(frame: Bytes): Uint8Array {
  try {
    return Bun.zstdDecompressSync(frame as Owned);
  } catch (error) {
    throw new BunkerError("corrupt", "the zstd frame does not decode", { cause: error });
  }
}

// Not from the pool that small Buffers share, and not zeroed: the caller fills it.
function allocate(byteCount: number): Owned {
  return owned(Buffer.allocUnsafeSlow(byteCount));
}

function owned(bytes: Uint8Array): Owned {
  const { buffer, byteOffset, byteLength } = bytes;
  assert(buffer instanceof ArrayBuffer, "native outputs are not shared");
  assert(byteOffset === 0 && byteLength === buffer.byteLength, "native outputs own their memory");
  return new Uint8Array(buffer);
}
