// Link groups: under which name each hard-linked file of a snapshot was restored first.
//
// In memory: a table from the group's number to its record, and slabs of text that hold the name of
// each group and, once, the path of each folder. A group takes 27 to 40 bytes and its name: a million
// with names of 16 bytes in 100,000 folders, 50 MB.

import { BunkerError } from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import type { FolderPath, PlaceInTree } from "../destination/destination.ts";

const SLAB_BYTES = 1024 * 1024;
const SLAB_COUNT_MAX = 4095;
const RECORDS_FIRST = 1024;
/** Stands for the place of a group that could not be restored. */
const NOWHERE = 0xffff_ffff;

export class LinkGroups {
  /** The number of a record plus one, or 0; a power of two of places, at most three quarters in use. */
  #table = new Uint32Array(2 * RECORDS_FIRST);
  #numbers = new Float64Array(RECORDS_FIRST);
  #folders = new Uint32Array(RECORDS_FIRST);
  #names = new Uint32Array(RECORDS_FIRST);
  #count = 0;
  readonly #text = new TextSlabs();
  /** Where the path of a folder stands that the walk still has. */
  #folderText = new WeakMap<FolderPath, number>();

  get memoryBytes(): number {
    const tables = [this.#table, this.#numbers, this.#folders, this.#names];
    return tables.reduce((sum, { byteLength }) => sum + byteLength, this.#text.memoryBytes);
  }

  has(group: number): boolean {
    return this.#table[this.#find(group)] !== 0;
  }

  /** The first name; `undefined` for a group that is not known, or could not be restored. */
  get(group: number): PlaceInTree | undefined {
    const record = this.#table[this.#find(group)]! - 1;
    if (record < 0 || this.#folders[record] === NOWHERE) return undefined;
    const [name] = this.#text.parts(this.#names[record]!);
    return { folder: this.#text.parts(this.#folders[record]!), name: name! };
  }

  set(group: number, place: PlaceInTree | undefined): void {
    const record = this.#recordOf(group);
    this.#folders[record] = place === undefined ? NOWHERE : this.#folderAt(place.folder);
    if (place !== undefined) this.#names[record] = this.#text.add([place.name]);
  }

  clear(): void {
    this.#table.fill(0);
    this.#count = 0;
    this.#text.clear();
    this.#folderText = new WeakMap();
  }

  #folderAt(folder: FolderPath): number {
    const known = this.#folderText.get(folder);
    if (known !== undefined) return known;
    const at = this.#text.add(folder);
    this.#folderText.set(folder, at);
    return at;
  }

  #recordOf(group: number): number {
    const known = this.#table[this.#find(group)]!;
    if (known !== 0) return known - 1;
    if (this.#count === this.#numbers.length) this.#growRecords();
    if ((this.#count + 1) * 4 > this.#table.length * 3) this.#growTable();
    this.#numbers[this.#count] = group;
    this.#table[this.#find(group)] = ++this.#count;
    return this.#count - 1;
  }

  // The group's place in the table, or the empty one that it would take.
  #find(group: number): number {
    const mask = this.#table.length - 1;
    for (let place = mixed(group) & mask; ; place = (place + 1) & mask) {
      const record = this.#table[place]!;
      if (record === 0 || this.#numbers[record - 1] === group) return place;
    }
  }

  #growRecords(): void {
    const count = 2 * this.#numbers.length;
    const numbers = new Float64Array(count);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    this.#folders = doubled(this.#folders);
    this.#names = doubled(this.#names);
  }

  #growTable(): void {
    this.#table = new Uint32Array(2 * this.#table.length);
    for (let record = 0; record < this.#count; record++) {
      this.#table[this.#find(this.#numbers[record]!)] = record + 1;
    }
  }
}

/** Lists of names, one after another: their count, then the length and the bytes of each. */
class TextSlabs {
  #slabs: Bytes[] = [];
  #used = SLAB_BYTES;

  get memoryBytes(): number {
    return this.#slabs.reduce((sum, { length }) => sum + length, 0);
  }

  /** Returns where the list stands. */
  add(parts: readonly Bytes[]): number {
    const bytes = parts.reduce((sum, part) => sum + 2 + part.length, 2);
    if (this.#used + bytes > SLAB_BYTES) this.#addSlab(Math.max(SLAB_BYTES, bytes));
    const slab = this.#slabs.at(-1)!;
    const start = this.#used;
    this.#used = storeU16(slab, start, parts.length);
    for (const part of parts) {
      const at = storeU16(slab, this.#used, part.length);
      slab.set(part, at);
      this.#used = at + part.length;
    }
    return (this.#slabs.length - 1) * SLAB_BYTES + start;
  }

  parts(position: number): Bytes[] {
    const slab = this.#slabs[Math.floor(position / SLAB_BYTES)]!;
    let at = position % SLAB_BYTES;
    const count = loadU16(slab, at);
    at += 2;
    return Array.from({ length: count }, () => {
      const start = at + 2;
      at = start + loadU16(slab, at);
      return slab.subarray(start, at);
    });
  }

  clear(): void {
    this.#slabs = [];
    this.#used = SLAB_BYTES;
  }

  #addSlab(bytes: number): void {
    if (this.#slabs.length >= SLAB_COUNT_MAX) {
      throw new BunkerError("full", "the snapshot has more hard links than can be kept in mind", {
        hint: "restore it in parts: SNAPSHOT:PATH",
      });
    }
    this.#slabs.push(new Uint8Array(bytes));
    this.#used = 0;
  }
}

function doubled(values: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * values.length);
  larger.set(values);
  return larger;
}

function mixed(group: number): number {
  const high = Math.floor(group / 0x1_0000_0000);
  const low = Math.imul(group ^ high, 0x9e37_79b1);
  return (low ^ (low >>> 15)) >>> 0;
}

function storeU16(bytes: Bytes, at: number, value: number): number {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  return at + 2;
}

function loadU16(bytes: Bytes, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}
