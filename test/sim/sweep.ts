// What both sweeps of faults share: the tree, the faults in detail, and what a run may end with.

import { expect } from "bun:test";

import { isBunkerError } from "../../src/base/errors.ts";
import type { Fault, FaultKind } from "../b2/faults.ts";
import { compareFolders } from "../support/compare.ts";
import { seededRandom } from "../support/random.ts";
import type { BucketRig } from "./bucket.ts";

export const TREE = {
  "a/one": "one",
  "a/two": seededRandom(1).bytes(100_000),
  three: seededRandom(2).bytes(200),
};
/** Details that make a fault bite at a request as small as these are. */
export const DETAILS: Partial<Record<FaultKind, Partial<Fault>>> = {
  "hang-midway": { bytes: 10 },
  truncated: { bytes: 10 },
  slow: { bytes: 4096, delayMs: 1 },
  "slow-down": { retryAfterSeconds: 1 },
  "stale-list": { versionCount: 1 },
  "wrong-date": { skewMs: 3_600_000 },
};
/** What a run may end with that could not go on. */
const CODES = ["unavailable", "timeout", "denied", "corrupt", "not-found", "no-store", "full"];

export function expectCode(error: unknown, during: string): void {
  const code = isBunkerError(error) ? error.code : String(error);
  expect(CODES, `${during}: ${String(error)}`).toContain(code);
}

export async function expectWhole(rig: BucketRig, source: string, to: string, during: string) {
  const { problems } = await rig.restore(to);
  expect(problems, during).toEqual([]);
  expect(compareFolders(source, to).differences, during).toEqual([]);
}
