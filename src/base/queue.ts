// Queues: every one of them bounded, in bytes or in places.

import { assert } from "./assert.ts";

/** Hands out at most `total` units at a time, first come first served. */
export class Budget {
  readonly #total: number;
  #used = 0;
  readonly #waiting: { amount: number; grant: () => void }[] = [];

  constructor(total: number) {
    assert(total > 0, "a budget is positive");
    this.#total = total;
  }

  get used(): number {
    return this.#used;
  }

  /** Waits until `amount` is free and takes it; more than the total counts as the total. */
  async take(amount: number): Promise<void> {
    const wanted = Math.min(amount, this.#total);
    if (this.#waiting.length === 0 && this.#used + wanted <= this.#total) {
      this.#used += wanted;
      return;
    }
    await new Promise<void>((grant) => this.#waiting.push({ amount: wanted, grant }));
  }

  give(amount: number): void {
    this.#used -= Math.min(amount, this.#total);
    assert(this.#used >= 0, "more was given back than was taken");
    for (;;) {
      const first = this.#waiting[0];
      if (first === undefined || this.#used + first.amount > this.#total) return;
      this.#waiting.shift();
      this.#used += first.amount;
      first.grant();
    }
  }
}

/** Runs tasks with at most `places` at once and keeps the first failure for `finish`. */
export class TaskPool {
  readonly #budget: Budget;
  readonly #running = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;

  constructor(places: number) {
    this.#budget = new Budget(places);
  }

  /** Waits for a free place, then starts the task. Throws what an earlier task threw. */
  async add(task: () => Promise<void>): Promise<void> {
    await this.#budget.take(1);
    if (this.#failure !== undefined) {
      this.#budget.give(1);
      throw this.#failure.error;
    }
    const run = task()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running.delete(run);
        this.#budget.give(1);
      });
    this.#running.add(run);
  }

  /** Waits for all that run, whatever becomes of them. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Waits for all; throws the first failure. */
  async finish(): Promise<void> {
    await this.settle();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
