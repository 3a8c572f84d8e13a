// Paths: whole paths that the user named, as raw bytes, of any length.

import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts";
import { BunkerError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem } from "./files.ts";

const SLASH = 0x2f;
/** Below the 4,096 bytes that the system takes at once. */
const PIECE_BYTES_MAX = 4000;
const SEPARATOR = utf8("/");
const HERE = utf8(".");

/** A path as raw bytes; refuses an empty one and one with a NUL. */
export function bytesOfPath(path: string | Bytes): Bytes {
  const bytes = typeof path === "string" ? utf8(path) : path;
  if (bytes.length === 0) throw new BunkerError("invalid-argument", "a path is empty");
  if (bytes.includes(0)) throw new BunkerError("invalid-argument", "a path holds a NUL");
  return bytes;
}

/** The components of a path, without empty ones. */
export function splitPath(path: Bytes): Bytes[] {
  const parts: Bytes[] = [];
  for (let start = 0; start < path.length;) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.length : slash;
    if (end > start) parts.push(path.subarray(start, end));
    start = end + 1;
  }
  return parts;
}

export function joinPath(parts: readonly Bytes[]): Bytes {
  return concatBytes(...parts.flatMap((part, i) => (i === 0 ? [part] : [SEPARATOR, part])));
}

/** Makes a path absolute and takes "." and ".." out of its text, without looking at links. */
export function resolvePath(path: Bytes, workingFolder: Bytes): Bytes {
  const parts = path[0] === SLASH ? [] : splitPath(workingFolder);
  for (const part of splitPath(path)) {
    if (isDots(part, 2)) parts.pop();
    else if (!isDots(part, 1)) parts.push(part);
  }
  return concatBytes(SEPARATOR, joinPath(parts));
}

/** Splits off the last component; the first part is "." or "/" where nothing else is left. */
export function splitLast(path: Bytes): { folder: Bytes; name: Bytes } {
  let end = path.length;
  while (end > 1 && path[end - 1] === SLASH) end--;
  const slash = path.subarray(0, end).lastIndexOf(SLASH);
  const folder = slash < 0 ? HERE : slash === 0 ? SEPARATOR : path.subarray(0, slash);
  return { folder, name: path.subarray(slash + 1, end) };
}

/** Opens a folder by a path of any length, following links, as the user who named it expects. */
export function openFolderPath(files: FileSystem, path: Bytes): Descriptor {
  let opened: Descriptor | undefined;
  for (const piece of piecesOf(path)) {
    const parent = opened;
    try {
      opened = files.openFolder(parent, piece, { follow: true });
    } finally {
      if (parent !== undefined) files.close(parent);
    }
  }
  return opened ?? files.openFolder(undefined, HERE);
}

/** Opens a folder by its path and makes it, and those above it, where they are not there yet. */
export function makeFolderPath(files: FileSystem, path: Bytes, mode: number): Descriptor {
  let opened = files.openFolder(undefined, path[0] === SLASH ? SEPARATOR : HERE);
  const parts = splitPath(path);
  for (const [i, part] of parts.entries()) {
    const parent = opened;
    try {
      makeMissing(files, parent, part, i === parts.length - 1 ? mode : 0o777);
      opened = files.openFolder(parent, part, { follow: true });
    } finally {
      files.close(parent);
    }
  }
  return opened;
}

function makeMissing(files: FileSystem, parent: Descriptor, name: Bytes, mode: number): void {
  try {
    files.makeFolder(parent, name, mode);
  } catch (error) {
    // Where a folder can't be made (read-only, or not ours) it may still be there: opening tells.
    if (!["EEXIST", "EACCES", "EROFS", "EPERM"].includes(systemCodeOf(error) ?? "")) throw error;
  }
}

// Pieces that the system takes, cut at slashes; the first keeps the leading slash.
function* piecesOf(path: Bytes): Generator<Bytes> {
  let start = 0;
  while (path.length - start > PIECE_BYTES_MAX) {
    const slash = path.subarray(start, start + PIECE_BYTES_MAX).lastIndexOf(SLASH);
    if (slash <= 0) break;
    yield path.subarray(start, start + slash);
    start += slash + 1;
    while (path[start] === SLASH) start++;
  }
  if (start < path.length) yield path.subarray(start);
}

function isDots(part: Bytes, count: number): boolean {
  return part.length === count && part.every((byte) => byte === 0x2e);
}
