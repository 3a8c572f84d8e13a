// Catalog: which blob is where, over a few sorted runs.
//
// Runs of the cache folder are mapped, those of this run of the program are in memory. Each pack of
// a run carries a mark whether it may be relied on; the marks are shared memory, so that lanes see
// them. The newest run is asked last: most of what is looked up is old.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { type BlobId, hexId } from "../base/ids.ts";
import { type PackRecord, Run } from "./run.ts";

// A mark of 0 says that nothing is known of the pack yet.

/** There, by a listing or because this run put it. */
export const PACK_USABLE = 1;
/** Absent, swept, condemned or of the wrong size: what it holds is stored again. */
export const PACK_UNUSABLE = 2;

export interface CatalogRun {
  readonly run: Run;
  /** The file in the cache folder, absent for a run in memory. */
  readonly file?: string;
  /** Whether its segments' signers are trusted to say what is stored. */
  readonly trusted: boolean;
  /** One mark for each pack of the run. */
  readonly marks: Uint8Array;
}

/** A place of a blob: cheap to make, resolved by the catalog that gave it. */
export interface Place {
  readonly packId: Uint8Array<ArrayBuffer>;
  readonly packBytes: number;
  /** Whether a trusted signer says so. */
  readonly trusted: boolean;
  readonly packKind: number;
  readonly id: BlobId;
  readonly ordinal: number;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly codec: number;
}

const NONE = -1;
const RUN_STRIDE = 0x1_0000_0000;

export class Catalog {
  readonly runs: CatalogRun[] = [];

  /** Takes a run in; the marks are another thread's where that shares its own. */
  add(
    bytes: Bytes,
    options: { readonly file?: string; readonly trusted: boolean; readonly marks?: Uint8Array },
  ): CatalogRun {
    const run = new Run(bytes);
    const { packs } = run.counts;
    const marks = options.marks ?? new Uint8Array(new SharedArrayBuffer(packs));
    assert(marks.length === packs, "there is one mark for each pack of a run");
    const added: CatalogRun = { run, marks, trusted: options.trusted, ...fileOf(options.file) };
    this.runs.push(added);
    return added;
  }

  /**
   * Where a trusted, usable pack holds the blob: a number for `packAt` and `placeAt`, or -1.
   * `at` is where the id begins in `ids`. With `anyTrust` every run is asked.
   */
  findUsable(ids: Bytes, at = 0, options?: { readonly anyTrust: boolean }): number {
    for (let r = 0; r < this.runs.length; r++) {
      const { run, marks, trusted } = this.runs[r]!;
      if (!trusted && options?.anyTrust !== true) continue;
      let index = run.find(ids, at);
      if (index < 0) continue;
      for (; run.isSame(index, ids, at); index++) {
        if (marks[run.packOf(index)] === PACK_USABLE) return r * RUN_STRIDE + index;
      }
    }
    return NONE;
  }

  /** Every place that the runs know of a blob; swept and absent packs last. */
  findAll(id: BlobId): Place[] {
    const good: Place[] = [];
    const doubtful: Place[] = [];
    for (let r = 0; r < this.runs.length; r++) {
      const { run, marks } = this.runs[r]!;
      let index = run.find(id);
      if (index < 0) continue;
      for (; run.isSame(index, id); index++) {
        const bad = marks[run.packOf(index)] === PACK_UNUSABLE;
        (bad ? doubtful : good).push(this.placeAt(r * RUN_STRIDE + index));
      }
    }
    return [...good, ...doubtful];
  }

  /** The run's number and the pack's in it. */
  packAt(found: number): { readonly run: number; readonly pack: number } {
    const run = Math.floor(found / RUN_STRIDE);
    return { run, pack: this.runs[run]!.run.packOf(found % RUN_STRIDE) };
  }

  placeAt(found: number): Place {
    const { run, trusted } = this.runs[Math.floor(found / RUN_STRIDE)]!;
    const index = found % RUN_STRIDE;
    const blob = run.blobAt(index);
    const pack = run.packAt(blob.pack);
    return {
      packId: pack.id,
      packBytes: pack.bytes,
      trusted,
      packKind: pack.kind,
      id: run.idAt(index),
      ordinal: blob.ordinal,
      offset: blob.offset,
      storedBytes: blob.storedBytes,
      plainBytes: blob.plainBytes,
      codec: blob.codec,
    };
  }

  /** Every pack that any run lists, once. */
  packs(): Map<string, PackRecord> {
    const packs = new Map<string, PackRecord>();
    for (const { run } of this.runs) {
      for (let i = 0; i < run.counts.packs; i++) {
        const pack = run.packAt(i);
        packs.set(hexId(pack.id), pack);
      }
    }
    return packs;
  }

  /** Sets the mark of every pack by what `judge` says of it. */
  mark(judge: (pack: PackRecord) => number): void {
    for (const { run, marks } of this.runs) {
      for (let i = 0; i < run.counts.packs; i++) marks[i] = judge(run.packAt(i));
    }
  }

  get blobCount(): number {
    return this.runs.reduce((sum, { run }) => sum + run.counts.blobs, 0);
  }
}

function fileOf(file: string | undefined): { file?: string } {
  return file === undefined ? {} : { file };
}
