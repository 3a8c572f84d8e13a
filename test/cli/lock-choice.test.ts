// Lock choice: the owner's policy for what a bucket locks by itself.

import { expect, test } from "bun:test";

import { NO_LOCKS, policyOf } from "../../src/cli/lock-choice.ts";
import type { DefaultLock } from "../../src/storage/bucket-safety.ts";

const DAY = 86_400;
const lock = (days: number): DefaultLock => ({ mode: "compliance", days });

test("the period is the bucket's, and the floor a quarter of it, at most 14 days", () => {
  const shared = { mode: "compliance", grace: DAY } as const;
  expect(policyOf(lock(30), "compliance")).toEqual({
    ...shared,
    period: 30 * DAY,
    floor: 7.5 * DAY,
  });
  expect(policyOf(lock(365), "governance")).toEqual({
    ...shared,
    period: 365 * DAY,
    floor: 14 * DAY,
  });
  for (let days = 7; days <= 3000; days++) {
    const { floor, period } = policyOf(lock(days), "compliance");
    expect(Number.isInteger(floor) && floor * 2 < period).toBe(true);
  }
});

test("without a lock, or where the user wants none, nothing is promised", () => {
  expect(policyOf(undefined, "none")).toBe(NO_LOCKS);
  expect(policyOf(lock(30), "none")).toBe(NO_LOCKS);
  expect(NO_LOCKS).toEqual({ mode: "none", period: 0, floor: 0, grace: DAY });
});
