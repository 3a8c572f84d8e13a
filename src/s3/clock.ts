// Clock: the service's own time, learned from the `Date` of its answers.
//
// Attempts are signed by it, and locks are set by it. A machine whose own clock is far off is told
// so before it sets a lock.

import { BunkerError } from "../base/errors.ts";
import type { World } from "../base/world.ts";

const SKEW_MS_MAX = 5 * 60_000;
/** The year 9000: later ones, and what a skew adds to them, have no date that can be signed or shown. */
const DATE_MS_MAX = Date.UTC(9000, 0, 1);

export class ServerClock {
  readonly #world: World;
  #skewMs: number | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Learns from what the `Date` of an answer said that has just come from the service itself. */
  learn(serverMs: number | undefined): void {
    if (serverMs !== undefined) this.#skewMs = serverMs - this.#world.now();
  }

  /** How far the service's clock is ahead of this machine's; `undefined` before the first answer. */
  get skewMs(): number | undefined {
    return this.#skewMs;
  }

  /** Milliseconds since the epoch by the service's clock; `undefined` before the first answer. */
  serverTime(): number | undefined {
    return this.#skewMs === undefined ? undefined : this.#world.now() + this.#skewMs;
  }

  /** The best that is known: the service's time, before its first answer this machine's. */
  now(): number {
    return this.serverTime() ?? this.#world.now();
  }

  /** Throws `denied` where the two clocks are more than five minutes apart, and shows both. */
  check(): void {
    if (this.#skewMs === undefined || Math.abs(this.#skewMs) <= SKEW_MS_MAX) return;
    const localMs = this.#world.now();
    throw new BunkerError("denied", clocksText(localMs + this.#skewMs, localMs), {
      hint: CLOCK_HINT,
    });
  }
}

export const CLOCK_HINT = "set this machine's clock; locks and signatures depend on it";

/** The time in an answer's `Date`; `undefined` where it tells none, or none of these centuries. */
export function dateOf(headers: Headers): number | undefined {
  const serverMs = Date.parse(headers.get("date") ?? "");
  return serverMs >= 0 && serverMs <= DATE_MS_MAX ? serverMs : undefined;
}

/** "this machine's clock says …, the service's says …". */
export function clocksText(serverMs: number, localMs: number): string {
  return `this machine's clock says ${textOf(localMs)}, the service's says ${textOf(serverMs)}`;
}

function textOf(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}
