// Path set: very many paths in little memory, in the order of a walk.
//
// Each is a key: its names, a NUL behind each, so that "/" is empty; compared as bytes, keys stand in
// the order of a walk, and what lies in a folder begins with the folder's key. All keys stand in one
// arena: a million of 60 bytes take 70 MB in all, where an array each would take three times that.

import { type Bytes, compareBytes, concatBytes, utf8 } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { splitPath } from "../system/paths.ts";

const SEPARATOR = 0;
const SLASH = utf8("/");
/** Beyond 10 million paths of 100 bytes. */
const KEY_BYTES_MAX = 1024 ** 3;

/** Part of a set: the paths from one up to, but without, another one, by their places in it. */
export interface PathRange {
  readonly from: number;
  readonly to: number;
}

export class PathSet {
  #arena: Uint8Array;
  /** Where each key begins, and where the last one ends. */
  #starts: Uint32Array;
  #order: Uint32Array;
  #added = 0;
  #count = 0;

  /** What is expected; more fits too. */
  constructor(keyCount: number, keyBytes: number) {
    if (keyBytes > KEY_BYTES_MAX) throw tooMuch();
    this.#arena = new Uint8Array(keyBytes);
    this.#starts = new Uint32Array(keyCount + 1);
    this.#order = new Uint32Array(keyCount);
  }

  get count(): number {
    return this.#count;
  }

  /** A view of a key; the next one that is added or replaced may leave it behind. */
  keyAt(place: number): Bytes {
    const entry = this.#order[place]!;
    return this.#arena.subarray(this.#starts[entry]!, this.#starts[entry + 1]!);
  }

  /** Adds the path that comes of `path` in the folder with this key. */
  add(folder: Bytes, path: Bytes): void {
    if (this.#count === this.#order.length) this.#order = grown(this.#order);
    this.#order[this.#count++] = this.#append(folder, path);
  }

  /** Puts the path that comes of `path` in the place of another one. */
  replace(place: number, folder: Bytes, path: Bytes): void {
    this.#order[place] = this.#append(folder, path);
  }

  sort(): void {
    const from = this.#commonBytes();
    const order = this.#order.subarray(0, this.#count);
    const isSorted = order.every((b, i) => i === 0 || this.#compare(order[i - 1]!, b, from) <= 0);
    if (!isSorted) order.sort((a, b) => this.#compare(a, b, from));
  }

  /** Keeps some of the paths; asks in order. */
  filter(isKept: (key: Bytes, place: number) => boolean): void {
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      if (isKept(this.keyAt(i), i)) this.#order[kept++] = this.#order[i]!;
    }
    this.#count = kept;
  }

  /** How many bytes of its keys name the deepest folder that all of a range lie in. */
  sharedBytes({ from, to }: PathRange): number {
    const first = this.keyAt(from);
    const last = this.keyAt(to - 1);
    let shared = 0;
    while (shared < first.length && first[shared] === last[shared]) shared++;
    return folderBytes(first.subarray(0, Math.min(shared + 1, first.length)));
  }

  /** The bytes of the name that begins at `at` in a key. */
  nameAt(place: number, at: number): Bytes {
    const start = this.#starts[this.#order[place]!]! + at;
    return this.#arena.subarray(start, this.#arena.indexOf(SEPARATOR, start));
  }

  /** Where those end that have the same name at `at` as the first of the range. */
  groupEnd({ from, to }: PathRange, at: number): number {
    const bytes = this.nameAt(from, at).length + 1;
    let low = from;
    let step = 1;
    while (low + step < to && this.#isSame(from, low + step, at, bytes)) {
      low += step;
      step *= 2;
    }
    let high = Math.min(low + step, to);
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#isSame(from, middle, at, bytes)) low = middle;
      else high = middle;
    }
    return high;
  }

  #isSame(a: number, b: number, at: number, bytes: number): boolean {
    const atA = this.#starts[this.#order[a]!]! + at;
    const atB = this.#starts[this.#order[b]!]! + at;
    for (let i = 0; i < bytes; i++) if (this.#arena[atA + i] !== this.#arena[atB + i]) return false;
    return true;
  }

  #append(folder: Bytes, path: Bytes): number {
    const most = folder.length + path.length + 1;
    if (this.#added + 1 >= this.#starts.length) this.#starts = grown(this.#starts);
    const start = this.#starts[this.#added]!;
    if (start + most > this.#arena.length) this.#reserve(start + most);
    this.#arena.set(folder, start);
    this.#starts[this.#added + 1] = this.#putNames(start + folder.length, path);
    return this.#added++;
  }

  // Empty names and those that are a dot stand for nothing.
  #putNames(start: number, path: Bytes): number {
    const arena = this.#arena;
    let at = start;
    for (let i = 0, begin = at; i <= path.length; i++) {
      const byte = path[i];
      if (byte !== undefined && byte !== SLASH[0]) {
        arena[at++] = byte;
        continue;
      }
      const isDot = at - begin === 1 && arena[begin] === 0x2e;
      if (isDot) at = begin;
      else if (at > begin) arena[at++] = SEPARATOR;
      begin = at;
    }
    return at;
  }

  #reserve(byteCount: number): void {
    if (byteCount > KEY_BYTES_MAX) throw tooMuch();
    const larger = new Uint8Array(Math.max(Math.ceil(1.5 * this.#arena.length), byteCount));
    larger.set(this.#arena);
    this.#arena = larger;
  }

  // All paths of a list may begin alike: what is the same needs no comparing.
  #commonBytes(): number {
    if (this.#count === 0) return 0;
    const first = this.keyAt(0);
    let shared = first.length;
    for (let i = 1; i < this.#count; i++) {
      const start = this.#starts[this.#order[i]!]!;
      const end = this.#starts[this.#order[i]! + 1]!;
      shared = Math.min(shared, end - start);
      let same = 0;
      while (same < shared && first[same] === this.#arena[start + same]) same++;
      shared = same;
    }
    return shared;
  }

  #compare(a: number, b: number, from: number): number {
    const arena = this.#arena;
    const startA = this.#starts[a]!;
    const startB = this.#starts[b]!;
    const bytesA = this.#starts[a + 1]! - startA;
    const bytesB = this.#starts[b + 1]! - startB;
    const shared = Math.min(bytesA, bytesB);
    for (let i = from; i < shared; i++) {
      const difference = arena[startA + i]! - arena[startB + i]!;
      if (difference !== 0) return difference;
    }
    return bytesA - bytesB;
  }
}

/** The key of an absolute path without dots. */
export function keyOf(path: Bytes): Bytes {
  return concatBytes(...splitPath(path).flatMap((name) => [name, Uint8Array.of(SEPARATOR)]));
}

export function pathOfKey(key: Bytes): Bytes {
  const path = concatBytes(SLASH, key.subarray(0, Math.max(0, key.length - 1)));
  for (let at = path.indexOf(SEPARATOR); at >= 0; at = path.indexOf(SEPARATOR, at + 1)) {
    path[at] = SLASH[0]!;
  }
  return path;
}

/** How many bytes of a key name the folder that it lies in. */
export function folderBytes(key: Bytes): number {
  return key.length === 0 ? 0 : key.lastIndexOf(SEPARATOR, key.length - 2) + 1;
}

export function isIn(key: Bytes, upper: Bytes): boolean {
  if (upper.length > key.length) return false;
  // From the end, where keys that are not alike differ.
  for (let i = upper.length - 1; i >= 0; i--) if (key[i] !== upper[i]) return false;
  return true;
}

/** Keys in order. */
export interface Keys {
  readonly count: number;
  keyAt(place: number): Bytes;
}

/** Keys in order; with `alone` without those that lie in another one. */
export function keysOf(keys: readonly Bytes[], alone = false): Keys {
  const sorted = keys.toSorted(compareBytes);
  const kept: Bytes[] = [];
  for (const key of sorted) {
    const last = kept.at(-1);
    if (!alone || last === undefined || !isIn(key, last)) kept.push(key);
  }
  return { count: kept.length, keyAt: (place) => kept[place]! };
}

/** The one of these keys that a key is, or lies in; none of these lies in another one. */
export function findHolder(key: Bytes, keys: Keys): Bytes | undefined {
  const after = firstBeyond(keys, (other) => compareBytes(other, key) > 0);
  const before = after > 0 ? keys.keyAt(after - 1) : undefined;
  return before !== undefined && isIn(key, before) ? before : undefined;
}

export function isInAny(key: Bytes, keys: Keys): boolean {
  return findHolder(key, keys) !== undefined;
}

/** Whether one of these keys is `upper`, or lies in it. */
export function holdsAny(upper: Bytes, keys: Keys): boolean {
  const first = firstBeyond(keys, (other) => compareBytes(other, upper) >= 0);
  return first < keys.count && isIn(keys.keyAt(first), upper);
}

function firstBeyond(keys: Keys, isBeyond: (key: Bytes) => boolean): number {
  let low = 0;
  let high = keys.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBeyond(keys.keyAt(middle))) high = middle;
    else low = middle + 1;
  }
  return low;
}

function grown(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(64, 2 * numbers.length));
  larger.set(numbers);
  return larger;
}

function tooMuch(): BunkerError {
  const message = `the paths of a list take more than ${KEY_BYTES_MAX} bytes together`;
  return new BunkerError("invalid-argument", message, {
    hint: "list folders in place of the files in them, and leave files out by patterns",
  });
}
