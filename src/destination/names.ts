// Names: what a snapshot may call a thing here, and what a thing is called until it is finished:
// `.bunker-<32 hexadecimal digits>.part`.

import { type Bytes, hexOf, textOf, utf8 } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { joinPath } from "../system/paths.ts";

/** What the file systems that we know take (NAME_MAX). */
const NAME_BYTES_MAX = 255;
const SLASH = 0x2f;
const DOT = 0x2e;

/** Refuses a name that is no single component of a path. */
export function checkName(name: Bytes): void {
  if (name.length === 0) throw refusal(name, "a name is empty");
  if (name.length > NAME_BYTES_MAX) {
    throw refusal(name, `a name has ${name.length} bytes, expected at most ${NAME_BYTES_MAX}`);
  }
  if (name.indexOf(SLASH) >= 0) throw refusal(name, "a name holds a slash");
  if (name.indexOf(0) >= 0) throw refusal(name, "a name holds a NUL");
  const dots = name.length <= 2 && name[0] === DOT && name[name.length - 1] === DOT;
  if (dots) throw refusal(name, "a name leads out of its folder");
}

/** Refuses a target that no link can have. */
export function checkTarget(target: Bytes | undefined): asserts target is Bytes {
  if (target === undefined || target.length === 0 || target.indexOf(0) >= 0) {
    throw new BunkerError("corrupt", "a link's target is missing, empty or holds a NUL");
  }
}

const PART_NAME = /^\.bunker-[0-9a-f]{32}\.part$/;
const PART_NAME_BYTES = 45;

/** A name that nothing else has. */
export function newPartName(): Bytes {
  return utf8(`.bunker-${hexOf(crypto.getRandomValues(new Uint8Array(16)))}.part`);
}

/** Whether a restore gave the name to something that it had not finished. */
export function isPartName(name: Bytes): boolean {
  return name.length === PART_NAME_BYTES && PART_NAME.test(textOf(name));
}

const NOTE_NAME = /^\.bunker-([0-9a-f]{32})\.restore$/;
const NOTE_NAME_BYTES = 48;

/** The name of the note of a restore that goes on, by what it restores: 32 hexadecimal digits. */
export function noteName(digits: string): Bytes {
  return utf8(`.bunker-${digits}.restore`);
}

export function isNoteName(name: Bytes): boolean {
  return name.length === NOTE_NAME_BYTES && NOTE_NAME.test(textOf(name));
}

/** Whether a restore itself gave the name: to a part, or to its note. */
export function isOwnName(name: Bytes): boolean {
  return isPartName(name) || isNoteName(name);
}

/** For people: the names with slashes, "." for the root. */
export function textOfPath(path: readonly Bytes[]): string {
  return path.length === 0 ? "." : textOf(joinPath(path));
}

function refusal(name: Bytes, message: string): BunkerError {
  return new BunkerError("corrupt", message, { subject: textOf(name) });
}
