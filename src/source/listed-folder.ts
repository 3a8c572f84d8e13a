// Listed folder: what the walk visits in a folder that leads to listed paths: their names alone.
//
// It reads them from the sorted paths, so that each folder costs four bytes a name, and only while
// the walk is in it.

import type { Bytes } from "../base/bytes.ts";
import { copyBytes } from "../base/bytes.ts";
import type { EntryType } from "../base/entry.ts";
import type { Names } from "./levels.ts";
import type { PathRange, PathSet } from "./path-set.ts";

export class ListedFolder implements Names {
  readonly count: number;
  readonly #paths: PathSet;
  /** Where in its keys the names begin. */
  readonly #at: number;
  /** Where the paths begin that each name leads to, and where the last ones end. */
  readonly #starts: Uint32Array;

  /** All of the range lie in the folder that the first `at` bytes of their keys name. */
  constructor(paths: PathSet, range: PathRange, at: number) {
    this.#paths = paths;
    this.#at = at;
    const starts: number[] = [];
    for (let from = range.from; from < range.to;) {
      starts.push(from);
      from = paths.groupEnd({ from, to: range.to }, at);
    }
    this.count = starts.length;
    this.#starts = Uint32Array.from([...starts, range.to]);
  }

  nameAt(index: number): Bytes {
    return copyBytes(this.#nameAt(index));
  }

  /** What leads to listed paths was a folder; what is listed itself may be anything. */
  typeAt(index: number): EntryType | undefined {
    return this.#isListed(index) ? undefined : "folder";
  }

  /** What is listed in a folder; `undefined` where that is listed itself, with all that is in it. */
  below(index: number): ListedFolder | undefined {
    if (this.#isListed(index)) return undefined;
    const range = { from: this.#starts[index]!, to: this.#starts[index + 1]! };
    return new ListedFolder(this.#paths, range, this.#at + this.#nameAt(index).length + 1);
  }

  // No listed path lies in another one, so that a key which ends here stands alone.
  #isListed(index: number): boolean {
    const key = this.#paths.keyAt(this.#starts[index]!);
    return key.length === this.#at + this.#nameAt(index).length + 1;
  }

  #nameAt(index: number): Bytes {
    return this.#paths.nameAt(this.#starts[index]!, this.#at);
  }
}
