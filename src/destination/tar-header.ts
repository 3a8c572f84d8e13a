// Tar header: one block of 512 bytes (POSIX.1-1988, "ustar").

import { assert } from "../base/assert.ts";
import { type Bytes, utf8 } from "../base/bytes.ts";

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const SLASH = 0x2f;

export interface HeaderFields {
  /** Cut off where it does not fit. */
  readonly name: Bytes;
  readonly linkTo: Bytes;
  readonly flag: string;
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly userName: string;
  readonly groupName: string;
  readonly device: { readonly major: number; readonly minor: number };
}

export function fitsOctal(value: number, digits: number): boolean {
  return value >= 0 && value < 8 ** digits;
}

/** Whether a name can be told by the header: at most 100 bytes, or 155 more before a slash. */
export function fitsName(name: Bytes): boolean {
  return name.length <= NAME_BYTES || splitAt(name) !== undefined;
}

export function tarHeader(fields: HeaderFields): Bytes {
  const block = new Uint8Array(BLOCK_BYTES);
  const { name, device } = fields;
  const split = name.length <= NAME_BYTES ? undefined : splitAt(name);
  if (split !== undefined) block.set(name.subarray(0, split), 345);
  block.set(name.subarray(split === undefined ? 0 : split + 1).subarray(0, NAME_BYTES), 0);
  putOctal(block, 100, 7, fields.mode);
  putOctal(block, 108, 7, fields.userId);
  putOctal(block, 116, 7, fields.groupId);
  putOctal(block, 124, 11, fields.bytes);
  putOctal(block, 136, 11, fields.seconds);
  block.set(utf8(fields.flag), 156);
  block.set(fields.linkTo.subarray(0, NAME_BYTES), 157);
  block.set(utf8("ustar\0" + "00"), 257);
  block.set(utf8(fields.userName), 265);
  block.set(utf8(fields.groupName), 297);
  putOctal(block, 329, 7, device.major);
  putOctal(block, 337, 7, device.minor);
  putSum(block);
  return block;
}

// The slash that parts the prefix from the rest, as far to the left as the rest allows.
function splitAt(name: Bytes): number | undefined {
  const from = Math.max(1, name.length - NAME_BYTES - 1);
  const slash = name.indexOf(SLASH, from);
  return slash < 0 || slash > PREFIX_BYTES || slash >= name.length - 1 ? undefined : slash;
}

function putOctal(block: Uint8Array, at: number, digits: number, value: number): void {
  assert(fitsOctal(value, digits), "a number fits its field");
  block.set(utf8(value.toString(8).padStart(digits, "0")), at);
}

// The sum of all bytes, its own field taken as spaces.
function putSum(block: Uint8Array): void {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  putOctal(block, 148, 6, sum);
  block[154] = 0;
}
