// BLAKE3 of the core: the official vectors, and hash-wasm on random lengths.

import { expect, test } from "bun:test";
import { createBLAKE3 } from "hash-wasm";

import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { seededRandom, withSeed } from "../support/random.ts";
import vectors from "./blake3.json";
import { keysOf, newCore, newCoreWithKeys, newExports } from "./instance.ts";

const MIB = 1024 * 1024;

function vectorInput(byteCount: number): Uint8Array {
  return Uint8Array.from({ length: byteCount }, (_, i) => i % 251);
}

test.each(vectors.cases)("official vector, $inputBytes bytes", ({ inputBytes, ...expected }) => {
  const core = newCore();
  const input = vectorInput(inputBytes);
  expect(hexOf(core.blake3(input))).toBe(expected.hash);
  expect(hexOf(core.keyedBlake3(utf8(vectors.key), input, 64))).toBe(expected.keyedHash);
  expect(hexOf(core.keyedBlake3(utf8(vectors.key), input))).toBe(expected.keyedHash.slice(0, 64));
});

test.each(vectors.cases)("official vector as an id, $inputBytes bytes", (vector) => {
  const core = newCoreWithKeys({ ...keysOf(1), treeIdKey: utf8(vectors.key) });
  // What lies behind the bytes must not matter.
  core.input(0, vector.inputBytes + 8192).fill(0xff);
  core.input(100, vector.inputBytes).set(vectorInput(vector.inputBytes));
  const expected = vector.keyedHash.slice(0, 64);
  expect(hexOf(core.id("tree", 100, vector.inputBytes))).toBe(expected);
  const target = new Uint8Array(40);
  core.idInto("tree", 100, vector.inputBytes, target, 5);
  expect(hexOf(target)).toBe(`0000000000${expected}000000`);
});

test("ids are hash-wasm's keyed hashes, for every length up to 70 blocks", async () => {
  const core = newCoreWithKeys();
  const hasher = await createBLAKE3(256, keysOf(1).dataIdKey);
  const bytes = seededRandom(1).bytes(70 * 64);
  core.input(0, bytes.length).set(bytes);
  for (let length = 0; length <= bytes.length; length++) {
    const expected = hasher.init().update(bytes.subarray(0, length)).digest("hex");
    if (hexOf(core.id("data", 0, length)) !== expected) throw new Error(`${length} bytes differ`);
  }
});

test("every number of leaves up to five pieces gives the same tree", async () => {
  const core = newCoreWithKeys();
  const hasher = await createBLAKE3(256, keysOf(1).dataIdKey);
  const bytes = seededRandom(2).bytes(5 * 64 * 1024 + 1);
  core.input(0, bytes.length).set(bytes);
  for (let leaves = 1; leaves <= 5 * 64; leaves++) {
    for (const length of [1024 * leaves - 1, 1024 * leaves, 1024 * leaves + 1]) {
      const expected = hasher.init().update(bytes.subarray(0, length)).digest("hex");
      if (hexOf(core.id("data", 0, length)) !== expected) throw new Error(`${length} bytes differ`);
    }
  }
});

test("random lengths, in the input area and from elsewhere, cut up for hash-wasm", async () => {
  const core = newCoreWithKeys();
  const hasher = await createBLAKE3(256, keysOf(1).dataIdKey);
  await withSeed((random) => {
    for (let i = 0; i < 24; i++) {
      const bytes = random.bytes(random.int(i < 12 ? 4 * MIB : 64 * 1024));
      const split = random.int(bytes.length + 1);
      hasher.init().update(bytes.subarray(0, split)).update(bytes.subarray(split));
      const expected = hasher.digest("hex");
      const offset = random.int(1000);
      core.input(offset, bytes.length).set(bytes);
      expect(hexOf(core.id("data", offset, bytes.length))).toBe(expected);
      expect(hexOf(core.idOf("data", bytes))).toBe(expected);
    }
  });
});

test("bytes longer than the input area are hashed too", async () => {
  const core = newCore();
  const bytes = seededRandom(3).bytes(20 * MIB + 1);
  const hasher = await createBLAKE3();
  expect(hexOf(core.blake3(bytes))).toBe(hasher.update(bytes).digest("hex"));
});

test("pieces may be handed over at any multiple of their length", () => {
  const core = newExports();
  const keyPtr = core.DATA_KEY_PTR.value;
  const inputPtr = core.INPUT_PTR.value;
  const pieceBytes = core.PIECE_BYTES.value;
  const memory = new Uint8Array(core.memory.buffer);
  memory.set(seededRandom(4).bytes(9 * pieceBytes), inputPtr);
  const output = (): string => hexOf(memory.subarray(core.OUTPUT_PTR.value).subarray(0, 32));
  for (const length of [pieceBytes, pieceBytes + 1, 4 * pieceBytes, 8 * pieceBytes + 3000]) {
    core.hash(keyPtr, inputPtr, length);
    const expected = output();
    core.hashBegin(keyPtr);
    let at = 0;
    for (; length - at > pieceBytes; at += pieceBytes) core.hashPiece(inputPtr + at);
    core.hashEnd(inputPtr + at, length - at, 32);
    expect(output()).toBe(expected);
  }
});

test("the longest output, and shorter ones are its beginning", async () => {
  const core = newCore();
  const key = new Uint8Array(32).fill(7);
  const hasher = await createBLAKE3(8 * 4096, key);
  const expected = hasher.update("text").digest("hex");
  for (const length of [1, 31, 32, 33, 63, 64, 65, 2048, 4096]) {
    expect(hexOf(core.keyedBlake3(key, utf8("text"), length))).toBe(expected.slice(0, 2 * length));
  }
  expect(() => core.keyedBlake3(key, utf8("text"), 4097)).toThrow("output");
});

test("data and trees have different ids, and other keys other ones", () => {
  const core = newCoreWithKeys();
  const bytes = utf8("the same");
  const data = core.idOf("data", bytes);
  expect(core.idOf("tree", bytes)).not.toEqual(data);
  core.setKeys(keysOf(9));
  expect(core.idOf("data", bytes)).not.toEqual(data);
});

test("hashing bytes from elsewhere leaves the input area alone", () => {
  const core = newCoreWithKeys();
  const bytes = seededRandom(5).bytes(core.inputBytes);
  core.input(0, core.inputBytes).set(bytes);
  core.idOf("data", new Uint8Array(200_000).fill(1));
  expect(Bun.hash(core.input(0, core.inputBytes))).toBe(Bun.hash(bytes));
});
