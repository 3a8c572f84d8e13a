// Cost report: `stats --cost`: what a store costs at Backblaze B2, as lines and as JSON.

import { hexId } from "../base/ids.ts";
import { estimateRestore, type Fetching } from "../jobs/restore-estimate.ts";
import { measureStore, type StoreSize } from "../jobs/store-size.ts";
import { PRICES } from "../s3/prices.ts";
import { BlobReader } from "../store/blobs.ts";
import { Numbering } from "../store/numbering.ts";
import { type FoundSnapshot, type Manifests, readSnapshot } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";
import type { Words } from "./command.ts";
import { formatBytes, formatCount, formatCounted } from "./progress.ts";
import { breather, monitorOf } from "./session.ts";
import { formatDollars, roundedDollars, storageCost } from "./usage-report.ts";
import type { Wiring } from "./wiring.ts";

const DAY_MS = 86_400_000;
const GROWTH_DAYS = 30;
const PAGE_COUNT = 1000;
/** Lists of a backup that begin where the last run has seen the end: a page each. */
const BACKUP_LISTS = 7;
/** Two more for each writer: of its segments and of its manifests. */
const BACKUP_LISTS_PER_WRITER = 2;
/** Lists of whoever opens a store without a memory of it: owner log, key slots. */
const OPENING_LISTS = 2;

/** The parts of an estimate, in dollars where they are not named otherwise. */
export interface CostEstimate {
  readonly size: StoreSize;
  readonly isB2: boolean;
  readonly storageCost: number;
  /** Bytes a month that may be fetched for nothing. */
  readonly freeDownloadBytes: number;
  readonly restores: readonly RestoreCost[];
  readonly backup: { readonly classC: number; readonly cost: number };
  /** By how much the snapshots of the last days made the store grow. */
  readonly growthBytes: number;
}

export interface RestoreCost {
  readonly snapshot: string;
  readonly classB: number;
  readonly classC: number;
  readonly bytes: number;
  readonly requestsCost: number;
  /** Of what is beyond the free bytes of a month. */
  readonly downloadCost: number;
}

/** Estimates what the store costs, and what it costs to restore these snapshots. */
export async function estimateCost(
  wiring: Wiring,
  store: Store,
  {
    manifests,
    wanted,
  }: { readonly manifests: Manifests; readonly wanted: readonly FoundSnapshot[] },
): Promise<CostEstimate> {
  const monitor = monitorOf(wiring);
  const breathe = breather(wiring.interruption);
  try {
    const size = await measureStore(store.storage, breathe);
    const catalog = await store.catalog();
    const parts = {
      store,
      catalog,
      monitor,
      breathe,
      numbering: new Numbering(catalog),
      reader: new BlobReader(store),
    };
    const restores: RestoreCost[] = [];
    for (const found of wanted) {
      const fetching = await estimateRestore(parts, found);
      restores.push(costOfRestore(hexId(found.manifest.id), fetching, size));
    }
    const growthBytes = await growthOf(store, manifests);
    return { ...ofStore(store, size), restores, growthBytes };
  } finally {
    monitor.finish();
  }
}

function ofStore(store: Store, size: StoreSize): Omit<CostEstimate, "restores" | "growthBytes"> {
  const lists = BACKUP_LISTS + BACKUP_LISTS_PER_WRITER * Math.max(1, store.log.state.signers.size);
  const classC = lists + pagesOf(size.packs.objects);
  return {
    size,
    isB2: store.storage.usage?.()?.isB2 === true,
    storageCost: storageCost(size.all.bytes),
    freeDownloadBytes: PRICES.freeDownloadFactor * size.all.bytes,
    backup: { classC, cost: classC * PRICES.call.C },
  };
}

// For a machine that has nothing yet: it fetches the index and the manifests, too.
function costOfRestore(snapshot: string, { gets, bytes }: Fetching, size: StoreSize): RestoreCost {
  const { segments, manifests, others, all } = size;
  const small = [segments, manifests, others];
  const classB = small.reduce((sum, { objects }) => sum + objects, gets);
  const classC = OPENING_LISTS + pagesOf(segments.objects) + pagesOf(manifests.objects);
  const total = small.reduce((sum, part) => sum + part.bytes, bytes);
  const charged = Math.max(0, total - PRICES.freeDownloadFactor * all.bytes);
  return {
    snapshot,
    classB,
    classC,
    bytes: total,
    requestsCost: classB * PRICES.call.B + classC * PRICES.call.C,
    downloadCost: (charged / 1e9) * PRICES.downloadGigabyte,
  };
}

async function growthOf(store: Store, { offered }: Manifests): Promise<number> {
  const since = store.world.now() - GROWTH_DAYS * DAY_MS;
  let bytes = 0;
  for (const manifest of offered) {
    if (manifest.time < since) continue;
    const snapshot = await readSnapshot(store, manifest);
    bytes += snapshot?.counts.storedBytes ?? 0;
  }
  return bytes;
}

function pagesOf(count: number): number {
  return Math.max(1, Math.ceil(count / PAGE_COUNT));
}

export async function reportCost(
  { output }: Wiring,
  words: Words,
  estimate: CostEstimate,
): Promise<void> {
  if (words.flag("json")) return output.json(jsonOf(estimate));
  for (const line of linesOf(estimate)) await output.line(line);
}

function jsonOf(estimate: CostEstimate): object {
  const { size, storageCost: cost, freeDownloadBytes, backup, restores, growthBytes } = estimate;
  return {
    currency: PRICES.currency,
    pricesOf: PRICES.date,
    storage: { ...size.all, costPerMonth: roundedDollars(cost) },
    freeDownloadBytes,
    restores: restores.map(({ requestsCost, downloadCost, ...one }) => ({
      ...one,
      requestsCost: roundedDollars(requestsCost),
      downloadCost: roundedDollars(downloadCost),
    })),
    backup: {
      classC: backup.classC,
      cost: roundedDollars(backup.cost),
      costPerMonth: roundedDollars(backup.cost * GROWTH_DAYS),
    },
    growth: { bytes: growthBytes, costPerMonth: roundedDollars(storageCost(growthBytes)) },
  };
}

function linesOf(estimate: CostEstimate): string[] {
  const { size, isB2, backup, restores, growthBytes } = estimate;
  const place = isB2 ? "at Backblaze B2" : "if it were at Backblaze B2";
  const free = PRICES.freeStorageBytes / 1e9;
  const calls = formatCount(PRICES.freeCallsADay.C);
  return [
    `what this store costs ${place}, by the prices of ${PRICES.date}:`,
    `stored: ${formatBytes(size.all.bytes)} in ${formatCounted(size.all.objects, "object")}, ` +
      `all versions: ${formatDollars(estimate.storageCost)} a month`,
    `the last ${GROWTH_DAYS} days added ${formatBytes(growthBytes)}: ` +
      `${formatDollars(storageCost(growthBytes))} more a month`,
    `a backup: ${formatCounted(backup.classC, "request")} of class C, uploads cost nothing: ` +
      `${formatDollars(backup.cost)}; one a day: ${formatDollars(backup.cost * GROWTH_DAYS)} a month`,
    ...restores.map((restore) => lineOf(restore, estimate.freeDownloadBytes)),
    `not taken off: what each account has for nothing, ${free} GB stored, and ${calls} requests a day ` +
      `of each class`,
  ];
}

function lineOf(restore: RestoreCost, freeBytes: number): string {
  const { snapshot, classB, classC, bytes, requestsCost, downloadCost } = restore;
  const free = `${formatBytes(freeBytes)} a month, ${PRICES.freeDownloadFactor} times what is stored`;
  const download =
    downloadCost === 0
      ? `the download nothing, while the account fetches less than ${free}`
      : `the download ${formatDollars(downloadCost)}, for what is beyond ${free}`;
  return (
    `restoring all of ${snapshot.slice(0, 10)} to a new machine: about ${formatBytes(bytes)} by ` +
    `${formatCounted(classB + classC, "request")}: ${formatDollars(requestsCost)}; ${download}`
  );
}
