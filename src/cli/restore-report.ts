// Restore report: what a restore did, or would do, in a line, as JSON, or path by path.

import type { Usage } from "../base/usage.ts";
import { joinPath } from "../system/paths.ts";
import type { OnStep, RestoreCounts } from "../jobs/restore-report.ts";
import type { VerifyCounts } from "../jobs/restore-verify.ts";
import type { Words } from "./command.ts";
import { printableName, printableText } from "./names.ts";
import { formatBytes, formatCount, formatCounted, formatElapsed } from "./progress.ts";
import type { RestoreWish } from "./restore-options.ts";
import { usageFields } from "./usage-report.ts";
import type { Wiring } from "./wiring.ts";

export interface RestoreOutcome {
  readonly wish: RestoreWish;
  readonly counts: RestoreCounts;
  readonly verified: VerifyCounts | undefined;
  readonly seconds: number;
  /** How many things could not be read when the snapshots were made. */
  readonly sourceProblems: number;
  /** What was asked of a bucket's service. */
  readonly usage: Usage | undefined;
}

/** A line for each path that would be made, replaced or deleted. */
export function stepLines(
  { output }: Wiring,
  { isDry, isJson }: RestoreWish,
): { readonly dry?: true; readonly onStep?: OnStep } {
  if (!isDry) return {};
  if (isJson) return { dry: true };
  const onStep: OnStep = (kind, path) =>
    output.line(`${kind.padEnd(7)} ${printableName(joinPath(path))}`);
  return { dry: true, onStep };
}

export async function reportRestore(
  { output }: Wiring,
  words: Words,
  { wish, counts, verified, seconds, sourceProblems, usage }: RestoreOutcome,
): Promise<void> {
  const { target, isDry } = wish;
  const problems = counts.problems + (verified?.problems ?? 0);
  if (words.flag("json")) {
    await output.json({
      target,
      ...counts,
      problems,
      ...(sourceProblems === 0 ? {} : { sourceProblems }),
      ...(verified === undefined ? {} : { verified: verified.verified }),
      ...(isDry ? { dryRun: true } : {}),
      ...usageFields(usage),
    });
    return;
  }
  const { files, folders, bytes, fetchedBytes } = counts;
  const fetched = isDry ? ` (${formatBytes(fetchedBytes)} to fetch)` : "";
  await output.line(
    `${isDry ? "would restore" : "restored"} ${formatCounted(files, "file")} and ` +
      `${formatCounted(folders, "folder")}, ${formatBytes(bytes)}${fetched}, ` +
      `to ${printableText(target)}${isDry ? "" : ` in ${formatElapsed(seconds)}`}` +
      restOf(counts, verified),
  );
}

function restOf(counts: RestoreCounts, verified: VerifyCounts | undefined): string {
  const parts: readonly (readonly [number, string])[] = [
    [counts.replaced, "replaced"],
    [counts.left, "left as they were"],
    [counts.skipped, "skipped"],
    [counts.deleted, "deleted"],
    [verified?.verified ?? 0, "read back and equal"],
  ];
  const said = parts.filter(([count]) => count > 0);
  if (said.length === 0) return "";
  return `; ${said.map(([count, what]) => `${formatCount(count)} ${what}`).join(", ")}`;
}
