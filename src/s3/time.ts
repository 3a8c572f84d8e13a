// Time: moments in the XML and in the headers of an S3 service.

import { assert } from "../base/assert.ts";
import { BunkerError } from "../base/errors.ts";

const ISO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
/** The end of the year 9999: what comes later has no four digits. */
const TIME_MS_MAX = 253_402_300_799_000;

/** Reads "2030-01-31T12:00:00Z" or with a fraction, whose part below a millisecond is dropped. */
export function parseTime(text: string, what: string): number {
  const [, seconds, fraction = "", zone] = ISO.exec(text) ?? [];
  const time = Date.parse(`${seconds}${fraction.slice(0, 4)}${zone}`);
  if (!Number.isNaN(time)) return time;
  throw new BunkerError("unavailable", `${what}: expected a time, found ${JSON.stringify(text)}`);
}

/**
 * Writes whole seconds, which every service takes, rounded up: a lock must not end before it was
 * asked to, and a date below the one that is set would be a refused shortening.
 */
export function formatTime(ms: number): string {
  assert(ms >= 0 && ms <= TIME_MS_MAX, "a time has a year of four digits");
  return new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

/** The time in a header such as `Date` or `Last-Modified`; `undefined` where there is none. */
export function timeInHeader(headers: Headers, name: string): number | undefined {
  const time = Date.parse(headers.get(name) ?? "");
  return Number.isNaN(time) ? undefined : time;
}
