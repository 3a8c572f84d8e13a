// Backup report: what came of a backup, or would, as text and as JSON.

import { hexId } from "../base/ids.ts";
import type { Usage } from "../base/usage.ts";
import type { BackupResult, DryRunResult } from "../jobs/backup.ts";
import type { Output } from "./output.ts";
import { formatBytes, formatCounted, formatElapsed } from "./progress.ts";
import type { ReadList } from "./read-list.ts";
import { usageFields } from "./usage-report.ts";

export interface ReportOptions {
  readonly json: boolean;
  /** What was read. */
  readonly list: ReadList;
  /** How many things could not be read. */
  readonly problems: number;
  /** What was asked of a bucket's service. */
  readonly usage: Usage | undefined;
}

/** Writes the result; one without an id is a dry run's. */
export function reportBackup(
  output: Output,
  result: BackupResult | DryRunResult,
  options: ReportOptions,
): Promise<void> {
  if (options.json) return output.json(jsonOf(result, options));
  return output.line("id" in result ? textOf(result) : textOfDryRun(result, options.list));
}

function jsonOf(
  result: BackupResult | DryRunResult,
  { list, problems, usage }: ReportOptions,
): object {
  const { counts, written, unchangedFiles, start, end } = result;
  const { newBlobs, storedBytes, ...seen } = counts;
  return {
    ...("id" in result
      ? { snapshot: hexId(result.id), skipped: result.skipped }
      : { dryRun: true }),
    ...seen,
    problems,
    unchangedFiles,
    readFiles: list.fileCount,
    readBytes: list.bytes,
    newBlobs,
    storedBytes,
    packs: written.packs,
    segments: written.segments,
    start: new Date(start).toISOString(),
    end: new Date(end).toISOString(),
    ...usageFields(usage, storedBytes),
  };
}

function textOf(result: BackupResult): string {
  const id = hexId(result.id).slice(0, 10);
  const { storedBytes } = result.counts;
  const elapsed = formatElapsed((result.end - result.start) / 1000);
  return result.skipped
    ? `no snapshot: nothing has changed since snapshot ${id}: ${seenText(result)}, in ${elapsed}`
    : `snapshot ${id}: ${seenText(result)}; stored ${formatBytes(storedBytes)} anew in ${elapsed}`;
}

function textOfDryRun(result: DryRunResult, { fileCount, bytes }: ReadList): string {
  return (
    `dry run: ${seenText(result)}; would read ${formatCounted(fileCount, "file")}, ` +
    `${formatBytes(bytes)}, and store ${formatBytes(result.counts.storedBytes)} anew`
  );
}

function seenText({ counts: { files, folders, contentBytes } }: DryRunResult): string {
  const content = formatBytes(contentBytes);
  return `${formatCounted(files, "file")} and ${formatCounted(folders, "folder")}, ${content}`;
}
