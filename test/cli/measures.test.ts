// Measures: sizes and moments that people type, and those that are refused.

import { expect, test } from "bun:test";
import { parseMoment, parseSize } from "../../src/cli/measures.ts";

const sizes: [string, number][] = [
  ["0", 0],
  ["500", 500],
  ["500B", 500],
  ["10k", 10_240],
  ["10KiB", 10_240],
  ["1.5M", 1_572_864],
  ["2 GiB", 2 ** 31],
  ["1tb", 2 ** 40],
];

test.each(sizes)("%s", (text, bytes) => {
  expect(parseSize(text, "--larger")).toBe(bytes);
});

test.each(["", "k", "-1", "1e9", "10x", "1.k", "99999999P", "1 0"])(
  "size '%s' is refused",
  (text) => {
    expect(() => parseSize(text, "--larger")).toThrow("--larger: expected a size");
  },
);

const NOW = Date.parse("2026-03-31T12:00:00Z");

const moments: [string, string][] = [
  ["2026-03-04T05:06:07Z", "2026-03-04T05:06:07.000Z"],
  ["2026-03-04 05:06:07Z", "2026-03-04T05:06:07.000Z"],
  ["2026-03-04T05:06Z", "2026-03-04T05:06:00.000Z"],
  ["2026-03-04T05:06:07+02:00", "2026-03-04T03:06:07.000Z"],
  ["1965-03-04T05:06:07.5Z", "1965-03-04T05:06:07.500Z"],
  ["90s", "2026-03-31T11:58:30.000Z"],
  ["90m", "2026-03-31T10:30:00.000Z"],
  ["12h", "2026-03-31T00:00:00.000Z"],
  ["7d", "2026-03-24T12:00:00.000Z"],
  ["2w", "2026-03-17T12:00:00.000Z"],
];

test.each(moments)("%s", (text, iso) => {
  const ms = Date.parse(iso);
  const seconds = Math.floor(ms / 1000);
  const nanoseconds = (ms - seconds * 1000) * 1e6;
  expect(parseMoment(text, "--newer", NOW)).toEqual({ seconds, nanoseconds });
});

test("a date without a zone is one of this machine, and years are those of the calendar", () => {
  const at = (text: string) => parseMoment(text, "--newer", NOW).seconds * 1000;
  expect(at("2026-03-04")).toBe(new Date(2026, 2, 4).getTime());
  expect(at("2026-03-04 05:06")).toBe(new Date(2026, 2, 4, 5, 6).getTime());
  expect(new Date(at("1y")).getFullYear()).toBe(2025);
  expect(at("6mo")).toBeLessThan(at("5mo"));
});

test.each([
  "",
  "yesterday",
  "2026",
  "2026-13-01",
  "2026-02-31",
  "2026-03-04T25:00",
  "7",
  "7x",
  "-7d",
])("moment '%s' is refused", (text) => {
  expect(() => parseMoment(text, "--newer", NOW)).toThrow("--newer: expected a date");
});
