// Tails: the end of each writer's folder, where what is new must be.
//
// A writer's numbers grow, so that where listing is dear only what comes after the last known number
// is listed. A little before it, too: a listing may lag behind, and two objects that a writer put at
// once become visible in any order. A check lists everything.

import { type HexId, hexId, type SignerId } from "../base/ids.ts";
import { afterNumber } from "../format/names.ts";
import type { StoredObject } from "../storage/storage.ts";
import type { Store } from "./store.ts";
import { listObjects } from "./strangers.ts";

/** So many numbers before the last known one are listed again. */
const OVERLAP_COUNT = 64;

export interface Tail {
  readonly signer: HexId;
  /** What is listed has greater numbers. */
  readonly above: number;
}

/** The tails of all writers that count, after the numbers that are known of them. */
export function tailsOf(store: Store, lastNumbers: ReadonlyMap<HexId, number>): Tail[] {
  return store.writers().map((signer) => {
    const last = lastNumbers.get(signer) ?? 0;
    return { signer, above: Math.max(0, last - OVERLAP_COUNT) };
  });
}

/** The greatest number of each signer. */
export function lastNumbersOf(
  known: Iterable<{ readonly signer: SignerId; readonly number: number }>,
): Map<HexId, number> {
  const last = new Map<HexId, number>();
  for (const { signer, number } of known) {
    const hex = hexId(signer);
    last.set(hex, Math.max(last.get(hex) ?? 0, number));
  }
  return last;
}

/** Lists the tails under a prefix, in the order of names. */
export async function* listTails(
  store: Store,
  prefix: string,
  tails: readonly Tail[],
): AsyncGenerator<StoredObject, void, undefined> {
  for (const { signer, above } of tails) {
    yield* listObjects(store.storage, `${prefix}${signer}/`, afterNumber(prefix, signer, above));
  }
}
