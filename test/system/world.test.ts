// The real world: only that each answer is of its kind.

import { expect, test } from "bun:test";
import { systemWorld } from "../../src/system/world.ts";

test("the clock gives milliseconds since the epoch", () => {
  const before = Date.now();
  const now = systemWorld.now();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});

test("random bytes have the length asked for and differ", () => {
  expect(systemWorld.random(0).length).toBe(0);
  expect(systemWorld.random(32)).not.toEqual(systemWorld.random(32));
});

test("sleeping ends", async () => {
  expect(await systemWorld.sleep(0)).toBeUndefined();
});
