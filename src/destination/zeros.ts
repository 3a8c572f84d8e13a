// Zeros: what a hole of the snapshot is in a file that is there already. Only where that file has
// data it is looked at, or written to.

import { readSync, writeSync } from "node:fs";
import { isZero } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";

type Holes = NonNullable<Metadata["holes"]>;

const BLOCK_BYTES = 1024 * 1024;

/** Whether an open file reads as zeros in these places, or ends before them. */
export function hasZeros(files: FileSystem, descriptor: Descriptor, holes: Holes): boolean {
  const block = new Uint8Array(holes.length === 0 ? 0 : BLOCK_BYTES);
  for (const [offset, length] of dataIn(files, descriptor, holes)) {
    const read = readSync(descriptor, block, 0, length, offset);
    if (!isZero(block.subarray(0, read))) return false;
  }
  return true;
}

/** Writes zeros over the data that an open file has in these places. */
export function writeZeros(files: FileSystem, descriptor: Descriptor, holes: Holes): void {
  const zeros = new Uint8Array(holes.length === 0 ? 0 : BLOCK_BYTES);
  for (const [offset, length] of dataIn(files, descriptor, holes)) {
    for (let done = 0; done < length;) {
      done += writeSync(descriptor, zeros, 0, length - done, offset + done);
    }
  }
}

// The data of an open file in these places, in blocks.
function* dataIn(
  files: FileSystem,
  descriptor: Descriptor,
  holes: Holes,
): Generator<readonly [number, number]> {
  for (const [start, length] of holes) {
    const end = start + length;
    for (let at = start; at < end;) {
      const from = files.dataFrom(descriptor, at) ?? end;
      if (from >= end) break;
      const to = Math.min(end, files.holeFrom(descriptor, from), from + BLOCK_BYTES);
      yield [from, to - from];
      at = to;
    }
  }
}
