// Limits of a bucket: options go before settings, and neither is taken where it makes no sense.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { limitsOf, refuseLimits } from "../../src/cli/bucket-limits.ts";
import { BUCKET_OPTIONS, Words } from "../../src/cli/command.ts";
import { parseCount, parseRate } from "../../src/cli/measures.ts";
import { rigAt } from "../s3/rig.ts";
import { codeOf } from "../support/failure.ts";

const MIB = 1024 * 1024;

test("options go before settings, each by itself", () => {
  const words = new Words([], { connections: "3", "limit-upload": "10M/s" });
  const values = { connections: "9", "limit-download": "1.5M", "limit-requests": "50" };
  expect(limitsOf(words, values)).toEqual({
    connections: 3,
    uploadBytesPerSecond: 10 * MIB,
    downloadBytesPerSecond: 1.5 * MIB,
    requestsPerSecond: 50,
  });
  expect(limitsOf(new Words([], {}))).toEqual({});
});

test("without any, so many connections as the help and the guide say", () => {
  const { connections } = rigAt("http://127.0.0.1:1").bucket;
  expect(BUCKET_OPTIONS.connections.description).toContain(`(default: ${connections})`);
  const guide = readFileSync(join(import.meta.dir, "../../docs/buckets.md"), "utf8");
  expect(guide).toContain(`\`--connections N\` (${connections} unless said)`);
});

test.each([
  [{ connections: "0" }, "--connections: expected 1 to 128"],
  [{ connections: "129" }, "--connections: expected 1 to 128"],
  [{ connections: "1e1" }, "--connections: expected 1 to 128"],
  [{ "limit-requests": "-1" }, "--limit-requests: expected 1 to"],
  [{ "limit-upload": "1" }, "--limit-upload: expected at least 1k"],
  [{ "limit-download": "M" }, "--limit-download: expected a size"],
])("%j is refused", (values, message) => {
  const read = (): unknown => limitsOf(new Words([], values));
  expect(codeOf(read)).toBe("invalid-argument");
  expect(read).toThrow(message);
});

test("a folder takes none", () => {
  refuseLimits(new Words([], { store: "x" }));
  expect(codeOf(() => refuseLimits(new Words([], { connections: "3" })))).toBe("invalid-argument");
});

test("rates and counts", () => {
  expect(parseRate("1k", "o")).toBe(1024);
  expect(parseRate("2 MiB/s", "o")).toBe(2 * MIB);
  expect(parseCount("7", "o", 7)).toBe(7);
  expect(codeOf(() => parseCount("8", "o", 7))).toBe("invalid-argument");
  expect(codeOf(() => parseRate("1M/min", "o"))).toBe("invalid-argument");
});
