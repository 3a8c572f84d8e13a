// Records of an index segment: 56 bytes for a pack, 56 for a blob, packed and sorted.

import { assert } from "../base/assert.ts";
import { type Bytes, concatBytes, isZero, loadU32, storeU32 } from "../base/bytes.ts";
import { ID_BYTES, type ObjectId } from "../base/ids.ts";
import { PACK_BLOB_COUNT_MAX, PACK_BYTES_MAX } from "../base/limits.ts";
import { corrupt } from "./fields.ts";
import { kindNumber } from "./header.ts";
import { checkBlobLengths, PACK_PREFIX_BYTES, type PlacedBlob } from "./trailer.ts";

export const SEGMENT_RECORD_BYTES = 56;
const MD5_BYTES = 16;
// Offsets in a blob's record, after the id; a pack's record has bytes, MD5 (36) and kind (52).
export const AT_PACK = 32;
const AT_ORDINAL = 36;
const AT_OFFSET = 40;
const AT_STORED = 44;
const AT_PLAIN = 48;
const AT_CODEC = 52;
const AT_BYTES = 32;
const AT_MD5 = 36;
const AT_KIND = 52;

/** A pack as a segment lists it. */
export interface PackFact {
  readonly id: ObjectId;
  readonly bytes: number;
  readonly md5: Bytes;
  readonly kind: "data" | "tree";
}

/** A blob as a segment lists it. */
export interface SegmentBlob extends PlacedBlob {
  /** Index of its pack in the segment. */
  readonly packIndex: number;
}

/** Validated records, sorted. */
export interface SegmentBody {
  readonly packCount: number;
  readonly blobCount: number;
  readonly packRecords: Bytes;
  readonly blobRecords: Bytes;
}

/** The pack with this index; id and MD5 are views. */
export function packAt(body: SegmentBody, index: number): PackFact {
  assert(index >= 0 && index < body.packCount, `no pack ${index}`);
  const at = index * SEGMENT_RECORD_BYTES;
  const records = body.packRecords;
  return {
    id: records.subarray(at, at + ID_BYTES),
    bytes: loadU32(records, at + AT_BYTES),
    md5: records.subarray(at + AT_MD5, at + AT_MD5 + MD5_BYTES),
    kind: records[at + AT_KIND] === kindNumber("data") ? "data" : "tree",
  };
}

/** The blob with this index; its id is a view. */
export function blobAt(body: SegmentBody, index: number): SegmentBlob {
  assert(index >= 0 && index < body.blobCount, `no blob ${index}`);
  const at = index * SEGMENT_RECORD_BYTES;
  const records = body.blobRecords;
  return {
    id: records.subarray(at, at + ID_BYTES),
    packIndex: loadU32(records, at + AT_PACK),
    ordinal: loadU32(records, at + AT_ORDINAL),
    offset: loadU32(records, at + AT_OFFSET),
    storedBytes: loadU32(records, at + AT_STORED),
    plainBytes: loadU32(records, at + AT_PLAIN),
    codec: loadU32(records, at + AT_CODEC) === 0 ? 0 : 1,
  };
}

export function writePack(records: Bytes, at: number, pack: PackFact): void {
  assert(pack.id.length === ID_BYTES && pack.md5.length === MD5_BYTES, "ids and MD5s have lengths");
  records.set(pack.id, at);
  storeU32(records, at + AT_BYTES, pack.bytes);
  records.set(pack.md5, at + AT_MD5);
  records[at + AT_KIND] = kindNumber(pack.kind);
}

export function writeBlob(records: Bytes, at: number, blob: PlacedBlob, packIndex: number): void {
  assert(blob.id.length === ID_BYTES, "an id has its length");
  records.set(blob.id, at);
  storeU32(records, at + AT_PACK, packIndex);
  storeU32(records, at + AT_ORDINAL, blob.ordinal);
  storeU32(records, at + AT_OFFSET, blob.offset);
  storeU32(records, at + AT_STORED, blob.storedBytes);
  storeU32(records, at + AT_PLAIN, blob.plainBytes);
  storeU32(records, at + AT_CODEC, blob.codec);
}

export function encodeSegmentBody(body: SegmentBody): Uint8Array<ArrayBuffer> {
  const counts = new Uint8Array(8);
  storeU32(counts, 0, body.packCount);
  storeU32(counts, 4, body.blobCount);
  return concatBytes(counts, body.packRecords, body.blobRecords);
}

/** Reads a segment's section; the records are views of it. Throws `corrupt`. */
export function decodeSegmentBody(section: Bytes): SegmentBody {
  if (section.length < 8) throw corrupt("segment", "its counts are cut off");
  const packCount = loadU32(section, 0);
  const blobCount = loadU32(section, 4);
  const packEnd = 8 + packCount * SEGMENT_RECORD_BYTES;
  if (section.length !== packEnd + blobCount * SEGMENT_RECORD_BYTES) {
    throw corrupt("segment", `no ${packCount} packs and ${blobCount} blobs`);
  }
  const packRecords = section.subarray(8, packEnd);
  const blobRecords = section.subarray(packEnd);
  checkPacks(packRecords);
  checkBlobs(blobRecords, packRecords);
  return { packCount, blobCount, packRecords, blobRecords };
}

/** Sorts records into a body; `pack` of each blob counts in the order given, and is rewritten. */
export function sortedBody(packs: Bytes, blobs: Bytes): SegmentBody {
  const packOrder = sortedOrder(packs, 0);
  const packRecords = gather(packs, packOrder);
  const ranks = new Uint32Array(packOrder.length);
  packOrder.forEach((index, rank) => (ranks[index] = rank));
  for (let at = 0; at < blobs.length; at += SEGMENT_RECORD_BYTES) {
    storeU32(blobs, at + AT_PACK, ranks[loadU32(blobs, at + AT_PACK)]!);
  }
  const blobRecords = withoutRepeats(gather(blobs, sortedOrder(blobs, AT_PACK)));
  return {
    packCount: packOrder.length,
    blobCount: blobRecords.length / SEGMENT_RECORD_BYTES,
    packRecords,
    blobRecords,
  };
}

/** Indexes in the order of ids, then of the two numbers at `then`; ids are uniform. */
function sortedOrder(records: Bytes, then: number): Uint32Array {
  const count = records.length / SEGMENT_RECORD_BYTES;
  const starts = new Float64Array(count);
  for (let i = 0; i < count; i++) starts[i] = startOf(records, i * SEGMENT_RECORD_BYTES);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  return order.sort((a, b) => starts[a]! - starts[b]! || compareRecords(records, a, b, then));
}

/** The first 48 bits of an id as a number. */
function startOf(records: Bytes, at: number): number {
  return (
    ((records[at]! << 16) | (records[at + 1]! << 8) | records[at + 2]!) * 0x1000000 +
    ((records[at + 3]! << 16) | (records[at + 4]! << 8) | records[at + 5]!)
  );
}

function compareRecords(records: Bytes, a: number, b: number, then: number): number {
  const atA = a * SEGMENT_RECORD_BYTES;
  const atB = b * SEGMENT_RECORD_BYTES;
  return (
    compareIds(records, atA, atB) ||
    loadU32(records, atA + then) - loadU32(records, atB + then) ||
    loadU32(records, atA + then + 4) - loadU32(records, atB + then + 4)
  );
}

function compareIds(records: Bytes, atA: number, atB: number): number {
  for (let i = 0; i < ID_BYTES; i++) {
    const difference = records[atA + i]! - records[atB + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function gather(records: Bytes, order: Uint32Array): Bytes {
  const sorted = new Uint8Array(records.length);
  order.forEach((index, i) => {
    const at = index * SEGMENT_RECORD_BYTES;
    sorted.set(records.subarray(at, at + SEGMENT_RECORD_BYTES), i * SEGMENT_RECORD_BYTES);
  });
  return sorted;
}

/** Leaves the first of the records that agree in id and pack. */
function withoutRepeats(records: Bytes): Bytes {
  let end = 0;
  for (let at = 0; at < records.length; at += SEGMENT_RECORD_BYTES) {
    const last = end - SEGMENT_RECORD_BYTES;
    const repeats =
      end > 0 &&
      compareIds(records, last, at) === 0 &&
      loadU32(records, last + AT_PACK) === loadU32(records, at + AT_PACK);
    if (repeats) continue;
    if (end !== at) records.copyWithin(end, at, at + SEGMENT_RECORD_BYTES);
    end += SEGMENT_RECORD_BYTES;
  }
  return records.subarray(0, end);
}

function checkPacks(records: Bytes): void {
  for (let at = 0; at < records.length; at += SEGMENT_RECORD_BYTES) {
    const bytes = loadU32(records, at + AT_BYTES);
    const kind = records[at + AT_KIND];
    const isKind = kind === kindNumber("data") || kind === kindNumber("tree");
    const zeros = records.subarray(at + AT_KIND + 1, at + SEGMENT_RECORD_BYTES);
    if (bytes < PACK_PREFIX_BYTES || bytes > PACK_BYTES_MAX || !isKind || !isZero(zeros)) {
      throw corrupt("segment", `pack ${at / SEGMENT_RECORD_BYTES} is no pack`);
    }
    if (at > 0 && compareIds(records, at - SEGMENT_RECORD_BYTES, at) >= 0) {
      throw corrupt("segment", "expected sorted packs");
    }
  }
}

function checkBlobs(records: Bytes, packs: Bytes): void {
  const packCount = packs.length / SEGMENT_RECORD_BYTES;
  const packBytes = new Uint32Array(packCount);
  for (let i = 0; i < packCount; i++) {
    packBytes[i] = loadU32(packs, i * SEGMENT_RECORD_BYTES + AT_BYTES);
  }
  for (let at = 0; at < records.length; at += SEGMENT_RECORD_BYTES) {
    const pack = loadU32(records, at + AT_PACK);
    const offset = loadU32(records, at + AT_OFFSET);
    const stored = loadU32(records, at + AT_STORED);
    checkBlobLengths(stored, loadU32(records, at + AT_PLAIN), loadU32(records, at + AT_CODEC));
    const fits =
      pack < packCount && offset >= PACK_PREFIX_BYTES && offset + stored <= packBytes[pack]!;
    if (!fits || loadU32(records, at + AT_ORDINAL) >= PACK_BLOB_COUNT_MAX) {
      throw corrupt("segment", `blob ${at / SEGMENT_RECORD_BYTES} is not in its pack`);
    }
    if (at > 0 && !isAfter(records, at - SEGMENT_RECORD_BYTES, at)) {
      throw corrupt("segment", "expected sorted blobs");
    }
  }
}

function isAfter(records: Bytes, last: number, at: number): boolean {
  const order = compareIds(records, last, at);
  return (
    order < 0 || (order === 0 && loadU32(records, last + AT_PACK) < loadU32(records, at + AT_PACK))
  );
}
