// Effort: how hard a lane compresses.
//
// While the storage takes packs as fast as they are made, the processor is what a backup waits for,
// and the fast level is used. Where a lane has to wait for the storage, as for a bucket behind a
// slow line, there is time to spare, and the next pack is made smaller.

/** Levels of zstd. */
export interface Levels {
  readonly fast: number;
  readonly thrifty: number;
}

/** A wait longer than this share of the time that a pack took to make counts as time to spare. */
const SPARE_SHARE = 0.25;

export class Effort {
  readonly #levels: Levels;
  readonly #now: () => number;
  #level: number;
  #begun: number;

  /** `now` gives milliseconds. */
  constructor(levels: Levels, now: () => number) {
    this.#levels = levels;
    this.#now = now;
    this.#level = levels.fast;
    this.#begun = now();
  }

  get level(): number {
    return this.#level;
  }

  /** Hands a pack to the storage, and learns from how long that takes. */
  async handOver(put: () => Promise<void>): Promise<void> {
    const made = this.#now();
    await put();
    const taken = this.#now();
    const hasSpare = taken - made > SPARE_SHARE * (made - this.#begun);
    this.#level = hasSpare ? this.#levels.thrifty : this.#levels.fast;
    this.#begun = taken;
  }
}
