// Gate: how many calls are under way at once, which the service decides by how it answers.
//
// Additive increase, multiplicative decrease: as many good answers as there are places make one
// place more; one "slow down" halves them. The refusals of calls that were under way when the
// places were halved are the same refusal, and count once. First come, first served.

import { assert } from "../base/assert.ts";
import { interrupted } from "./waiting.ts";

export type Outcome =
  | "good"
  | "slow" // the service asks for less
  | "other"; // says nothing about how much the service takes

/** A place, given back once. */
export interface Pass {
  leave(outcome: Outcome): void;
}

export class Gate {
  readonly #placesMax: number;
  #places: number;
  #inside = 0;
  /** Counts the halvings, so that a call knows whether it began before the last one. */
  #halvings = 0;
  readonly #waiting = new Set<() => void>();

  constructor(placesMax: number) {
    assert(placesMax >= 1, "a gate has places");
    this.#placesMax = placesMax;
    this.#places = placesMax;
  }

  /** Places at the moment, from 1 to the most. */
  get places(): number {
    return Math.floor(this.#places);
  }

  /** Waits for a place. Throws `interrupted` when the signal comes first. */
  async enter(signal?: AbortSignal): Promise<Pass> {
    if (signal?.aborted === true) throw interrupted(signal);
    // Where somebody waits, all places are taken: whoever leaves lets the next ones in.
    if (this.#inside >= this.places) await this.#wait(signal);
    else this.#inside++;
    return this.#pass();
  }

  #pass(): Pass {
    const halvings = this.#halvings;
    let left = false;
    return {
      leave: (outcome) => {
        assert(!left, "a pass was given back twice");
        left = true;
        this.#inside--;
        if (outcome === "slow" && halvings === this.#halvings) this.#halve();
        if (outcome === "good") this.#grow();
        this.#admit();
      },
    };
  }

  #halve(): void {
    this.#halvings++;
    this.#places = Math.max(1, this.#places / 2);
  }

  #grow(): void {
    this.#places = Math.min(this.#placesMax, this.#places + 1 / this.places);
  }

  // Whoever is admitted is inside from here on, before it runs.
  #admit(): void {
    for (const admit of this.#waiting) {
      if (this.#inside >= this.places) return;
      this.#waiting.delete(admit);
      this.#inside++;
      admit();
    }
  }

  async #wait(signal?: AbortSignal): Promise<void> {
    await new Promise<void>((admit, refuse) => {
      const enter = (): void => {
        signal?.removeEventListener("abort", leave);
        admit();
      };
      const leave = (): void => {
        this.#waiting.delete(enter);
        refuse(interrupted(signal));
      };
      this.#waiting.add(enter);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }
}
