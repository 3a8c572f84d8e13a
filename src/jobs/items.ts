// Items: what a walk's events become on their way to trees.

import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import type { EntryEvent } from "../source/source.ts";
import type { FileOutcome } from "./lane.ts";

/** A file: known from the last time, read by a lane, or another name of one that comes before. */
export interface FileItem {
  readonly kind: "file";
  readonly event: EntryEvent;
  /** As file states order it. */
  readonly path: Bytes;
  /** Ids joined, where the file is as it was. */
  readonly known?: Bytes;
  readonly sameAs?: FileItem;
  /** When it was given to a lane: milliseconds since the epoch. */
  sentAtMs?: number;
  outcome?: FileOutcome;
}

export type Item =
  | FileItem
  | { readonly kind: "root"; readonly path: Bytes }
  | { readonly kind: "enter"; readonly metadata: Metadata }
  | { readonly kind: "leave" }
  | { readonly kind: "other"; readonly metadata: Metadata };

/** Whether an item can be assembled: files wait for their outcome. */
export function isReady(item: Item | undefined): boolean {
  if (item?.kind !== "file") return true;
  const first = item.sameAs ?? item;
  return first.known !== undefined || first.outcome !== undefined;
}
