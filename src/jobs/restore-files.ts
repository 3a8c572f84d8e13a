// Restore files: what a restore keeps in mind of the files that it is writing.

import type { Metadata } from "../base/entry.ts";
import { BunkerError, isBunkerError } from "../base/errors.ts";
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
  /** Places in it whose chunks are not written yet. */
  waiting: number;
}

/** Another name of a file that is restored before it. */
export interface Link {
  readonly group: number;
  readonly folder: PlaceInTree["folder"];
  readonly metadata: Metadata;
}

/** An error that a file met, with what that means for the file. */
export function inWords(error: unknown, open: NewFile | undefined): unknown {
  if (open?.isInPlace !== true || !isBunkerError(error)) return error;
  const message = `${error.message}; it was written in place, and is half changed now`;
  return new BunkerError(error.code, message, { cause: error });
}

/** The problem of something that only later versions can restore. */
export function notYet(what: string): BunkerError {
  return new BunkerError("incomplete", `${what} can't be restored to a folder by this version`);
}
