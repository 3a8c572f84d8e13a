// Roots: the paths that the user gave, each a folder to walk or a single entry.
//
// A link to a folder is followed when it is itself the given path: who names it means the folder.
// Any other link given is an entry of its own. Links found on the walk are never followed.

import { realpathSync, statSync } from "node:fs";
import { type Bytes, concatBytes, equalBytes, textOf, utf8 } from "../base/bytes.ts";
import { BunkerError, fromSystemError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import {
  bytesOfPath,
  joinPath,
  openFolderPath,
  resolvePath,
  splitLast,
  splitPath,
} from "../system/paths.ts";
import type { RawStat } from "../system/stat.ts";
import type { ListedFolder } from "./listed-folder.ts";

export interface Root {
  readonly given: Bytes;
  /** Absolute, without "." and "..". */
  readonly path: Bytes;
  /** What the file states of all roots of a list are kept under; absent for others. */
  readonly statesAs?: Bytes;
  /** What is taken of a folder that leads to listed paths; without it, all. */
  readonly listed?: ListedFolder;
  /** It may be a link to a folder, which is not followed. */
  readonly isKept?: boolean;
}

export type OpenRoot =
  | { readonly kind: "folder"; readonly descriptor: Descriptor }
  /** A name in the folder behind the descriptor. */
  | {
      readonly kind: "entry";
      readonly descriptor: Descriptor;
      readonly name: Bytes;
      readonly stat: RawStat;
    };

export function rootOf(path: string | Bytes, workingFolder: string): Root {
  const given = bytesOfPath(path);
  const folder = bytesOfPath(workingFolder);
  return { given, path: resolvePath(unbent(given, folder), folder) };
}

// Behind a link, ".." leads to where the system says, not to what stands before it: such a path is
// named by where it leads, or one file would be stored under the name of another.
function unbent(given: Bytes, workingFolder: Bytes): Bytes {
  const parts = splitPath(given);
  const upTo = parts.findLastIndex((part) => equalBytes(part, PARENT)) + 1;
  if (upTo === 0) return given;
  const root = given[0] === SLASH[0] ? SLASH : concatBytes(workingFolder, SLASH);
  const head = concatBytes(root, joinPath(parts.slice(0, upTo)));
  const real = realPathOf(head);
  const byText = realPathOf(resolvePath(head, workingFolder));
  if (real === undefined || (byText !== undefined && equalBytes(real, byText))) return given;
  return concatBytes(real, SLASH, joinPath(parts.slice(upTo)));
}

const PARENT = utf8("..");
const SLASH = utf8("/");

/** The path without links, of what is there; else `undefined`. */
export function realPathOf(path: Bytes): Bytes | undefined {
  try {
    const given = Buffer.from(path.buffer, path.byteOffset, path.byteLength);
    return new Uint8Array(realpathSync.native(given, { encoding: "buffer" }));
  } catch {
    return undefined; // Whoever opens it will say what is wrong.
  }
}

/** Where a root is: a link to a folder is followed, as it is when the root is opened. */
export function realRootPath({ given, path }: Root): Bytes {
  const { folder, name } = splitLast(path);
  const above = realPathOf(folder);
  const real = isFolderAt(given) ? realPathOf(given) : above && concatBytes(above, SLASH, name);
  return real === undefined ? path : resolvePath(real, SLASH);
}

function isFolderAt(path: Bytes): boolean {
  try {
    return statSync(Buffer.from(path.buffer, path.byteOffset, path.byteLength)).isDirectory();
  } catch {
    return false; // Whoever opens it will say what is wrong.
  }
}

/** Opens a root; the caller closes the descriptor. Throws `not-found`, or `denied`. */
export function openRoot(files: FileSystem, root: Root): OpenRoot {
  try {
    const folder = root.isKept === true ? undefined : openFolderRoot(files, root);
    return folder ?? openEntryRoot(files, root);
  } catch (error) {
    throw fromSystemError(error, "opening what is to be backed up", textOf(root.path));
  }
}

/** Tells whether a root is a link to a folder, which is followed. */
export function isFollowed(files: FileSystem, root: Root): boolean {
  const { folder, name } = splitLast(root.given);
  const parent = openFolderPath(files, folder);
  try {
    return name.length > 0 && files.stat(parent, name)?.type === "link";
  } finally {
    files.close(parent);
  }
}

function openFolderRoot(files: FileSystem, root: Root): OpenRoot | undefined {
  try {
    return { kind: "folder", descriptor: openFolderPath(files, root.given) };
  } catch (error) {
    // No folder, or a link that leads nowhere: whether there is an entry will show.
    if (["ENOTDIR", "ENOENT", "ELOOP"].includes(systemCodeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function openEntryRoot(files: FileSystem, root: Root): OpenRoot {
  const { folder, name } = splitLast(root.given);
  const descriptor = openFolderPath(files, folder);
  try {
    const stat = files.stat(descriptor, name);
    if (stat !== undefined) return { kind: "entry", descriptor, name, stat };
    throw new BunkerError("not-found", `${textOf(root.path)}: no such file or folder`, {
      subject: textOf(root.path),
    });
  } catch (error) {
    files.close(descriptor);
    throw error;
  }
}
