// CBOR: what is written is read, and what is read is what would be written.

import { expect, test } from "bun:test";
import { encode } from "cborg";
import fc from "fast-check";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import { decodeCbor } from "../../src/format/cbor.ts";
import {
  type Cbor,
  encodeArrayHead,
  encodeCbor,
  encodeSortedMap,
} from "../../src/format/cbor-encoder.ts";

const read = (bytes: Bytes) => decodeCbor(bytes, { what: "test", bytesMax: 65_536 });

const values = fc.letrec<{ value: Cbor }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 6 },
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 300 }),
    fc.string({ unit: "binary" }),
    fc.uint8Array({ maxLength: 300 }),
    fc.constant(true as const),
    fc.array(tie("value"), { maxLength: 30 }),
    fc
      .array(fc.tuple(fc.oneof(fc.nat(40), fc.maxSafeInteger()), tie("value")), { maxLength: 30 })
      .map((entries) => new Map(entries)),
  ),
})).value;

test("what is written is read", () => {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encodeCbor(value);
      expect(encodeCbor(read(bytes))).toEqual(bytes);
    }),
  );
});

test("what is read is what would be written, of any bytes", () => {
  const spoiled = fc
    .tuple(values, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
    .map(([value, changes]) => {
      const bytes = encodeCbor(value);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    });
  let readCount = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 12 }), spoiled), (bytes) => {
      let value: Cbor;
      try {
        value = read(bytes);
      } catch (error) {
        return isBunkerError(error, "corrupt");
      }
      readCount++;
      expect(encodeCbor(value)).toEqual(new Uint8Array(bytes));
      return true;
    }),
    { numRuns: 2000 },
  );
  expect(readCount).toBeGreaterThan(20);
});

test("a map written from a sorted list is the map", () => {
  for (const count of [0, 1, 11, 12, 23, 24, 30, 127]) {
    const entries = Array.from({ length: count }, (_, i): [number, Cbor] => [i * 3, [i]]);
    const bytes = encodeSortedMap(entries.flat());
    expect(bytes).toEqual(encodeCbor(new Map(entries)));
  }
});

test("a list of keys that are not sorted is a fault of ours, and so is a float", () => {
  expect(() => encodeSortedMap([2, 0, 1, 0])).toThrow("ascend");
  expect(() => encodeSortedMap([1, 1.5])).toThrow("safe integer");
  expect(() => encodeSortedMap([1])).toThrow("every key");
  expect(() => encodeCbor("\ud800")).toThrow("surrogate");
});

test("the first negative keys are told apart", () => {
  for (const keys of [
    [-1, -2],
    [0, -1, -2],
    [-1, -3],
    [Number.MAX_SAFE_INTEGER, -1, -2],
  ]) {
    const map = new Map(keys.map((key) => [key, 1]));
    expect(encodeCbor(read(encodeCbor(map)))).toEqual(encodeCbor(map));
  }
  expect(() => read(Uint8Array.of(0xa2, 0x21, 1, 0x20, 1))).toThrow("sorted");
  expect(() => read(Uint8Array.of(0xa2, 0x20, 1, 0x20, 1))).toThrow("sorted");
});

test("an encoding is cborg's own", () => {
  fc.assert(
    fc.property(values, (value) => {
      expect(encodeCbor(value)).toEqual(new Uint8Array(encode(value)));
    }),
  );
  const long = new Uint8Array(3_000_000).fill(7);
  expect(encodeCbor([long, 1])).toEqual(new Uint8Array(encode([long, 1])));
});

test("an array is its head and its members", () => {
  for (const count of [0, 1, 23, 24, 255, 256, 65_536]) {
    const members = Array.from({ length: count }, () => 7);
    const bytes = concatBytes(encodeArrayHead(count), new Uint8Array(count).fill(7));
    expect(bytes).toEqual(encodeCbor(members));
  }
});

test("more bytes than the bound are refused before they are looked at", () => {
  const bytes = encode(new Uint8Array(100));
  expect(() => decodeCbor(bytes, { what: "test", bytesMax: 50 })).toThrow("at most 50 bytes");
});
