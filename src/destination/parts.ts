// Parts: what a restore has made and not finished yet, in a folder that several may restore into.
//
// Whoever writes a part holds a lock on it, which the system drops when its process ends: only what
// nobody holds is left over. Links and nodes are parts for a moment only, and have no lock.

import type { Bytes } from "../base/bytes.ts";
import { isBunkerError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem, Place } from "../system/files.ts";
import { tryLock } from "../system/lock.ts";
import { isPartName, newPartName } from "./names.ts";

/** Makes a file under the name of a part, and holds it. */
export function createPart(
  files: FileSystem,
  folder: Descriptor,
  mode: number,
): { readonly descriptor: Descriptor; readonly writtenAs: Bytes } {
  const writtenAs = newPartName();
  const descriptor = files.createFile(folder, writtenAs, mode);
  tryLock(descriptor); // Where there are no locks, two restores into one folder are not told apart.
  return { descriptor, writtenAs };
}

/** The parts in a folder that are left over. */
export function leftoversIn(files: FileSystem, folder: Descriptor): Bytes[] {
  const names = files.list(folder);
  const found: Bytes[] = [];
  for (let i = 0; i < names.count; i++) {
    const name = names.nameAt(i);
    if (isPartName(name) && isLeftOver(files, { folder, name })) found.push(name);
  }
  return found;
}

// Somebody else's can't be asked, and is theirs to remove.
function isLeftOver(files: FileSystem, { folder, name }: Place): boolean {
  const stat = files.stat(folder, name);
  if (stat?.type !== "file") return stat !== undefined && stat.type !== "folder";
  let descriptor: Descriptor;
  try {
    descriptor = files.openFile(folder, name);
  } catch (error) {
    if (!isBunkerError(error) && systemCodeOf(error) === undefined) throw error;
    return stat.userId === process.geteuid?.();
  }
  try {
    return tryLock(descriptor) !== false;
  } finally {
    files.close(descriptor);
  }
}
