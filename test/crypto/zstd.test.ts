// Frames: made by one platform and read by the other; every malformed one refused by both.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatBytes, equalBytes, utf8 } from "../../src/base/bytes.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import { checkFrame } from "../../src/base/frame.ts";
import { loadZstd } from "../../src/crypto/zstd.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import {
  bytesOf,
  failureOf,
  flipped,
  hex,
  platforms,
  portable,
  portableZstd,
  shared,
} from "./platforms.ts";

const text = utf8("the same words again and again, ".repeat(3000));
const frame = nativePlatform.compress(text, 3);

/** Bytes that compress in part: runs, repeats and noise. */
const content = fc
  .array(
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 200 })),
    { maxLength: 20 },
  )
  .map((parts) =>
    concatBytes(...parts.flatMap(([part, times]) => Array(times).fill(part) as Uint8Array[])),
  );

describe("frames of either platform", () => {
  test("read the same on both", async () => {
    const property = fc.asyncProperty(content, fc.constantFrom(1, 3, 9), async (plain, level) => {
      const frames = [
        nativePlatform.compress(plain, level),
        await nativePlatform.compressPooled(plain, level),
        portableZstd.compress(plain, level),
      ];
      for (const made of frames) {
        expect(equalBytes(nativePlatform.decompress(made, plain.length), plain)).toBe(true);
        expect(equalBytes(await portable.decompress(made, plain.length), plain)).toBe(true);
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });

  // Each takes another form of the header's content size.
  test.each([0, 1, 255, 256, 257, 65_535, 65_791, 65_792, 1 << 20])(
    "hold %d bytes",
    async (byteCount) => {
      const plain = new Uint8Array(byteCount).fill(7);
      for (const made of [nativePlatform.compress(plain, 3), portableZstd.compress(plain, 3)]) {
        expect(equalBytes(nativePlatform.decompress(made, byteCount), plain)).toBe(true);
        expect(equalBytes(await portable.decompress(made, byteCount), plain)).toBe(true);
      }
    },
  );

  test("are read from shared memory", async () => {
    expect(equalBytes(nativePlatform.decompress(shared(frame), text.length), text)).toBe(true);
    expect(equalBytes(await portable.decompress(shared(frame), text.length), text)).toBe(true);
    expect(hex(nativePlatform.compress(shared(text), 3))).toBe(hex(frame));
  });
});

// A frame of RFC 8878 by hand: one last block that repeats "x" `block` times, of which the header
// says that it is `content` bytes (4-byte form, single segment).
function repeating(contentBytes: number, blockBytes: number): Uint8Array {
  const block = 1 | (1 << 1) | (blockBytes << 3);
  const size = [0, 8, 16, 24].map((shift) => (contentBytes >>> shift) & 255);
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0, ...size, block, block >> 8, block >> 16, 0x78);
}

const BAD_FRAMES: readonly (readonly [string, Uint8Array, number])[] = [
  ["empty", new Uint8Array(0), 0],
  ["no magic number", flipped(frame, 0), text.length],
  ["of more than expected", frame, text.length - 1],
  ["of less than expected", frame, text.length + 1],
  ["that claims less than it holds", repeating(100, 1000), 100],
  ["that claims more than it holds", repeating(1000, 100), 1000],
  ["that claims less, in compressed blocks", withContentBytes(frame, 1000), 1000],
  ["that claims more, in compressed blocks", withContentBytes(frame, 1_000_000), 1_000_000],
  ["with a second frame", concatBytes(frame, frame), text.length],
  ["with a second frame, of both lengths", concatBytes(frame, frame), 2 * text.length],
  [
    "with an empty second frame",
    concatBytes(frame, nativePlatform.compress(new Uint8Array(0), 3)),
    text.length,
  ],
  [
    "with a skippable frame after it",
    concatBytes(frame, bytesOf("502a4d180100000000")),
    text.length,
  ],
  [
    "with a skippable frame before it",
    concatBytes(bytesOf("502a4d180100000000"), frame),
    text.length,
  ],
  ["with a byte after it", concatBytes(frame, Uint8Array.of(0)), text.length],
  ["without its last byte", frame.subarray(0, frame.length - 1), text.length],
  ["without content size", bytesOf("28b52ffd00580300000078"), 1],
  ["with a dictionary", bytesOf("28b52ffd2105010b000078"), 1],
  ["with the reserved bit", bytesOf("28b52ffd280109000078"), 1],
  ["with a block of the reserved type", bytesOf("28b52ffd20010f000078"), 1],
  ["with a checksum cut off", bytesOf("28b52ffd24010900007800"), 1],
  ["with a wrong checksum", bytesOf("28b52ffd240109000078deadbeef"), 1],
];

describe("bad frames", () => {
  test("the hand-made form is a frame where it is right", async () => {
    const x = new Uint8Array(1000).fill(0x78);
    expect(equalBytes(nativePlatform.decompress(repeating(1000, 1000), 1000), x)).toBe(true);
    expect(equalBytes(await portable.decompress(repeating(1000, 1000), 1000), x)).toBe(true);
  });

  describe.each(platforms)("%s platform", (_, platform) => {
    test.each(BAD_FRAMES)("refuses one %s", async (_name, bad, plainBytes) => {
      const error = await failureOf(() => platform.decompress(bad, plainBytes));
      expect(isBunkerError(error, "corrupt")).toBe(true);
    });

    test("refuses every truncation", async () => {
      for (let bytes = 0; bytes < frame.length; bytes++) {
        const error = await failureOf(() =>
          platform.decompress(frame.subarray(0, bytes), text.length),
        );
        expect(isBunkerError(error, "corrupt")).toBe(true);
      }
    });

    test("never returns another length, whatever byte is wrong", async () => {
      for (let at = 0; at < frame.length; at++) {
        const bad = flipped(frame, at, at % 8);
        const result = await failureOf(() => platform.decompress(bad, text.length));
        const right = result instanceof Uint8Array && result.length === text.length;
        expect(right || isBunkerError(result, "corrupt")).toBe(true);
      }
    });
  });

  test("a bomb is refused before it is decoded", () => {
    // 128 KiB for every four bytes: 2 GiB in 64 KiB.
    const block = (last: number) =>
      [(131_072 << 3) | 2 | last, 0x4000 << 2].flatMap((value, index) =>
        index === 0 ? [value & 255, (value >> 8) & 255, (value >> 16) & 255] : [0x78],
      );
    const blocks = Array.from({ length: 16_384 }, (_, index) =>
      block(index === 16_383 ? 1 : 0),
    ).flat();
    const bomb = concatBytes(repeating(1000, 0).subarray(0, 9), Uint8Array.from(blocks));
    expect(() => checkFrame(bomb, 1000)).toThrow("holds more than it says");
  });
});

test("the module is loaded once", async () => {
  const zstd = await loadZstd(new Uint8Array(0));
  expect(equalBytes(zstd.decompress(frame, text.length), text)).toBe(true);
});

// The frame of `text` records its length in the 4-byte form.
function withContentBytes(bytes: Uint8Array, contentBytes: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if ((copy[4]! & 0xe0) !== 0xa0) throw new Error("the frame's header has another form");
  new DataView(copy.buffer).setUint32(5, contentBytes, true);
  return copy;
}
