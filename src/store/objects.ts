// Objects: getting a small object by its name, verified, from the cache or from the storage.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError, isBunkerError } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import type { LocalFolder } from "../base/local.ts";
import type { Platform } from "../base/platform.ts";
import { checkName, parseName } from "../format/names.ts";
import type { GetOptions, Storage } from "../storage/storage.ts";

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
  const bytes = await getObject(storage, name);
  if (bytes !== undefined && (await isItself(platform, name, bytes))) return bytes;
  const version = await findVersion(platform, storage, name);
  if (version !== undefined) return version;
  if (bytes === undefined) {
    throw new BunkerError("not-found", `${name} is not in the store`, { subject: name });
  }
  throw new BunkerError("corrupt", `${name} is damaged: its content is not what its name says`, {
    subject: name,
  });
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
  if (!storage.abilities.versions) return undefined;
  for await (const version of storage.listVersions(name)) {
    if (version.name !== name || version.hidden) continue;
    const bytes = await storage.get(name, { versionId: version.versionId });
    if (bytes !== undefined && (await isItself(platform, name, bytes))) return bytes;
  }
  return undefined;
}

/** All names under a prefix, from versions where there are any: hidden is not absent. */
export async function listNames(storage: Storage, prefix: string): Promise<string[]> {
  const names = new Set<string>();
  const listing = storage.abilities.versions ? storage.listVersions(prefix) : storage.list(prefix);
  for await (const object of listing) names.add(object.name);
  return [...names].sort();
}
