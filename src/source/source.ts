// SOURCE CONNECTOR: what is backed up, as a stream of events.
//
// A walk goes depth first; the entries of a folder come in the order of their raw names, and a
// folder is entered in its place among them: the order of paths, component by component. A walk
// is synchronous, because an answer awaited for each of a million entries would cost more than all
// the rest; where it has to wait it says so by an event.

import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts";
import type { Metadata, Time } from "../base/entry.ts";
import type { Descriptor } from "../system/files.ts";

/** An open folder, shared by the walk and by those who read the files in it. */
export interface SharedFolder {
  /** Valid in all threads until the last user has released it. */
  readonly descriptor: Descriptor;
  /** The whole path as it was named and walked: for messages. */
  path(): Bytes;
  /** Keeps the folder open; to be called before the walk goes on. */
  retain(): void;
  /** The counterpart of `retain`. */
  release(): void;
}

/** The content of a file that is in no file system: it comes once, in order, from a pipe. */
export interface ContentStream {
  readonly mode: number;
  readonly groupId: number;
  /**
   * Puts what comes next at the beginning of `view` and returns how many bytes that are; 0 is the
   * end, and says that all has come. What it throws makes the whole backup fail.
   */
  read(view: Uint8Array): Promise<number>;
}

/** Something that is not a folder. */
export interface EntryEvent {
  readonly kind: "entry";
  readonly metadata: Metadata;
  /** When content or metadata changed last (ctime). */
  readonly changed: Time;
  readonly inode: number | bigint;
  readonly deviceId: number;
  /** The folder that it is in. */
  readonly folder: SharedFolder;
  /** The file takes less space than its length says: it may have holes. */
  readonly sparse?: boolean;
  /** Where the content comes from, if not from the file of that name. */
  readonly stream?: ContentStream;
}

/** A folder was opened: what follows, up to its `leave`, is in it. */
export interface EnterEvent {
  readonly kind: "enter";
  /** The name is empty for a root. */
  readonly metadata: Metadata;
  /** The folder itself. */
  readonly folder: SharedFolder;
  /** What tells whether it changed; absent where it is in no file system. */
  readonly seen?: Seen;
}

/** What changes with the attributes of a name. */
export interface Seen {
  /** When content or metadata changed last (ctime). */
  readonly changed: Time;
  readonly inode: number | bigint;
  readonly deviceId: number;
}

export type WalkEvent =
  /** The next of the given paths: what follows is in it. Nothing follows if it can't be read. */
  | {
      readonly kind: "root";
      readonly path: Bytes;
      readonly index: number;
      /** What its file states are kept under, if not its path. */
      readonly statesAs?: Bytes;
      /** One of many: they are in the order of their paths, and have one list of file states. */
      readonly isListed?: boolean;
    }
  | EnterEvent
  | { readonly kind: "leave" }
  | EntryEvent
  /**
   * Too many folders are open: the consumer reads what it has gathered, releases the folders, and
   * goes on when `until` is settled, which the next release does.
   */
  | { readonly kind: "wait"; readonly until: Promise<void> };

export interface SourceDescription {
  readonly host?: string;
  /** For people: where a path is not UTF-8, U+FFFD stands for what is not. */
  readonly paths: readonly string[];
}

export interface Source {
  /** Walks all roots once; what can't be read is told to the monitor and left out. */
  walk(): Generator<WalkEvent, void, void>;
  describe(): SourceDescription;
  /** What can't be promised on this machine, for people. */
  readonly limits: readonly string[];
}

/** The path of a name in a folder. */
export function pathIn(folder: SharedFolder, name: Bytes): Bytes {
  const path = folder.path();
  return path.length === 1 ? concatBytes(path, name) : concatBytes(path, utf8("/"), name);
}
