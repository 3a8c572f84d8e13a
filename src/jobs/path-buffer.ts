// Path buffer: a path in memory that is used again. One of its own for each of a million files costs
// too much.

import type { Bytes } from "../base/bytes.ts";

export const PATH_BYTES_MAX = 0xffff;

export class PathBuffer {
  readonly #bytes = new Uint8Array(PATH_BYTES_MAX);
  #folder: Bytes | undefined;
  #nameAt = 0;
  length = 0;

  /** Returns false where the path is too long to be noted. */
  set(folder: Bytes, name: Bytes): boolean {
    if (folder.length + 1 + name.length > PATH_BYTES_MAX) return false;
    if (folder !== this.#folder) {
      this.#bytes.set(folder);
      this.#nameAt = folder.length;
      if (folder.length > 0) this.#bytes[this.#nameAt++] = 0;
      this.#folder = folder;
    }
    this.#bytes.set(name, this.#nameAt);
    this.length = this.#nameAt + name.length;
    return true;
  }

  /** Orders as unsigned bytes, a prefix first. */
  compareTo(other: Bytes, otherLength: number): number {
    const most = Math.min(this.length, otherLength);
    for (let i = 0; i < most; i++) {
      const difference = this.#bytes[i]! - other[i]!;
      if (difference !== 0) return difference;
    }
    return this.length - otherLength;
  }

  sharedWith(other: PathBuffer): number {
    const most = Math.min(this.length, other.length);
    const theirs = other.#bytes;
    let shared = 0;
    while (shared < most && this.#bytes[shared] === theirs[shared]) shared++;
    return shared;
  }

  copyTo(target: Uint8Array, at: number, from: number): void {
    for (let i = from; i < this.length; i++) target[at + i - from] = this.#bytes[i]!;
  }
}
