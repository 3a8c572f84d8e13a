// Refuse: checks of a call's options that every storage makes alike.

import { assert } from "../base/assert.ts";
import { BunkerError } from "../base/errors.ts";
import type { GetOptions, Range } from "./storage.ts";

/** Throws `interrupted` where the caller has already given up. */
export function checkSignal(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted !== true) return;
  throw new BunkerError("interrupted", `${doing}: interrupted`, { cause: signal.reason });
}

/**
 * The part of an object of `bytes` bytes that `options` asks for; past the end is cut off. Throws
 * `corrupt` for a whole object that is longer than they allow.
 */
export function rangeWithin(bytes: number, options: GetOptions): Range {
  const { bytesMax = bytes } = options;
  if (options.range === undefined && bytes > bytesMax) {
    throw new BunkerError("corrupt", `expected at most ${bytesMax} bytes, found ${bytes}`);
  }
  const range = options.range ?? { offset: 0, length: bytes };
  assert(Number.isSafeInteger(range.offset) && range.offset >= 0, "a range starts at 0 or later");
  assert(Number.isSafeInteger(range.length) && range.length >= 0, "a range has a length");
  const offset = Math.min(range.offset, bytes);
  return { offset, length: Math.min(range.length, bytes - offset) };
}

/** The error for a lock where a storage has none. */
export function noLocks(what: string): BunkerError {
  return new BunkerError("denied", `${what} has no locks`, {
    hint: "keep the store in a bucket with Object Lock",
  });
}
