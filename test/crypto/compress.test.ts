// Blob bodies: what shrinks is one frame, what does not is kept as it is.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatBytes, equalBytes, utf8 } from "../../src/base/bytes.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import type { NativePlatform } from "../../src/base/platform.ts";
import {
  CODEC_RAW,
  CODEC_ZSTD,
  compressBlob,
  compressBlobPooled,
  looksCompressible,
  decompressBlob,
} from "../../src/crypto/compress.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { failureOf, platforms } from "./platforms.ts";

const MIB = 1 << 20;
const options = { level: 3 };
const text = utf8("a line of text that comes back, with a number: 12345\n".repeat(20_000)).slice(
  0,
  MIB,
);

/** Bytes as good as random, the same in each run (xorshift32). */
function noise(byteCount: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(byteCount / 4));
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, byteCount);
}

/** A platform that counts what was given to its compressor, in bytes. */
function counted(): { platform: NativePlatform; compressedBytes: () => number } {
  let bytes = 0;
  const platform: NativePlatform = {
    ...nativePlatform,
    compress: (plain, level) => {
      bytes += plain.length;
      return nativePlatform.compress(plain, level);
    },
    compressPooled: (plain, level) => {
      bytes += plain.length;
      return nativePlatform.compressPooled(plain, level);
    },
  };
  return { platform, compressedBytes: () => bytes };
}

describe.each([
  [
    "at once",
    async (platform: NativePlatform, plain: Uint8Array) => compressBlob(platform, plain, options),
  ],
  [
    "pooled",
    (platform: NativePlatform, plain: Uint8Array) => compressBlobPooled(platform, plain, options),
  ],
])("compress %s", (_, compress) => {
  test("every blob comes back", async () => {
    const part = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 5000 }),
      fc.integer({ min: 1, max: 100_000 }).map((byteCount) => noise(byteCount)),
      fc.integer({ min: 1, max: 100_000 }).map((byteCount) => text.slice(0, byteCount)),
    );
    const property = fc.asyncProperty(fc.array(part, { maxLength: 4 }), async (parts) => {
      const plain = concatBytes(...parts);
      const { codec, bytes } = await compress(nativePlatform, plain);
      expect(bytes.length <= plain.length).toBe(true);
      for (const [, platform] of platforms) {
        const back = await decompressBlob(platform, codec, bytes, plain.length);
        expect(equalBytes(back, plain)).toBe(true);
      }
    });
    await fc.assert(property, { numRuns: 40 });
  });

  test("noise is kept itself, without a copy", async () => {
    const plain = noise(MIB);
    const { codec, bytes } = await compress(nativePlatform, plain);
    expect(codec).toBe(CODEC_RAW);
    expect(bytes).toBe(plain);
  });

  test("text shrinks", async () => {
    const { codec, bytes } = await compress(nativePlatform, text);
    expect(codec).toBe(CODEC_ZSTD);
    expect(bytes.length).toBeLessThan(MIB / 10);
  });

  // The probe must see any such part, wherever it is.
  test.each([0, 0.3, 0.6, 0.9])("a tenth of text in noise is found at %d", async (place) => {
    const plain = noise(MIB);
    plain.set(text.subarray(0, MIB / 10), Math.floor(place * MIB));
    expect(looksCompressible(nativePlatform, plain)).toBe(true);
    const { codec, bytes } = await compress(nativePlatform, plain);
    expect(codec).toBe(CODEC_ZSTD);
    expect(bytes.length).toBeLessThan(MIB * 0.92);
  });

  test("letters without repeats shrink too", async () => {
    const plain = noise(MIB).map((byte) => 97 + (byte & 15));
    expect(looksCompressible(nativePlatform, plain)).toBe(true);
    const { codec, bytes } = await compress(nativePlatform, plain);
    expect(codec).toBe(CODEC_ZSTD);
    expect(bytes.length).toBeLessThan(MIB * 0.55);
  });

  test("what gains too little is kept raw", async () => {
    for (const plain of [new Uint8Array(0), utf8("short"), noise(5000), noise(60_000)]) {
      const { codec, bytes } = await compress(nativePlatform, plain);
      expect(codec).toBe(CODEC_RAW);
      expect(bytes).toBe(plain);
    }
  });
});

test("the probe sees through noise, and costs little", () => {
  const { platform, compressedBytes } = counted();
  expect(looksCompressible(platform, noise(MIB))).toBe(false);
  expect(compressedBytes()).toBeLessThan(MIB / 50);
});

// [plain bytes, frame bytes, codec]: a thirty-second of a small blob, 64 bytes of any.
test.each([
  [320, 310, CODEC_ZSTD],
  [320, 311, CODEC_RAW],
  [60_000, 59_936, CODEC_ZSTD],
  [60_000, 59_937, CODEC_RAW],
  [20, 20, CODEC_RAW],
  [0, 0, CODEC_RAW],
] as const)("of %d bytes, a frame of %d is kept as codec %d", (plainBytes, frameBytes, codec) => {
  const platform = { ...nativePlatform, compress: () => new Uint8Array(frameBytes) };
  const blob = compressBlob(platform, new Uint8Array(plainBytes), options);
  expect<number>(blob.codec).toBe(codec);
  expect(blob.bytes.length).toBe(codec === CODEC_RAW ? plainBytes : frameBytes);
});

describe("decompressBlob", () => {
  test("refuses a raw blob of another length", async () => {
    const error = await failureOf(() => decompressBlob(nativePlatform, CODEC_RAW, noise(10), 11));
    expect(isBunkerError(error, "corrupt")).toBe(true);
  });

  test("refuses a frame of another length", async () => {
    const { bytes } = compressBlob(nativePlatform, text, options);
    const error = await failureOf(() => decompressBlob(nativePlatform, CODEC_ZSTD, bytes, MIB - 1));
    expect(isBunkerError(error, "corrupt")).toBe(true);
  });

  test("refuses an unknown codec", async () => {
    const error = await failureOf(() => decompressBlob(nativePlatform, 2, noise(10), 10));
    expect(isBunkerError(error, "unsupported-version")).toBe(true);
  });
});
