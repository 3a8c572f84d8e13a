// Names: the names in one folder, sorted by their bytes, packed into few allocations.
//
// In memory: all names one after another in `arena`, entry i at offsets[i] .. offsets[i + 1], and
// `order` with the entries in the order of their names. A million names take some 30 MB.

import { assert } from "../base/assert.ts";
import { type Bytes, compareBytes, concatBytes } from "../base/bytes.ts";
import type { EntryType } from "../base/entry.ts";
import { typeOfFormat } from "./stat.ts";

const ARENA_BYTES_FIRST = 64 * 1024;
const NAME_COUNT_FIRST = 1024;
/** A builder that grew beyond this gives its memory back after use. */
const ARENA_BYTES_KEPT = 1024 * 1024;

export class FolderNames {
  readonly count: number;
  readonly #arena: Uint8Array;
  readonly #offsets: Uint32Array;
  readonly #formats: Uint8Array;
  readonly #order: Uint32Array;

  constructor(arena: Uint8Array, offsets: Uint32Array, formats: Uint8Array) {
    assert(offsets.length === formats.length + 1, "a folder's names have one more offset");
    this.#arena = arena;
    this.#offsets = offsets;
    this.#formats = formats;
    this.#order = this.#sorted();
    this.count = this.#order.length;
  }

  /** A copy of the name at `index` in sorted order. */
  nameAt(index: number): Uint8Array<ArrayBuffer> {
    const entry = this.#order[index]!;
    return this.#arena.slice(this.#offsets[entry]!, this.#offsets[entry + 1]!);
  }

  /** What the listing said that this is: a hint, absent on some file systems, and soon stale. */
  typeAt(index: number): EntryType | undefined {
    return typeOfFormat(this.#formats[this.#order[index]!]!);
  }

  /** Whether the folder holds this name. */
  has(name: Bytes): boolean {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#order[middle]!;
      const found = this.#arena.subarray(this.#offsets[entry]!, this.#offsets[entry + 1]!);
      const difference = compareBytes(found, name);
      if (difference === 0) return true;
      if (difference < 0) low = middle + 1;
      else high = middle;
    }
    return false;
  }

  #sorted(): Uint32Array {
    const order = new Uint32Array(this.#formats.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    let doubled = false;
    order.sort((a, b) => {
      const difference = this.#compare(a, b);
      doubled ||= difference === 0 && a !== b;
      return difference;
    });
    // Some file systems list a name twice while the folder changes.
    return doubled
      ? order.filter((entry, i) => i === 0 || this.#compare(order[i - 1]!, entry) !== 0)
      : order;
  }

  #compare(a: number, b: number): number {
    const arena = this.#arena;
    const offsetA = this.#offsets[a]!;
    const offsetB = this.#offsets[b]!;
    const bytesA = this.#offsets[a + 1]! - offsetA;
    const bytesB = this.#offsets[b + 1]! - offsetB;
    const shared = Math.min(bytesA, bytesB);
    for (let i = 0; i < shared; i++) {
      const difference = arena[offsetA + i]! - arena[offsetB + i]!;
      if (difference !== 0) return difference;
    }
    return bytesA - bytesB;
  }
}

/** A list of these names alone; what they are is not said. */
export function namesOf(names: readonly Bytes[]): FolderNames {
  const offsets = new Uint32Array(names.length + 1);
  for (const [i, { length }] of names.entries()) offsets[i + 1] = offsets[i]! + length;
  return new FolderNames(concatBytes(...names), offsets, new Uint8Array(names.length));
}

/** Gathers the names of one folder after another; `finish` gives them and starts anew. */
export class NamesBuilder {
  #arena = new Uint8Array(ARENA_BYTES_FIRST);
  #offsets = new Uint32Array(NAME_COUNT_FIRST + 1);
  #formats = new Uint8Array(NAME_COUNT_FIRST);
  #bytes = 0;
  #count = 0;

  /**
   * Adds the bytes from `start` up to the first NUL, at the latest up to `end`; "." and ".." are
   * left out. `format` is the type as in `st_mode >> 12`, or 0.
   */
  add(buffer: Bytes, start: number, end: number, format: number): void {
    this.#reserve(end - start);
    const arena = this.#arena;
    let at = this.#bytes;
    for (let i = start; i < end && buffer[i] !== 0; i++) arena[at++] = buffer[i]!;
    const length = at - this.#bytes;
    const dots = length <= 2 && arena[at - 1] === 0x2e && arena[this.#bytes] === 0x2e;
    if (length === 0 || dots) return;
    this.#formats[this.#count++] = format;
    this.#offsets[this.#count] = this.#bytes = at;
  }

  finish(): FolderNames {
    const names = new FolderNames(
      this.#arena.slice(0, this.#bytes),
      this.#offsets.slice(0, this.#count + 1),
      this.#formats.slice(0, this.#count),
    );
    this.reset();
    return names;
  }

  /** Forgets what was added. */
  reset(): void {
    this.#bytes = 0;
    this.#count = 0;
    if (this.#arena.length <= ARENA_BYTES_KEPT) return;
    this.#arena = new Uint8Array(ARENA_BYTES_FIRST);
    this.#offsets = new Uint32Array(NAME_COUNT_FIRST + 1);
    this.#formats = new Uint8Array(NAME_COUNT_FIRST);
  }

  #reserve(byteCount: number): void {
    if (this.#bytes + byteCount > this.#arena.length) {
      const larger = new Uint8Array(Math.max(2 * this.#arena.length, this.#bytes + byteCount));
      larger.set(this.#arena.subarray(0, this.#bytes));
      this.#arena = larger;
    }
    if (this.#count + 1 < this.#offsets.length) return;
    const offsets = new Uint32Array(2 * this.#offsets.length);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
    const formats = new Uint8Array(offsets.length);
    formats.set(this.#formats);
    this.#formats = formats;
  }
}
