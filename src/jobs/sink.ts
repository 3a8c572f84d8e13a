// Sink: what takes the packs of a backup. A dry run's counts them and keeps nothing.

import type { Bytes } from "../base/bytes.ts";
import { release } from "../base/platform.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Needs } from "../store/needs.ts";
import type { FinishedPack } from "../store/pack-writer.ts";
import { RECORD_BYTES } from "../store/run.ts";
import type { StoreWriter, WriteCounts } from "../store/writer.ts";

/** The part of a store writer that needs no commit. */
export type PackSink = Pick<StoreWriter, "counts" | "flush" | "putPack"> & {
  readonly needs: Pick<Needs, "add" | "addKnown">;
};

/** Counts what would be stored. */
export class CountingSink implements PackSink {
  readonly needs: PackSink["needs"];
  #counts = { packs: 0, segments: 0, blobs: 0, storedBytes: 0 };

  constructor(catalog: Catalog) {
    this.needs = {
      add: () => undefined,
      addKnown: (ids, at) => catalog.findUsable(ids, at) >= 0,
    };
  }

  get counts(): WriteCounts {
    return this.#counts;
  }

  putPack(pack: FinishedPack, spent: (bytes: Bytes) => void = release): Promise<void> {
    this.#counts.packs += 1;
    this.#counts.blobs += pack.records.length / RECORD_BYTES;
    this.#counts.storedBytes += pack.bytes.length;
    spent(pack.bytes);
    return Promise.resolve();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}
