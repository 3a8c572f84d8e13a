// Trailers: what a pack holds, at its own end (docs/format.md §6.3).
//
//     u32 count | count × { id (32) | u32 stored | u32 plain | u32 codec } | zeros

import { type Bytes, isZero, loadU32 } from "../base/bytes.ts";
import { type BlobId, ID_BYTES } from "../base/ids.ts";
import { CHUNK_BYTES_MAX, PACK_BLOB_COUNT_MAX } from "../base/limits.ts";
import { type Codec, CODEC_RAW, CODEC_ZSTD } from "../crypto/compress.ts";
import { corrupt } from "./fields.ts";

/** Where the first blob of a pack begins. */
export const PACK_PREFIX_BYTES = 128;
export const TAG_BYTES = 16;
export const TRAILER_RECORD_BYTES = 44;
export const TRAILER_STEP_BYTES = 16 * 1024;
export const CODEC_PADDING = 2;

/** One blob as a trailer lists it. */
export interface TrailerBlob {
  readonly id: BlobId;
  /** With the tag. */
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly codec: Codec;
}

/** One blob with its place in the pack. */
export interface PlacedBlob extends TrailerBlob {
  readonly ordinal: number;
  readonly offset: number;
}

/** The Padmé length of at least `bytes`: it tells little of what was padded. */
export function padme(bytes: number): number {
  const exponent = Math.floor(Math.log2(bytes));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** Math.max(0, exponent - kept);
  return Math.ceil(bytes / step) * step;
}

/** Reads the sealed trailer's length from a pack's last four bytes. Throws `corrupt`. */
export function trailerBytes(tail: Bytes, packBytes: number): number {
  const bytes = loadU32(tail, tail.length - 4);
  const most = trailerPlainBytes(PACK_BLOB_COUNT_MAX) + TAG_BYTES;
  const room = packBytes - PACK_PREFIX_BYTES - 4;
  if (bytes === 0 || bytes % TRAILER_STEP_BYTES !== 0 || bytes > most || bytes > room) {
    throw corrupt("pack", `no length of a trailer: ${bytes}`);
  }
  return bytes;
}

/** Reads a trailer's plaintext; the blobs and the padding fill `blobsBytes`. Throws `corrupt`. */
export function decodeTrailer(plain: Bytes, blobsBytes: number): readonly PlacedBlob[] {
  const count = plain.length < 4 ? 0 : loadU32(plain, 0);
  if (count < 1 || count > PACK_BLOB_COUNT_MAX || plain.length !== trailerPlainBytes(count)) {
    throw corrupt("trailer", "its length does not fit its count");
  }
  const blobs: PlacedBlob[] = [];
  let offset = PACK_PREFIX_BYTES;
  for (let ordinal = 0; ordinal < count - 1; ordinal++) {
    const record = plain.subarray(4 + ordinal * TRAILER_RECORD_BYTES);
    const blob = { ...decodeRecord(record), ordinal, offset };
    offset += blob.storedBytes;
    blobs.push(blob);
  }
  const end = 4 + count * TRAILER_RECORD_BYTES;
  const padding = plain.subarray(end - TRAILER_RECORD_BYTES, end);
  offset += checkedPadding(padding);
  if (!isZero(plain.subarray(end))) throw corrupt("trailer", "expected zeros after the last blob");
  if (offset - PACK_PREFIX_BYTES !== blobsBytes) {
    throw corrupt(
      "trailer",
      `expected blobs of ${blobsBytes} bytes, found ${offset - PACK_PREFIX_BYTES}`,
    );
  }
  checkPackBytes(PACK_PREFIX_BYTES + blobsBytes + plain.length + TAG_BYTES + 4);
  return blobs;
}

/** Throws `corrupt` unless the lengths and the codec of a blob fit each other. */
export function checkBlobLengths(storedBytes: number, plainBytes: number, codec: number): Codec {
  const isRaw = codec === CODEC_RAW && storedBytes === plainBytes + TAG_BYTES;
  const isPacked = codec === CODEC_ZSTD && storedBytes > TAG_BYTES;
  if (plainBytes < 1 || plainBytes > CHUNK_BYTES_MAX || (!isRaw && !isPacked)) {
    throw corrupt("blob", `no lengths of a blob: ${storedBytes} stored, ${plainBytes} plain`);
  }
  return isRaw ? CODEC_RAW : CODEC_ZSTD;
}

function decodeRecord(record: Bytes): TrailerBlob {
  const storedBytes = loadU32(record, 32);
  const plainBytes = loadU32(record, 36);
  const codec = checkBlobLengths(storedBytes, plainBytes, loadU32(record, 40));
  return { id: record.subarray(0, ID_BYTES), storedBytes, plainBytes, codec };
}

function checkedPadding(record: Bytes): number {
  const storedBytes = loadU32(record, 32);
  const isPadding =
    isZero(record.subarray(0, ID_BYTES)) &&
    loadU32(record, 40) === CODEC_PADDING &&
    storedBytes === loadU32(record, 36) + TAG_BYTES;
  if (!isPadding) throw corrupt("trailer", "expected the padding as its last blob");
  return storedBytes;
}

function checkPackBytes(bytes: number): void {
  if (bytes !== padme(bytes)) throw corrupt("pack", `no padded length: ${bytes}`);
}

/** Bytes of a trailer's plaintext: so that, sealed, it is a multiple of the step. */
export function trailerPlainBytes(count: number): number {
  const bytes = 4 + count * TRAILER_RECORD_BYTES + TAG_BYTES;
  return Math.ceil(bytes / TRAILER_STEP_BYTES) * TRAILER_STEP_BYTES - TAG_BYTES;
}
