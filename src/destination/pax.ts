// Pax: the records of an extended tar header (POSIX.1-2001), and which facts need one.
//
// A record is "<length> <key>=<value>\n", the length counting itself. Names that are not UTF-8 are
// given as they are, with hdrcharset=BINARY where a record must hold them.

import { type Bytes, concatBytes, strictTextOf, utf8 } from "../base/bytes.ts";
import type { Metadata, Time } from "../base/entry.ts";
import { aclText } from "./acl.ts";

export class PaxRecords {
  readonly #parts: Bytes[] = [];
  #isBinary = false;

  add(key: string | Bytes, value: string | Bytes): void {
    const keyBytes = typeof key === "string" ? utf8(key) : key;
    const valueBytes = typeof value === "string" ? utf8(value) : value;
    const bytes = keyBytes.length + valueBytes.length + 3; // A space, "=" and a newline.
    let length = bytes + String(bytes).length;
    length = bytes + String(length).length;
    this.#parts.push(utf8(`${length} `), keyBytes, EQUALS, valueBytes, NEWLINE);
  }

  /** A name, which may be any bytes. */
  addName(key: string, name: Bytes): void {
    if (!this.#isBinary && strictTextOf(name) === undefined) {
      this.#isBinary = true;
      this.add("hdrcharset", "BINARY");
    }
    this.add(key, name);
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  joined(): Bytes {
    return concatBytes(...this.#parts);
  }
}

const EQUALS = utf8("=");
const NEWLINE = utf8("\n");
const ACLS = [
  ["system.posix_acl_access", "SCHILY.acl.access"],
  ["system.posix_acl_default", "SCHILY.acl.default"],
] as const;

/** Seconds with a fraction: "12.5"; before 1970 the whole is negative: "-0.5". */
export function paxTime({ seconds, nanoseconds }: Time): string {
  if (nanoseconds === 0) return String(seconds);
  const isBefore = seconds < 0;
  const whole = isBefore ? -(seconds + 1) : seconds;
  const rest = isBefore ? 1_000_000_000 - nanoseconds : nanoseconds;
  const fraction = String(rest).padStart(9, "0").replace(/0+$/, "");
  return `${isBefore ? "-" : ""}${whole}.${fraction}`;
}

/**
 * Extended attributes as GNU tar and star write them. ACLs are given twice: as attributes, and as
 * the text that `tar --acls` reads, by number.
 */
export function addAttributes(records: PaxRecords, { attributes = [] }: Metadata): void {
  for (const { name, value } of attributes) {
    const text = strictTextOf(name);
    const acl = ACLS.find(([attribute]) => attribute === text);
    const list = acl === undefined ? undefined : aclText(value);
    if (acl !== undefined && list !== undefined) records.add(acl[1], list);
    records.add(concatBytes(XATTR, escapedKey(name)), value);
  }
}

const XATTR = utf8("SCHILY.xattr.");

// A key ends at "=": GNU tar writes %3D for it, and so %25 for a percent sign.
function escapedKey(name: Bytes): Bytes {
  if (!name.includes(0x3d) && !name.includes(0x25)) return name;
  const escaped = { 0x3d: "%3D", 0x25: "%25" } as Readonly<Record<number, string>>;
  return concatBytes(
    ...Array.from(name, (byte) =>
      escaped[byte] === undefined ? Uint8Array.of(byte) : utf8(escaped[byte]),
    ),
  );
}
