// Restore surplus: the names in a folder that the snapshot does not have.

import { type Bytes, compareBytes } from "../base/bytes.ts";
import { isOwnName } from "../destination/names.ts";
import type { FolderNames } from "../system/names.ts";

/** Both come in the order of their bytes, so that one pass finds them. */
export class Surplus {
  readonly #names: FolderNames;
  readonly #found: Bytes[] = [];
  #next = 0;

  constructor(names: FolderNames) {
    this.#names = names;
  }

  /** A name of the snapshot, the next in order. */
  meet(name: Bytes): void {
    for (; this.#next < this.#names.count; this.#next++) {
      const there = this.#names.nameAt(this.#next);
      const order = compareBytes(there, name);
      if (order > 0) return;
      if (order < 0) this.#add(there);
    }
  }

  /** All of them, when every name of the snapshot was met. */
  rest(): readonly Bytes[] {
    for (; this.#next < this.#names.count; this.#next++) {
      this.#add(this.#names.nameAt(this.#next));
    }
    return this.#found;
  }

  #add(name: Bytes): void {
    if (!isOwnName(name)) this.#found.push(name);
  }
}
