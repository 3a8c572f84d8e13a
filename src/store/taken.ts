// Taken: the index segments that were known when a writer's folder was last read to its end.
//
// Where listing is dear, only what comes after the known segments is asked for. But the newest are
// read first, and cached runs may be lost one by one: the greatest known number does not say that all
// below it are known. This list in the cache folder does: a signer and an id each, 64 bytes.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { type HexId, ID_BYTES, type ObjectId, type SignerId } from "../base/ids.ts";
import type { LocalFolder } from "../base/local.ts";
import { lastNumbersOf } from "./tails.ts";

const FILE = "segments.taken";
const RECORD_BYTES = 2 * ID_BYTES;

/** A name under another's folder is another's. */
export interface SegmentKey {
  readonly signer: SignerId;
  readonly id: ObjectId;
}

/** Remembers that these are all there are. */
export function noteTaken(cache: LocalFolder, known: readonly SegmentKey[]): void {
  const bytes = new Uint8Array(known.length * RECORD_BYTES);
  known.forEach(({ signer, id }, i) => {
    bytes.set(signer, i * RECORD_BYTES);
    bytes.set(id, i * RECORD_BYTES + ID_BYTES);
  });
  const before = cache.read(FILE);
  if (before === undefined || !equalBytes(before, bytes)) cache.write(FILE, [bytes]);
}

/**
 * The number of each signer up to which nothing is unknown. `find` gives the number of a segment, 0
 * for one that another repeats; where one is no longer known, nothing is sure of any.
 */
export function takenNumbers(
  cache: LocalFolder,
  find: (key: SegmentKey) => number | undefined,
): ReadonlyMap<HexId, number> {
  const bytes: Bytes = cache.read(FILE) ?? new Uint8Array(0);
  const taken: { readonly signer: SignerId; readonly number: number }[] = [];
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    const signer = bytes.slice(at, at + ID_BYTES);
    const number = find({ signer, id: bytes.slice(at + ID_BYTES, at + RECORD_BYTES) });
    if (number === undefined) return new Map();
    taken.push({ signer, number });
  }
  return lastNumbersOf(taken);
}
