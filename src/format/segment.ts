// Index segments: which blob is where (docs/format.md §7).
//
//     u32 packs | u32 blobs | packs × { id | u32 bytes | MD5 (16) | u8 kind | 3 zeros }
//     | blobs × { id | u32 pack | u32 ordinal | u32 offset | u32 stored | u32 plain | u32 codec }
//
// Records of 56 bytes stay packed in one buffer: a segment may hold a million.

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes, loadU32, storeU32 } from "../base/bytes.ts";
import { type HexId, hexId, ID_BYTES, type ObjectId, type SignerId } from "../base/ids.ts";
import { mapOf, Fields, joinIds } from "./fields.ts";
import type { EncodedObject, ReadContext, WriteContext } from "./context.ts";
import { NUMBER_MAX, segmentName } from "./names.ts";
import {
  AT_PACK,
  decodeSegmentBody,
  encodeSegmentBody,
  type PackFact,
  SEGMENT_RECORD_BYTES,
  type SegmentBody,
  sortedBody,
  writeBlob,
  writePack,
} from "./records.ts";
import {
  checkNumber,
  encodeSigned,
  newSalt,
  openSection,
  readSigned,
  type SignedObject,
} from "./signed.ts";
import { PACK_PREFIX_BYTES, type TrailerBlob } from "./trailer.ts";

export interface SegmentPack extends PackFact {
  /** In the order of the pack, without padding. */
  readonly blobs: readonly TrailerBlob[];
}

export interface SegmentPublic {
  readonly number: number;
  /** Milliseconds since the epoch, by the writer's clock. */
  readonly time: number;
  /** Segments by the same signer whose content this one repeats whole, sorted. */
  readonly replaces: readonly ObjectId[];
}

export interface NewSegment extends SegmentPublic {
  readonly body: SegmentBody;
}

export interface Segment extends NewSegment {
  readonly id: ObjectId;
  readonly signer: SignerId;
}

/** Sorts packs and their blobs into a body; of a blob that is twice in one pack the first counts. */
export function buildSegmentBody(packs: readonly SegmentPack[]): SegmentBody {
  const blobCount = packs.reduce((sum, pack) => sum + pack.blobs.length, 0);
  const packRecords = new Uint8Array(packs.length * SEGMENT_RECORD_BYTES);
  const blobRecords = new Uint8Array(blobCount * SEGMENT_RECORD_BYTES);
  let at = 0;
  for (const [packIndex, pack] of packs.entries()) {
    writePack(packRecords, packIndex * SEGMENT_RECORD_BYTES, pack);
    let offset = PACK_PREFIX_BYTES;
    for (const [ordinal, blob] of pack.blobs.entries()) {
      writeBlob(blobRecords, at, { ...blob, ordinal, offset }, packIndex);
      offset += blob.storedBytes;
      at += SEGMENT_RECORD_BYTES;
    }
  }
  return sortedBody(packRecords, blobRecords);
}

/** Joins bodies into one. Of a pack that several list, the first listing counts. */
export function mergeSegmentBodies(bodies: readonly SegmentBody[]): SegmentBody {
  const total = { packs: 0, blobs: 0 };
  for (const { packCount, blobCount } of bodies) {
    total.packs += packCount;
    total.blobs += blobCount;
  }
  const packs = new Uint8Array(total.packs * SEGMENT_RECORD_BYTES);
  const blobs = new Uint8Array(total.blobs * SEGMENT_RECORD_BYTES);
  const seen = new Set<HexId>();
  let blobsEnd = 0;
  for (const body of bodies) {
    const indexes = takePacks(body, packs, seen);
    for (let i = 0; i < body.blobCount; i++) {
      const record = recordAt(body.blobRecords, i);
      const packIndex = indexes[loadU32(record, AT_PACK)];
      if (packIndex === undefined || packIndex < 0) continue;
      blobs.set(record, blobsEnd);
      storeU32(blobs, blobsEnd + AT_PACK, packIndex);
      blobsEnd += SEGMENT_RECORD_BYTES;
    }
  }
  return sortedBody(
    packs.subarray(0, seen.size * SEGMENT_RECORD_BYTES),
    blobs.subarray(0, blobsEnd),
  );
}

/** Appends the packs that are new; gives the new index of each, or -1. */
function takePacks(body: SegmentBody, packs: Bytes, seen: Set<HexId>): Int32Array {
  const indexes = new Int32Array(body.packCount).fill(-1);
  for (let i = 0; i < body.packCount; i++) {
    const record = recordAt(body.packRecords, i);
    const hex = hexId(record.subarray(0, ID_BYTES));
    if (seen.has(hex)) continue;
    indexes[i] = seen.size;
    packs.set(record, seen.size * SEGMENT_RECORD_BYTES);
    seen.add(hex);
  }
  return indexes;
}

export async function encodeSegment(
  context: WriteContext,
  segment: NewSegment,
): Promise<EncodedObject> {
  const section = encodeSegmentBody(segment.body);
  const bytes = await encodeSigned(context, {
    kind: "segment",
    salt: newSalt(context, [section]),
    public: mapOf([
      [1, segment.number],
      [2, segment.time],
      [3, segment.replaces.length === 0 ? undefined : joinIds(segment.replaces)],
    ]),
    sections: [section],
  });
  const id = await context.platform.sha256(bytes);
  const name = segmentName(context.signer.publicKey, segment.number, id);
  const read = await readSegment(context, name, bytes);
  assert(equalBytes(encodeSegmentBody(read.body), section), "a segment is read back");
  return { name, id, bytes };
}

/** Checks name, store, signature and content. Whether the signer is accepted is not asked here. */
export async function readSegment(
  context: ReadContext,
  name: string,
  bytes: Bytes,
): Promise<Segment> {
  const { storeId, indexKey } = context.keys;
  const expected = { kind: "segment", storeId } as const;
  const { object, name: parts } = await readSigned(context.platform, name, bytes, expected);
  const facts = decodePublic(object);
  checkNumber(parts, facts.number);
  const section = await openSection(context.platform, object, 0, { indexKey });
  return { ...facts, id: parts.id, signer: object.signer, body: decodeSegmentBody(section) };
}

function decodePublic(object: SignedObject): SegmentPublic {
  const fields = new Fields(object.public, "segment");
  const replaces = fields.has(3) ? fields.sortedIds(3, "replaced segments") : undefined;
  if (replaces?.length === 0) throw fields.fault("replaced segments", "at least one");
  return {
    number: fields.uint(1, "number", NUMBER_MAX, 1),
    time: fields.time(2, "time"),
    replaces: replaces ?? [],
  };
}

function recordAt(records: Bytes, index: number): Bytes {
  const at = index * SEGMENT_RECORD_BYTES;
  return records.subarray(at, at + SEGMENT_RECORD_BYTES);
}
