// Spares: buffers of one length that a lane uses again and again.
//
// Fresh memory for a pack of 16 MiB costs 4,096 page faults, and as many again when it goes back. But
// one that lies idle is memory that another lane could have: few are kept.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { release } from "../base/platform.ts";

export class Spares {
  readonly #capacity: number;
  readonly #keptMax: number;
  readonly #spares: ArrayBuffer[] = [];

  /**
   * Buffers are made with `capacity` bytes; memory that nobody writes to costs nothing. At most
   * `keptMax` lie idle.
   */
  constructor(capacity: number, keptMax: number) {
    this.#capacity = capacity;
    this.#keptMax = keptMax;
  }

  /** A copy in memory of its own, which comes back by `give`. */
  copy(bytes: Bytes): Uint8Array<ArrayBuffer> {
    const spare = bytes.length <= this.#capacity ? this.#spares.pop() : undefined;
    const buffer = spare ?? new ArrayBuffer(Math.max(bytes.length, this.#capacity));
    const copy = new Uint8Array(buffer, 0, bytes.length);
    copy.set(bytes);
    return copy;
  }

  give(buffer: ArrayBufferLike): void {
    assert(buffer instanceof ArrayBuffer, "a buffer that comes back was not shared");
    const isKept = buffer.byteLength === this.#capacity && this.#spares.length < this.#keptMax;
    if (isKept) this.#spares.push(buffer);
    else release(new Uint8Array(buffer));
  }
}
