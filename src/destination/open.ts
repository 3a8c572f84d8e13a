// Open: the folder destination, in the thread that restores and in those that help.

import { type Bytes, textOf } from "../base/bytes.ts";
import { BunkerError, fromSystemError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import { openFileSystem } from "../system/open.ts";
import { bytesOfPath, makeFolderPath, openFolderPath } from "../system/paths.ts";
import { FolderDestination } from "./folder.ts";
import { RestoreNotes } from "./note.ts";
import type { Existing, FolderDestinationShare } from "./naming.ts";

export interface FolderDestinationOptions {
  /** Makes the folder, and those above it, where there is none. */
  readonly create?: boolean;
  /** `refuse` unless given. */
  readonly existing?: Existing;
  /** Things of another kind make way for what is restored, but for these folders. */
  readonly clearing?: FolderDestinationShare["clearing"];
  readonly files?: FileSystem;
  /** Owners by the numbers of the snapshot, not by the names that this machine knows. */
  readonly numericIds?: boolean;
}

/**
 * Opens a folder to restore into; links in the given path are followed. Throws `not-found` where
 * there is none, `invalid-argument` where something else has the name.
 */
export function openFolderDestination(
  path: string | Bytes,
  options: FolderDestinationOptions = {},
): FolderDestination {
  const files = options.files ?? openFileSystem();
  const bytes = bytesOfPath(path);
  const root = openRoot(files, bytes, options.create === true);
  const { existing = "refuse", numericIds = false, clearing } = options;
  const spared = clearing === undefined ? {} : { clearing };
  const share = { root, path: bytes, existing, numericIds, ...spared };
  const destination = new FolderDestination(files, share, true);
  if (existing === "replace") destination.removeParts([]);
  return destination;
}

/** The notes of restores into a folder that is there. */
export function openRestoreNotes(
  path: string | Bytes,
  files: FileSystem = openFileSystem(),
): RestoreNotes {
  return new RestoreNotes(files, openRoot(files, bytesOfPath(path), false));
}

/** Joins a destination that another thread has open, and keeps open for as long. */
export function joinFolderDestination(
  share: FolderDestinationShare,
  files: FileSystem = openFileSystem(),
): FolderDestination {
  files.adopt(share.root, share.path);
  return new FolderDestination(files, share, false);
}

function openRoot(files: FileSystem, path: Bytes, create: boolean): Descriptor {
  try {
    return openFolderPath(files, path);
  } catch (error) {
    if (create && systemCodeOf(error) === "ENOENT") return createRoot(files, path);
    throw refusal(error, path);
  }
}

function createRoot(files: FileSystem, path: Bytes): Descriptor {
  try {
    return makeFolderPath(files, path, 0o700);
  } catch (error) {
    throw refusal(error, path);
  }
}

function refusal(error: unknown, path: Bytes): BunkerError {
  const subject = textOf(path);
  if (systemCodeOf(error) === "ENOTDIR") {
    const message = `${subject}: expected a folder, found something else`;
    return new BunkerError("invalid-argument", message, { cause: error, subject });
  }
  return fromSystemError(error, "opening the folder to restore into", subject);
}
