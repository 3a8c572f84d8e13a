// Numbering: one number for each blob that the catalog knows, so that tables of numbers can say
// something of all of them: a few bytes a blob, where sets of ids would take a hundred.
//
// A blob has as many records as it was stored times; its number is that of the first of them.

import { assert } from "../base/assert.ts";
import type { BlobId } from "../base/ids.ts";
import type { Catalog } from "./catalog.ts";

export interface BlobFacts {
  readonly storedBytes: number;
  readonly plainBytes: number;
}

export class Numbering {
  readonly #catalog: Catalog;
  /** The number of each run's first record, and behind them the count of all. */
  readonly #starts: readonly number[];

  /** The catalog must not get another run meanwhile. */
  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    const starts = [0];
    for (const { run } of catalog.runs) starts.push(starts.at(-1)! + run.counts.blobs);
    this.#starts = starts;
  }

  /** All numbers are below. */
  get count(): number {
    return this.#starts.at(-1)!;
  }

  /** The number of a blob; -1 where the catalog does not know it. */
  numberOf(id: BlobId): number {
    for (let r = 0; r < this.#starts.length - 1; r++) {
      const index = this.#catalog.runs[r]!.run.find(id);
      if (index >= 0) return this.#starts[r]! + index;
    }
    return -1;
  }

  factsOf(number: number): BlobFacts {
    assert(number >= 0 && number < this.count, "a number is one that was given");
    const r = this.#starts.findLastIndex((start) => start <= number);
    return this.#catalog.runs[r]!.run.blobAt(number - this.#starts[r]!);
  }

  /** Calls `take` for every blob once; `isAgain` for each record that stores one again. */
  each(take: (number: number, facts: BlobFacts, isAgain: boolean) => void): void {
    for (const [r, { run }] of this.#catalog.runs.entries()) {
      if (r >= this.#starts.length - 1) return;
      for (let index = 0; index < run.counts.blobs; index++) {
        const number = this.#starts[r]! + index;
        take(number, run.blobAt(index), this.numberOf(run.idAt(index)) !== number);
      }
    }
  }
}
