// Needs: which packs a snapshot stands on, gathered while it is made.
//
// Every id that the snapshot names, fresh or from the file states, trees included, is mapped to a
// pack before the commit. What the catalog knows is marked at once; what this run stores is put off
// until its segments are there. Each id is put off once, and for no longer than that: of a million
// ids that no segment lists yet, 40 MiB are kept.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { ID_BYTES, type ObjectId } from "../base/ids.ts";
import { IdSet } from "../base/id-set.ts";
import type { Catalog, CatalogRun } from "./catalog.ts";

/** From so many on, what was put off is looked up again when it has doubled. */
const SETTLE_COUNT = 65_536;

export class Needs {
  readonly #catalog: Catalog;
  /** One mark for each pack of the catalog, one array a run. */
  readonly #used: Uint8Array[] = [];
  /** Ids that this run stored or is storing. */
  #deferred = newDeferred();
  #settleAt: number;
  readonly #settleCount: number;

  /** `settleCount` is for tests. */
  constructor(catalog: Catalog, settleCount = SETTLE_COUNT) {
    this.#catalog = catalog;
    this.#settleCount = settleCount;
    this.#settleAt = settleCount;
  }

  /** How many ids are put off. */
  get deferredCount(): number {
    return this.#deferred.count;
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
    this.#settle();
    assert(this.#deferred.count === 0, "every needed blob is in a pack before the commit");
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
    if (this.#deferred.count >= this.#settleAt) this.#settle();
    this.#deferred.add(ids, at);
  }

  #settle(): void {
    const rest = newDeferred();
    this.#deferred.each((ids, at) => {
      if (!this.addKnown(ids, at)) rest.add(ids, at);
    });
    this.#deferred = rest;
    this.#settleAt = Math.max(this.#settleCount, 2 * rest.count);
  }
}

// All of an id: one that is taken for another would leave a pack out of the closure.
function newDeferred(): IdSet {
  return new IdSet({ idBytes: ID_BYTES });
}
