// Looking, in tests: snapshots of a store as the jobs that look into them take them.

import { BlobReader } from "../../src/store/blobs.ts";
import { type FoundSnapshot, loadManifests, loadSnapshot } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";

/** All that are offered, the oldest first. */
export async function snapshotsIn(store: Store): Promise<FoundSnapshot[]> {
  const { offered } = await loadManifests(store);
  return Promise.all(
    offered.map(async (manifest) => ({
      manifest,
      snapshot: await loadSnapshot(store, manifest),
    })),
  );
}

/** A reader that counts the trees that are read. */
export function countingReader(store: Store): {
  readonly reader: BlobReader;
  readonly counts: Record<"tree" | "data", number>;
} {
  const counts = { tree: 0, data: 0 };
  const reader = new BlobReader(store);
  const read = reader.read.bind(reader);
  reader.read = (kind, id) => {
    counts[kind] += 1;
    return read(kind, id);
  };
  return { reader, counts };
}
