// Objects: getting a small object by its name, verified, from the cache or from the storage.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError, isBunkerError, isDamage } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import * as limits from "../base/limits.ts";
import type { LocalFolder } from "../base/local.ts";
import type { Platform } from "../base/platform.ts";
import { checkName, type ObjectName, parseName } from "../format/names.ts";
import type { GetOptions, Storage, StoredVersion } from "../storage/storage.ts";

/** So many versions of a name are tried: anybody who may write can add more. */
const VERSION_COUNT_MAX = 100;
/** What is longer is none of its kind, and is not read. */
const BYTES_MAX: Readonly<Record<ObjectName["kind"], number>> = {
  pack: limits.PACK_BYTES_MAX,
  slot: limits.SLOT_BYTES_MAX,
  log: limits.LOG_RECORD_BYTES_MAX,
  segment: limits.SEGMENT_BYTES_MAX,
  manifest: limits.MANIFEST_BYTES_MAX,
  heartbeat: limits.HEARTBEAT_BYTES_MAX,
};

/** Local names of kept objects: `<id>.object`. */
function localName(name: string): string | undefined {
  const parsed = parseName(name);
  return parsed === undefined ? undefined : `${hexId(parsed.id)}.object`;
}

/**
 * The bytes of an object, checked against its name. What is kept locally is checked too.
 * Throws `not-found` and `corrupt`.
 */
export async function loadObject(
  platform: Platform,
  storage: Storage,
  kept: LocalFolder,
  name: string,
): Promise<Bytes> {
  const local = await loadKept(platform, kept, name);
  if (local !== undefined) return local;
  const bytes = await loadFromStorage(platform, storage, name);
  keepObject(kept, name, bytes);
  return bytes;
}

/** The same from the storage only: what is wrong in place is looked for among its versions. */
export async function loadFromStorage(
  platform: Platform,
  storage: Storage,
  name: string,
): Promise<Bytes> {
  const newest = await loadNewest(platform, storage, name);
  if (newest instanceof Uint8Array) return newest;
  const version = await findVersion(platform, storage, name);
  if (version !== undefined) return version;
  if (newest === "absent") {
    throw new BunkerError("not-found", `${name} is not in the store`, { subject: name });
  }
  if (newest !== "other bytes") throw newest;
  throw new BunkerError("corrupt", `${name} is damaged: its content is not what its name says`, {
    subject: name,
  });
}

/** The object in place; what is there instead, or why it can't be read. */
async function loadNewest(
  platform: Platform,
  storage: Storage,
  name: string,
): Promise<Bytes | "absent" | "other bytes" | BunkerError> {
  try {
    const bytes = await getObject(storage, name, { bytesMax: bytesMaxOf(name) });
    if (bytes === undefined) return "absent";
    return (await isItself(platform, name, bytes)) ? bytes : "other bytes";
  } catch (error) {
    if (isBunkerError(error, "corrupt")) return error;
    throw error;
  }
}

function bytesMaxOf(name: string): number {
  const parsed = parseName(name);
  return parsed === undefined ? limits.PACK_BYTES_MAX : BYTES_MAX[parsed.kind];
}

/**
 * Whether an object that a listing lacks is there all the same: that of a bucket may lag behind. A
 * folder's shows what is there.
 */
export async function isThere(
  platform: Platform,
  storage: Storage,
  name: string,
): Promise<boolean> {
  if (!storage.abilities.dear) return false;
  try {
    await loadFromStorage(platform, storage, name);
    return true;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
}

/**
 * `get` of one object, where a refusal or a failing disk is damage of that object: what one planted
 * or rotten file does must not stop the reading of the others. A bucket refuses no single object: its
 * refusal speaks of the key or the account.
 */
export async function getObject(
  storage: Storage,
  name: string,
  options?: GetOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await storage.get(name, options);
  } catch (error) {
    const isOfObject = storage.bucketPlace === undefined && isBunkerError(error, "denied");
    if (!isOfObject && !isBunkerError(error, "io")) throw error;
    throw new BunkerError("corrupt", `${name} can't be read: ${error.message}`, {
      cause: error,
      subject: name,
    });
  }
}

export async function loadKept(
  platform: Platform,
  kept: LocalFolder,
  name: string,
): Promise<Bytes | undefined> {
  const file = localName(name);
  const bytes = file === undefined ? undefined : kept.read(file);
  return bytes !== undefined && (await isItself(platform, name, bytes)) ? bytes : undefined;
}

export function keepObject(kept: LocalFolder, name: string, bytes: Bytes): void {
  const file = localName(name);
  if (file !== undefined) kept.write(file, [bytes]);
}

/** Forgets the kept copy: of a key slot that was removed, it would still open the store. */
export function dropKept(kept: LocalFolder, name: string): void {
  const file = localName(name);
  if (file !== undefined) kept.delete(file);
}

async function isItself(platform: Platform, name: string, bytes: Bytes): Promise<boolean> {
  try {
    await checkName(platform, name, bytes);
    return true;
  } catch (error) {
    if (isBunkerError(error, "corrupt")) return false;
    throw error;
  }
}

// A second version of a name is a retry or an attack, never state: any that verifies will do.
async function findVersion(
  platform: Platform,
  storage: Storage,
  name: string,
): Promise<Bytes | undefined> {
  const bytesMax = bytesMaxOf(name);
  for (const { versionId, bytes: byteCount } of await shownVersions(storage, name)) {
    if (byteCount > bytesMax) continue;
    const bytes = await storage.get(name, { versionId, bytesMax });
    if (bytes !== undefined && (await isItself(platform, name, bytes))) return bytes;
  }
  return undefined;
}

/**
 * The versions of a name that have bytes, the oldest first. Nobody knows a name before its object is
 * stored, so that what a thief adds comes later: however much it is, the oldest ones are tried.
 */
export async function shownVersions(storage: Storage, name: string): Promise<StoredVersion[]> {
  if (!storage.abilities.versions) return [];
  let found: StoredVersion[] = [];
  for await (const version of storage.listVersions(name)) {
    if (version.name !== name) break; // Longer names come after it.
    if (!version.hidden) found.push(version);
    if (found.length >= 2 * VERSION_COUNT_MAX) found = found.slice(-VERSION_COUNT_MAX);
  }
  return found.slice(-VERSION_COUNT_MAX).reverse();
}

/** All names under a prefix, from versions where there are any: hidden is not absent. */
export async function listNames(storage: Storage, prefix: string): Promise<string[]> {
  const names = new Set<string>();
  const listing = storage.abilities.versions ? storage.listVersions(prefix) : storage.list(prefix);
  for await (const object of listing) names.add(object.name);
  return [...names].sort();
}
