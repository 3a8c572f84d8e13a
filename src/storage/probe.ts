// Probe: what trying a store's place brings: a row for each thing that was looked at.

import { type BunkerError, type ErrorCode, isBunkerError, messageOf } from "../base/errors.ts";
import type { World } from "../base/world.ts";
import { failureOf } from "../s3/ask.ts";
import { isRefusal } from "./bucket-settings.ts";

export type Judgement = "ok" | "warn" | "bad";

export interface ProbeRow {
  readonly what: string;
  readonly found: string;
  readonly judgement: Judgement;
  /** What was measured, where it is a time or a rate. */
  readonly milliseconds?: number;
  readonly bytesPerSecond?: number;
}

export type Outcome = Omit<ProbeRow, "what">;

/** All canaries lie below it: no object of a store has such a name. */
export const PROBE_FOLDER = "probe/";
export const CANARY_BYTES = 1024;
export const LATENCY_COUNT = 10;
export const SPEED_BYTES = 64 * 1024 * 1024;

const ENDS: readonly ErrorCode[] = ["full", "interrupted", "no-store"];
/** The same where a service itself says so; of a refusal there is more to know. */
const ENDS_OF_SERVICE: readonly ErrorCode[] = ["denied", "unavailable", "timeout"];
const SKEW_MS_WARN = 60_000;
const SKEW_MS_MAX = 5 * 60_000;

/** Collects the rows, and hands each on when it is known. */
export class Probing {
  readonly #tell: (row: ProbeRow) => Promise<void>;
  readonly world: World;
  badCount = 0;
  /** Whether the key, or this user, was not allowed something that a store needs. */
  wasRefused = false;

  constructor(world: World, tell: (row: ProbeRow) => Promise<void>) {
    this.world = world;
    this.#tell = tell;
  }

  async row(row: ProbeRow): Promise<void> {
    if (row.judgement === "bad") this.badCount += 1;
    await this.#tell(row);
  }

  /** Tries one thing and tells how it went; returns whether it worked, well or not. */
  async step(what: string, run: () => Promise<Outcome>): Promise<boolean> {
    let outcome: Outcome;
    try {
      outcome = await run();
    } catch (error) {
      if (!isBunkerError(error) || endsAll(error)) throw error;
      this.wasRefused ||= error.code === "denied";
      const found = isRefusal(error) ? "not allowed" : messageOf(error);
      await this.row({ what, found, judgement: "bad" });
      return false;
    }
    await this.row({ what, ...outcome });
    return outcome.judgement !== "bad";
  }

  /** How long something takes, in milliseconds. */
  async timed<T>(run: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
    const began = this.world.now();
    const value = await run();
    return { value, ms: Math.max(0, this.world.now() - began) };
  }

  /** The median of some tries, as an outcome. */
  async latency(run: (index: number) => Promise<unknown>, of: string): Promise<Outcome> {
    const times: number[] = [];
    for (let i = 0; i < LATENCY_COUNT; i++) times.push((await this.timed(() => run(i))).ms);
    const milliseconds = times.sort((a, b) => a - b)[LATENCY_COUNT / 2]!;
    const found = `${milliseconds} ms (median of ${LATENCY_COUNT} ${of})`;
    return { found, judgement: "ok", milliseconds };
  }

  /** How fast `bytes` bytes move. */
  async speed(bytes: number, run: () => Promise<unknown>): Promise<Outcome> {
    const { ms } = await this.timed(run);
    const bytesPerSecond = Math.round((bytes * 1000) / Math.max(1, ms));
    const mib = (count: number): string => (count / 2 ** 20).toFixed(1);
    const found = `${mib(bytesPerSecond)} MiB/s (${mib(bytes)} MiB in ${(ms / 1000).toFixed(1)} s)`;
    return { found, judgement: "ok", bytesPerSecond };
  }
}

/** Whether every other question would get the same answer. */
function endsAll(error: BunkerError): boolean {
  if (ENDS.includes(error.code)) return true;
  const isOfService = failureOf(error) !== undefined && !isRefusal(error);
  return isOfService && ENDS_OF_SERVICE.includes(error.code);
}

/** Judges how far the place's clock is ahead of this machine's. */
export function clockOutcome(skewMs: number): Outcome {
  const apart = Math.abs(skewMs);
  const seconds = (apart / 1000).toFixed(apart < 10_000 ? 1 : 0);
  const found =
    apart < 2000
      ? "as this machine's" // A date is told in whole seconds.
      : `${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} this machine's`;
  if (apart > SKEW_MS_MAX) return { found, judgement: "bad" };
  return { found, judgement: apart > SKEW_MS_WARN ? "warn" : "ok" };
}

/** The outcome of getting what was put. */
export function readOutcome(
  got: Uint8Array | undefined,
  expected: Uint8Array,
  found = "the same bytes",
): Outcome {
  if (got === undefined) return { found: "what was stored is not there", judgement: "bad" };
  const isSame = got.length === expected.length && got.every((byte, i) => byte === expected[i]);
  return isSame
    ? { found, judgement: "ok" }
    : { found: "other bytes than stored", judgement: "bad" };
}
