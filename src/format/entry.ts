// Entries of trees and roots of snapshots: one map each (docs/format.md §8.1).
//
// The hottest structure of the format, hence written as one flat list of keys and values, and read
// without a class in between where every entry has the key.

import { type Bytes, compareBytes } from "../base/bytes.ts";
import type { Entry, EntryType } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import { ID_BYTES } from "../base/ids.ts";
import { NAME_BYTES_MAX } from "../base/limits.ts";
import { type Cbor, type CborMap, encodeCbor, encodeSortedMap } from "./cbor-encoder.ts";
import {
  areSorted,
  corrupt,
  type Fields,
  fieldsOf,
  isBytes,
  isList,
  joinIds,
  splitIds,
} from "./fields.ts";
import { decodeObjectFacts, OBJECT_KEY_FIRST, pushObjectFacts } from "./facts.ts";

/** An entry longer than this is not written: a page must hold it besides others. */
export const ENTRY_BYTES_MAX = 1024 * 1024;

const WHAT = "entry";
const KEY_LAST = 27;
const KEY_CONTENT = 15;
const KEY_CONTENT_LISTS = 16;
const NANOSECONDS_MAX = 999_999_999;
const MODE_MAX = 0o7777;
const SLASH = 0x2f;
const DOT = 0x2e;

const TYPE_NUMBERS: Readonly<Record<EntryType, number>> = {
  file: 1,
  folder: 2,
  link: 3,
  fifo: 4,
  socket: 5,
  char: 6,
  block: 7,
  object: 8,
};
const TYPES = Object.keys(TYPE_NUMBERS) as EntryType[];

/**
 * One entry as it stands in a tree blob.
 *
 * Throws `full` for one that is too long; asserts that its texts are well-formed and its numbers
 * safe integers.
 */
export function encodeEntry(entry: Entry): Uint8Array<ArrayBuffer> {
  const flat: Cbor[] = [0, entry.name, 1, TYPE_NUMBERS[entry.type], 2, entry.mode];
  flat.push(3, entry.userId, 4, entry.groupId);
  if (entry.userName !== undefined) flat.push(5, entry.userName);
  if (entry.groupName !== undefined) flat.push(6, entry.groupName);
  flat.push(7, entry.modified.seconds);
  if (entry.modified.nanoseconds !== 0) flat.push(8, entry.modified.nanoseconds);
  if (entry.size !== 0) flat.push(9, entry.size);
  pushRare(flat, entry);
  if (entry.content.length > 0) flat.push(KEY_CONTENT, joinIds(entry.content));
  if (entry.contentLists !== undefined) flat.push(KEY_CONTENT_LISTS, joinIds(entry.contentLists));
  if (entry.unstable === true) flat.push(17, true);
  if (entry.object !== undefined) pushObjectFacts(flat, entry.object);
  const encoded =
    entry.unknown === undefined ? encodeSortedMap(flat) : withUnknown(flat, entry.unknown);
  if (encoded.length <= ENTRY_BYTES_MAX) return encoded;
  throw new BunkerError(
    "full",
    `an entry has at most ${ENTRY_BYTES_MAX} bytes, not ${encoded.length}`,
  );
}

/** Throws `corrupt` unless the bytes may be an entry's name. */
export function checkEntryName(name: Bytes): void {
  const dots = name.length <= 2 && name.every((byte) => byte === DOT);
  if (name.length === 0 || name.length > NAME_BYTES_MAX || dots) {
    throw corrupt(WHAT, "expected a name of one path component");
  }
  if (name.includes(SLASH) || name.includes(0)) {
    throw corrupt(WHAT, "expected a name without slash and NUL");
  }
}

/** Reads one decoded map as an entry. Throws `corrupt` or `unsupported-version`. */
export function decodeEntry(value: Cbor): Entry {
  const fields = fieldsOf(value, WHAT);
  const map = value as CborMap;
  const name = fields.bytes(0, "name", 1, NAME_BYTES_MAX);
  checkEntryName(name);
  const type = TYPES[fields.uint(1, "type", TYPES.length, 1) - 1]!;
  const content = idsOf(fields, KEY_CONTENT, "content");
  const userName = fields.optionalText(5, "user name");
  const groupName = fields.optionalText(6, "group name");
  const entry: Entry = {
    name,
    type,
    mode: fields.uint(2, "mode", MODE_MAX),
    userId: fields.uint(3, "user id"),
    groupId: fields.uint(4, "group id"),
    ...(userName === undefined ? {} : { userName }),
    ...(groupName === undefined ? {} : { groupName }),
    modified: {
      seconds: fields.int(7, "modified"),
      nanoseconds: fields.optionalUint(8, "nanoseconds", NANOSECONDS_MAX, 1) ?? 0,
    },
    size: fields.optionalUint(9, "size", undefined, 1) ?? 0,
    content: content ?? [],
    ...(hasRare(map) ? decodeRare(fields, map) : {}),
  };
  checkContent(entry);
  return entry;
}

function pushRare(flat: Cbor[], entry: Entry): void {
  if (entry.target !== undefined) flat.push(10, entry.target);
  if (entry.hardLink !== undefined) flat.push(11, entry.hardLink);
  if (entry.device !== undefined) flat.push(12, [entry.device.major, entry.device.minor]);
  if (entry.attributes !== undefined && entry.attributes.length > 0) {
    flat.push(
      13,
      entry.attributes.map(({ name, value }) => [name, value]),
    );
  }
  if (entry.holes !== undefined && entry.holes.length > 0) flat.push(14, entry.holes);
}

function withUnknown(flat: readonly Cbor[], unknown: ReadonlyMap<number, unknown>) {
  const map = new Map(unknown as CborMap);
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i] as number, flat[i + 1]!);
  return encodeCbor(map);
}

function hasRare(map: CborMap): boolean {
  for (const key of map.keys()) if (key > 9 && key !== KEY_CONTENT) return true;
  return false;
}

function decodeRare(fields: Fields, map: CborMap): Partial<Entry> {
  const contentLists = idsOf(fields, KEY_CONTENT_LISTS, "content lists");
  const unstable = fields.flag(17, "unstable");
  const hardLink = fields.optionalUint(11, "hard-link group", undefined, 1);
  const unknown = [...map].filter(([key]) => key > KEY_LAST);
  const isObject = [...map.keys()].some((key) => key >= OBJECT_KEY_FIRST && key <= KEY_LAST);
  return {
    ...(fields.has(10) ? { target: fields.bytes(10, "target", 1, NAME_BYTES_MAX) } : {}),
    ...(hardLink === undefined ? {} : { hardLink }),
    ...(fields.has(12) ? { device: decodeDevice(fields) } : {}),
    ...(fields.has(13) ? { attributes: decodeAttributes(fields) } : {}),
    ...(fields.has(14) ? { holes: decodeHoles(fields) } : {}),
    ...(contentLists === undefined ? {} : { contentLists }),
    ...(unstable ? { unstable } : {}),
    ...(isObject ? { object: decodeObjectFacts(fields) } : {}),
    ...(unknown.length === 0 ? {} : { unknown: new Map(unknown) }),
  };
}

function decodeDevice(fields: Fields): NonNullable<Entry["device"]> {
  const [major, minor, more] = fields.list(12, "device");
  if (!isUint(major) || !isUint(minor) || more !== undefined) {
    throw fields.fault("device", "two numbers");
  }
  return { major, minor };
}

function decodeAttributes(fields: Fields): NonNullable<Entry["attributes"]> {
  const attributes = fields.list(13, "attributes").map((item) => {
    const [name, value, more] = isList(item) ? item : [];
    if (!isBytes(name) || !isBytes(value) || more !== undefined) {
      throw fields.fault("attributes", "names and values");
    }
    return { name, value };
  });
  if (attributes.length === 0 || !areSorted(attributes, (a, b) => compareBytes(a.name, b.name))) {
    throw fields.fault("attributes", "sorted names, none twice");
  }
  return attributes;
}

function decodeHoles(fields: Fields): NonNullable<Entry["holes"]> {
  let end = -1;
  const holes = fields.list(14, "holes").map((item) => {
    const [offset, length, more] = isList(item) ? item : [];
    if (!isUint(offset) || !isUint(length) || length === 0 || more !== undefined || offset <= end) {
      throw fields.fault("holes", "ascending offsets and lengths, not touching");
    }
    end = offset + length;
    return [offset, length] as const;
  });
  const size = fields.optionalUint(9, "size") ?? 0;
  if (holes.length === 0 || end > size) throw fields.fault("holes", "holes within the size");
  return holes;
}

function idsOf(fields: Fields, key: number, name: string): readonly Bytes[] | undefined {
  const joined = fields.optional(key);
  if (joined === undefined) return undefined;
  if (!isBytes(joined) || joined.length === 0 || joined.length % ID_BYTES !== 0) {
    throw fields.fault(name, "joined ids");
  }
  return splitIds(joined);
}

/** What the type of an entry asks for and allows. */
function checkContent(entry: Entry): void {
  const { type, content, contentLists } = entry;
  const holdsBytes = type === "file" || type === "object";
  const idCountMax = type === "folder" ? 1 : 0;
  const hasContent = holdsBytes
    ? contentLists === undefined || content.length === 0
    : contentLists === undefined && content.length <= idCountMax && entry.size === 0;
  if (!hasContent || !hasOwnFacts(entry)) throw corrupt(WHAT, `expected the content of a ${type}`);
}

function hasOwnFacts({ type, target, device, object }: Entry): boolean {
  return (
    (target !== undefined) === (type === "link") &&
    (device !== undefined) === (type === "char" || type === "block") &&
    (object !== undefined) === (type === "object")
  );
}

function isUint(value: Cbor | undefined): value is number {
  return typeof value === "number" && value >= 0;
}
