// Range: a part of an object, as a header asks for it and as an answer gives it.

import { assert } from "../base/assert.ts";
import { BunkerError } from "../base/errors.ts";
import type { Answer } from "./call.ts";

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface RangeAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Headers;
  readonly totalBytes: number;
}

/** The header that asks for a range, which is not empty: no header can ask for nothing. */
export function rangeHeader({ offset, length }: ByteRange): string {
  assert(offset >= 0 && length > 0, "a range has bytes");
  assert(Number.isSafeInteger(offset + length), "a range is of whole bytes");
  return `bytes=${offset}-${offset + length - 1}`;
}

/**
 * The bytes that an answer gives of an object, which are those that were asked for, as far as there
 * are any. Throws `unavailable` for others.
 */
export function rangeIn(answer: Answer, what: string, range: ByteRange | undefined): RangeAnswer {
  const { status, headers, bytes } = answer;
  if (status !== 206) {
    // A service may give the whole object where a range was asked for.
    const part =
      range === undefined ? bytes : bytes.slice(range.offset, range.offset + range.length);
    return { bytes: part, headers, totalBytes: bytes.length };
  }
  const told = headers.get("content-range") ?? "";
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(told) ?? [];
  const { offset, length } = range ?? { offset: 0, length: Number(total) };
  const end = Math.min(offset + length, Number(total));
  const isTold = Number(first) === offset && Number(last) === end - 1;
  if (isTold && bytes.length === end - offset) return { bytes, headers, totalBytes: Number(total) };
  throw new BunkerError(
    "unavailable",
    `${what}: expected ${range === undefined ? "the whole" : rangeHeader(range)}, ` +
      `found ${bytes.length} bytes as ${JSON.stringify(told)}`,
  );
}
