// Spares: a lane's pack buffers, used again and again.
//
// Fresh memory for a pack of 16 MiB costs 4,096 page faults, and as many again when it goes back.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";

export class Spares {
  readonly #capacity: number;
  readonly #spares: ArrayBuffer[] = [];

  /** Buffers are made with `capacity` bytes; memory that nobody writes to costs nothing. */
  constructor(capacity: number) {
    this.#capacity = capacity;
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
    if (buffer.byteLength === this.#capacity) this.#spares.push(buffer);
  }
}
