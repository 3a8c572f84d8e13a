// Claims: which new blobs this run has already taken in hand, shared by all lanes.
//
// One block of shared memory: a header, an open-addressing table of u32 slots, and a log of ids.
// A lane writes the id to the log first and publishes it by one compare-and-swap on the slot, so
// that nobody ever sees half an id and nobody waits. When the log is full, nothing more can be
// claimed: a blob may then be stored twice, which costs space and harms nothing; the run starts a
// new table between batches (`isCrowded`).

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { type BlobId, ID_BYTES } from "../base/ids.ts";

const HEADER_BYTES = 64;
const CROWDED_SHARE = 0.75;
/** Room for so many new blobs; a table takes 8 bytes for each, the log 32, touched as used. */
export const CLAIM_COUNT = 1 << 20;

export function createClaimMemory(capacity = CLAIM_COUNT): SharedArrayBuffer {
  assert((capacity & (capacity - 1)) === 0, "the capacity is a power of two");
  return new SharedArrayBuffer(HEADER_BYTES + capacity * 2 * 4 + capacity * ID_BYTES);
}

export class Claims {
  readonly memory: SharedArrayBuffer;
  readonly #capacity: number;
  readonly #header: Int32Array;
  readonly #slots: Int32Array;
  readonly #log: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#capacity = (memory.byteLength - HEADER_BYTES) / (8 + ID_BYTES);
    this.#header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#slots = new Int32Array(memory, HEADER_BYTES, this.#capacity * 2);
    this.#log = new Uint8Array(memory, HEADER_BYTES + this.#capacity * 8);
  }

  /** True for the first caller with this id; it must then store the blob. */
  claim(id: BlobId): boolean {
    const mask = this.#slots.length - 1;
    let slot = slotHash(id) & mask;
    let entry = 0;
    for (;;) {
      const found = Atomics.load(this.#slots, slot);
      if (found !== 0) {
        if (this.#isAt(found - 1, id)) return false;
        slot = (slot + 1) & mask;
        continue;
      }
      if (entry === 0) {
        entry = this.#append(id);
        if (entry === 0) return true; // Full: store it, perhaps a second time.
      }
      if (Atomics.compareExchange(this.#slots, slot, 0, entry) === 0) return true;
    }
  }

  get isCrowded(): boolean {
    return Atomics.load(this.#header, 0) > this.#capacity * CROWDED_SHARE;
  }

  /** Forgets everything. Only while no lane works. */
  reset(): void {
    Atomics.store(this.#header, 0, 0);
    this.#slots.fill(0);
  }

  // Returns the entry's number counted from 1, or 0 when the log is full.
  #append(id: BlobId): number {
    const index = Atomics.add(this.#header, 0, 1);
    if (index >= this.#capacity) {
      Atomics.store(this.#header, 0, this.#capacity);
      return 0;
    }
    this.#log.set(id, index * ID_BYTES);
    return index + 1;
  }

  #isAt(index: number, id: Bytes): boolean {
    const start = index * ID_BYTES;
    for (let i = 0; i < ID_BYTES; i++) if (this.#log[start + i] !== id[i]) return false;
    return true;
  }
}

// Ids are uniform: any four of their bytes are a hash.
function slotHash(id: Bytes): number {
  return id[4]! | (id[5]! << 8) | (id[6]! << 16) | (id[7]! << 24);
}
