// CBOR: deterministic and strict (docs/format.md §2). The one wrapper of cborg, which decodes.
//
// cborg, strict as it can be, still accepts unsorted keys, bad UTF-8 and floats, and overflows on
// deep nesting. So the form is checked first, in one pass that allocates nothing; what passes is
// exactly what would be encoded so again. cborg's own order of integer keys is that of RFC 8949.

import { decode } from "cborg";
import { type Bytes, strictTextOf } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { CBOR_DEPTH_MAX } from "../base/limits.ts";
import {
  BYTE_TRUE,
  type Cbor,
  MAJOR_ARRAY,
  MAJOR_BYTES,
  MAJOR_MAP,
  MAJOR_NEGATIVE,
  MAJOR_TEXT,
  MAJOR_UINT,
} from "./cbor-encoder.ts";

/**
 * Decodes one value that fills `bytes`. `what` names the object in messages.
 *
 * Throws `corrupt` for everything that `encodeCbor` would not have written.
 */
export function decodeCbor(bytes: Bytes, options: { what: string; bytesMax: number }): Cbor {
  const { what, bytesMax } = options;
  const refuse = (why: string, cause?: unknown) =>
    new BunkerError("corrupt", `${what}: ${why}`, { cause });
  if (bytes.length > bytesMax) {
    throw refuse(`expected at most ${bytesMax} bytes of CBOR, found ${bytes.length}`);
  }
  const fault = findFault(bytes);
  if (fault !== undefined) throw refuse(fault);
  try {
    return decode(bytes, DECODE_OPTIONS) as Cbor;
  } catch (error) {
    throw refuse("no deterministic CBOR", error);
  }
}

const DECODE_OPTIONS = {
  strict: true,
  useMaps: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
};

/** One array or map that is open: members left (a map's keys and values alike), the last key. */
interface Level {
  left: number;
  isMap: boolean;
  /** Keys in the order of their encodings: unsigned ones by value, then negative ones. */
  lastKey: number;
}

/** Where a walk over an encoding is. */
interface Walk {
  readonly bytes: Bytes;
  at: number;
  level: Level;
  readonly outer: Level[];
  readonly head: Head;
}

/** Walks over the encoding; returns what is wrong with it. */
function findFault(bytes: Bytes): string | undefined {
  const head = { major: 0, argument: 0, next: 0 };
  const level = { left: 1, isMap: false, lastKey: Number.NEGATIVE_INFINITY };
  const walk: Walk = { bytes, at: 0, level, outer: [], head };
  for (;;) {
    while (walk.level.left === 0) {
      const outer = walk.outer.pop();
      if (outer === undefined) return walk.at === bytes.length ? undefined : "bytes are left over";
      walk.level = outer;
    }
    const fault = passItem(walk);
    if (fault !== undefined) return `${fault} at byte ${walk.at}`;
  }
}

/** Passes one item, or the head of one that has members; returns what is wrong with it. */
function passItem(walk: Walk): string | undefined {
  const { bytes, level, head } = walk;
  if (!readHead(bytes, walk.at, head)) return "no deterministic CBOR";
  if (level.isMap && level.left % 2 === 0 && !takesKey(level, head)) {
    return "no sorted integers as map keys";
  }
  level.left--;
  walk.at = head.next;
  if (head.major === MAJOR_BYTES || head.major === MAJOR_TEXT) return passString(walk);
  return head.major === MAJOR_ARRAY || head.major === MAJOR_MAP ? openLevel(walk) : undefined;
}

function passString(walk: Walk): string | undefined {
  const { bytes, at, head } = walk;
  if (head.argument > bytes.length - at) return "cut off";
  const end = at + head.argument;
  if (head.major === MAJOR_TEXT && !isUtf8(bytes, at, end)) return "no UTF-8";
  walk.at = end;
  return undefined;
}

function openLevel(walk: Walk): string | undefined {
  const isMap = walk.head.major === MAJOR_MAP;
  const left = isMap ? 2 * walk.head.argument : walk.head.argument;
  if (left > walk.bytes.length - walk.at) return "cut off"; // A member has a byte at least.
  if (walk.outer.length === CBOR_DEPTH_MAX) return `nested more than ${CBOR_DEPTH_MAX} deep`;
  walk.outer.push(walk.level);
  walk.level = { left, isMap, lastKey: Number.NEGATIVE_INFINITY };
  return undefined;
}

interface Head {
  major: number;
  argument: number;
  next: number;
}

/** Reads the head of an item; returns false for what this format never writes. */
function readHead(bytes: Bytes, at: number, head: Head): boolean {
  const first = bytes[at];
  if (first === undefined) return false;
  const minor = first & 31;
  head.major = first >> 5;
  head.argument = minor;
  head.next = at + 1;
  if (head.major > MAJOR_MAP) return first === BYTE_TRUE;
  if (minor < 24) return true;
  if (minor > 27) return false;
  const width = 1 << (minor - 24);
  head.next = at + 1 + width;
  if (head.next > bytes.length) return false;
  let argument = 0;
  for (let i = at + 1; i < head.next; i++) argument = argument * 256 + bytes[i]!;
  head.argument = argument;
  // The shortest form, and for negative ones -1 - argument, is still a safe integer.
  const least = width === 1 ? 24 : 256 ** (width / 2);
  return argument >= least && argument <= Number.MAX_SAFE_INTEGER - (head.major % 2);
}

function takesKey(level: Level, head: Head): boolean {
  if (head.major !== MAJOR_UINT && head.major !== MAJOR_NEGATIVE) return false;
  // Unsigned ones below zero, so that both kinds stay exact.
  const key = head.major === MAJOR_UINT ? head.argument - 2 ** 53 : head.argument;
  if (key <= level.lastKey) return false;
  level.lastKey = key;
  return true;
}

function isUtf8(bytes: Bytes, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (bytes[i]! >= 0x80) return strictTextOf(bytes.subarray(start, end)) !== undefined;
  }
  return true;
}
