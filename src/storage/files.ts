// Files: the steps on a local filesystem that a folder storage is made of. Each is durable when it
// returns where its name says so, and none of them follows a symbolic link in the last component.

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, stat, unlink } from "node:fs/promises";

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes } from "../base/bytes.ts";
import { BunkerError, fromSystemError, systemCodeOf } from "../base/errors.ts";

/** Linux: a link to what each descriptor of this process has open. */
const DESCRIPTORS = "/proc/self/fd";
const HASH_BLOCK_BYTES = 1024 * 1024;
// What a link or a folder's fsync answers where a filesystem has no such thing.
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);
const NO_FOLDER_SYNC = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

export function isWithoutLinks(error: unknown): boolean {
  return NO_LINKS.has(systemCodeOf(error) ?? "");
}

/** Runs a step and names it in the system's error; any other error is passed on as it is. */
export async function step<T>(doing: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    throw fromSystemError(error, `${doing} ${path}`, path);
  }
}

/** Runs a step that writes to a storage; where the system refuses, nothing can be written there. */
export async function writingStep<T>(
  path: string,
  root: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    if (fromSystemError(error, "").code !== "denied") {
      throw fromSystemError(error, `writing ${path}`, path);
    }
    const place = root === "" ? "/" : root;
    throw fromSystemError(error, `the store at ${place} can't be written to`, place);
  }
}

/** Runs a step that finds nothing where a name is not there: then `undefined`. */
export async function unlessAbsent<T>(run: Promise<T>): Promise<T | undefined> {
  try {
    return await run;
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Opens a regular file for reading, `undefined` where there is none. Throws `corrupt` for anything
 * else of that name: a link, a folder, a pipe (which is not waited for).
 */
export async function openRegular(path: string): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let handle: FileHandle | undefined;
  try {
    handle = await unlessAbsent(open(path, flags));
  } catch (error) {
    // ENXIO is what a socket answers.
    if (["ELOOP", "ENXIO"].includes(systemCodeOf(error) ?? "")) throw notRegular(path, error);
    throw error;
  }
  if (handle === undefined || (await handle.stat()).isFile()) return handle;
  await handle.close();
  throw notRegular(path);
}

function notRegular(path: string, cause?: unknown): BunkerError {
  return new BunkerError("corrupt", `${path} is not a regular file`, { cause, subject: path });
}

/** Whether a real folder is there. Throws `corrupt` where something else has its name. */
export async function isFolderThere(path: string): Promise<boolean> {
  const stats = await unlessAbsent(lstat(path));
  if (stats === undefined || stats.isDirectory()) return stats !== undefined;
  throw new BunkerError("corrupt", `${path} is not a folder`, { subject: path });
}

/** Throws `unavailable` where the root of a storage is not there any more. */
export async function checkRootThere(root: string): Promise<void> {
  if ((await unlessAbsent(stat(root === "" ? "/" : root))) === undefined) throw rootIsGone(root);
}

export function rootIsGone(root: string, cause?: unknown): BunkerError {
  return new BunkerError("unavailable", `the folder ${root} is gone`, {
    cause,
    subject: root,
    hint: "is the disk mounted?",
  });
}

/** Reads up to `length` bytes at `offset`; fewer only where the file ends before. */
export async function readAt(
  handle: FileHandle,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) return bytes.slice(0, done);
    done += bytesRead;
  }
  return bytes;
}

/** Whether the file's bytes have this SHA-256; what matches is durable when it returns. */
export async function matchesHash(handle: FileHandle, hash: Bytes): Promise<boolean> {
  const hasher = createHash("sha256");
  const block = new Uint8Array(HASH_BLOCK_BYTES);
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(block, 0, block.length, at);
    if (bytesRead === 0) break;
    hasher.update(block.subarray(0, bytesRead));
    at += bytesRead;
  }
  if (!equalBytes(hasher.digest(), hash)) return false;
  // Another program may have copied it here and not waited for the disk.
  await handle.sync();
  return true;
}

/** Writes a file that must not be there yet, durably but for its name; leaves none if it fails. */
export async function writeNew(path: string, bytes: Bytes, mode: number): Promise<void> {
  const handle = await open(path, "wx", mode);
  try {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, done);
      assert(bytesWritten > 0, "a write without an error writes something");
      done += bytesWritten;
    }
    await handle.sync();
    await handle.close();
  } catch (error) {
    // Closing twice is harmless; the first error is the one to tell.
    await handle.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

/**
 * Opens the folder at `path` for the time of `run` and gives a path that leads through the open
 * folder, so that no link that is planted meanwhile leads elsewhere. Throws `corrupt` where
 * something else than a folder has its name. Where the system has no such paths, it is the same path.
 */
export async function throughFolder<T>(
  path: string,
  run: (opened: string) => Promise<T>,
): Promise<T> {
  await using handle = await openRealFolder(path);
  const opened = `${DESCRIPTORS}/${handle.fd}`;
  const isThere = await stat(opened).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isThere) return run(path);
  try {
    return await run(opened);
  } catch (error) {
    // People know the folder by its name.
    if (error instanceof Error) error.message = error.message.replaceAll(`${opened}/`, `${path}/`);
    throw error;
  }
}

async function openRealFolder(path: string): Promise<FileHandle> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  try {
    return await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    // Which of the two a link gives differs among systems.
    if (!["ENOTDIR", "ELOOP"].includes(systemCodeOf(error) ?? "")) throw error;
    throw new BunkerError("corrupt", `${path} is not a folder`, { cause: error, subject: path });
  }
}

/** Makes the names in a folder durable, where the filesystem can. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    if (!NO_FOLDER_SYNC.has(systemCodeOf(error) ?? "")) throw error;
  } finally {
    await handle.close();
  }
}
