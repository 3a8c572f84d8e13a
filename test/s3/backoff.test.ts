// Backoff: the bounds of every wait, and when it is over.

import { expect, test } from "bun:test";
import { waitBefore } from "../../src/s3/backoff.ts";

const BUDGET = 900_000;
const at = (count: number, elapsedMs = 0, most = Number.POSITIVE_INFINITY) => ({
  count,
  elapsedMs,
  budgetMs: BUDGET,
  most,
});

test("the longest wait doubles from half a second to a minute, the shortest is none", () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 9, 100].map((n) => waitBefore("always", at(n), 1));
  expect(longest).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  expect(waitBefore("always", at(9), 0)).toBe(0);
  expect(waitBefore("always", at(9), 0.5)).toBe(30_000);
});

test("what the service asks for comes on top, within reason", () => {
  expect(waitBefore("always", at(1), 0.5, 7000)).toBe(7250);
  expect(waitBefore("always", at(1), 0, 86_400_000)).toBe(300_000);
});

test("never is never, few are three attempts", () => {
  expect(waitBefore("never", at(1), 1)).toBeUndefined();
  expect(waitBefore("few", at(1), 1)).toBe(500);
  expect(waitBefore("few", at(2), 1)).toBe(1000);
  expect(waitBefore("few", at(3), 1)).toBeUndefined();
});

test("the caller's bound of attempts holds", () => {
  expect(waitBefore("always", at(1, 0, 1), 1)).toBeUndefined();
  expect(waitBefore("always", at(1, 0, 2), 1)).toBe(500);
});

test("the budget ends it, but not before the third attempt", () => {
  expect(waitBefore("always", at(3, BUDGET - 2000), 1)).toBe(2000);
  expect(waitBefore("always", at(3, BUDGET - 1999), 1)).toBeUndefined();
  expect(waitBefore("always", at(2, BUDGET * 10), 1)).toBe(1000);
});
