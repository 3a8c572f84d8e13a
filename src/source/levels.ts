// Levels: the folders on the way from a root down to where the walk is.
//
// Only the lowest of them, and the root, stay open: those in between are closed when the way is
// long, and opened again on the way back by "..", which is trusted only where it leads to the very
// folder that was left.

import { assert } from "../base/assert.ts";
import { type Bytes, utf8 } from "../base/bytes.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import type { EntryType } from "../base/entry.ts";
import type { Scope } from "./choice.ts";
import type { ListedFolder } from "./listed-folder.ts";
import type { FolderPool, PathNode, PooledFolder } from "./pool.ts";

const PARENT = utf8("..");

/** What is visited in a folder, in the order of the names. */
export interface Names {
  readonly count: number;
  nameAt(index: number): Bytes;
  /** A hint, absent where nothing is known. */
  typeAt(index: number): EntryType | undefined;
}

export interface Level {
  /** Absent while closed, and where the folder was not found again. */
  folder: PooledFolder | undefined;
  readonly path: PathNode;
  readonly names: Names;
  /** The names, where they are those of a list. */
  readonly listed: ListedFolder | undefined;
  /** What is chosen in it; absent where nothing is left out. */
  readonly scope: Scope | undefined;
  readonly deviceId: number;
  readonly inode: number | bigint;
  nextIndex: number;
}

/** What is known of a folder before it is opened. */
export interface Within {
  /** What is chosen in the folder above. */
  readonly scope?: Scope | undefined;
  /** Someone named it, on the command line or in a list: patterns and rules begin here. */
  readonly isSource?: boolean;
  /** What is visited in it, where that is what a list names. */
  readonly listed?: ListedFolder | undefined;
}

export class LevelStack {
  readonly #files: FileSystem;
  readonly #pool: FolderPool;
  readonly #openMax: number;
  readonly #levels: Level[] = [];
  /** Levels from 1 up to, but without, this are closed; the root's stays open. */
  #firstOpen = 1;

  constructor(files: FileSystem, pool: FolderPool, openMax: number) {
    assert(openMax > 0, "the lowest level stays open");
    this.#files = files;
    this.#pool = pool;
    this.#openMax = openMax;
  }

  get depth(): number {
    return this.#levels.length;
  }

  get lowest(): Level | undefined {
    return this.#levels.at(-1);
  }

  push(level: Level): void {
    this.#levels.push(level);
    while (this.#levels.length - this.#firstOpen > this.#openMax) {
      const upper = this.#levels[this.#firstOpen++]!;
      upper.folder?.release();
      upper.folder = undefined;
    }
  }

  /** Leaves the lowest level and tries to open the one above again, if that was closed. */
  pop(): void {
    const left = this.#levels.pop();
    const depth = this.#levels.length - 1;
    const above = this.#levels[depth];
    if (above !== undefined && depth < this.#firstOpen && depth > 0) {
      const descriptor = this.#climb(above, left?.folder) ?? this.#descend(depth);
      if (descriptor !== undefined) above.folder = this.#pool.share(descriptor, above.path);
      this.#firstOpen = depth;
    }
    left?.folder?.release();
  }

  close(): void {
    for (const level of this.#levels.splice(0)) level.folder?.release();
    this.#firstOpen = 1;
  }

  #climb(above: Level, left: PooledFolder | undefined): Descriptor | undefined {
    if (left === undefined) return undefined;
    return this.#openSame(left.descriptor, PARENT, above);
  }

  // From the root downwards, where the way up leads elsewhere: a folder was moved.
  #descend(depth: number): Descriptor | undefined {
    let at = this.#levels[0]?.folder?.descriptor;
    for (let i = 1; i <= depth && at !== undefined; i++) {
      const level = this.#levels[i]!;
      const upper: Descriptor = at;
      at = this.#openSame(upper, level.path.name, level);
      if (i > 1) this.#files.close(upper);
    }
    return at;
  }

  // Opens a folder if it is the one of `level`.
  #openSame(folder: Descriptor, name: Bytes, level: Level): Descriptor | undefined {
    let descriptor: Descriptor | undefined;
    try {
      descriptor = this.#files.openFolder(folder, name);
      const { deviceId, inode } = this.#files.statDescriptor(descriptor);
      if (deviceId === level.deviceId && inode === level.inode) return descriptor;
    } catch {
      // Whatever stands in the way, the folder is not to be had here: the walk reports that.
    }
    if (descriptor !== undefined) this.#files.close(descriptor);
    return undefined;
  }
}
