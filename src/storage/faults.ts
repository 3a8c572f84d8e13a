// Faults: a storage that fails where a test has planned it: the n-th call of a kind, before or
// after its effect, with an error, with wrong bytes, or for good, as if the process had died.

import { assert } from "../base/assert.ts";
import { type Bytes, copyBytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { type CallKind, interceptStorage, type StorageCall } from "./intercept.ts";
import type { Storage } from "./storage.ts";

export interface Fault {
  readonly kind: CallKind | "any";
  /** Only calls whose name or prefix starts so are counted. */
  readonly prefix?: string;
  /** Which of these calls: 1 is the first. */
  readonly nth: number;
  /**
   * `before` fails without the effect; `after` has the effect, then fails (a list: at its end);
   * `full` fails as a full disk does; `wrong-bytes` flips a bit of what a get brings or a put
   * carries; `truncated` cuts it, or a list, in half. The last two tell nobody.
   */
  readonly what: "before" | "after" | "full" | "wrong-bytes" | "truncated";
  /** Every call after this one fails too, without effect. */
  readonly crash?: boolean;
  /** Thrown in place of `unavailable`. */
  readonly error?: Error;
}

export interface FaultyStorage {
  readonly storage: Storage;
  /** All calls so far, failed ones too: how far a sweep of faults has to go. */
  readonly callCount: () => number;
  /** Throws where a planned fault never came to pass: the test tested nothing. */
  readonly assertAllFired: () => void;
}

interface Plan {
  readonly fault: Fault;
  seen: number;
  fired: boolean;
}

/** Wraps `inner` in a storage with these faults, each of which fires once. */
export function faultStorage(inner: Storage, faults: readonly Fault[]): FaultyStorage {
  const state = new FaultState(faults);
  const storage = interceptStorage(inner, {
    async call(call, run) {
      const fault = state.next(call);
      if (fault === undefined) return run();
      failBefore(call, fault);
      const answer = await run(call.bytes === undefined ? undefined : damage(call.bytes, fault));
      if (fault.what === "after") throw failure(call, fault);
      if (call.kind !== "get" || !(answer instanceof Uint8Array)) return answer;
      return damage(answer, fault) as typeof answer;
    },
    async *listing<T>(call: StorageCall, run: () => AsyncIterable<T>) {
      const fault = state.next(call);
      if (fault === undefined) {
        yield* run();
        return;
      }
      failBefore(call, fault);
      const items = await Array.fromAsync(run());
      yield* fault.what === "truncated" ? items.slice(0, items.length >> 1) : items;
      if (fault.what === "after") throw failure(call, fault);
    },
  });
  return {
    storage,
    callCount: () => state.callCount,
    assertAllFired: () => state.assertAllFired(),
  };
}

class FaultState {
  callCount = 0;
  readonly #plans: readonly Plan[];
  #crashed = false;

  constructor(faults: readonly Fault[]) {
    for (const { kind, nth, what } of faults) {
      assert(nth >= 1, "the first call is number 1");
      const isSilent = what === "wrong-bytes" || what === "truncated";
      assert(!isSilent || canBeDamaged(kind, what), `a ${kind} can't be ${what}`);
    }
    this.#plans = faults.map((fault) => ({ fault, seen: 0, fired: false }));
  }

  /** Counts the call and returns the fault that is due. */
  next(call: StorageCall): Fault | undefined {
    this.callCount++;
    if (this.#crashed) throw new BunkerError("interrupted", `${call.kind}: the run has crashed`);
    let due: Fault | undefined;
    for (const plan of this.#plans) {
      const { kind, prefix, nth } = plan.fault;
      if (kind !== "any" && kind !== call.kind) continue;
      if (!call.name.startsWith(prefix ?? "")) continue;
      plan.seen++;
      if (plan.seen !== nth || due !== undefined) continue;
      plan.fired = true;
      due = plan.fault;
    }
    this.#crashed = due?.crash === true;
    return due;
  }

  assertAllFired(): void {
    const idle = this.#plans
      .filter((plan) => !plan.fired)
      .map((plan) => JSON.stringify(plan.fault));
    assert(idle.length === 0, `planned faults never came to pass: ${idle.join(", ")}`);
  }
}

function canBeDamaged(kind: Fault["kind"], what: Fault["what"]): boolean {
  if (kind === "get" || kind === "put") return true;
  return what === "truncated" && (kind === "list" || kind === "listVersions");
}

function failBefore(call: StorageCall, fault: Fault): void {
  if (fault.what === "before" || fault.what === "full") throw failure(call, fault);
}

function failure(call: StorageCall, fault: Fault): Error {
  if (fault.error !== undefined) return fault.error;
  const code = fault.what === "full" ? "full" : "unavailable";
  return new BunkerError(code, `${call.kind} ${call.name}: planned fault`, { subject: call.name });
}

function damage(bytes: Bytes, fault: Fault): Bytes {
  if (fault.what === "truncated") return copyBytes(bytes.subarray(0, bytes.length >> 1));
  if (fault.what !== "wrong-bytes" || bytes.length === 0) return bytes;
  const wrong = copyBytes(bytes);
  wrong[bytes.length >> 1]! ^= 1;
  return wrong;
}
