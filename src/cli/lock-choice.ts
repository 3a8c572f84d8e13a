// Lock choice: which locks a person accepts of a bucket, and what the owner's policy says of them.

import { BunkerError } from "../base/errors.ts";
import type { LockPolicy } from "../format/record.ts";
import {
  DAY_MS,
  type DefaultLock,
  LOCK_CHOICES,
  type LockChoice,
} from "../storage/bucket-safety.ts";
import type { OptionDefinition, Words } from "./command.ts";

export const LOCK_OPTION = {
  type: "string",
  valueHint: "MODE",
  description: "Buckets: accept no less: compliance (default), governance or none",
} as const satisfies OptionDefinition;

export const DAY_SECONDS = DAY_MS / 1000;
/** Sweeps wait for it: for clocks that differ, and commits under way. */
const GRACE_SECONDS = DAY_SECONDS;
const FLOOR_SECONDS_MAX = 14 * DAY_SECONDS;

export const NO_LOCKS: LockPolicy = { mode: "none", period: 0, floor: 0, grace: GRACE_SECONDS };

/** The value of `--lock`. Throws `invalid-argument`. */
export function lockChoiceOf(words: Words): LockChoice {
  const text = words.text("lock") ?? "compliance";
  const choice = LOCK_CHOICES.find((name) => name === text);
  if (choice !== undefined) return choice;
  throw new BunkerError(
    "invalid-argument",
    `--lock: expected ${LOCK_CHOICES.join(", ")}, found ${text}`,
  );
}

/**
 * The policy for a bucket's default retention. The floor is what must be left of a lock before a pack
 * is used again: a quarter, so that two missed renewals in a row are noticed in time, and at most 14 days.
 */
export function policyOf(lock: DefaultLock | undefined, choice: LockChoice): LockPolicy {
  if (lock === undefined || choice === "none") return NO_LOCKS;
  const period = lock.days * DAY_SECONDS;
  const floor = Math.min(Math.floor(period / 4), FLOOR_SECONDS_MAX);
  return { mode: lock.mode, period, floor, grace: GRACE_SECONDS };
}
