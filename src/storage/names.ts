// Names: what an object may be called. The grammar keeps a name from leaving a folder storage's
// root and fits every bucket; the SHA-256 at its end lets a storage tell a whole object from a
// damaged one without any key.

import { parseHex } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";

/** S3 and B2 take keys of up to 1,024 bytes. */
export const NAME_CHARACTERS_MAX = 1024;
/** Folders of a folder storage that hold no objects. */
export const RESERVED_FOLDERS: readonly string[] = ["tmp", "aside"];

const COMPONENT = /^[a-z0-9.-]{1,255}$/;
const PREFIX = /^[a-z0-9./-]*$/;
const HASH_AT_END = /[0-9a-f]{64}$/;

/** Whether `text` may be one part of a name between slashes. */
export function isNameComponent(text: string): boolean {
  return COMPONENT.test(text) && text !== "." && text !== "..";
}

/** Whether `name` can be an object's: valid parts, the first not reserved, a SHA-256 at the end. */
export function isObjectName(name: string): boolean {
  if (name.length > NAME_CHARACTERS_MAX || !HASH_AT_END.test(name)) return false;
  const components = name.split("/");
  return components.every(isNameComponent) && !RESERVED_FOLDERS.includes(components[0]!);
}

/** Throws `invalid-argument` where `name` can't be an object's. */
export function checkObjectName(name: string): void {
  if (isObjectName(name)) return;
  throw new BunkerError(
    "invalid-argument",
    `an object's name is parts of a-z 0-9 . - that end in a SHA-256, not ${JSON.stringify(name)}`,
    { subject: name },
  );
}

/** Throws `invalid-argument` where no object's name could start with `prefix`. */
export function checkPrefix(prefix: string): void {
  const folders = prefix.split("/").slice(0, -1);
  if (PREFIX.test(prefix) && folders.every(isNameComponent)) return;
  throw new BunkerError(
    "invalid-argument",
    `a prefix is the beginning of an object's name, not ${JSON.stringify(prefix)}`,
    { subject: prefix },
  );
}

/** The SHA-256 that a name promises for the object's bytes; throws `invalid-argument`. */
export function hashInName(name: string): Uint8Array<ArrayBuffer> {
  checkObjectName(name);
  return parseHex(name.slice(-64))!;
}

/** The folder of a name without the slash at its end; "" for what lies at the top. */
export function folderOfName(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}
