// Extents: where the chunks of a sparse file lie in it. Chunks are cut from what is between the
// holes, joined, so that one chunk may have several places.

import type { Metadata } from "../base/entry.ts";

/** A part of a chunk, and where it lies in the file. */
export interface Extent {
  /** In the file. */
  readonly offset: number;
  /** In the chunk. */
  readonly from: number;
  readonly length: number;
}

/** Gives the places of a file's chunks, one chunk after another. */
export class DataCursor {
  readonly #size: number;
  readonly #holes: NonNullable<Metadata["holes"]>;
  #at = 0;
  #nextHole = 0;
  #dataBytes = 0;

  constructor({ size, holes = [] }: Pick<Metadata, "size" | "holes">) {
    this.#size = size;
    this.#holes = holes;
  }

  /** How much of the file's data was given out. */
  get dataBytes(): number {
    return this.#dataBytes;
  }

  /** The places of the next `length` bytes of data; what lies behind the end has none. */
  take(length: number): Extent[] {
    const extents: Extent[] = [];
    for (let from = 0; from < length;) {
      const [offset, bytes] = this.#holes[this.#nextHole] ?? [this.#size, 0];
      const part = Math.min(length - from, offset - this.#at);
      if (part > 0) {
        extents.push({ offset: this.#at, from, length: part });
        this.#at += part;
        from += part;
      } else if (this.#nextHole < this.#holes.length) {
        this.#at = offset + bytes;
        this.#nextHole += 1;
      } else {
        from = length;
      }
    }
    this.#dataBytes += length;
    return extents;
  }
}

/** How many bytes of a file lie outside its holes. */
export function dataBytesOf({ size, holes = [] }: Pick<Metadata, "size" | "holes">): number {
  return holes.reduce((left, [, length]) => left - length, size);
}
