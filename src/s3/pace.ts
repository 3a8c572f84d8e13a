// Pace: no more bytes up, bytes down and requests in a second than a person allows.
//
// Each has a bucket of tokens that holds one second's worth. Whoever takes more than there is goes
// into debt and waits until it is paid, so that those who come later wait longer: no queue is kept.

import { assert } from "../base/assert.ts";
import type { World } from "../base/world.ts";
import type { Limits } from "./service.ts";
import { sleepUnless } from "./waiting.ts";

/** A burst may take so many milliseconds' worth at once. */
const BURST_MS = 1000;

export class TokenBucket {
  readonly #world: World;
  readonly #perMs: number;
  #tokens: number;
  #filledMs: number;

  constructor(world: World, perSecond: number) {
    assert(perSecond > 0, "a pace is positive");
    this.#world = world;
    this.#perMs = perSecond / 1000;
    this.#tokens = this.#perMs * BURST_MS;
    this.#filledMs = world.now();
  }

  async take(amount: number, signal?: AbortSignal): Promise<void> {
    this.#fill();
    this.#tokens -= amount;
    if (this.#tokens < 0) await sleepUnless(this.#world, -this.#tokens / this.#perMs, signal);
  }

  // A clock that was set back gives no tokens, and takes none.
  #fill(): void {
    const nowMs = this.#world.now();
    const passedMs = Math.max(0, nowMs - this.#filledMs);
    this.#filledMs = nowMs;
    this.#tokens = Math.min(this.#perMs * BURST_MS, this.#tokens + passedMs * this.#perMs);
  }
}

export class Pace {
  readonly #up: TokenBucket | undefined;
  readonly #down: TokenBucket | undefined;
  readonly #requests: TokenBucket | undefined;
  /** Bytes to move at once: little where the pace is slow, so that it is even. */
  readonly pieceBytes: number;

  constructor(world: World, limits: Limits, pieceBytesMax: number) {
    const { uploadBytesPerSecond: up, downloadBytesPerSecond: down } = limits;
    const bucketOf = (perSecond: number | undefined): TokenBucket | undefined =>
      perSecond === undefined ? undefined : new TokenBucket(world, perSecond);
    this.#up = bucketOf(up);
    this.#down = bucketOf(down);
    this.#requests = bucketOf(limits.requestsPerSecond);
    const piece = Math.floor((up ?? Number.POSITIVE_INFINITY) / 8);
    this.pieceBytes = Math.max(1024, Math.min(pieceBytesMax, piece));
  }

  async up(byteCount: number, signal?: AbortSignal): Promise<void> {
    await this.#up?.take(byteCount, signal);
  }

  async down(byteCount: number, signal?: AbortSignal): Promise<void> {
    await this.#down?.take(byteCount, signal);
  }

  async request(signal?: AbortSignal): Promise<void> {
    await this.#requests?.take(1, signal);
  }
}
