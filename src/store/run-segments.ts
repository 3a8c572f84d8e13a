// Run segments: which index segments a run was made of, and which those replace.

import { type Bytes, concatBytes, copyBytes, loadU32, storeU32 } from "../base/bytes.ts";
import { ID_BYTES, type ObjectId, type SignerId } from "../base/ids.ts";
import type { SegmentBody } from "../format/records.ts";
import { FACT_BYTES, type Run, runHeader } from "./run.ts";

const AT_NUMBER = 2 * ID_BYTES;
const AT_BYTES = AT_NUMBER + 4;

/** An index segment, without what it says. */
export interface SegmentFact {
  readonly signer: SignerId;
  readonly id: ObjectId;
  /** Of a replaced one 0, and so are its bytes: nobody has looked. */
  readonly number: number;
  readonly bytes: number;
}

/** A segment that a run is made of. */
export interface RunSegment extends SegmentFact {
  readonly replaces: readonly ObjectId[];
}

/** The segments that the run was made of. */
export function segmentsOf(run: Run): SegmentFact[] {
  return factsOf(run.segmentRecords());
}

/** Those that need not be read beside them. */
export function replacedIn(run: Run): SegmentFact[] {
  return factsOf(run.replacedRecords());
}

function factsOf(records: Bytes): SegmentFact[] {
  return Array.from({ length: records.length / FACT_BYTES }, (_, i) => {
    const record = copyBytes(records.subarray(i * FACT_BYTES, (i + 1) * FACT_BYTES));
    return {
      signer: record.subarray(0, ID_BYTES),
      id: record.subarray(ID_BYTES, 2 * ID_BYTES),
      number: loadU32(record, AT_NUMBER),
      bytes: loadU32(record, AT_BYTES),
    };
  });
}

function segmentRecord({ signer, id, number, bytes }: SegmentFact): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(FACT_BYTES);
  record.set(signer);
  record.set(id, ID_BYTES);
  storeU32(record, AT_NUMBER, number);
  storeU32(record, AT_BYTES, bytes);
  return record;
}

/** The parts of the run that a segment makes; without a segment, of one that nobody has written. */
export function runParts(segment: RunSegment | undefined, body: SegmentBody): Bytes[] {
  const { packCount, blobCount, packRecords, blobRecords } = body;
  const replaces = segment?.replaces ?? [];
  const header = runHeader({
    segments: segment === undefined ? 0 : 1,
    replaced: replaces.length,
    packs: packCount,
    blobs: blobCount,
  });
  const parts = [header];
  if (segment !== undefined) {
    const { signer } = segment;
    parts.push(segmentRecord(segment));
    for (const id of replaces) parts.push(segmentRecord({ signer, id, number: 0, bytes: 0 }));
  }
  return [concatBytes(...parts), packRecords, blobRecords];
}
