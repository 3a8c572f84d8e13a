// struct statx: the numbers that a test file can't easily have.

import { expect, test } from "bun:test";
import { STATX_BYTES, decodeStatx } from "../../src/system/stat.ts";

function statxWith(set: (words: Uint32Array) => void): Uint32Array {
  const words = new Uint32Array(STATX_BYTES / 4);
  words[7] = 0o100644;
  set(words);
  return words;
}

test("inodes of 53 bits are numbers, larger ones are exact too", () => {
  const at = (high: number) => decodeStatx(statxWith((words) => words.set([7, high], 8))).inode;
  expect(at(0)).toBe(7);
  expect(at(2 ** 21 - 1)).toBe((2 ** 21 - 1) * 2 ** 32 + 7);
  expect(at(2 ** 21)).toBe(2n ** 53n + 7n);
  expect(at(0xffffffff)).toBe(0xffffffffn * 2n ** 32n + 7n);
});

test("a size that is not exact as a number is refused", () => {
  expect(decodeStatx(statxWith((words) => words.set([5, 1], 10))).size).toBe(2 ** 32 + 5);
  expect(() => decodeStatx(statxWith((words) => words.set([0, 2 ** 21], 10)))).toThrow("EFBIG");
});

test("seconds are signed, nanoseconds count upwards", () => {
  const stat = decodeStatx(statxWith((words) => words.set([0xfffffffe, 0xffffffff, 999], 28)));
  expect(stat.modified).toEqual({ seconds: -2, nanoseconds: 999 });
});

test("an unknown type is refused", () => {
  expect(() => decodeStatx(statxWith((words) => (words[7] = 0o130000)))).toThrow("EINVAL");
});
