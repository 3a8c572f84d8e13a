// ACL: the kernel's form of a POSIX access list, as text.
//
// In an attribute: u32 version 2, then entries of u16 tag, u16 permissions, u32 number. As text:
// "user::rw-,user:1000:r--,group::r--,mask::r--,other::---".

import { type Bytes, equalBytes, utf8 } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";

const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;
const TAGS: ReadonlyMap<number, { readonly word: string; readonly isNamed: boolean }> = new Map([
  [0x01, { word: "user", isNamed: false }],
  [0x02, { word: "user", isNamed: true }],
  [0x04, { word: "group", isNamed: false }],
  [0x08, { word: "group", isNamed: true }],
  [0x10, { word: "mask", isNamed: false }],
  [0x20, { word: "other", isNamed: false }],
]);

/** The list as text, by numbers; `undefined` where the bytes are no such list. */
export function aclText(value: Bytes): string | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const isWhole = (value.length - HEADER_BYTES) % ENTRY_BYTES === 0;
  if (value.length < HEADER_BYTES || !isWhole || view.getUint32(0, true) !== VERSION) {
    return undefined;
  }
  const entries: string[] = [];
  for (let at = HEADER_BYTES; at < value.length; at += ENTRY_BYTES) {
    const tag = TAGS.get(view.getUint16(at, true));
    if (tag === undefined) return undefined;
    const who = tag.isNamed ? String(view.getUint32(at + 4, true)) : "";
    entries.push(`${tag.word}:${who}:${permissions(view.getUint16(at + 2, true))}`);
  }
  return entries.join(",");
}

function permissions(bits: number): string {
  return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${bits & 1 ? "x" : "-"}`;
}

const ACCESS = utf8("system.posix_acl_access");
const OWNING_GROUP = 0x04;

/**
 * The mode without its ACL. With one, the group's bits are the ACL's mask: alone they would give the
 * group what the ACL gives to others, or to nobody.
 */
export function modeWithoutAcl({ mode, attributes = [] }: Metadata): number {
  const acl = attributes.find(({ name }) => equalBytes(name, ACCESS));
  return acl === undefined ? mode : mode & (~0o070 | (groupBits(acl.value) << 3));
}

// None where the bytes are no list.
function groupBits(value: Bytes): number {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  for (let at = HEADER_BYTES; at + ENTRY_BYTES <= value.length; at += ENTRY_BYTES) {
    if (view.getUint16(at, true) === OWNING_GROUP) return view.getUint16(at + 2, true) & 7;
  }
  return 0;
}
