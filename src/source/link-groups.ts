// Link groups: the numbers of the files that have several names, by device and inode.
//
// Only files are held whose other names are still to come, or lie outside of what is backed up. What
// has another size or time than when its inode was met is another file, or other content: a restore
// makes all names of a number one file. In memory: a table from device and inode to a record, and the
// records one after another in typed arrays, 32 bytes each; a million such files take 40 MiB.

import type { RawStat } from "../system/stat.ts";

type File = Pick<RawStat, "deviceId" | "inode" | "links" | "modified" | "size">;

const RECORDS_FIRST = 1024;
/** At once, with names that were not met yet: about 640 MiB. */
export const LINKED_FILES_MAX = 1 << 24;
const HALF = 0x1_0000_0000;

export interface LinkGroupsOptions {
  /** Is told once, when further names of more files can't be kept in mind. */
  readonly onFull?: () => void;
  readonly filesMax?: number;
}

export class LinkGroups {
  readonly #onFull: () => void;
  readonly #filesMax: number;
  /** The number of a record plus one, or 0; a power of two of places, at most three quarters in use. */
  #table = new Uint32Array(2 * RECORDS_FIRST);
  #devices = new Float64Array(RECORDS_FIRST);
  #lows = new Uint32Array(RECORDS_FIRST);
  #highs = new Uint32Array(RECORDS_FIRST);
  #groups = new Float64Array(RECORDS_FIRST);
  /** What size and time of modification come to. */
  #marks = new Uint32Array(RECORDS_FIRST);
  /** Names that were not met yet. */
  #lefts = new Uint32Array(RECORDS_FIRST);
  #count = 0;
  #last = 0;
  #isFull = false;

  constructor({ onFull = () => {}, filesMax = LINKED_FILES_MAX }: LinkGroupsOptions = {}) {
    this.#onFull = onFull;
    this.#filesMax = filesMax;
  }

  /** How many files wait for further names. */
  get waiting(): number {
    return this.#count;
  }

  get memoryBytes(): number {
    const { byteLength } = this.#table;
    const ids = [this.#devices, this.#lows, this.#highs];
    const arrays = [...ids, this.#groups, this.#marks, this.#lefts];
    return arrays.reduce((sum, array) => sum + array.byteLength, byteLength);
  }

  /** The group of a file that has several names: from 1, in the order in which they are met. */
  groupOf({ deviceId, inode, links, ...content }: File): number {
    const low = lowOf(inode);
    const high = highOf(inode);
    const mark = markOf(content);
    const place = this.#find(deviceId, low, high);
    const record = this.#table[place]! - 1;
    if (record < 0) return this.#add({ deviceId, low, high, mark, left: links - 1 });
    if (this.#marks[record] !== mark) return this.#renew(record, mark, links - 1);
    const group = this.#groups[record]!;
    const left = this.#lefts[record]! - 1;
    if (left === 0) this.#drop(place, record);
    else this.#lefts[record] = left;
    return group;
  }

  #renew(record: number, mark: number, left: number): number {
    this.#marks[record] = mark;
    this.#lefts[record] = left;
    return (this.#groups[record] = ++this.#last);
  }

  #add(file: {
    readonly deviceId: number;
    readonly low: number;
    readonly high: number;
    readonly mark: number;
    readonly left: number;
  }): number {
    const group = ++this.#last;
    if (this.#count >= this.#filesMax) {
      if (!this.#isFull) this.#onFull();
      this.#isFull = true;
      return group; // A group of its own: its other names become files of their own.
    }
    if (this.#count === this.#lefts.length) this.#growRecords();
    if ((this.#count + 1) * 4 > this.#table.length * 3) this.#growTable();
    const record = this.#count++;
    this.#devices[record] = file.deviceId;
    this.#lows[record] = file.low;
    this.#highs[record] = file.high;
    this.#groups[record] = group;
    this.#marks[record] = file.mark;
    this.#lefts[record] = file.left;
    this.#table[this.#find(file.deviceId, file.low, file.high)] = record + 1;
    return group;
  }

  // The file's place in the table, or the empty one that it would take.
  #find(deviceId: number, low: number, high: number): number {
    const mask = this.#table.length - 1;
    for (let place = mixed(deviceId, low, high) & mask; ; place = (place + 1) & mask) {
      const record = this.#table[place]! - 1;
      if (record < 0) return place;
      const isInode = this.#lows[record] === low && this.#highs[record] === high;
      if (isInode && this.#devices[record] === deviceId) return place;
    }
  }

  #homeOf(record: number): number {
    const { length } = this.#table;
    return mixed(this.#devices[record]!, this.#lows[record]!, this.#highs[record]!) & (length - 1);
  }

  // The last record takes the free one's place, so that they stay without gaps.
  #drop(place: number, record: number): void {
    this.#clearPlace(place);
    const last = --this.#count;
    if (record === last) return;
    this.#table[this.#find(this.#devices[last]!, this.#lows[last]!, this.#highs[last]!)] =
      record + 1;
    this.#devices[record] = this.#devices[last]!;
    this.#lows[record] = this.#lows[last]!;
    this.#highs[record] = this.#highs[last]!;
    this.#groups[record] = this.#groups[last]!;
    this.#marks[record] = this.#marks[last]!;
    this.#lefts[record] = this.#lefts[last]!;
  }

  // Moves those behind forward that could not be found across the gap (Knuth, 6.4, algorithm R).
  #clearPlace(place: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let gap = place;
    for (let at = (gap + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const home = this.#homeOf(table[at]! - 1);
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      table[gap] = table[at]!;
      gap = at;
    }
    table[gap] = 0;
  }

  #growRecords(): void {
    const count = 2 * this.#lefts.length;
    this.#devices = grown(this.#devices, new Float64Array(count));
    this.#groups = grown(this.#groups, new Float64Array(count));
    this.#lows = grown(this.#lows, new Uint32Array(count));
    this.#highs = grown(this.#highs, new Uint32Array(count));
    this.#marks = grown(this.#marks, new Uint32Array(count));
    this.#lefts = grown(this.#lefts, new Uint32Array(count));
  }

  #growTable(): void {
    this.#table = new Uint32Array(2 * this.#table.length);
    const mask = this.#table.length - 1;
    for (let record = 0; record < this.#count; record++) {
      let place = this.#homeOf(record);
      while (this.#table[place] !== 0) place = (place + 1) & mask;
      this.#table[place] = record + 1;
    }
  }
}

function grown<Values extends Float64Array | Uint32Array>(values: Values, larger: Values): Values {
  larger.set(values);
  return larger;
}

function lowOf(inode: number | bigint): number {
  return typeof inode === "bigint" ? Number(inode & 0xffff_ffffn) : inode % HALF;
}

function highOf(inode: number | bigint): number {
  return typeof inode === "bigint" ? Number(inode >> 32n) : Math.floor(inode / HALF);
}

function markOf({ modified, size }: Pick<File, "modified" | "size">): number {
  return mixed(modified.seconds, modified.nanoseconds, mixed(size, 0, 0));
}

// Inodes are mostly small numbers that follow each other.
function mixed(deviceId: number, low: number, high: number): number {
  const device = (deviceId % HALF) ^ Math.imul(Math.floor(deviceId / HALF), 31);
  const outer = Math.imul(device ^ high, 0x85eb_ca6b);
  const inner = Math.imul(low ^ (outer >>> 13) ^ outer, 0x9e37_79b1);
  return (inner ^ (inner >>> 15)) >>> 0;
}
