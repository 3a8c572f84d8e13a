// CBOR encoder: the deterministic form that docs/format.md §2 asks for, and nothing else.
//
// Written for entries of trees, of which every backup encodes one for each file: cborg's way by
// lists of tokens takes five times as long. All encodings pass through one buffer that is kept.

import { assert } from "../base/assert.ts";
import { type Bytes, utf8 } from "../base/bytes.ts";

export type Cbor = number | string | true | Bytes | readonly Cbor[] | CborMap;
export type CborMap = ReadonlyMap<number, Cbor>;

export const MAJOR_UINT = 0;
export const MAJOR_NEGATIVE = 1;
export const MAJOR_BYTES = 2;
export const MAJOR_TEXT = 3;
export const MAJOR_ARRAY = 4;
export const MAJOR_MAP = 5;
export const BYTE_TRUE = 0xf5;

const HEAD_BYTES_MAX = 9;
const BUFFER_BYTES = 64 * 1024;
/** A buffer that one large value made grow beyond this is not kept. */
const KEPT_BYTES_MAX = 1024 * 1024;

let buffer = new Uint8Array(BUFFER_BYTES);
let at = 0;

/** Encodes a value. Asserts that numbers are safe integers, and texts well-formed. */
export function encodeCbor(value: Cbor): Uint8Array<ArrayBuffer> {
  at = 0;
  put(value);
  return taken();
}

/** Encodes the head of an array of `count` members, which follow it. */
export function encodeArrayHead(count: number): Uint8Array<ArrayBuffer> {
  at = 0;
  putHead(MAJOR_ARRAY, count);
  return taken();
}

/** Encodes a map from its keys and values in turn; asserts that the keys ascend from 0. */
export function encodeSortedMap(flat: readonly Cbor[]): Uint8Array<ArrayBuffer> {
  assert(flat.length % 2 === 0, "every key has a value");
  at = 0;
  putHead(MAJOR_MAP, flat.length / 2);
  let last = -1;
  for (let i = 0; i < flat.length; i += 2) {
    const key = flat[i] as number;
    assert(key > last, "the keys of a map ascend");
    last = key;
    putInteger(key);
    put(flat[i + 1]!);
  }
  return taken();
}

function taken(): Uint8Array<ArrayBuffer> {
  const encoded = buffer.slice(0, at);
  if (buffer.length > KEPT_BYTES_MAX) buffer = new Uint8Array(BUFFER_BYTES);
  return encoded;
}

function put(value: Cbor): void {
  if (typeof value === "number") putInteger(value);
  else if (value instanceof Uint8Array) putBytes(MAJOR_BYTES, value);
  else if (typeof value === "string") putText(value);
  else if (value === true) putTrue();
  else if (value instanceof Map) putMap(value as CborMap);
  else putArray(value as readonly Cbor[]);
}

function putInteger(value: number): void {
  assert(Number.isSafeInteger(value), `a number is a safe integer, not ${value}`);
  if (value >= 0) putHead(MAJOR_UINT, value);
  else putHead(MAJOR_NEGATIVE, -1 - value);
}

function putBytes(major: number, bytes: Bytes): void {
  putHead(major, bytes.length);
  reserve(bytes.length);
  buffer.set(bytes, at);
  at += bytes.length;
}

function putText(text: string): void {
  assert(text.isWellFormed(), "a text has no half of a surrogate pair");
  putBytes(MAJOR_TEXT, utf8(text));
}

function putTrue(): void {
  reserve(1);
  buffer[at++] = BYTE_TRUE;
}

function putArray(items: readonly Cbor[]): void {
  assert(Array.isArray(items), "only what the format names is encoded");
  putHead(MAJOR_ARRAY, items.length);
  for (const item of items) put(item);
}

function putMap(map: CborMap): void {
  putHead(MAJOR_MAP, map.size);
  for (const key of [...map.keys()].sort(compareKeys)) {
    putInteger(key);
    put(map.get(key)!);
  }
}

// By the bytes of their encodings: not negative ones first, then -1, -2 and so on.
function compareKeys(a: number, b: number): number {
  if (a < 0 || b < 0) return a >= 0 ? -1 : b >= 0 ? 1 : b - a;
  return a - b;
}

/** The shortest form; big-endian. */
function putHead(major: number, argument: number): void {
  reserve(HEAD_BYTES_MAX);
  const first = major << 5;
  if (argument < 24) {
    buffer[at++] = first | argument;
    return;
  }
  const width = argument < 2 ** 8 ? 1 : argument < 2 ** 16 ? 2 : argument < 2 ** 32 ? 4 : 8;
  buffer[at++] = first | (24 + Math.log2(width));
  if (width === 8) {
    putUint32(Math.floor(argument / 2 ** 32));
    putUint32(argument % 2 ** 32);
  } else if (width === 4) {
    putUint32(argument);
  } else {
    if (width === 2) buffer[at++] = argument >>> 8;
    buffer[at++] = argument & 0xff;
  }
}

function putUint32(value: number): void {
  buffer[at++] = value >>> 24;
  buffer[at++] = (value >>> 16) & 0xff;
  buffer[at++] = (value >>> 8) & 0xff;
  buffer[at++] = value & 0xff;
}

function reserve(byteCount: number): void {
  if (at + byteCount <= buffer.length) return;
  const grown = new Uint8Array(Math.max(2 * buffer.length, at + byteCount));
  grown.set(buffer.subarray(0, at));
  buffer = grown;
}
