// Exit: the exit statuses, which are a contract (scripts depend on them).
//
// One table from error codes to statuses, and the order in which they outweigh each other when a
// run has met several. What is no `BunkerError` is a fault of ours.

import { type ErrorCode, isBunkerError, ofThisMachine } from "../base/errors.ts";

export const EXIT = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
  incomplete: 3,
  noStore: 10,
  denied: 11,
  wrongKey: 12,
  damage: 13,
  capReached: 14,
  ourFault: 70,
  interrupted: 130,
  brokenPipe: 141,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

const STATUS_OF_CODE = {
  "invalid-argument": EXIT.wrongUsage,
  "not-found": EXIT.failed,
  exists: EXIT.failed,
  denied: EXIT.denied,
  unavailable: EXIT.failed,
  timeout: EXIT.failed,
  full: EXIT.capReached,
  corrupt: EXIT.damage,
  "wrong-key": EXIT.wrongKey,
  "no-store": EXIT.noStore,
  busy: EXIT.failed,
  // The version stands where no signature covers it yet, so that anybody can write a higher one.
  "unsupported-version": EXIT.damage,
  incomplete: EXIT.incomplete,
  interrupted: EXIT.interrupted,
  "broken-pipe": EXIT.brokenPipe,
  io: EXIT.failed,
} satisfies Record<ErrorCode, ExitStatus>;

// The heaviest first. Damage must never hide behind anything; "could be finished later" (14, 3)
// must never hide behind "did not work".
const BY_WEIGHT: readonly ExitStatus[] = [
  EXIT.damage,
  EXIT.ourFault,
  EXIT.interrupted,
  EXIT.brokenPipe,
  EXIT.wrongUsage,
  EXIT.noStore,
  EXIT.denied,
  EXIT.wrongKey,
  EXIT.capReached,
  EXIT.incomplete,
  EXIT.failed,
  EXIT.done,
];

/**
 * The exit status of an error.
 *
 * Statuses 11 and 14 speak of the storage: a refusal or a full disk on this side (a restore's
 * destination, a file named on the command line) goes through `locally`.
 */
export function statusOf(error: unknown): ExitStatus {
  return isBunkerError(error) ? STATUS_OF_CODE[error.code] : EXIT.ourFault;
}

/** Runs what concerns this machine and not the storage, so that its failures say so. */
export function locally<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw isBunkerError(error) ? ofThisMachine(error) : error;
  }
}

/** The status that outweighs the others; 0 of none. */
export function worst(statuses: Iterable<ExitStatus>): ExitStatus {
  const met = new Set(statuses);
  return BY_WEIGHT.find((status) => met.has(status)) ?? EXIT.done;
}
