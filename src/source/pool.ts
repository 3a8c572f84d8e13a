// Pool: the open folders of a walk, counted, so that they stay within a bound.
//
// A folder is closed when its last user releases it; the walk is one of the users.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import { joinPath } from "../system/paths.ts";
import type { SharedFolder } from "./source.ts";

/** A folder's name and the folders above it: the path in pieces, shared by all below. */
export interface PathNode {
  readonly above: PathNode | undefined;
  /** Of the first node: a whole path without a slash at its end, so empty for "/". */
  readonly name: Bytes;
}

export class FolderPool {
  readonly #files: FileSystem;
  readonly #total: number;
  #open = 0;
  #waiting: (() => void)[] = [];

  constructor(files: FileSystem, total: number) {
    assert(total > 0, "a pool of folders has room for one");
    this.#files = files;
    this.#total = total;
  }

  get full(): boolean {
    return this.#open >= this.#total;
  }

  /** Takes an open descriptor over; the caller is its first user. */
  share(descriptor: Descriptor, path: PathNode): PooledFolder {
    this.#open++;
    return new PooledFolder(descriptor, path, () => this.#close(descriptor));
  }

  /** Settles at the next close. */
  whenReleased(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #close(descriptor: Descriptor): void {
    this.#open--;
    this.#files.close(descriptor);
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

export class PooledFolder implements SharedFolder {
  readonly descriptor: Descriptor;
  readonly pathNode: PathNode;
  readonly #close: () => void;
  #users = 1;

  constructor(descriptor: Descriptor, pathNode: PathNode, close: () => void) {
    this.descriptor = descriptor;
    this.pathNode = pathNode;
    this.#close = close;
  }

  get users(): number {
    return this.#users;
  }

  path(): Bytes {
    const path = pathOfNode(this.pathNode);
    return path.length === 0 ? Uint8Array.of(0x2f) : path;
  }

  retain(): void {
    assert(this.#users > 0, "a closed folder is not retained");
    this.#users++;
  }

  release(): void {
    assert(this.#users > 0, "a folder is released once by each user");
    if (--this.#users === 0) this.#close();
  }
}

/** The path that ends in `node`; empty for "/". */
export function pathOfNode(node: PathNode): Bytes {
  const parts: Bytes[] = [];
  for (let at: PathNode | undefined = node; at !== undefined; at = at.above) parts.push(at.name);
  return joinPath(parts.reverse());
}
