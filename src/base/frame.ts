// Frame: the outside of one zstd frame (RFC 8878 §3.1.1), read before any decoder is trusted with it.
//
//   magic 28 b5 2f fd | descriptor | window? | dictionary id? | content size | blocks… | checksum?
//
// The decoders at hand join frames, ignore what follows them, or ignore a bound on their output.

import { type Bytes, loadU32 } from "./bytes.ts";
import { BunkerError } from "./errors.ts";

const MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT = 0x20;
const RESERVED = 0x08;
const CHECKSUM = 0x04;
const DICTIONARY = 0x03;
const RAW_BLOCK = 0;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/**
 * Checks that `frame` is exactly one zstd frame, whole and with nothing after it, that uses no
 * dictionary and records a content of `plainBytes`.
 *
 * It decodes nothing: the caller still compares the length of what comes out. Throws `corrupt`.
 */
export function checkFrame(frame: Bytes, plainBytes: number): void {
  if (frame.length < 6 || loadU32(frame, 0) !== MAGIC) throw damaged("no zstd frame");
  const descriptor = frame[4]!;
  if ((descriptor & (RESERVED | DICTIONARY)) !== 0) throw damaged("a zstd frame of unknown form");
  const single = (descriptor & SINGLE_SEGMENT) !== 0;
  const sizeAt = single ? 5 : 6;
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  if (frame.length < sizeAt + sizeBytes) throw damaged("a cut zstd frame");
  const recorded = loadContentBytes(frame, sizeAt, sizeBytes);
  if (recorded !== plainBytes) {
    throw damaged(`expected a zstd frame of ${plainBytes} bytes, found one of ${recorded}`);
  }
  const end = endOfBlocks(frame, sizeAt + sizeBytes, plainBytes);
  if (end + ((descriptor & CHECKSUM) === 0 ? 0 : 4) !== frame.length) {
    throw damaged("expected one zstd frame, found it cut or something after it");
  }
}

/** The recorded content size; `undefined` where there is none. */
function loadContentBytes(frame: Bytes, at: number, sizeBytes: number): number | undefined {
  if (sizeBytes === 0) return undefined;
  if (sizeBytes === 1) return frame[at]!;
  if (sizeBytes === 2) return (frame[at]! | (frame[at + 1]! << 8)) + 256;
  const low = loadU32(frame, at);
  return sizeBytes === 4 ? low : low + loadU32(frame, at + 4) * 2 ** 32;
}

function endOfBlocks(frame: Bytes, start: number, plainBytes: number): number {
  let at = start;
  let stated = 0; // What raw and repeating blocks say that they hold; the others don't say.
  for (;;) {
    if (at + 3 > frame.length) throw damaged("a cut zstd frame");
    const block = frame[at]! | (frame[at + 1]! << 8) | (frame[at + 2]! << 16);
    const type = (block >> 1) & 3;
    const bytes = block >> 3;
    if (type === RESERVED_BLOCK) throw damaged("a zstd frame of unknown form");
    if (type === RAW_BLOCK || type === RLE_BLOCK) stated += bytes;
    at += 3 + (type === RLE_BLOCK ? 1 : bytes);
    if (stated > plainBytes) throw damaged("a zstd frame that holds more than it says");
    if ((block & 1) !== 0) return at;
  }
}

function damaged(message: string): BunkerError {
  return new BunkerError("corrupt", message);
}
