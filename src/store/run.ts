// Run: one sorted list of blob locations, in memory or mapped from the cache folder.
//
//   "BNKC" | u32 version | u32 segments | u32 packs | u32 blobs | u32 replaced | 8 zeros
//   | segments × { signer (32) | id (32) | u32 number | u32 bytes }   what this run was made of
//   | replaced × the same, numbers 0   segments that those repeat whole: nobody needs to read them
//   | packs × 56, blobs × 56           as in an index segment (docs/format.md §7)

import { assert } from "../base/assert.ts";
import { type Bytes, compareBytes, copyBytes, loadU32, storeU32 } from "../base/bytes.ts";
import { ID_BYTES } from "../base/ids.ts";

export const RECORD_BYTES = 56;
const HEADER_BYTES = 32;
const MAGIC = 0x434b4e42; // "BNKC", little-endian
const VERSION = 2;
/** A segment's record: whose it is, its id, its number, and how long the object is. */
export const FACT_BYTES = 72;
/** Interpolated probes before the search halves: ids are uniform, so a few are enough. */
const PROBE_COUNT_MAX = 8;

export interface RunCounts {
  readonly segments: number;
  readonly packs: number;
  readonly blobs: number;
  /** Segments that are not read, since one of the run's repeats them whole. */
  readonly replaced: number;
}

/** What a run knows of a pack. */
export interface PackRecord {
  readonly id: Uint8Array<ArrayBuffer>;
  readonly bytes: number;
  readonly kind: number;
  readonly md5: Uint8Array<ArrayBuffer>;
}

export interface BlobRecord {
  readonly pack: number;
  readonly ordinal: number;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly codec: number;
}

export class Run {
  readonly bytes: Bytes;
  readonly counts: RunCounts;
  readonly #view: DataView;
  readonly #packsAt: number;
  readonly #blobsAt: number;

  /** Takes a file or buffer of the layout above; throws an assertion for any other. */
  constructor(bytes: Bytes) {
    assert(isRun(bytes), "a catalog run has its own length and mark");
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.counts = countsOf(bytes);
    const { segments, replaced } = this.counts;
    this.#packsAt = HEADER_BYTES + (segments + replaced) * FACT_BYTES;
    this.#blobsAt = this.#packsAt + this.counts.packs * RECORD_BYTES;
  }

  packAt(index: number): PackRecord {
    assert(index < this.counts.packs, "no such pack in the run");
    const at = this.#packsAt + index * RECORD_BYTES;
    return {
      id: copyBytes(this.bytes.subarray(at, at + ID_BYTES)),
      bytes: loadU32(this.bytes, at + 32),
      md5: copyBytes(this.bytes.subarray(at + 36, at + 52)),
      kind: this.bytes[at + 52]!,
    };
  }

  /** The raw records, for merging. */
  segmentRecords(): Bytes {
    return this.bytes.subarray(HEADER_BYTES, HEADER_BYTES + this.counts.segments * FACT_BYTES);
  }

  replacedRecords(): Bytes {
    const at = HEADER_BYTES + this.counts.segments * FACT_BYTES;
    return this.bytes.subarray(at, this.#packsAt);
  }

  packRecords(): Bytes {
    return this.bytes.subarray(this.#packsAt, this.#blobsAt);
  }

  blobRecords(): Bytes {
    return this.bytes.subarray(this.#blobsAt);
  }

  blobAt(index: number): BlobRecord {
    assert(index < this.counts.blobs, "no such blob in the run");
    const at = this.#blobsAt + index * RECORD_BYTES + ID_BYTES;
    return {
      pack: this.#view.getUint32(at, true),
      ordinal: this.#view.getUint32(at + 4, true),
      offset: this.#view.getUint32(at + 8, true),
      storedBytes: this.#view.getUint32(at + 12, true),
      plainBytes: this.#view.getUint32(at + 16, true),
      codec: this.#view.getUint32(at + 20, true),
    };
  }

  packOf(index: number): number {
    return this.#view.getUint32(this.#blobsAt + index * RECORD_BYTES + ID_BYTES, true);
  }

  idAt(index: number): Uint8Array<ArrayBuffer> {
    const at = this.#blobsAt + index * RECORD_BYTES;
    return copyBytes(this.bytes.subarray(at, at + ID_BYTES));
  }

  /** The first of the records with this id (they lie together), or -1. `at` is where the id begins. */
  find(id: Bytes, at = 0): number {
    const wanted = ((id[at]! << 24) | (id[at + 1]! << 16) | (id[at + 2]! << 8) | id[at + 3]!) >>> 0;
    let low = 0;
    let high = this.counts.blobs; // The answer is in [low, high).
    for (let probe = 0; high - low > 8 && probe < PROBE_COUNT_MAX; probe++) {
      const middle = this.#guess(wanted, low, high);
      const order = this.#compare(middle, id, at);
      if (order === 0) return this.#firstOf(middle);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return this.#halve(id, at, low, high);
  }

  isSame(index: number, id: Bytes, at = 0): boolean {
    return index < this.counts.blobs && this.#compare(index, id, at) === 0;
  }

  // Where an id with this beginning should be, given that ids are spread evenly over [low, high).
  #guess(wanted: number, low: number, high: number): number {
    const first = this.#prefix(low);
    const last = this.#prefix(high - 1);
    if (wanted <= first) return low;
    if (wanted >= last) return high - 1;
    return low + Math.floor(((wanted - first) / (last - first)) * (high - 1 - low));
  }

  #firstOf(index: number): number {
    let first = index;
    while (first > 0 && this.#sameIds(first - 1, index)) first--;
    return first;
  }

  #sameIds(a: number, b: number): boolean {
    return this.#compare(a, this.bytes, this.#blobsAt + b * RECORD_BYTES) === 0;
  }

  #halve(id: Bytes, at: number, from: number, to: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, id, at) < 0) low = middle + 1;
      else high = middle;
    }
    return low < this.counts.blobs && this.#compare(low, id, at) === 0 ? low : -1;
  }

  #prefix(index: number): number {
    return this.#view.getUint32(this.#blobsAt + index * RECORD_BYTES, false);
  }

  #compare(index: number, id: Bytes, at: number): number {
    const record = this.#blobsAt + index * RECORD_BYTES;
    for (let i = 0; i < ID_BYTES; i++) {
      const difference = this.bytes[record + i]! - id[at + i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/** Whether the bytes are a whole run, as a cache file must be before it is used. */
export function isRun(bytes: Bytes): boolean {
  if (bytes.length < HEADER_BYTES) return false;
  if (loadU32(bytes, 0) !== MAGIC || loadU32(bytes, 4) !== VERSION) return false;
  const { segments, replaced, packs, blobs } = countsOf(bytes);
  const records = (segments + replaced) * FACT_BYTES + (packs + blobs) * RECORD_BYTES;
  return bytes.length === HEADER_BYTES + records;
}

export function runHeader(counts: RunCounts): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(HEADER_BYTES);
  storeU32(header, 0, MAGIC);
  storeU32(header, 4, VERSION);
  storeU32(header, 8, counts.segments);
  storeU32(header, 12, counts.packs);
  storeU32(header, 16, counts.blobs);
  storeU32(header, 20, counts.replaced);
  return header;
}

function countsOf(bytes: Bytes): RunCounts {
  return {
    segments: loadU32(bytes, 8),
    packs: loadU32(bytes, 12),
    blobs: loadU32(bytes, 16),
    replaced: loadU32(bytes, 20),
  };
}

/** Orders two records of 56 bytes by their ids. */
export function compareRecords(a: Bytes, aAt: number, b: Bytes, bAt: number): number {
  return compareBytes(a.subarray(aAt, aAt + ID_BYTES), b.subarray(bAt, bAt + ID_BYTES));
}
