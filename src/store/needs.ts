// Needs: which packs a snapshot stands on, gathered while it is made.
//
// Every id that the snapshot names, fresh or from the file states, trees included, is mapped to a
// pack before the commit. What the catalog knows is marked at once; what this run stores is put off
// until its segments are there.

import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes } from "../base/bytes.ts";
import { ID_BYTES, type ObjectId } from "../base/ids.ts";
import type { Catalog, CatalogRun } from "./catalog.ts";

export class Needs {
  readonly #catalog: Catalog;
  /** One mark for each pack of the catalog, one array a run. */
  readonly #used: Uint8Array[] = [];
  /** Ids that this run stored or is storing. */
  #deferred = new Uint8Array(1024 * ID_BYTES);
  #deferredCount = 0;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Notes a blob that a usable pack must hold already; false where none does. */
  addKnown(ids: Bytes, at: number): boolean {
    const found = this.#catalog.findUsable(ids, at);
    if (found >= 0) this.#use(found);
    return found >= 0;
  }

  /** Notes a blob that is known, or is being stored by this run. */
  add(ids: Bytes, at: number): void {
    if (!this.addKnown(ids, at)) this.#defer(ids, at);
  }

  /** Maps what was put off, now that this run's segments are in the catalog. */
  resolve(): void {
    for (let i = 0; i < this.#deferredCount; i++) {
      const isFound = this.addKnown(this.#deferred, i * ID_BYTES);
      assert(isFound, "every needed blob is in a pack before the commit");
    }
    this.#deferredCount = 0;
  }

  eachPack(take: (run: CatalogRun, pack: number, id: ObjectId) => void): void {
    this.#used.forEach((marks, index) => {
      const run = this.#catalog.runs[index]!;
      marks.forEach((mark, pack) => {
        if (mark === 1) take(run, pack, run.run.packAt(pack).id);
      });
    });
  }

  #use(found: number): void {
    const { run, pack } = this.#catalog.packAt(found);
    this.#used[run] ??= new Uint8Array(this.#catalog.runs[run]!.run.counts.packs);
    this.#used[run][pack] = 1;
  }

  #defer(ids: Bytes, at: number): void {
    const end = this.#deferredCount * ID_BYTES;
    if (end === this.#deferred.length) {
      this.#deferred = concatBytes(this.#deferred, new Uint8Array(this.#deferred.length));
    }
    this.#deferred.set(ids.subarray(at, at + ID_BYTES), end);
    this.#deferredCount += 1;
  }
}
