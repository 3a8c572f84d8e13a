// Holes: what a sparse file has no data for, and reading what lies between.

import { readSync } from "node:fs";
import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import type { RawStat } from "../system/stat.ts";

/** Offset and length. */
export type Hole = readonly [number, number];

/** The block of most file systems: what is smaller is no hole where the file is restored. */
const HOLE_BYTES_MIN = 4096;
/** So many fit into an entry. Where a file has more the largest count; the others are zeros. */
export const HOLE_COUNT_MAX = 16_384;
const BLOCK_BYTES = 512;

/** Whether a file takes less than its length says, and so may have holes: most need not be asked. */
export function mayHaveHoles({ blocks, size }: Pick<RawStat, "blocks" | "size">): boolean {
  return blocks * BLOCK_BYTES < size;
}

/** The holes of an open file, ascending. One that ends the file may be of any length. */
export function findHoles(
  files: FileSystem,
  descriptor: Descriptor,
  size: number,
  countMax: number = HOLE_COUNT_MAX,
): readonly Hole[] {
  let holes: Hole[] = [];
  for (let at = 0; at < size;) {
    const data = Math.min(files.dataFrom(descriptor, at) ?? size, size);
    if (data - at >= HOLE_BYTES_MIN || (data === size && data > at)) holes.push([at, data - at]);
    if (holes.length >= 2 * countMax) holes = largest(holes, countMax);
    if (data === size) break;
    const end = files.holeFrom(descriptor, data);
    if (end <= data) break; // No progress: the file is being changed, which shows in its times.
    at = end;
  }
  return holes.length > countMax ? largest(holes, countMax) : holes;
}

function largest(holes: readonly Hole[], count: number): Hole[] {
  const kept = holes.toSorted(([, a], [, b]) => b - a).slice(0, count);
  return kept.sort(([a], [b]) => a - b);
}

/** How many bytes of a file of `size` lie outside its holes. */
export function dataBytesOf(size: number, holes: readonly Hole[]): number {
  return holes.reduce((left, [, length]) => left - length, size);
}

/**
 * The holes of a file of which only so many bytes of data came, because it was cut meanwhile: those
 * between what came. A hole behind its end would have no place in it.
 */
export function holesAmong(dataBytes: number, holes: readonly Hole[]): readonly Hole[] {
  let left = dataBytes;
  let at = 0;
  const behind = holes.findIndex(([offset, length]) => {
    left -= offset - at;
    at = offset + length;
    return left <= 0;
  });
  return behind < 0 ? holes : holes.slice(0, behind);
}

/** Reads a file's data and leaves its holes out. */
export class DataReader {
  readonly #descriptor: Descriptor;
  readonly #holes: readonly Hole[];
  readonly #size: number;
  #at = 0;
  #nextHole = 0;

  constructor(descriptor: Descriptor, size: number, holes: readonly Hole[]) {
    this.#descriptor = descriptor;
    this.#size = size;
    this.#holes = holes;
  }

  /** Reads the next data and returns how many bytes came; 0 is the end. */
  read(view: Bytes): number {
    assert(view.length > 0, "what is read has somewhere to go");
    for (;;) {
      const [offset, length] = this.#holes[this.#nextHole] ?? [this.#size, 0];
      const left = Math.min(view.length, offset - this.#at);
      if (left > 0) {
        const count = readSync(this.#descriptor, view, 0, left, this.#at);
        this.#at += count;
        return count;
      }
      if (this.#nextHole >= this.#holes.length) return 0;
      this.#at = offset + length;
      this.#nextHole += 1;
    }
  }
}
