// Merge: two runs become one, in one pass and in bounded memory.

import { type Bytes, compareBytes, concatBytes, storeU32 } from "../base/bytes.ts";
import { ID_BYTES } from "../base/ids.ts";
import type { LocalWriter } from "../base/local.ts";
import { compareRecords, RECORD_BYTES, type Run, runHeader } from "./run.ts";

const BATCH_RECORDS = 4096;

/** Where the packs of both runs stand in the merged list, and that list. */
interface MergedPacks {
  readonly records: Uint8Array<ArrayBuffer>;
  readonly fromFirst: Uint32Array;
  readonly fromSecond: Uint32Array;
}

/**
 * Writes the merge of two runs. A blob that both have in the same pack is written once. `writer` is
 * written twice over: once to count, once in earnest, so `open` is called when the counts are known.
 */
export function mergeRuns(first: Run, second: Run, open: () => LocalWriter): void {
  const packs = mergePacks(first.packRecords(), second.packRecords());
  const blobs = countMerged(first, second, packs);
  const writer = open();
  try {
    const segments = sortedIds(first, second);
    writer.write(
      runHeader({ segments: segments.length, packs: packs.records.length / RECORD_BYTES, blobs }),
    );
    for (const id of segments) writer.write(id);
    writer.write(packs.records);
    writeMerged(first, second, packs, writer);
    writer.finish();
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

function sortedIds(first: Run, second: Run): Bytes[] {
  const ids: Bytes[] = [];
  for (const run of [first, second]) {
    for (let i = 0; i < run.counts.segments; i++) ids.push(run.segmentAt(i));
  }
  return ids.sort(compareBytes);
}

function mergePacks(first: Bytes, second: Bytes): MergedPacks {
  const fromFirst = new Uint32Array(first.length / RECORD_BYTES);
  const fromSecond = new Uint32Array(second.length / RECORD_BYTES);
  const merged: Bytes[] = [];
  let a = 0;
  let b = 0;
  while (a < fromFirst.length || b < fromSecond.length) {
    const order = compareAt(first, a, fromFirst.length, second, b, fromSecond.length);
    const source =
      order <= 0 ? first.subarray(a * RECORD_BYTES) : second.subarray(b * RECORD_BYTES);
    if (order <= 0) fromFirst[a++] = merged.length;
    if (order >= 0) fromSecond[b++] = merged.length;
    merged.push(source.subarray(0, RECORD_BYTES));
  }
  return { records: concatBytes(...merged), fromFirst, fromSecond };
}

// Orders the next records of two lists; an ended list comes last.
function compareAt(
  first: Bytes,
  a: number,
  aEnd: number,
  second: Bytes,
  b: number,
  bEnd: number,
): number {
  if (a === aEnd) return 1;
  if (b === bEnd) return -1;
  return compareRecords(first, a * RECORD_BYTES, second, b * RECORD_BYTES);
}

/** Calls `take` for each blob record of the merge with the pack's new number. */
function eachMerged(
  first: Run,
  second: Run,
  packs: MergedPacks,
  take: (records: Bytes, at: number, pack: number) => void,
): void {
  const one = first.blobRecords();
  const two = second.blobRecords();
  let a = 0;
  let b = 0;
  while (a < first.counts.blobs || b < second.counts.blobs) {
    let order = compareAt(one, a, first.counts.blobs, two, b, second.counts.blobs);
    const packA = a < first.counts.blobs ? packs.fromFirst[first.packOf(a)]! : 0;
    const packB = b < second.counts.blobs ? packs.fromSecond[second.packOf(b)]! : 0;
    if (order === 0) order = packA - packB;
    if (order <= 0) take(one, a * RECORD_BYTES, packA);
    else take(two, b * RECORD_BYTES, packB);
    if (order <= 0) a++;
    if (order >= 0) b++;
  }
}

function countMerged(first: Run, second: Run, packs: MergedPacks): number {
  let count = 0;
  eachMerged(first, second, packs, () => count++);
  return count;
}

function writeMerged(first: Run, second: Run, packs: MergedPacks, writer: LocalWriter): void {
  const batch = new Uint8Array(BATCH_RECORDS * RECORD_BYTES);
  let filled = 0;
  eachMerged(first, second, packs, (records, at, pack) => {
    batch.set(records.subarray(at, at + RECORD_BYTES), filled);
    storeU32(batch, filled + ID_BYTES, pack);
    filled += RECORD_BYTES;
    if (filled < batch.length) return;
    writer.write(batch);
    filled = 0;
  });
  if (filled > 0) writer.write(batch.subarray(0, filled));
}
