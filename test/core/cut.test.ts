// The cutter: against the reference, at every split of the data, and its lengths on random bytes.

import { expect, test } from "bun:test";
import { createCipheriv } from "node:crypto";

import fc from "fast-check";

import { CHUNK_BYTES_AVERAGE, CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from "../../src/base/limits.ts";
import type { Core } from "../../src/core/core.ts";
import type { CutParameters } from "../../src/core/cutter.ts";
import { seededRandom, seedOfRun, withSeed } from "../support/random.ts";
import { keysOf, newCoreWithKeys, newExports } from "./instance.ts";
import { referenceCutter, sipHash } from "./reference.ts";

const MIB = 1024 * 1024;
/** Every nominated place is a cut, so that small data has some. */
const SMALL: CutParameters = {
  minimum: 64,
  average: 512,
  maximum: 2048,
  strictThreshold: 1n << 63n,
  laxThreshold: (1n << 64n) - 1n,
};
const reference = await referenceCutter(keysOf(1).cutKey);

function smallCore(parameters: CutParameters = SMALL): Core {
  const core = newCoreWithKeys();
  core.setCutParameters(parameters);
  return core;
}

/** Cuts bytes that arrive in parts: one ends at each of `ends`, the last at the end of the file. */
function lengthsOf(core: Core, bytes: Uint8Array, ends: readonly number[] = []): number[] {
  const lengths: number[] = [];
  let start = 0;
  core.startFile();
  for (const end of [...ends, bytes.length]) {
    // What is not there yet must not matter.
    core.input(0, bytes.length + 100).fill(0xee);
    core.input(0, end).set(bytes.subarray(0, end));
    for (;;) {
      const length = core.cut(start, end - start, end === bytes.length);
      if (length === 0) break;
      lengths.push(length);
      start += length;
    }
  }
  return lengths;
}

// Runs and short periods beside random bytes: where a place is nominated, its neighbours are too.
function mixedBytes(random: { int(limit: number): number }, byteCount: number): Uint8Array {
  const bytes = new Uint8Array(byteCount);
  let at = 0;
  while (at < byteCount) {
    const end = Math.min(byteCount, at + 1 + random.int(1500));
    const period = [1, 2, 3, 7, 64, 5000][random.int(6)]!;
    for (let i = at; i < end; i++)
      bytes[i] = i - at < period ? random.int(256) : bytes[i - period]!;
    at = end;
  }
  return bytes;
}

test("the reference's SipHash is SipHash", () => {
  // From the paper (15 bytes) and the authors' vectors.
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);
  const hashOf = (byteCount: number): bigint =>
    sipHash(
      key,
      Uint8Array.from({ length: byteCount }, (_, i) => i),
    );
  expect(hashOf(0)).toBe(0x726fdb47dd0e0e31n);
  expect(hashOf(1)).toBe(0x74f839c593dc67fdn);
  expect(hashOf(15)).toBe(0xa129ca6149be45e5n);
  expect(hashOf(63)).toBe(0x958a324ceb064572n);
});

test("the core's SipHash of a window is the reference's", () => {
  const core = newExports();
  const memory = new Uint8Array(core.memory.buffer);
  const random = seededRandom(1);
  for (let i = 0; i < 50; i++) {
    const key = random.bytes(16);
    const window = random.bytes(64);
    memory.set(key, core.SIP_KEY_PTR.value);
    memory.set(window, core.INPUT_PTR.value + i);
    const hash = core.sipHashWindow(core.INPUT_PTR.value + i);
    expect(BigInt.asUintN(64, hash)).toBe(sipHash(key, window));
  }
});

test("random bytes are cut where the reference cuts them", async () => {
  const core = smallCore();
  await withSeed((random) => {
    const bytes = random.bytes(60_000);
    const lengths = lengthsOf(core, bytes);
    expect(lengths).toEqual(reference(bytes, SMALL));
    expect(lengths.some((length) => length < 2048)).toBeTrue();
  });
});

test("runs and periods are cut where the reference cuts them", async () => {
  const core = newCoreWithKeys();
  await withSeed(async (random) => {
    // One key in 1,024 nominates in a run of one byte: many keys and little data.
    for (let i = 0; i < 40; i++) {
      const keys = { ...keysOf(1), cutKey: random.bytes(32) };
      core.setKeys(keys);
      core.setCutParameters({ ...SMALL, laxThreshold: 1n << 61n });
      const bytes = mixedBytes(random, 6000);
      const cuts = (await referenceCutter(keys.cutKey))(bytes, {
        ...SMALL,
        laxThreshold: 1n << 61n,
      });
      expect(lengthsOf(core, bytes)).toEqual(cuts);
    }
  });
});

test("a run in which every place is nominated is cut where the reference cuts it", async () => {
  // Looked for beforehand: under this key a run of some byte nominates.
  const found = await keyThatNominatesRuns();
  const core = newCoreWithKeys(found.keys);
  for (const laxThreshold of [0n, 1n << 60n, 1n << 63n, (1n << 64n) - 1n]) {
    const parameters = { ...SMALL, strictThreshold: 0n, laxThreshold };
    core.setCutParameters(parameters);
    const bytes = new Uint8Array(5000).fill(found.byte);
    bytes[1000] = found.byte ^ 1;
    expect(lengthsOf(core, bytes)).toEqual(found.cutter(bytes, parameters));
  }
});

async function keyThatNominatesRuns(): Promise<{
  keys: ReturnType<typeof keysOf>;
  byte: number;
  cutter: typeof reference;
}> {
  const always = { ...SMALL, strictThreshold: (1n << 64n) - 1n };
  for (let i = 0; i < 200; i++) {
    const keys = { ...keysOf(1), cutKey: new Uint8Array(32).fill(i) };
    const core = newCoreWithKeys(keys);
    core.setCutParameters(always);
    for (let byte = 0; byte < 256; byte++) {
      const lengths = lengthsOf(core, new Uint8Array(200).fill(byte));
      if (lengths[0]! < 200) return { keys, byte, cutter: await referenceCutter(keys.cutKey) };
    }
  }
  throw new Error("no key nominates a run");
}

test("every split of the data gives the same cuts", () => {
  const core = smallCore({ ...SMALL, average: 200, maximum: 700 });
  const bytes = seededRandom(2).bytes(2500);
  const expected = reference(bytes, { ...SMALL, average: 200, maximum: 700 });
  expect(expected.length).toBeGreaterThan(4);
  for (let split = 0; split <= bytes.length; split++) {
    const lengths = lengthsOf(core, bytes, [split]);
    if (!Bun.deepEquals(lengths, expected)) throw new Error(`split at ${split}: ${lengths.join()}`);
  }
});

test("byte by byte gives the same cuts", () => {
  const core = smallCore();
  const bytes = seededRandom(3).bytes(5000);
  const ends = Array.from(bytes, (_, i) => i);
  expect(lengthsOf(core, bytes, ends)).toEqual(reference(bytes, SMALL));
});

test("splits, sizes and thresholds of any kind give the reference's cuts", () => {
  const core = smallCore();
  const size = fc.integer({ min: 64, max: 600 });
  const threshold = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  const property = fc.property(
    fc.record({ size: fc.tuple(size, size, size), strict: threshold, lax: threshold }),
    fc.uint8Array({ maxLength: 3000, size: "max" }),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
    ({ size: sizes, strict, lax }, bytes, splits) => {
      const [minimum, average, maximum] = sizes.toSorted((a, b) => a - b) as [
        number,
        number,
        number,
      ];
      const parameters = {
        minimum,
        average,
        maximum,
        strictThreshold: strict,
        laxThreshold: lax,
      };
      core.setCutParameters(parameters);
      const ends = splits.map((split) => Math.floor(split * bytes.length)).sort((a, b) => a - b);
      expect(lengthsOf(core, bytes, ends)).toEqual(reference(bytes, parameters));
    },
  );
  fc.assert(property, { numRuns: 60, seed: seedOfRun() });
});

test("moving what is left to the front changes nothing", () => {
  const core = smallCore();
  const bytes = seededRandom(4).bytes(40_000);
  const lengths: number[] = [];
  let [start, filled, given] = [0, 0, 0];
  core.startFile();
  while (given < bytes.length || start < filled) {
    const part = bytes.subarray(given, given + 777);
    core.input(filled, part.length).set(part);
    given += part.length;
    filled += part.length;
    for (;;) {
      const length = core.cut(start, filled - start, given === bytes.length);
      if (length === 0) break;
      lengths.push(length);
      start += length;
    }
    core.moveInput(start, 0, filled - start);
    filled -= start;
    start = 0;
  }
  expect(lengths).toEqual(reference(bytes, SMALL));
});

test("a new file begins with nothing of the one before", () => {
  const core = smallCore();
  const bytes = seededRandom(5).bytes(10_000);
  core.input(0, 1000).set(bytes.subarray(5000, 6000));
  core.startFile();
  expect(core.cut(0, 60, false)).toBe(0);
  expect(lengthsOf(core, bytes)).toEqual(reference(bytes, SMALL));
});

test("inserted bytes move the cuts behind them and change few", () => {
  const core = smallCore();
  const bytes = seededRandom(6).bytes(100_000);
  const changed = new Uint8Array([
    ...bytes.subarray(0, 30_000),
    1,
    2,
    3,
    ...bytes.subarray(30_000),
  ]);
  const endsOf = (lengths: number[]): number[] => {
    let end = 0;
    return lengths.map((length) => (end += length));
  };
  const before = endsOf(lengthsOf(core, bytes)).filter((end) => end > 36_000);
  const after = new Set(endsOf(lengthsOf(core, changed)).map((end) => end - 3));
  expect(before.filter((end) => after.has(end)).length).toBeGreaterThan(0.8 * before.length);
});

test("another cut key cuts elsewhere", () => {
  const bytes = seededRandom(7).bytes(40_000);
  const core = smallCore();
  const lengths = lengthsOf(core, bytes);
  core.setKeys(keysOf(2));
  expect(lengthsOf(core, bytes)).not.toEqual(lengths);
});

test("512 MiB of random bytes have chunks of 1 MiB on average, within 5 %", () => {
  const core = newCoreWithKeys();
  const stream = createCipheriv("aes-128-ctr", new Uint8Array(16), new Uint8Array(16));
  const zeros = new Uint8Array(4 * MIB);
  const lengths: number[] = [];
  let filled = 0;
  for (let given = 0; given < 512 * MIB; given += zeros.length) {
    core.input(filled, zeros.length).set(stream.update(zeros));
    filled += zeros.length;
    let start = 0;
    for (;;) {
      const length = core.cut(start, filled - start, false);
      if (length === 0) break;
      lengths.push(length);
      start += length;
    }
    core.moveInput(start, 0, filled - start);
    filled -= start;
  }
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  expect(mean / CHUNK_BYTES_AVERAGE).toBeWithin(0.95, 1.05);
  expect(Math.min(...lengths)).toBeGreaterThan(CHUNK_BYTES_MIN);
  // By the arithmetic in cutter.ts: 27 % end before the average, next to none at the greatest.
  const early = lengths.filter((length) => length <= CHUNK_BYTES_AVERAGE).length;
  expect(early / lengths.length).toBeWithin(0.2, 0.35);
  expect(lengths.filter((length) => length === CHUNK_BYTES_MAX)).toBeEmpty();
});

test("a file without a cut is cut at the greatest length and at its end", () => {
  const core = newCoreWithKeys();
  core.setCutParameters({ ...SMALL, strictThreshold: 0n, laxThreshold: 0n });
  expect(lengthsOf(core, seededRandom(8).bytes(5000))).toEqual([2048, 2048, 904]);
  expect(lengthsOf(core, new Uint8Array(1))).toEqual([1]);
  expect(lengthsOf(core, new Uint8Array(0))).toEqual([]);
});
