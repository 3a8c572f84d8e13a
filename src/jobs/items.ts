// Items: what a walk's events become on their way to trees.

import { type Bytes, textOf, utf8 } from "../base/bytes.ts";
import { type BlobId, ID_BYTES } from "../base/ids.ts";
import { type EntryEvent, pathIn } from "../source/source.ts";
import type { PlannedOther } from "./attribute-planner.ts";
import type { SeenAs } from "./states.ts";
import type { FileOutcome } from "./tasks.ts";

/** A file: known from the last time, read by a lane, or another name of one that comes before. */
export interface FileItem {
  readonly kind: "file";
  readonly event: EntryEvent;
  /** The path of its folder, as file states order it. */
  readonly folder: Bytes;
  /** Ids joined, where the file is as it was. */
  readonly known?: Bytes;
  /** Where the content is known: attributes and holes, packed, if it has any. */
  readonly extras?: Bytes;
  /** Where the content is taken for known although the file may have changed: as what it was read. */
  readonly seenAs?: SeenAs;
  /** Where the content is known: what could not be read beside it. */
  readonly complaint?: string;
  sameAs?: FileItem;
  /** When it was given to a lane: milliseconds since the epoch. */
  sentAtMs?: number;
  outcome?: FileOutcome;
}

export type Item =
  | FileItem
  | {
      readonly kind: "root";
      readonly path: Bytes;
      /** Its file states are in the same list as those of the root before. */
      readonly sharesStates: boolean;
    }
  | ({ readonly kind: "enter"; readonly path: () => Bytes } & PlannedOther)
  | { readonly kind: "leave" }
  | ({ readonly kind: "other"; readonly path: () => Bytes } & PlannedOther);

/** Whether another name's first one turned out not to be what the walk saw: it must be read itself. */
export function mustBeRead({ sameAs }: FileItem): boolean {
  if (sameAs === undefined || sameAs.known !== undefined) return false;
  return sameAs.outcome !== undefined && sameAs.outcome.kind !== "same";
}

/** Whether an item can be assembled: files wait for their outcome. */
export function isReady(item: Item | undefined): boolean {
  if (item?.kind !== "file") return true;
  const first = item.sameAs ?? item;
  return first.known !== undefined || first.outcome !== undefined;
}

/** The ids of a joined list, as views. */
export function splitIds(ids: Bytes): BlobId[] {
  const split: BlobId[] = [];
  for (let at = 0; at < ids.length; at += ID_BYTES) split.push(ids.subarray(at, at + ID_BYTES));
  return split;
}

/** The name of a root's entry; "/" has none of its own. */
export function rootName(path: Bytes): Bytes {
  const name = path.subarray(path.lastIndexOf(0x2f) + 1);
  return name.length > 0 ? name : utf8("root");
}

/** A file's path for people. */
export function pathText(item: FileItem): string {
  return textOf(pathIn(item.event.folder, item.event.metadata.name));
}
