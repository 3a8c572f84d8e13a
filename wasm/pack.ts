// The pack under construction, in its two areas.
//
//   PACK_PTR    header 48 | sealed key 80 | ciphertexts ... | sealed trailer | u32 its length
//   TABLE_PTR   u32 count | records of 44 bytes: id 32, stored u32, plain u32, codec u32 | zeros
//
// The trailer is padded so that sealed (with a tag of 16 bytes) it is a multiple of 16 KiB. The
// last blob is made of zeros and brings the whole to a length that tells little (Padmé, from the
// PURBs paper). All numbers are little-endian. Sealing is not done here: the caller puts
// ciphertexts where it is told to, and says what they are.

import { ID_PTR, PACK_BYTES, PACK_PTR, TABLE_PTR } from "./memory";

export const PACK_PREFIX_BYTES: usize = 128;
const ID_BYTES: usize = 32;
const COUNT_BYTES: usize = 4;
const RECORD_BYTES: usize = 44;
const RECORD_COUNT_MAX: usize = 65_536;
const TAG_BYTES: usize = 16;
const TRAILER_STEP: usize = 16_384;
/** Padmé adds at most 2^19 - 1 bytes to what is below 32 MiB. */
const PADDING_BYTES_MAX: usize = 0x8_0000;

let count: usize = 0;
let end: usize = PACK_PREFIX_BYTES;

/** Begins a pack; header and sealed key are put at PACK_PTR. */
export function packBegin(): void {
  count = 0;
  end = PACK_PREFIX_BYTES;
}

export function packCount(): usize {
  return count;
}

export function packEnd(): usize {
  return end;
}

/** 1 if a blob still fits and leaves room for the padding, the trailer and its length; else 0. */
export function packFits(storedBytes: usize): u32 {
  // The records of this blob and of the padding.
  if (count + 2 > RECORD_COUNT_MAX) return 0;
  const reserved = PADDING_BYTES_MAX + TAG_BYTES + sealedTrailerBytes(RECORD_COUNT_MAX) + 4;
  return storedBytes <= PACK_BYTES - reserved - end ? 1 : 0;
}

/** Records the blob whose id is at ID_PTR and returns the place for its ciphertext. */
export function packAppend(storedBytes: u32, plainBytes: u32, codec: u32): usize {
  const record = TABLE_PTR + COUNT_BYTES + count * RECORD_BYTES;
  memory.copy(record, ID_PTR, ID_BYTES);
  store<u32>(record, storedBytes, 32);
  store<u32>(record, plainBytes, 36);
  store<u32>(record, codec, 40);
  const place = PACK_PTR + end;
  count++;
  end += storedBytes;
  return place;
}

/** How many zeros a last blob needs so that the finished pack has a length of Padmé's. */
export function packPaddingBytes(): usize {
  const least = end + TAG_BYTES + sealedTrailerBytes(count + 1) + 4;
  return padme(least) - least;
}

/** Completes the table, which begins at TABLE_PTR, and returns its length. */
export function packTrailer(): usize {
  const used = COUNT_BYTES + count * RECORD_BYTES;
  const length = sealedTrailerBytes(count) - TAG_BYTES;
  store<u32>(TABLE_PTR, <u32>count);
  memory.fill(TABLE_PTR + used, 0, length - used);
  return length;
}

/** Records the length of the sealed trailer, to be put at the pack's end; returns the pack's. */
export function packFinish(): usize {
  const length = sealedTrailerBytes(count);
  store<u32>(PACK_PTR + end + length, <u32>length);
  return end + length + 4;
}

function sealedTrailerBytes(recordCount: usize): usize {
  const least = COUNT_BYTES + recordCount * RECORD_BYTES + TAG_BYTES;
  return (least + TRAILER_STEP - 1) & ~(TRAILER_STEP - 1);
}

/** The least length from `length` on whose binary form ends in zeros but for its leading bits. */
export function padme(length: usize): usize {
  const exponent: usize = 31 - clz<u32>(<u32>length);
  const kept: usize = 32 - clz<u32>(<u32>exponent);
  const mask = ((<usize>1) << (exponent - kept)) - 1;
  return (length + mask) & ~mask;
}
