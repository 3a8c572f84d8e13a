// Files: what the program asks of a file system, always relative to a folder's descriptor.
//
// A name is one path component, so that no link planted in a path leads astray; only `openFolder`
// without a parent takes a whole path, and follows the links in it. Failures are errors with the
// system's code (`error.code === "ENOENT"`), as those of node:fs are.

import type { Bytes } from "../base/bytes.ts";
import type { EntryType, Time } from "../base/entry.ts";
import type { AttributeCalls } from "./attributes.ts";
import type { FolderNames } from "./names.ts";
import type { RawStat } from "./stat.ts";

/** A file descriptor: valid in all threads of the process. */
export type Descriptor = number;

export interface OpenOptions {
  /** Leaves the time of access as it is where the system allows it. */
  readonly noAccessTime?: boolean;
  /** Follows a link in the last component: for folders that the user named. */
  readonly follow?: boolean;
  /** Opens a file for reading and writing. */
  readonly write?: boolean;
}

/** A name in a folder. */
export interface Place {
  readonly folder: Descriptor;
  readonly name: Bytes;
}

/** What `makeNode` makes. */
export interface Node {
  readonly type: "fifo" | "socket" | "char" | "block";
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

export interface FileSystem {
  /** What can't be promised on this machine, for people; empty where all is well. */
  readonly limits: readonly string[];
  /** True where another thread needs `adopt` to use a descriptor of a folder. */
  readonly needsPaths: boolean;
  /** Extended attributes: reading and setting them. */
  readonly attributes: AttributeCalls;
  /** Tells the path of a folder's descriptor that another thread opened. */
  adopt(folder: Descriptor, path: Bytes): void;

  /** Opens a folder, `path` being a name in `parent`, or ".."; without a parent, a whole path. */
  openFolder(parent: Descriptor | undefined, path: Bytes, options?: OpenOptions): Descriptor;
  /** Opens a file, never through a link; never waits for the other end of a pipe. */
  openFile(folder: Descriptor, name: Bytes, options?: OpenOptions): Descriptor;
  /** The names in a folder, in the order of their bytes. */
  list(folder: Descriptor): FolderNames;
  /** Never follows a link; returns `undefined` where there is no such name. */
  stat(folder: Descriptor, name: Bytes): RawStat | undefined;
  statDescriptor(descriptor: Descriptor): RawStat;
  /**
   * Where an open file ends, and stands at its beginning again; `undefined` for what has no end, as
   * a pipe. A quarter of the price of a look at all that the system knows.
   */
  endOf(descriptor: Descriptor): number | undefined;
  /**
   * Where data begins in an open file, from `offset` on; `undefined` where only a hole is left.
   * Where holes can't be asked for, all is data. May move the place where the next reading begins.
   */
  dataFrom(descriptor: Descriptor, offset: number): number | undefined;
  /** Where the next hole begins, from `offset` on, which is in data; the end of a file is one. */
  holeFrom(descriptor: Descriptor, offset: number): number;
  readLink(folder: Descriptor, name: Bytes): Bytes;

  /** Makes a file and opens it for writing; throws `EEXIST` where anything has the name. */
  createFile(folder: Descriptor, name: Bytes, mode: number): Descriptor;
  makeFolder(folder: Descriptor, name: Bytes, mode: number): void;
  makeLink(folder: Descriptor, name: Bytes, target: Bytes): void;
  makeHardLink(existing: Place, added: Place): void;
  makeNode(folder: Descriptor, name: Bytes, node: Node): void;
  /** Moves a name over another in the same folder. */
  rename(folder: Descriptor, from: Bytes, to: Bytes): void;
  /** Removes a name; that of a folder, which must be empty, only where that is said. */
  remove(folder: Descriptor, name: Bytes, isFolder?: boolean): void;

  /** For open files and folders. */
  setOwner(descriptor: Descriptor, userId: number, groupId: number): void;
  setMode(descriptor: Descriptor, mode: number): void;
  setModified(descriptor: Descriptor, modified: Time): void;
  /** For what is not opened: links, pipes, devices. Refuses what is not of `type`. */
  setOwnerOf(place: Place, type: EntryType, userId: number, groupId: number): void;
  setModeOf(place: Place, type: EntryType, mode: number): void;
  setModifiedOf(place: Place, modified: Time): void;

  /** Makes everything durable that was written to the file system of this descriptor. */
  sync(descriptor: Descriptor): void;
  close(descriptor: Descriptor): void;
}
