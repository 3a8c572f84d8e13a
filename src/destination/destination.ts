// DESTINATION CONNECTOR: where a restore goes.
//
// The order of a restore: make the folders from the top down, create and finish the files in any
// order and from any thread, make links and nodes, add further names of files that are finished,
// and finish the folders from the bottom up, since whatever is made in a folder changes its time.
//
// Paths are lists of raw names below the root of the restore. They come out of a snapshot, which
// may have been made by anyone: a name that would lead out of its folder is refused as `corrupt`.

import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import type { Descriptor } from "../system/files.ts";
import type { RawStat } from "../system/stat.ts";
import type { Removal, RemovalRules } from "./removal.ts";
import type { WhatIsThere } from "./there.ts";

/** The names of the folders from the root of the restore down; empty for the root itself. */
export type FolderPath = readonly Bytes[];

/** A file that is being written: plain data, so that one thread may create and another finish it. */
export interface NewFile {
  readonly descriptor: Descriptor;
  readonly folder: FolderPath;
  readonly name: Bytes;
  /** The name that it has until it is finished. */
  readonly writtenAs: Bytes;
  /** Written where it is: it was there before, and stays where it can't be finished. */
  readonly isInPlace?: boolean;
}

export interface CreateOptions {
  /**
   * The caller has all of its content, and writes and finishes it in one go: it may have its own
   * name from the beginning, which saves a small file a rename and a look.
   */
  readonly atOnce?: boolean;
}

/** A name in a folder of the destination. */
export interface PlaceInTree {
  readonly folder: FolderPath;
  readonly name: Bytes;
}

/** Something of a thing that was made could not be kept. */
export interface Complaint {
  readonly path: FolderPath;
  readonly message: string;
}

/** See there.ts. */
export type PresentThings = Pick<WhatIsThere, keyof WhatIsThere>;

export interface Destination {
  /** What could not be done as the snapshot says, for people, each kind once. */
  readonly limits: readonly string[];

  /** Looks at what is there already. */
  readonly there: PresentThings;

  /** What did not fit in here, of things that were made nevertheless; each is told once. */
  takeComplaints(): readonly Complaint[];

  isEmpty(): boolean;

  /**
   * Makes a folder in one that is there, or takes that which has the name: then it says what that
   * was. Throws `exists` as the rules of the destination say.
   */
  makeFolder(path: FolderPath): RawStat | undefined;

  /**
   * Creates an empty file, readable by its owner only until it is finished. Until then it has the
   * name of a part, so that what is cut off leaves no half file under the name of a whole one.
   */
  createFile(folder: FolderPath, name: Bytes, options?: CreateOptions): NewFile;
  /**
   * Opens a file that is there, to be changed where it is: cut off, it is half changed. Throws
   * where it is no file, or has several names.
   */
  openInPlace(folder: FolderPath, name: Bytes): NewFile;
  /** Writes all of `bytes` at `offset`; throws `full` where there is no space. */
  writeAt(file: NewFile, bytes: Bytes, offset: number): void;
  /** Sets the file's length; what was never written reads as zeros and takes no space. */
  truncate(file: NewFile, bytes: number): void;
  /** Makes these places of a file that is written in place read as zeros. */
  clear(file: NewFile, holes: NonNullable<Metadata["holes"]>): void;
  /** Sets owner, mode and time, closes the file and gives it its name. On failure discards it. */
  finishFile(file: NewFile, metadata: Metadata): void;
  /** Closes and removes a file that can't be finished. */
  discardFile(file: NewFile): void;

  /** Makes a symbolic link with its owner and time. */
  makeLink(folder: FolderPath, metadata: Metadata): void;
  /** Gives a finished file another name. */
  makeHardLink(existing: PlaceInTree, added: PlaceInTree): void;
  /**
   * Makes a pipe, a socket or a device; devices need the rights of root. Returns false where no such
   * thing may be made here, which `limits` then says.
   */
  makeNode(folder: FolderPath, metadata: Metadata): boolean;

  /** Sets a folder's owner, mode and time. Nothing may be made in it afterwards. */
  finishFolder(path: FolderPath, metadata: Metadata): void;

  /** Takes away what the snapshot does not have. */
  removal(rules: RemovalRules): Pick<Removal, "remove">;
  /** Whether there is room for anything at all; asked when something did not fit. */
  hasRoom(): boolean;

  /** Makes all that was written durable. */
  sync(): void;
  close(): void;
}
