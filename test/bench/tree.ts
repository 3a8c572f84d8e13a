// Tree: many small files, the same for each seed, made where they are asked for.
//
// Flat: folders of 1,000 files each. Deep: ten files a folder, ten folders a folder, down to the
// last. Sizes are from 0 to 4 KiB; no two files that are not empty are equal.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { seededRandom } from "../support/random.ts";

export type Shape = "flat" | "deep";

const FILE_BYTES_MAX = 4096;
const POOL_BYTES = 1024 * 1024;
const FLAT_COUNT = 1000;
const DEEP_COUNT = 10;

/** Makes so many files below `root`; returns their bytes. */
export function makeTree(root: string, fileCount: number, shape: Shape): number {
  const contents = new Contents(1);
  let bytes = 0;
  for (let i = 0; i < fileCount; i++) {
    const path = join(root, pathOf(i, shape));
    if (i % filesAFolder(shape) === 0) mkdirSync(join(path, ".."), { recursive: true });
    const content = contents.of(i);
    writeFileSync(path, content);
    bytes += content.length;
  }
  return bytes;
}

/** Gives every 100th file other content, of the same length or not; returns how many. */
export function changeTree(root: string, fileCount: number, shape: Shape): number {
  const contents = new Contents(2);
  let count = 0;
  for (let i = 0; i < fileCount; i += 100, count++) {
    writeFileSync(join(root, pathOf(i, shape)), contents.of(i));
  }
  return count;
}

function filesAFolder(shape: Shape): number {
  return shape === "flat" ? FLAT_COUNT : DEEP_COUNT;
}

function pathOf(index: number, shape: Shape): string {
  const folder = Math.floor(index / filesAFolder(shape));
  const name = `file-${index % filesAFolder(shape)}`;
  if (shape === "flat") return join(`folder-${folder}`, name);
  return join(...folder.toString().split(""), name);
}

/** Pieces of one pool of random bytes, each with its number in front. */
class Contents {
  readonly #random;
  readonly #pool;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#pool = this.#random.bytes(POOL_BYTES);
  }

  of(index: number): Uint8Array {
    const byteCount = this.#random.int(FILE_BYTES_MAX + 1);
    const at = this.#random.int(POOL_BYTES - FILE_BYTES_MAX);
    const content = this.#pool.slice(at, at + byteCount);
    const mark = Buffer.from(`${this.#random.seed} ${index}\n`);
    content.set(mark.subarray(0, byteCount));
    return content;
  }
}
