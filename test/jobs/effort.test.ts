// Effort: compresses harder only while the storage is what a backup waits for.

import { expect, test } from "bun:test";
import { Effort } from "../../src/jobs/effort.ts";

test("a lane that waits for the storage compresses harder, and stops when it no longer does", async () => {
  let time = 0;
  const effort = new Effort({ fast: 1, thrifty: 3 }, () => time);
  const pack = async (makingMs: number, waitingMs: number): Promise<number> => {
    time += makingMs;
    await effort.handOver(() => {
      time += waitingMs;
      return Promise.resolve();
    });
    return effort.level;
  };
  expect(effort.level).toBe(1);
  expect(await pack(100, 25)).toBe(1);
  expect(await pack(100, 26)).toBe(3);
  expect(await pack(100, 400)).toBe(3);
  expect(await pack(100, 0)).toBe(1);
});
