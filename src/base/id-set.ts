// Id set: many ids in little memory: slabs of the ids' first bytes, and a table of where they stand.
//
// A million ids of 16 bytes take 24 MiB, of 32 bytes 40 MiB. Ids are hashes, so that their first four
// bytes are the place where the search in the table begins.

import { assert } from "./assert.ts";
import { type Bytes, loadU32 } from "./bytes.ts";

const SLAB_IDS = 32_768;
const TABLE_FIRST = 1024;

export interface IdSetOptions {
  /** How much of an id is kept and compared: from 4 bytes to all 32. */
  readonly idBytes: number;
  /** Nothing is taken in beyond so many. */
  readonly countMax?: number;
}

export class IdSet {
  readonly #idBytes: number;
  readonly #countMax: number;
  #slabs: Uint8Array[] = [];
  /** The number of an id plus one, or 0; a power of two of places, at most three quarters in use. */
  #table = new Uint32Array(TABLE_FIRST);
  #count = 0;

  constructor({ idBytes, countMax = 2 ** 30 }: IdSetOptions) {
    assert(idBytes >= 4 && countMax <= 2 ** 30, "an id set has room for what it is asked to hold");
    this.#idBytes = idBytes;
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#count;
  }

  get memoryBytes(): number {
    return this.#slabs.length * SLAB_IDS * this.#idBytes + this.#table.byteLength;
  }

  get isFull(): boolean {
    return this.#count >= this.#countMax;
  }

  has(ids: Bytes, at = 0): boolean {
    return this.#table[this.#find(ids, at)] !== 0;
  }

  /** Returns whether the id was not in; a full set takes in nothing and says the same. */
  add(ids: Bytes, at = 0): boolean {
    let place = this.#find(ids, at);
    if (this.#table[place] !== 0) return false;
    if (this.isFull) return true;
    if ((this.#count + 1) * 4 > this.#table.length * 3) {
      this.#growTable();
      place = this.#find(ids, at);
    }
    const number = this.#count++;
    const within = number % SLAB_IDS;
    if (within === 0) this.#slabs.push(new Uint8Array(SLAB_IDS * this.#idBytes));
    const slab = this.#slabs.at(-1)!;
    for (let i = 0; i < this.#idBytes; i++) slab[within * this.#idBytes + i] = ids[at + i]!;
    this.#table[place] = number + 1;
    return true;
  }

  /** Calls `take` with each id, in the order in which they came: where its bytes are. */
  each(take: (ids: Bytes, at: number) => void): void {
    for (let number = 0; number < this.#count; number++) {
      take(this.#slabs[Math.floor(number / SLAB_IDS)]!, (number % SLAB_IDS) * this.#idBytes);
    }
  }

  clear(): void {
    this.#slabs = [];
    this.#table = new Uint32Array(TABLE_FIRST);
    this.#count = 0;
  }

  // The id's place in the table, or the empty one that it would take.
  #find(ids: Bytes, at: number): number {
    const mask = this.#table.length - 1;
    for (let place = loadU32(ids, at) & mask; ; place = (place + 1) & mask) {
      const number = this.#table[place]!;
      if (number === 0 || this.#isAt(number - 1, ids, at)) return place;
    }
  }

  #isAt(number: number, ids: Bytes, at: number): boolean {
    const slab = this.#slabs[Math.floor(number / SLAB_IDS)]!;
    const start = (number % SLAB_IDS) * this.#idBytes;
    for (let i = 0; i < this.#idBytes; i++) if (slab[start + i] !== ids[at + i]) return false;
    return true;
  }

  #growTable(): void {
    const table = new Uint32Array(this.#table.length * 2);
    const mask = table.length - 1;
    let number = 0;
    this.each((ids, at) => {
      let place = loadU32(ids, at) & mask;
      while (table[place] !== 0) place = (place + 1) & mask;
      table[place] = ++number;
    });
    this.#table = table;
  }
}
