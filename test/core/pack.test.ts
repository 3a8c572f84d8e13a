// The pack under construction: its layout, its lengths, and what it refuses.

import { expect, test } from "bun:test";

import { hexOf, isZero, loadU32, storeU32 } from "../../src/base/bytes.ts";
import { CHUNK_BYTES_MAX, PACK_BYTES_MAX, PACK_BYTES_TARGET } from "../../src/base/limits.ts";
import type { PackBuilder } from "../../src/core/pack.ts";
import { type SeededRandom, seededRandom, withSeed } from "../support/random.ts";
import { newCore, newExports } from "./instance.ts";

const TAG_BYTES = 16;
const ZERO_ID = new Uint8Array(32);
const RECORD_BYTES = 44;
const TRAILER_STEP = 16_384;

interface Blob {
  readonly id: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array;
  readonly plainBytes: number;
  readonly codec: 0 | 1;
}

function randomBlob(random: SeededRandom, storedBytes: number): Blob {
  const plainBytes = storedBytes + random.int(1000);
  const codec = random.int(2) as 0 | 1;
  return { id: random.bytes(32), sealed: random.bytes(storedBytes), plainBytes, codec };
}

function appendPadding(pack: PackBuilder): number {
  const plainBytes = pack.paddingBytes();
  pack.append(ZERO_ID, plainBytes + TAG_BYTES, plainBytes, 2).fill(0xdd);
  return plainBytes;
}

/** Padmé in the words of the PURBs paper. */
function padme(length: number): number {
  const exponent = Math.floor(Math.log2(length));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - kept);
  return Math.ceil(length / step) * step;
}

/** The trailer's plaintext, written down again. */
function encodeTrailer(blobs: readonly Blob[], padding: number): Uint8Array {
  const count = blobs.length + 1;
  const sealedBytes =
    Math.ceil((4 + count * RECORD_BYTES + TAG_BYTES) / TRAILER_STEP) * TRAILER_STEP;
  const plain = new Uint8Array(sealedBytes - TAG_BYTES);
  storeU32(plain, 0, count);
  const zeros = new Uint8Array(padding + TAG_BYTES);
  const last = { id: ZERO_ID, sealed: zeros, plainBytes: padding, codec: 2 };
  for (const [i, { id, sealed, plainBytes, codec }] of [...blobs, last].entries()) {
    const at = 4 + i * RECORD_BYTES;
    plain.set(id, at);
    for (const [k, value] of [sealed.length, plainBytes, codec].entries()) {
      storeU32(plain, at + 32 + 4 * k, value);
    }
  }
  return plain;
}

/** Stands for sealing: the plaintext backwards, and a tag. */
function fakeSeal(plain: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plain.length + TAG_BYTES).fill(0x77);
  sealed.set(plain.toReversed());
  return sealed;
}

function checkPack(pack: PackBuilder, blobs: readonly Blob[]): void {
  const header = new Uint8Array(48).fill(1);
  const sealedKey = new Uint8Array(80).fill(2);
  pack.begin(header, sealedKey);
  for (const [ordinal, blob] of blobs.entries()) {
    expect(pack.count).toBe(ordinal);
    expect(pack.fits(blob.sealed.length)).toBeTrue();
    pack.append(blob.id, blob.sealed.length, blob.plainBytes, blob.codec).set(blob.sealed);
  }
  const padding = appendPadding(pack);
  const trailer = pack.trailer().slice();
  expect(Bun.hash(trailer)).toBe(Bun.hash(encodeTrailer(blobs, padding)));

  const whole = pack.finish(fakeSeal(trailer));
  expect(whole.length).toBe(padme(whole.length));
  const parts = [header, sealedKey, ...blobs.map(({ sealed }) => sealed)];
  let at = 0;
  for (const part of [
    ...parts,
    new Uint8Array(padding + TAG_BYTES).fill(0xdd),
    fakeSeal(trailer),
  ]) {
    if (!whole.subarray(at, at + part.length).every((byte, i) => byte === part[i])) {
      throw new Error(`the part at ${at} differs`);
    }
    at += part.length;
  }
  expect(loadU32(whole, at)).toBe(trailer.length + TAG_BYTES);
  expect(whole.length).toBe(at + 4);
}

test("packs of random blobs are laid out as the format says", async () => {
  const { pack } = newCore();
  await withSeed((random) => {
    for (const count of [0, 1, 2, 3, 40, 371, 372, 373, 800]) {
      const blobs = Array.from({ length: count }, () => randomBlob(random, 16 + random.int(3000)));
      checkPack(pack, blobs);
    }
  });
});

test("a pack leaves nothing behind for the next one", () => {
  const { pack } = newCore();
  const random = seededRandom(1);
  checkPack(
    pack,
    Array.from({ length: 500 }, () => randomBlob(random, 100)),
  );
  checkPack(pack, [randomBlob(random, 20)]);
  pack.begin(new Uint8Array(48), new Uint8Array(80));
  expect(pack.count).toBe(0);
  expect(pack.bytes).toBe(128);
});

test("a pack of the target's length takes one more of the longest blobs", () => {
  const { pack } = newCore();
  const random = seededRandom(2);
  const blobs = [1, 2, 3, 4].map(() => randomBlob(random, PACK_BYTES_TARGET / 4));
  checkPack(pack, [...blobs, randomBlob(random, CHUNK_BYTES_MAX + 512)]);
});

test("a blob fits to the last byte, and the finished pack stays in bounds", () => {
  const { pack } = newCore();
  pack.begin(new Uint8Array(48), new Uint8Array(80));
  let least = 0;
  let most = PACK_BYTES_MAX;
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (pack.fits(middle)) least = middle;
    else most = middle;
  }
  expect(least).toBeGreaterThan(PACK_BYTES_TARGET + CHUNK_BYTES_MAX);
  expect(() => pack.append(ZERO_ID, least + 1, 1, 0)).toThrow("fits");
  pack.append(ZERO_ID, least, 1, 0);
  expect(pack.fits(0)).toBeTrue();
  expect(pack.fits(1)).toBeFalse();
  appendPadding(pack);
  const whole = pack.finish(new Uint8Array(pack.trailer().length + TAG_BYTES));
  expect(whole.length).toBeLessThanOrEqual(newExports().PACK_BYTES.value);
});

test("a pack holds 65,536 blobs, the padding among them", () => {
  const { pack } = newCore();
  pack.begin(new Uint8Array(48), new Uint8Array(80));
  for (let i = 0; i < 65_535; i++) {
    if (!pack.fits(17)) throw new Error(`blob ${i} does not fit`);
    pack.append(ZERO_ID, 17, 1, 0);
  }
  expect(pack.fits(17)).toBeFalse();
  expect(() => pack.append(ZERO_ID, 17, 1, 0)).toThrow("fits");
  appendPadding(pack);
  const trailer = pack.trailer();
  expect(loadU32(trailer, 0)).toBe(65_536);
  const tableBytes = newExports().TABLE_BYTES.value;
  expect(trailer.length).toBeLessThanOrEqual(tableBytes);
  const whole = pack.finish(fakeSeal(trailer));
  expect(whole.length).toBe(padme(whole.length));
});

test("lengths of packs are Padmé's", () => {
  const core = newExports();
  for (const [length, expected] of [
    [9, 10],
    [100, 104],
    [1000, 1024],
    [16_777_217, 17_301_504],
    [4096, 4096],
  ] as const) {
    expect(core.padme(length)).toBe(expected);
  }
  const random = seededRandom(3);
  for (let i = 0; i < 2000; i++) {
    const length = 16 + random.int(2 ** (5 + random.int(21)));
    expect(core.padme(length)).toBe(padme(length));
    expect(core.padme(padme(length))).toBe(padme(length));
  }
});

test("the trailer's zeros are zeros, whatever was there before", () => {
  const { pack } = newCore();
  pack.begin(new Uint8Array(48), new Uint8Array(80));
  for (let i = 0; i < 300; i++) pack.append(new Uint8Array(32).fill(0xff), 20, 4, 1);
  pack.begin(new Uint8Array(48), new Uint8Array(80));
  pack.append(new Uint8Array(32).fill(0xaa), 20, 4, 1);
  appendPadding(pack);
  const trailer = pack.trailer();
  expect(hexOf(trailer.subarray(4, 48))).toBe("aa".repeat(32) + "140000000400000001000000");
  expect(isZero(trailer.subarray(4 + 2 * 44))).toBeTrue();
});

test("hashing between two steps leaves the pack alone", () => {
  const core = newCore();
  const { pack } = core;
  pack.begin(new Uint8Array(48).fill(1), new Uint8Array(80).fill(2));
  pack.append(ZERO_ID, 20, 4, 0).fill(3);
  appendPadding(pack);
  const trailer = pack.trailer().slice();
  core.keyedBlake3(new Uint8Array(32).fill(9), new Uint8Array(300_000).fill(9), 4096);
  expect(Bun.hash(pack.trailer())).toBe(Bun.hash(trailer));
  const whole = pack.finish(fakeSeal(trailer));
  expect(whole[0]).toBe(1);
  expect(whole[128]).toBe(3);
});

test("what is out of order or of the wrong length is refused", () => {
  const { pack } = newCore();
  const header = new Uint8Array(48);
  const sealedKey = new Uint8Array(80);
  expect(() => pack.append(ZERO_ID, 20, 4, 0)).toThrow("begun");
  expect(() => pack.trailer()).toThrow("begun");
  expect(() => pack.begin(new Uint8Array(47), sealedKey)).toThrow("48");
  expect(() => pack.begin(header, new Uint8Array(81))).toThrow("80");
  pack.begin(header, sealedKey);
  expect(() => pack.append(new Uint8Array(31), 20, 4, 0)).toThrow("32");
  expect(() => pack.append(ZERO_ID, -1, 4, 0)).toThrow("whole number");
  expect(() => pack.append(ZERO_ID, 1.5, 4, 0)).toThrow("whole number");
  expect(() => pack.append(ZERO_ID, 20, 4, 2)).toThrow("fits");
  pack.append(ZERO_ID, 20, 4, 0);
  const early = pack.trailer().length + TAG_BYTES;
  expect(() => pack.finish(new Uint8Array(early))).toThrow("padding");
  pack.begin(header, sealedKey);
  pack.append(ZERO_ID, 20, 4, 0);
  appendPadding(pack);
  expect(() => pack.finish(new Uint8Array(early))).toThrow("after the last blob");
  expect(() => pack.finish(new Uint8Array(pack.trailer().length))).toThrow("sealed trailer");
});
