// Zip headers: the records of a zip file (PKWARE's APPNOTE), little-endian.
//
// Extra fields: time of modification (0x5455), owner (0x7875), and lengths beyond 32 bits (0x0001).

import { type Bytes, concatBytes, strictTextOf } from "../base/bytes.ts";
import type { EntryType, Metadata, Time } from "../base/entry.ts";
import { modeWithoutAcl } from "./acl.ts";

export const METHOD_STORED = 0;
export const METHOD_DEFLATED = 8;

export interface ZipEntry {
  readonly name: Bytes;
  readonly metadata: Metadata;
  /** Where its local header is. */
  readonly offset: number;
  method: number;
  /** Sum and lengths stand behind the content. */
  hasDescriptor: boolean;
  /** The lengths in the descriptor have 64 bits: said before they are known. */
  isLarge: boolean;
  crc: number;
  plainBytes: number;
  storedBytes: number;
}

const LIMIT_32 = 0xffff_ffff;
const LIMIT_16 = 0xffff;
const VERSION_MADE = (3 << 8) | 45; // Unix.
const VERSION_PLAIN = 20;
const VERSION_LARGE = 45;
const FLAG_DESCRIPTOR = 1 << 3;
const FLAG_UTF8 = 1 << 11;
const FOLDER_ATTRIBUTE = 0x10;

const FORMATS: Readonly<Partial<Record<EntryType, number>>> = {
  file: 0o100000,
  object: 0o100000,
  folder: 0o040000,
  link: 0o120000,
};

/** Whether a file of this size may take 4 GiB in the archive, in whatever way it is compressed. */
export function isLarge(plainBytes: number): boolean {
  return plainBytes > LIMIT_32 - LIMIT_32 / 256;
}

export function localHeader(entry: ZipEntry): Bytes {
  const { name, hasDescriptor, crc, plainBytes, storedBytes } = entry;
  const isWide = needsWide(entry);
  const lengths = isWide ? [LIMIT_32, LIMIT_32] : [storedBytes, plainBytes];
  const wide = isWide ? wideField([plainBytes, storedBytes]) : NOTHING;
  const extra = concatBytes(wide, timeField(entry.metadata), ownerField(entry.metadata));
  const header = new Writer(30);
  header.u32(0x0403_4b50).u16(isWide ? VERSION_LARGE : VERSION_PLAIN);
  header.u16(flagsOf(entry)).u16(entry.method).u32(dosTime(entry.metadata));
  header.u32(hasDescriptor ? 0 : crc);
  for (const length of lengths) header.u32(hasDescriptor && !isWide ? 0 : length);
  header.u16(name.length).u16(extra.length);
  return concatBytes(header.bytes, name, extra);
}

export function descriptor({ crc, plainBytes, storedBytes, isLarge: isWide }: ZipEntry): Bytes {
  const record = new Writer(isWide ? 24 : 16).u32(0x0807_4b50).u32(crc);
  if (isWide) record.u64(storedBytes).u64(plainBytes);
  else record.u32(storedBytes).u32(plainBytes);
  return record.bytes;
}

export function centralHeader(entry: ZipEntry): Bytes {
  const { name, metadata, plainBytes, storedBytes, offset } = entry;
  const wideLengths = needsWide(entry);
  const wideOffset = offset >= LIMIT_32;
  const wide = [...(wideLengths ? [plainBytes, storedBytes] : []), ...(wideOffset ? [offset] : [])];
  const extra = concatBytes(
    wide.length === 0 ? NOTHING : wideField(wide),
    timeField(metadata),
    ownerField(metadata),
  );
  const header = new Writer(46);
  header
    .u32(0x0201_4b50)
    .u16(VERSION_MADE)
    .u16(wide.length > 0 ? VERSION_LARGE : VERSION_PLAIN);
  header.u16(flagsOf(entry)).u16(entry.method).u32(dosTime(metadata)).u32(entry.crc);
  header.u32(wideLengths ? LIMIT_32 : storedBytes).u32(wideLengths ? LIMIT_32 : plainBytes);
  header.u16(name.length).u16(extra.length).u16(0).u16(0).u16(0);
  header.u32(externalAttributes(metadata)).u32(wideOffset ? LIMIT_32 : offset);
  return concatBytes(header.bytes, name, extra);
}

export function endOfDirectory(directory: {
  readonly count: number;
  readonly start: number;
  readonly bytes: number;
}): Bytes {
  const { count, start, bytes } = directory;
  const end = new Writer(22).u32(0x0605_4b50).u16(0).u16(0);
  const shortCount = Math.min(count, LIMIT_16);
  end.u16(shortCount).u16(shortCount);
  end.u32(Math.min(bytes, LIMIT_32)).u32(Math.min(start, LIMIT_32)).u16(0);
  if (count < LIMIT_16 && bytes < LIMIT_32 && start < LIMIT_32) return end.bytes;
  const wide = new Writer(56).u32(0x0606_4b50).u64(44).u16(VERSION_MADE).u16(VERSION_LARGE);
  wide.u32(0).u32(0).u64(count).u64(count).u64(bytes).u64(start);
  const locator = new Writer(20)
    .u32(0x0706_4b50)
    .u32(0)
    .u64(start + bytes)
    .u32(1);
  return concatBytes(wide.bytes, locator.bytes, end.bytes);
}

// With a descriptor it is said before the lengths are known, and stays so.
function needsWide({ isLarge: isWide, plainBytes, storedBytes }: ZipEntry): boolean {
  return isWide || plainBytes >= LIMIT_32 || storedBytes >= LIMIT_32;
}

function flagsOf({ name, hasDescriptor }: ZipEntry): number {
  const isUtf8 = strictTextOf(name) !== undefined;
  return (hasDescriptor ? FLAG_DESCRIPTOR : 0) | (isUtf8 ? FLAG_UTF8 : 0);
}

function externalAttributes(metadata: Metadata): number {
  const { type } = metadata;
  const mode = modeWithoutAcl(metadata);
  const folder = type === "folder" ? FOLDER_ATTRIBUTE : 0;
  return ((((FORMATS[type] ?? 0) | mode) << 16) | folder) >>> 0;
}

const NOTHING = new Uint8Array(0);

function wideField(values: readonly number[]): Bytes {
  const field = new Writer(4 + 8 * values.length).u16(0x0001).u16(8 * values.length);
  for (const value of values) field.u64(value);
  return field.bytes;
}

// Seconds of 32 bits with a sign: whoever needs others takes tar.
function timeField({ modified: { seconds } }: Metadata): Bytes {
  if (seconds < -0x8000_0000 || seconds > 0x7fff_ffff) return NOTHING;
  return new Writer(9)
    .u16(0x5455)
    .u16(5)
    .u8(1)
    .u32(seconds >>> 0).bytes;
}

function ownerField({ userId, groupId }: Metadata): Bytes {
  const field = new Writer(15).u16(0x7875).u16(11).u8(1);
  return field.u8(4).u32(userId).u8(4).u32(groupId).bytes;
}

/** Whether readers get this time, but for its nanoseconds: unzip ignores negative ones. */
export function isKeptTime({ seconds }: Time): boolean {
  return seconds >= DOS_FIRST && seconds <= DOS_LAST;
}

// Steps of two seconds from 1980 to 2107, here in UTC, for readers without the extra field.
function dosTime({ modified: { seconds } }: Metadata): number {
  const clipped = Math.min(Math.max(seconds, DOS_FIRST), DOS_LAST);
  const date = new Date(clipped * 1000);
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5);
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5);
  return (((day | date.getUTCDate()) << 16) | time | (date.getUTCSeconds() >> 1)) >>> 0;
}

const DOS_FIRST = Date.UTC(1980, 0, 1) / 1000;
const DOS_LAST = Date.UTC(2107, 11, 31, 23, 59, 58) / 1000;

class Writer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  u64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
    return this;
  }
}
