// Merge: two runs become one, in one pass and in bounded memory.

import { type Bytes, compareBytes, joinBytes, hexOf, storeU32 } from "../base/bytes.ts";
import { ID_BYTES } from "../base/ids.ts";
import type { LocalWriter } from "../base/local.ts";
import { compareRecords, RECORD_BYTES, type Run, runHeader, FACT_BYTES } from "./run.ts";

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
    const { segments, replaced } = mergeSegments(first, second);
    const counts = { segments: segments.length, replaced: replaced.length, blobs };
    writer.write(runHeader({ ...counts, packs: packs.records.length / RECORD_BYTES }));
    writer.write(joinBytes([...segments, ...replaced]));
    writer.write(packs.records);
    writeMerged(first, second, packs, writer);
    writer.finish();
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

// A segment of one that the other's repeat whole is replaced: that it goes changes nothing.
function mergeSegments(first: Run, second: Run): { segments: Bytes[]; replaced: Bytes[] } {
  const replaced = bySegment(first.replacedRecords(), second.replacedRecords());
  const segments = bySegment(first.segmentRecords(), second.segmentRecords());
  for (const key of replaced.keys()) segments.delete(key);
  return { segments: sorted(segments), replaced: sorted(replaced) };
}

// By signer and id: what a writer says that it replaces is its own.
function bySegment(...lists: readonly Bytes[]): Map<string, Bytes> {
  const records = new Map<string, Bytes>();
  for (const list of lists) {
    for (let at = 0; at < list.length; at += FACT_BYTES) {
      const record = list.subarray(at, at + FACT_BYTES);
      records.set(hexOf(record.subarray(0, 2 * ID_BYTES)), record);
    }
  }
  return records;
}

function sorted(records: ReadonlyMap<string, Bytes>): Bytes[] {
  return [...records.values()].sort(compareBytes);
}

function mergePacks(first: Bytes, second: Bytes): MergedPacks {
  const fromFirst = new Uint32Array(first.length / RECORD_BYTES);
  const fromSecond = new Uint32Array(second.length / RECORD_BYTES);
  const merged: Bytes[] = [];
  const [a, b] = [cursorOf(first), cursorOf(second)];
  while (a.index < a.count || b.index < b.count) {
    const order = compareNext(a, b);
    const { records, index } = order <= 0 ? a : b;
    const record = records.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES);
    if (order <= 0) fromFirst[a.index++] = merged.length;
    if (order >= 0) fromSecond[b.index++] = merged.length;
    merged.push(record);
  }
  return { records: joinBytes(merged), fromFirst, fromSecond };
}

/** A list of records, and how far it was taken. */
interface Cursor {
  readonly records: Bytes;
  readonly count: number;
  index: number;
}

function cursorOf(records: Bytes): Cursor {
  return { records, count: records.length / RECORD_BYTES, index: 0 };
}

// Orders the next records of two lists; an ended list comes last.
function compareNext(a: Cursor, b: Cursor): number {
  if (a.index === a.count) return 1;
  if (b.index === b.count) return -1;
  return compareRecords(a.records, a.index * RECORD_BYTES, b.records, b.index * RECORD_BYTES);
}

/** Calls `take` for each blob record of the merge with the pack's new number. */
function eachMerged(
  first: Run,
  second: Run,
  packs: MergedPacks,
  take: (records: Bytes, at: number, pack: number) => void,
): void {
  const [a, b] = [cursorOf(first.blobRecords()), cursorOf(second.blobRecords())];
  while (a.index < a.count || b.index < b.count) {
    let order = compareNext(a, b);
    const packA = a.index < a.count ? packs.fromFirst[first.packOf(a.index)]! : 0;
    const packB = b.index < b.count ? packs.fromSecond[second.packOf(b.index)]! : 0;
    if (order === 0) order = packA - packB;
    if (order <= 0) take(a.records, a.index * RECORD_BYTES, packA);
    else take(b.records, b.index * RECORD_BYTES, packB);
    if (order <= 0) a.index++;
    if (order >= 0) b.index++;
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
