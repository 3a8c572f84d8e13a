// Usage report: the line, the fields, and dollars that are never less than they are.

import { expect, test } from "bun:test";

import type { Usage } from "../../src/base/usage.ts";
import { formatDollars, storageCost, usageFields, usageLine } from "../../src/cli/usage-report.ts";
import { PRICES } from "../../src/s3/prices.ts";

const USAGE: Usage = {
  classA: 1200,
  classB: 100_000,
  classC: 2000,
  byOperation: { PutObject: 1200, GetObject: 100_000, ListObjects: 2000 },
  bytesUp: 3 * 1024 * 1024,
  bytesDown: 2e9,
  retries: 2,
  isB2: true,
};

test("a line for people", () => {
  // 100,000 of class B: $0.04; 2,000 of class C: $0.008; 2 GB down: $0.02.
  expect(usageLine(USAGE)).toBe(
    "103,200 requests (class A 1,200, B 100,000, C 2,000, 2 of them asked again), 3.0 MiB up, " +
      `1.9 GiB down: costs at most $0.0680 by B2's prices of ${PRICES.date}`,
  );
  const little = { ...USAGE, classA: 1, classB: 0, classC: 0, bytesDown: 0, retries: 0 };
  expect(usageLine(little)).toStartWith("1 request (class A 1, B 0, C 0), ");
  expect(usageLine(little)).toContain(": costs nothing by");
  expect(usageLine({ ...little, classC: 1 })).toContain(": costs less than $0.0001 by");
  expect(usageLine({ ...little, isB2: false })).toContain(": would cost nothing by B2's prices");
});

test("fields for scripts", () => {
  const { isB2: _, ...requests } = USAGE;
  expect(usageFields(USAGE, 1e12)).toEqual({
    requests,
    cost: {
      currency: "USD",
      requests: 0.048,
      download: 0.02,
      storagePerMonth: 6,
      pricesOf: PRICES.date,
    },
  });
  expect(usageFields(USAGE).cost).not.toHaveProperty("storagePerMonth");
  expect(usageFields(undefined, 5)).toEqual({});
  expect(storageCost(1e9)).toBe(PRICES.storageGigabyteMonth);
});

test("dollars", () => {
  for (const [dollars, text] of [
    [0, "$0.00"],
    [0.000_09, "less than $0.0001"],
    [0.000_1, "$0.0001"],
    [0.000_101, "$0.0002"],
    [0.07, "$0.0700"],
    [0.999_99, "$1.0000"],
    [1.1, "$1.10"],
    [1.101, "$1.11"],
    [1234.5, "$1,234.50"],
  ] as const) {
    expect(formatDollars(dollars)).toBe(text);
  }
});
