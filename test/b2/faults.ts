// Faults: what goes wrong on order, or by a seed (docs/b2.md A10).
//
// A planted fault waits for the nth call that fits it. What never fired stays in `waiting`, so that
// a test can say that its fault did happen.

import { seededRandom } from "../support/random.ts";
import type { Operation } from "./operations.ts";

export const FAULT_KINDS = [
  /** 500 InternalError; nothing was done. */
  "error",
  /** 503 "no tomes available"; nothing was done. */
  "busy",
  /** 503 SlowDown with Retry-After. */
  "slow-down",
  /** 400 RequestTimeout: the body came too slowly. */
  "request-timeout",
  /** 400 InvalidRequest: seen in the middle of large uploads. */
  "too-small",
  /** A proxy's page, 502 or `status`, which may be 200. */
  "html",
  /** The connection is cut when the headers are in; nothing was done. */
  "reset-before",
  /** The connection is cut when some of the body is in; nothing was done. */
  "reset-midway",
  /** It was done, and the connection is cut before the answer. */
  "reset-after",
  /** It was done, and the answer is a 500. */
  "late",
  /** No answer ever; nothing was done. */
  "hang",
  /** No answer ever; it was done. */
  "hang-after",
  /** The answer stops after `bytes` of its body, the connection stays. */
  "hang-midway",
  /** The answer stops after `bytes` of its body, the connection is cut. */
  "truncated",
  /** The answer's body comes in pieces of `bytes`, `delayMs` apart. */
  "slow",
  /** One bit of the answer's body is another one. */
  "wrong-bytes",
  /** A list without the `versionCount` newest versions. */
  "stale-list",
  /** The answer's Date is off by `skewMs`. */
  "wrong-date",
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly what: FaultKind;
  readonly operation?: Operation;
  readonly bucket?: string;
  /** The whole key, or what it matches. */
  readonly key?: string | RegExp;
  /** The first call that is hit, of those that fit; 1 is the next. */
  readonly nth?: number;
  /** How many in a row; 1 if left out. */
  readonly times?: number;
  readonly retryAfterSeconds?: number;
  readonly status?: number;
  readonly bytes?: number;
  readonly delayMs?: number;
  readonly skewMs?: number;
  readonly versionCount?: number;
}

export interface Chance {
  readonly seed: number;
  /** Of all calls, from 0 to 1. */
  readonly share: number;
  readonly kinds: readonly FaultKind[];
  readonly operations?: readonly Operation[];
  /** No more than this in a row for one operation and key, so that retries can get through. */
  readonly inARowMax?: number;
}

export interface Throttle {
  /** Calls at the same time; one more is told to slow down. */
  readonly concurrentMax: number;
  readonly operation?: Operation;
  readonly retryAfterSeconds?: number;
}

interface Subject {
  readonly operation: Operation;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
}

interface Planned {
  readonly fault: Fault;
  seenCount: number;
  leftCount: number;
}

export class Faults {
  #planned: Planned[] = [];
  #chance: (Chance & { draw(): number }) | undefined;
  readonly #inARow = new Map<string, number>();
  /** More calls at once than this are told to slow down. */
  throttle: Throttle | undefined;
  readonly fired: (Subject & { what: FaultKind })[] = [];

  plan(...faults: readonly Fault[]): void {
    for (const fault of faults) {
      this.#planned.push({ fault, seenCount: 0, leftCount: fault.times ?? 1 });
    }
  }

  random(chance: Chance): void {
    const random = seededRandom(chance.seed);
    this.#chance = { ...chance, draw: () => random.next() };
  }

  clear(): void {
    this.#planned = [];
    this.#chance = undefined;
    this.throttle = undefined;
  }

  /** Planned faults that have not fired as often as they should. */
  get waiting(): readonly Fault[] {
    const left = this.#planned.filter(({ leftCount }) => leftCount > 0 && leftCount < Infinity);
    return left.map(({ fault }) => fault);
  }

  /** What goes wrong with this call; counts it. */
  take(subject: Subject, concurrentCount: number): Fault | undefined {
    const fault =
      this.#takePlanned(subject) ??
      this.#throttled(subject, concurrentCount) ??
      this.#draw(subject);
    if (fault !== undefined) this.fired.push({ ...subject, what: fault.what });
    return fault;
  }

  #takePlanned(subject: Subject): Fault | undefined {
    let taken: Fault | undefined;
    for (const planned of this.#planned) {
      if (!fits(planned.fault, subject)) continue;
      planned.seenCount++;
      if (taken !== undefined || planned.leftCount <= 0) continue;
      if (planned.seenCount < (planned.fault.nth ?? 1)) continue;
      planned.leftCount--;
      taken = planned.fault;
    }
    return taken;
  }

  #throttled(subject: Subject, concurrentCount: number): Fault | undefined {
    const { throttle } = this;
    if (throttle === undefined || concurrentCount <= throttle.concurrentMax) return undefined;
    if (throttle.operation !== undefined && throttle.operation !== subject.operation) {
      return undefined;
    }
    const { retryAfterSeconds } = throttle;
    return { what: "slow-down", ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  }

  #draw(subject: Subject): Fault | undefined {
    const chance = this.#chance;
    if (chance === undefined) return undefined;
    if (chance.operations?.includes(subject.operation) === false) return undefined;
    const name = `${subject.operation} ${subject.bucket}/${subject.key}`;
    const inARow = this.#inARow.get(name) ?? 0;
    const hit = chance.draw() < chance.share && inARow < (chance.inARowMax ?? 3);
    if (!hit) {
      this.#inARow.delete(name);
      return undefined;
    }
    this.#inARow.set(name, inARow + 1);
    return { what: chance.kinds[Math.floor(chance.draw() * chance.kinds.length)]! };
  }
}

function fits(fault: Fault, { operation, bucket, key }: Subject): boolean {
  if (fault.operation !== undefined && fault.operation !== operation) return false;
  if (fault.bucket !== undefined && fault.bucket !== bucket) return false;
  if (fault.key === undefined) return true;
  return typeof fault.key === "string" ? fault.key === key : fault.key.test(key ?? "");
}
