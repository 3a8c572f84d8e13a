// Extras: the attributes and holes of a file, packed, as they cross from one thread to another and
// wait in the states of files. Most files have neither, and then there is nothing to pack.
//
//   u32 attributes | each: u16 name bytes | u32 value bytes | name | value
//   | u32 holes | each: f64 offset | f64 length

import { type Bytes, copyBytes } from "../base/bytes.ts";
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
  const view = new DataView(bytes.buffer);
  view.setUint32(0, attributes.length, true);
  let at = 4;
  for (const { name, value } of attributes) {
    view.setUint16(at, name.length, true);
    view.setUint32(at + 2, value.length, true);
    bytes.set(name, at + ATTRIBUTE_BYTES);
    bytes.set(value, at + ATTRIBUTE_BYTES + name.length);
    at += ATTRIBUTE_BYTES + name.length + value.length;
  }
  view.setUint32(at, holes.length, true);
  at += 4;
  for (const [offset, length] of holes) {
    view.setFloat64(at, offset, true);
    view.setFloat64(at + 8, length, true);
    at += HOLE_BYTES;
  }
  return bytes;
}

/** Unpacks what `encodeExtras` made; the parts are copies, and absent where there are none. */
export function decodeExtras(bytes: Bytes): Extras {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes: { name: Bytes; value: Bytes }[] = [];
  let at = 4;
  for (let left = view.getUint32(0, true); left > 0; left--) {
    const nameAt = at + ATTRIBUTE_BYTES;
    const valueAt = nameAt + view.getUint16(at, true);
    const end = valueAt + view.getUint32(at + 2, true);
    const name = copyBytes(bytes.subarray(nameAt, valueAt));
    attributes.push({ name, value: copyBytes(bytes.subarray(valueAt, end)) });
    at = end;
  }
  const holes: [number, number][] = [];
  const holesEnd = at + 4 + view.getUint32(at, true) * HOLE_BYTES;
  for (at += 4; at < holesEnd; at += HOLE_BYTES) {
    holes.push([view.getFloat64(at, true), view.getFloat64(at + 8, true)]);
  }
  return {
    ...(attributes.length === 0 ? {} : { attributes }),
    ...(holes.length === 0 ? {} : { holes }),
  };
}
