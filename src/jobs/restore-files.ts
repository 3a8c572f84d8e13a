// Restore files: what a restore keeps in mind of the files that it is writing.

import type { Metadata } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import type { NewFile, PlaceInTree } from "../destination/destination.ts";

export interface FileInWork {
  readonly place: PlaceInTree;
  readonly metadata: Metadata;
  readonly bytes: number;
  /** Made by main; absent where the lane makes the file. */
  readonly open?: NewFile;
  /** Something had the name. */
  readonly isReplacing: boolean;
  failed: boolean;
  /** The walk has named all its chunks. */
  planned: boolean;
}

/** Another name of a file that is restored before it. */
export interface Link {
  readonly group: number;
  readonly folder: PlaceInTree["folder"];
  readonly metadata: Metadata;
}

/** The problem of something that only later versions can restore. */
export function notYet(what: string): BunkerError {
  return new BunkerError("incomplete", `${what} can't be restored to a folder by this version`);
}
