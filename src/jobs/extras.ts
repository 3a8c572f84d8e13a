// Extras: the attributes and holes of a file, packed, as they cross from one thread to another and
// wait in the states of files. Most files have neither, and then there is nothing to pack.
//
//   u32 attributes | each: u16 name bytes | u32 value bytes | name | value
//   | u32 holes | each: f64 offset | f64 length

import { type Bytes, loadU32, storeU32 } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";

/** What only some files have. */
export type Extras = Pick<Metadata, "attributes" | "holes">;

const ATTRIBUTE_BYTES = 2 + 4;
const HOLE_BYTES = 8 + 8;

/** Returns `undefined` where there is nothing to pack. */
export function encodeExtras({
  attributes = [],
  holes = [],
}: Extras): Uint8Array<ArrayBuffer> | undefined {
  if (attributes.length === 0 && holes.length === 0) return undefined;
  let total = 4 + 4 + holes.length * HOLE_BYTES;
  for (const { name, value } of attributes) total += ATTRIBUTE_BYTES + name.length + value.length;
  const bytes = new Uint8Array(total);
  storeU32(bytes, 0, attributes.length);
  let at = 4;
  for (const { name, value } of attributes) {
    bytes[at] = name.length & 0xff;
    bytes[at + 1] = name.length >> 8;
    storeU32(bytes, at + 2, value.length);
    bytes.set(name, at + ATTRIBUTE_BYTES);
    bytes.set(value, at + ATTRIBUTE_BYTES + name.length);
    at += ATTRIBUTE_BYTES + name.length + value.length;
  }
  storeU32(bytes, at, holes.length);
  if (holes.length > 0) putHoles(bytes, at + 4, holes);
  return bytes;
}

/** Unpacks what `encodeExtras` made; the parts are copies, and absent where there are none. */
export function decodeExtras(bytes: Bytes): Extras {
  const attributes: { name: Bytes; value: Bytes }[] = [];
  let at = 4;
  for (let left = loadU32(bytes, 0); left > 0; left--) {
    const nameAt = at + ATTRIBUTE_BYTES;
    const valueAt = nameAt + (bytes[at]! | (bytes[at + 1]! << 8));
    const end = valueAt + loadU32(bytes, at + 2);
    // Slices of a few bytes are cheap; a view of them would first give the whole a buffer object.
    attributes.push({ name: bytes.slice(nameAt, valueAt), value: bytes.slice(valueAt, end) });
    at = end;
  }
  const holeCount = loadU32(bytes, at);
  return {
    ...(attributes.length === 0 ? {} : { attributes }),
    ...(holeCount === 0 ? {} : { holes: holesAt(bytes, at + 4, holeCount) }),
  };
}

type Holes = NonNullable<Extras["holes"]>;

function putHoles(bytes: Bytes, start: number, holes: Holes): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const [i, [offset, length]] of holes.entries()) {
    view.setFloat64(start + i * HOLE_BYTES, offset, true);
    view.setFloat64(start + i * HOLE_BYTES + 8, length, true);
  }
}

function holesAt(bytes: Bytes, start: number, count: number): Holes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * HOLE_BYTES;
    return [view.getFloat64(at, true), view.getFloat64(at + 8, true)];
  });
}
