// The core's face: what it refuses, and its memory.

import { expect, test } from "bun:test";

import { CUT_PARAMETERS } from "../../src/core/cutter.ts";
import { newCore, newCoreWithKeys, newExports } from "./instance.ts";

const KEY = new Uint8Array(32);

test("the input area has 16 MiB and is written where it is read", () => {
  const core = newCore();
  expect(core.inputBytes).toBe(16 * 1024 * 1024);
  core.input(10, 4).set([1, 2, 3, 4]);
  core.moveInput(10, 12, 4);
  expect([...core.input(9, 8)]).toEqual([0, 1, 2, 1, 2, 3, 4, 0]);
  core.moveInput(12, 9, 4);
  expect([...core.input(9, 8)]).toEqual([1, 2, 3, 4, 2, 3, 4, 0]);
  expect(core.input(core.inputBytes, 0).length).toBe(0);
});

test.each([
  [-1, 1],
  [0, -1],
  [0, 16 * 1024 * 1024 + 1],
  [16 * 1024 * 1024, 1],
  [0.5, 1],
  [0, Number.NaN],
])("input at %p of %p bytes is refused", (offset, length) => {
  const core = newCoreWithKeys();
  expect(() => core.input(offset, length)).toThrow("input");
  expect(() => core.id("data", offset, length)).toThrow("input");
  expect(() => core.cut(offset, length, true)).toThrow("input");
  expect(() => core.moveInput(offset, 0, length)).toThrow("input");
  expect(() => core.moveInput(0, offset, length)).toThrow("input");
});

test("without keys nothing is cut and no id made, but hashes are", () => {
  const core = newCore();
  expect(() => core.cut(0, 100, true)).toThrow("keys");
  expect(() => core.id("data", 0, 100)).toThrow("keys");
  expect(() => core.idOf("tree", KEY)).toThrow("keys");
  expect(core.blake3(KEY).length).toBe(32);
  expect(core.keyedBlake3(KEY, KEY).length).toBe(32);
});

test("keys of the wrong length are refused", () => {
  const core = newCore();
  const short = new Uint8Array(31);
  const keys = { cutKey: KEY, dataIdKey: KEY, treeIdKey: KEY };
  for (const name of ["cutKey", "dataIdKey", "treeIdKey"]) {
    expect(() => core.setKeys({ ...keys, [name]: short })).toThrow("32 bytes");
  }
  expect(() => core.keyedBlake3(short, KEY)).toThrow("32 bytes");
});

test("parameters of the cutter that can't be right are refused", () => {
  const core = newCore();
  for (const wrong of [{ minimum: 63 }, { average: 1000 }, { maximum: 1000 }]) {
    expect(() => core.setCutParameters({ ...CUT_PARAMETERS, ...wrong })).toThrow();
  }
});

test("ids are the caller's own", () => {
  const core = newCoreWithKeys();
  const first = core.id("data", 0, 10);
  const copy = first.slice();
  core.id("data", 0, 11);
  expect(first).toEqual(copy);
  expect(first.buffer.byteLength).toBe(32);
});

test("a target without room for an id is refused", () => {
  const core = newCoreWithKeys();
  expect(() => core.idInto("data", 0, 10, new Uint8Array(40), 9)).toThrow(RangeError);
});

test("two cores share nothing", () => {
  const [a, b] = [newCoreWithKeys(), newCore()];
  a.input(0, 1).set([5]);
  expect(b.input(0, 1)[0]).toBe(0);
  expect(() => b.id("data", 0, 1)).toThrow("keys");
});

test("the memory never grows", () => {
  const { memory } = newExports();
  expect(() => memory.grow(1)).toThrow(RangeError);
});
