// Usage report: what a run asked of a bucket's service and what that costs, as a line and as JSON.
// A folder has none of it.
//
// Prices are those of Backblaze B2. What is free of charge is not taken off, since nobody here knows
// what else the account has used: a cost is the most that it can be.

import type { Usage } from "../base/usage.ts";
import { costOf, PRICES } from "../s3/prices.ts";
import { formatBytes, formatCount, formatCounted } from "./progress.ts";

type Counts = Omit<Usage, "isB2">;

export interface UsageFields {
  readonly requests?: Counts;
  readonly cost?: {
    readonly currency: string;
    readonly requests: number;
    readonly download: number;
    readonly storagePerMonth?: number;
    readonly pricesOf: string;
  };
}

/** The fields of JSON; `storedBytes` is by how much the store has grown. */
export function usageFields(usage: Usage | undefined, storedBytes?: number): UsageFields {
  if (usage === undefined) return {};
  const { isB2: _, ...requests } = usage;
  const { calls, download } = costOfUsage(usage);
  const growth = storedBytes === undefined ? undefined : storageCost(storedBytes);
  return {
    requests,
    cost: {
      currency: PRICES.currency,
      requests: roundedDollars(calls),
      download: roundedDollars(download),
      ...(growth === undefined ? {} : { storagePerMonth: roundedDollars(growth) }),
      pricesOf: PRICES.date,
    },
  };
}

/** The same in a line for people. */
export function usageLine(usage: Usage): string {
  const { classA, classB, classC, bytesUp, bytesDown, retries, isB2 } = usage;
  const again = retries === 0 ? "" : `, ${formatCount(retries)} of them asked again`;
  const { total } = costOfUsage(usage);
  return (
    `${formatCounted(classA + classB + classC, "request")} ` +
    `(class A ${formatCount(classA)}, B ${formatCount(classB)}, C ${formatCount(classC)}${again}), ` +
    `${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down: ` +
    `${isB2 ? "costs" : "would cost"} ${atMost(total)} ${PRICES_TEXT}`
  );
}

/** Whose prices they are, and when they were read. */
export const PRICES_TEXT = `by B2's prices of ${PRICES.date}`;

/** Dollars a month for so many bytes. */
export function storageCost(bytes: number): number {
  return (bytes / 1e9) * PRICES.storageGigabyteMonth;
}

function costOfUsage({ classA, classB, classC, bytesDown }: Usage) {
  return costOf({ classes: { A: classA, B: classB, C: classC }, bytesDown });
}

const SMALLEST = 0.0001;

function atMost(dollars: number): string {
  if (dollars === 0) return "nothing";
  return dollars < SMALLEST ? formatDollars(dollars) : `at most ${formatDollars(dollars)}`;
}

/** "$0.0042", "$1,234.50", "less than $0.0001": never less than it is. */
export function formatDollars(dollars: number): string {
  if (dollars > 0 && dollars < SMALLEST) return `less than $${SMALLEST}`;
  const digits = dollars < 1 && dollars > 0 ? 4 : 2;
  // What binary fractions add must not become a cent.
  const raised = Math.ceil(dollars * 10 ** digits - 1e-6) / 10 ** digits;
  const [whole = "", cents = ""] = raised.toFixed(digits).split(".");
  return `$${formatCount(Number(whole))}.${cents}`;
}

/** To a billionth, so that no digits stand there that nobody means. */
export function roundedDollars(dollars: number): number {
  return Math.round(dollars * 1e9) / 1e9;
}
