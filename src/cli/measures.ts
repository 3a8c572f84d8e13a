// Measures: sizes and moments, as people type them.

import type { Time } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";

const UNITS = ["", "k", "m", "g", "t", "p"];

/** `10`, `10k`, `1.5M`, `2GiB`: powers of 1,024, as all sizes are shown. Throws `invalid-argument`. */
export function parseSize(text: string, option: string): number {
  const found = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  const unit = UNITS.indexOf((found?.[2] ?? "").toLowerCase());
  const bytes = Math.round(Number(found?.[1]) * 1024 ** unit);
  if (found === null || !Number.isSafeInteger(bytes)) {
    throw new BunkerError(
      "invalid-argument",
      `${option}: expected a size as 500, 10k or 1.5GiB, found ${text}`,
    );
  }
  return bytes;
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/;
const AGO = /^(\d+)([smhdwy]|mo)$/;

/**
 * `2026-03-04`, `2026-03-04T05:06:07Z`, without a zone in this machine's; or how long ago: `90m`,
 * `12h`, `7d`, `2w`, `6mo`, `1y`. Throws `invalid-argument`.
 */
export function parseMoment(text: string, option: string, nowMs: number): Time {
  const ago = AGO.exec(text);
  const ms = ago === null ? momentOfDate(text) : momentAgo(Number(ago[1]), ago[2]!, nowMs);
  if (ms === undefined || Number.isNaN(ms)) {
    throw new BunkerError(
      "invalid-argument",
      `${option}: expected a date as 2026-03-04 or 2026-03-04T05:06:07, or an age as 12h, 7d or ` +
        `6mo, found ${text}`,
    );
  }
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanoseconds: Math.round((ms - seconds * 1000) * 1e6) };
}

function momentOfDate(text: string): number | undefined {
  const found = DATE.exec(text);
  if (found === null) return undefined;
  const [, day = "", clock = "00:00", zone = ""] = found;
  const date = new Date(`${day}T00:00Z`);
  // The runtime takes the 31st of February for the 3rd of March.
  if (Number.isNaN(date.getTime()) || !date.toISOString().startsWith(day)) return undefined;
  return new Date(`${day}T${clock}${zone}`).getTime();
}

function momentAgo(count: number, unit: string, nowMs: number): number {
  if (unit !== "mo" && unit !== "y") {
    return nowMs - count * SECONDS[unit as keyof typeof SECONDS] * 1000;
  }
  const date = new Date(nowMs);
  date.setMonth(date.getMonth() - count * (unit === "y" ? 12 : 1));
  return date.getTime();
}

const RATE_MIN = 1024;

/** Bytes a second: a size, with `/s` behind it or not. Throws `invalid-argument`. */
export function parseRate(text: string, option: string): number {
  const rate = parseSize(text.replace(/\/s$/i, ""), option);
  if (rate >= RATE_MIN) return rate;
  throw new BunkerError("invalid-argument", `${option}: expected at least 1k, found ${text}`, {
    hint: "it counts bytes a second; without it there is no limit",
  });
}

/** A whole number from 1 to `most`. Throws `invalid-argument`. */
export function parseCount(text: string, option: string, most: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= most) return count;
  throw new BunkerError("invalid-argument", `${option}: expected 1 to ${most}, found ${text}`);
}
