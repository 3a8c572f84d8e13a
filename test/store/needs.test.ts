// Needs: every id finds its pack in the end, and what waits for that stays few.

import { expect, test } from "bun:test";
import { hexOf } from "../../src/base/bytes.ts";
import type { Catalog } from "../../src/store/catalog.ts";
import { Needs } from "../../src/store/needs.ts";
import { withSeed } from "../support/random.ts";

/** A catalog of one run, whose packs are numbers, that learns of blobs while it is used. */
function growingCatalog(packCount: number) {
  const packOf = new Map<string, number>();
  const packAt = (pack: number) => ({ id: new Uint8Array(32).fill(pack) });
  const catalog = {
    runs: [{ run: { counts: { packs: packCount }, packAt } }],
    findUsable: (ids: Uint8Array, at = 0) => packOf.get(hexOf(ids.subarray(at, at + 32))) ?? -1,
    packAt: (found: number) => ({ run: 0, pack: found }),
  };
  return { catalog: catalog as unknown as Catalog, packOf };
}

function packsOf(needs: Needs): number[] {
  const packs: number[] = [];
  needs.eachPack((_run, pack) => packs.push(pack));
  return packs;
}

test("what is put off is looked up while the run goes on, and each id waits once", () =>
  withSeed((random) => {
    const { catalog, packOf } = growingCatalog(100);
    const needs = new Needs(catalog, 64);
    let most = 0;
    for (let pack = 0; pack < 100; pack++) {
      const ids = Array.from({ length: 20 }, () => random.bytes(32));
      for (let i = 0; i < 200; i++) needs.add(ids[i % 20]!, 0);
      most = Math.max(most, needs.deferredCount);
      for (const id of ids) packOf.set(hexOf(id), pack); // Its segment is there.
    }
    // 2,000 ids, of which never more than a pack's and the unsettled ones wait.
    expect(most).toBeLessThanOrEqual(64 + 20);
    needs.resolve();
    expect(needs.deferredCount).toBe(0);
    expect(packsOf(needs)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  }));

test("an id that is in no pack in the end is a fault of ours", () => {
  const needs = new Needs(growingCatalog(1).catalog);
  needs.add(new Uint8Array(32), 0);
  expect(() => needs.resolve()).toThrow("every needed blob is in a pack");
});
