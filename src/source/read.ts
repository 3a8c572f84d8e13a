// Read: opening and reading one file that a walk has met, also from other threads.
//
// Between the walk and the reading a name may come to mean another file: what is opened has to be
// the file that was met, else its bytes would be stored under the wrong metadata.

import { readSync } from "node:fs";
import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem, Place } from "../system/files.ts";
import type { RawStat } from "../system/stat.ts";

const USER = process.geteuid?.();

/** What the walk saw. */
export interface ExpectedFile {
  readonly deviceId: number;
  readonly inode: number | bigint;
  readonly userId: number;
}

export type Opening =
  | { readonly kind: "opened"; readonly descriptor: Descriptor; readonly stat: RawStat }
  /** The name means something else by now. */
  | { readonly kind: "changed" }
  /** The name is gone. */
  | { readonly kind: "vanished" };

/**
 * Opens a file for reading and makes sure that it is the one the walk saw. Its time of access
 * stays as it is where the system allows that. The caller closes the descriptor. Throws the
 * system's error where the file can't be opened.
 */
export function openForReading(files: FileSystem, place: Place, expected: ExpectedFile): Opening {
  const noAccessTime = USER === 0 || USER === expected.userId;
  let descriptor: Descriptor;
  try {
    descriptor = files.openFile(place.folder, place.name, { noAccessTime });
  } catch (error) {
    return openingOf(error);
  }
  try {
    const stat = files.statDescriptor(descriptor);
    const same = stat.inode === expected.inode && stat.deviceId === expected.deviceId;
    if (same && stat.type === "file") return { kind: "opened", descriptor, stat };
  } catch (error) {
    files.close(descriptor);
    throw error;
  }
  files.close(descriptor);
  return { kind: "changed" };
}

/**
 * The same without a look at the file: the caller looks at it when it has read it, and reads no
 * more than the walk's size. Returns `undefined` where the name is gone, or a link or a socket.
 */
export function openWalked(
  files: FileSystem,
  place: Place,
  expected: Pick<ExpectedFile, "userId">,
): Descriptor | undefined {
  const noAccessTime = USER === 0 || USER === expected.userId;
  try {
    return files.openFile(place.folder, place.name, { noAccessTime });
  } catch (error) {
    openingOf(error);
    return undefined;
  }
}

/**
 * Reads from the file's current position and returns how many bytes came; 0 is the end. Fewer than
 * asked for is no sign of the end.
 */
export function readInto(descriptor: Descriptor, view: Bytes): number {
  // A view of memory that has grown since is empty, and reading into it would look like the end.
  assert(view.length > 0, "what is read has somewhere to go");
  return readSync(descriptor, view, 0, view.length, null);
}

function openingOf(error: unknown): Opening {
  const code = systemCodeOf(error);
  if (code === "ENOENT") return { kind: "vanished" };
  // A link or a socket has taken its place.
  if (code === "ELOOP" || code === "ENXIO") return { kind: "changed" };
  throw error;
}
