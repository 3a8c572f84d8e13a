// Compress: a blob's body is one zstd frame, or raw where that does not shrink it.
//
// A probe asks first: zstd over a sample from all over the blob. Random bytes never pass it, so that
// media, archives and encrypted files cost a few per cent of a compression.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { type Awaitable, type NativePlatform, type Platform, release } from "../base/platform.ts";

export const CODEC_RAW = 0;
export const CODEC_ZSTD = 1;
export type Codec = typeof CODEC_RAW | typeof CODEC_ZSTD;

export interface CompressOptions {
  /** For blobs that are not small; small ones take at most level 1. */
  readonly level: number;
}

export interface CompressedBlob {
  readonly codec: Codec;
  /** With `CODEC_RAW` the input itself, not a copy; else memory of its own, to be released. */
  readonly bytes: Bytes;
}

/** Below this, a probe saves nothing worth its code. */
const PROBE_BLOB_BYTES_MIN = 64 * 1024;
const SLICE_COUNT = 16;
const SLICE_BYTES = 512;
const PROBE_LEVEL = 1;
/**
 * Up to here level 1 is used: on 10 KB of text it takes 37 us and gives 4,166 bytes where level 3
 * takes 52 us and gives 4,107.
 */
const SMALL_BLOB_BYTES_MAX = 64 * 1024;
const SMALL_BLOB_LEVEL = 1;

/** Compresses at once; where `looksCompressible` is false it would be in vain. */
export function compressBlob(
  platform: NativePlatform,
  plain: Bytes,
  { level }: CompressOptions,
): CompressedBlob {
  const chosenLevel =
    plain.length <= SMALL_BLOB_BYTES_MAX ? Math.min(level, SMALL_BLOB_LEVEL) : level;
  return chosen(plain, platform.compress(plain, chosenLevel));
}

/**
 * The same on the runtime's thread pool. `plain` must not be shared memory, and must stay as it is
 * until the answer is there.
 */
export async function compressBlobPooled(
  platform: NativePlatform,
  plain: Bytes,
  { level }: CompressOptions,
): Promise<CompressedBlob> {
  return chosen(plain, await platform.compressPooled(plain, level));
}

/**
 * Gives back the plaintext, of exactly `plainBytes`, which the caller has bounded. With `CODEC_RAW`
 * that is the input itself. Throws `corrupt` for another length or a bad frame, and
 * `unsupported-version` for an unknown codec.
 */
export function decompressBlob(
  platform: Platform,
  codec: number,
  bytes: Bytes,
  plainBytes: number,
): Awaitable<Bytes> {
  if (codec === CODEC_ZSTD) return platform.decompress(bytes, plainBytes);
  if (codec !== CODEC_RAW) {
    throw new BunkerError("unsupported-version", `expected codec 0 or 1, found ${codec}`);
  }
  if (bytes.length === plainBytes) return bytes;
  throw new BunkerError(
    "corrupt",
    `expected a raw blob of ${plainBytes} bytes, found ${bytes.length}`,
  );
}

/** False where no part of a sample from all over the blob shrinks. */
export function looksCompressible(platform: NativePlatform, plain: Bytes): boolean {
  if (plain.length < PROBE_BLOB_BYTES_MIN) return true;
  const sample = sampleOf(plain);
  const probe = platform.compress(sample, PROBE_LEVEL);
  const shrinks = probe.length <= sample.length - sample.length / 128;
  release(probe);
  release(sample);
  return shrinks;
}

// Many short slices rather than few long ones: a blob may be text in one part and a picture in
// another. One call over all, since a call costs as much as several kilobytes.
function sampleOf(plain: Bytes): Uint8Array<ArrayBuffer> {
  const sample = new Uint8Array(SLICE_COUNT * SLICE_BYTES);
  const stride = (plain.length - SLICE_BYTES) / (SLICE_COUNT - 1);
  for (let index = 0; index < SLICE_COUNT; index++) {
    const at = Math.floor(index * stride);
    sample.set(plain.subarray(at, at + SLICE_BYTES), index * SLICE_BYTES);
  }
  return sample;
}

// Decoding must be worth it: a gain of a thirty-second, or of 64 bytes.
function chosen(plain: Bytes, frame: Uint8Array<ArrayBuffer>): CompressedBlob {
  const gain = plain.length - frame.length;
  const worth = gain > 0 && (gain >= 64 || gain >= plain.length / 32);
  if (worth) return { codec: CODEC_ZSTD, bytes: frame };
  release(frame);
  return { codec: CODEC_RAW, bytes: plain };
}
