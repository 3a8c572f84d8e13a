// Prices: what Backblaze B2 charges, in one table with its date.
//
// Source: B2's pages "Pricing Organized by API Calls" (classes, calls) and "Cloud Storage Pricing",
// as they stood when the table was made. Other services charge otherwise: a cost is an estimate.

import type { Operation } from "./call.ts";

export type PriceClass = "A" | "B" | "C";

export const PRICES = {
  /** When the pages were read. */
  date: "2026-11-23",
  currency: "USD",
  /** For one call. Each day, so many of classes B and C cost nothing. */
  call: { A: 0, B: 0.004 / 10_000, C: 0.004 / 1000 },
  freeCallsADay: { B: 2500, C: 2500 },
  /** For 10^9 bytes, a month; and the bytes of an account that cost nothing. */
  storageGigabyteMonth: 0.006,
  freeStorageBytes: 10e9,
  /** For 10^9 bytes down; three times what is stored is free each month. */
  downloadGigabyte: 0.01,
  freeDownloadFactor: 3,
} as const;

const CLASS_OF = {
  PutObject: "A",
  DeleteObject: "A",
  CreateMultipartUpload: "A",
  UploadPart: "A",
  CompleteMultipartUpload: "A",
  AbortMultipartUpload: "A",
  PutObjectRetention: "A",
  PutObjectLegalHold: "A",
  GetObject: "B",
  HeadObject: "B",
  GetObjectRetention: "B",
  GetObjectLegalHold: "B",
  GetObjectLockConfiguration: "B",
  CopyObject: "C",
  CreateBucket: "C",
  HeadBucket: "C",
  ListBuckets: "C",
  ListObjects: "C",
  ListObjectVersions: "C",
  ListMultipartUploads: "C",
  ListParts: "C",
  GetBucketLocation: "C",
  GetBucketVersioning: "C",
  GetBucketCors: "C",
  // Not in the list of calls; it reads the settings of a bucket, as those above do.
  GetBucketLifecycle: "C",
  GetObjectTagging: "C",
} as const satisfies Record<Operation, PriceClass>;

/** The class of an operation at B2: A is free. */
export function classOf(operation: Operation): PriceClass {
  return CLASS_OF[operation];
}

/** What is charged for: the part of a tally that costs. */
export interface Charged {
  readonly classes: Readonly<Record<PriceClass, number>>;
  readonly bytesDown: number;
}

export interface Cost {
  readonly calls: number;
  readonly download: number;
  readonly total: number;
}

/** The most that so many calls and bytes cost, in dollars: nothing free is taken off. */
export function costOf({ classes, bytesDown }: Charged): Cost {
  const calls = classes.B * PRICES.call.B + classes.C * PRICES.call.C;
  const download = (bytesDown / 1e9) * PRICES.downloadGigabyte;
  return { calls, download, total: calls + download };
}
