// Restore choice: what becomes of a name that something has already.

import type { Metadata } from "../base/entry.ts";
import type { Selection } from "../base/selection.ts";
import { isNewer, isSameDevice, isSameTime } from "../destination/same.ts";
import type { RawStat } from "../system/stat.ts";

/**
 * `always`: what is there becomes what the snapshot has, content compared; `if-changed`: the same,
 * but a file of the same length and time is taken for the same; `if-newer`: only where the
 * snapshot's time is the later one; `never`: what is there stays.
 */
export type Overwrite = "always" | "if-changed" | "if-newer" | "never";

export const OVERWRITES: readonly Overwrite[] = ["always", "if-changed", "if-newer", "never"];

export type Choice =
  | "make" // nothing is there
  | "replace"
  | "leave" // it is what the snapshot has; its owner, mode and time may not be
  | "skip"; // it is another, and stays

export function choose(
  overwrite: Overwrite,
  metadata: Metadata,
  found: RawStat | undefined,
  hasSameTarget: () => boolean,
): Choice {
  if (found === undefined) return "make";
  if (overwrite === "never") return "skip";
  if (overwrite === "if-newer" && !isNewer(metadata, found)) return "skip";
  if (found.type !== metadata.type) return "replace";
  const isSame =
    metadata.type === "file"
      ? overwrite === "if-changed" && isTakenForSame(metadata, found)
      : metadata.type === "link"
        ? hasSameTarget()
        : isSameDevice(found, metadata);
  return isSame ? "leave" : "replace";
}

/**
 * Whether a folder and what is none make way for each other: where what the snapshot has not is
 * deleted, and nothing that is there is to stay, whatever it is.
 */
export function makesWay(mode: {
  readonly overwrite?: Overwrite;
  readonly deleting?: unknown;
  readonly selection?: Selection;
}): boolean {
  const { overwrite, deleting, selection } = mode;
  const isKept = overwrite === "never" || overwrite === "if-newer";
  return deleting !== undefined && !isKept && (selection?.isAll ?? true);
}

function isTakenForSame(metadata: Metadata, found: RawStat): boolean {
  return found.size === metadata.size && isSameTime(found, metadata);
}
