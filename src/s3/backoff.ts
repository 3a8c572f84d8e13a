// Backoff: how long to wait before the next attempt, and when to give up. Pure.

import type { Retry } from "./verdict-rows.ts";

const FIRST_MS = 500;
const LONGEST_MS = 60_000;
/** A service that asks for more is not waited for as long as it says. */
const RETRY_AFTER_MS_MAX = 5 * 60_000;
/** Attempts, the first one too, where a failure is worth "few". */
export const FEW_ATTEMPTS = 3;

export interface Attempts {
  /** Made so far: 1 after the first. */
  readonly count: number;
  /** Since the call began. */
  readonly elapsedMs: number;
  readonly budgetMs: number;
  /** The caller's own bound of attempts. */
  readonly most: number;
}

/**
 * The wait before the next attempt in milliseconds, `undefined` where there is none. `chance` is
 * from 0 to 1: the whole wait is drawn ("full jitter"), so that those who failed together do not
 * come back together.
 *
 * The budget does not end a call before its third attempt: on a slow line a single attempt may
 * outlast it.
 */
export function waitBefore(
  retry: Retry,
  attempts: Attempts,
  chance: number,
  retryAfterMs = 0,
): number | undefined {
  const { count, elapsedMs, budgetMs, most } = attempts;
  if (retry === "never" || count >= most) return undefined;
  if (retry === "few" && count >= FEW_ATTEMPTS) return undefined;
  const drawn = chance * Math.min(LONGEST_MS, FIRST_MS * 2 ** (count - 1));
  const waitMs = Math.min(retryAfterMs, RETRY_AFTER_MS_MAX) + drawn;
  return count >= FEW_ATTEMPTS && elapsedMs + waitMs > budgetMs ? undefined : waitMs;
}
