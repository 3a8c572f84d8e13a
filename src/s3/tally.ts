// Tally: how many requests went out, of which operation and price class, and how many bytes moved.

import type { Operation } from "./call.ts";
import { classOf, type PriceClass } from "./prices.ts";

export interface TallySnapshot {
  /** Attempts that were sent, by operation; what was never called is absent. */
  readonly requests: Readonly<Partial<Record<Operation, number>>>;
  readonly classes: Readonly<Record<PriceClass, number>>;
  readonly requestCount: number;
  readonly retryCount: number;
  /** Bytes of bodies, those of attempts that failed too. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export class Tally {
  readonly #requests = new Map<Operation, number>();
  #retryCount = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  request(operation: Operation): void {
    this.#requests.set(operation, (this.#requests.get(operation) ?? 0) + 1);
  }

  retry(): void {
    this.#retryCount++;
  }

  up(byteCount: number): void {
    this.#bytesUp += byteCount;
  }

  down(byteCount: number): void {
    this.#bytesDown += byteCount;
  }

  snapshot(): TallySnapshot {
    const classes: Record<PriceClass, number> = { A: 0, B: 0, C: 0 };
    let requestCount = 0;
    for (const [operation, count] of this.#requests) {
      classes[classOf(operation)] += count;
      requestCount += count;
    }
    return {
      requests: Object.fromEntries(this.#requests),
      classes,
      requestCount,
      retryCount: this.#retryCount,
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
    };
  }
}
