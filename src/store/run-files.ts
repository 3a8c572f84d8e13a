// Run files: the catalog's runs in the cache folder.
//
// They are called `trusted-<n>-<random>.run` and `other-…`: a name is never used twice, so that
// whoever maps one by its name has the one that was meant, or none. A new segment becomes a new run;
// small neighbours are merged, so that there are few runs and opening costs what changed.

import { hexOf } from "../base/bytes.ts";
import { isBunkerError } from "../base/errors.ts";
import type { LocalFolder } from "../base/local.ts";
import type { SegmentBody } from "../format/records.ts";
import { mergeRuns } from "./merge.ts";
import { isRun, Run } from "./run.ts";
import { runParts, type RunSegment } from "./run-segments.ts";

type Trust = "trusted" | "other";
export const TRUSTS: readonly Trust[] = ["trusted", "other"];

const RUN_NAME = /^(trusted|other)-([0-9]{6})-[0-9a-f]{16}\.run$/;
/** A run is merged into its elder when it has more than this share of the elder's blobs. */
const MERGE_SHARE = 0.5;

export interface RunFile {
  readonly file: string;
  readonly trust: Trust;
  /** Absent where the file is no whole run. */
  readonly run: Run | undefined;
}

/** The runs of the cache, mapped; in the order in which they were made. */
export function mapRuns(cache: LocalFolder): RunFile[] {
  return TRUSTS.flatMap((trust) =>
    runFiles(cache, trust).map((file) => ({ file, trust, run: mapRun(cache, file) })),
  );
}

/** Writes a segment as a new run; returns the file's name. */
export function writeRun(
  cache: LocalFolder,
  trust: Trust,
  segment: RunSegment,
  body: SegmentBody,
): string {
  const last = runFiles(cache, trust).at(-1) ?? "";
  const file = runName(trust, numberOf(last) + 1);
  cache.write(file, runParts(segment, body));
  return file;
}

/**
 * Merges the last run into its elder while it is not much smaller: few runs, each blob rewritten a
 * logarithmic number of times.
 */
export function mergeSmall(cache: LocalFolder, trust: Trust): void {
  for (;;) {
    const files = runFiles(cache, trust);
    const last = files.at(-1);
    const elder = files.at(-2);
    if (last === undefined || elder === undefined) return;
    const small = mapRun(cache, last);
    const large = mapRun(cache, elder);
    if (small === undefined || large === undefined) return;
    if (small.counts.blobs < large.counts.blobs * MERGE_SHARE) return;
    try {
      mergeRuns(large, small, () => cache.create(runName(trust, numberOf(elder))));
    } catch (error) {
      if (!isBunkerError(error)) throw error;
      return; // No room, say: few runs are a saving, and many hold the same.
    }
    cache.delete(elder);
    cache.delete(last);
  }
}

function runFiles(cache: LocalFolder, trust: Trust): string[] {
  return cache
    .list()
    .filter((name) => RUN_NAME.exec(name)?.[1] === trust)
    .sort();
}

function mapRun(cache: LocalFolder, file: string): Run | undefined {
  const bytes = cache.map(file);
  return bytes !== undefined && isRun(bytes) ? new Run(bytes) : undefined;
}

function numberOf(file: string): number {
  return Number(RUN_NAME.exec(file)?.[2] ?? 0);
}

function runName(trust: Trust, number: number): string {
  const random = hexOf(crypto.getRandomValues(new Uint8Array(8)));
  return `${trust}-${String(number).padStart(6, "0")}-${random}.run`;
}
