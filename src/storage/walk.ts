// Walk: lists a folder storage's objects in the byte order of their names, one folder in memory at
// a time. Anything that is not an object is passed over: links, foreign files, the tmp folder.

import { type Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";

import { checkRootThere, isFolderThere, step, unlessAbsent } from "./files.ts";
import { isNameComponent, isObjectName, NAME_CHARACTERS_MAX, RESERVED_FOLDERS } from "./names.ts";
import type { StoredObject } from "./storage.ts";

// A slow disk or a network answers several at once.
const LSTAT_BATCH = 64;

interface Walk {
  readonly root: string;
  readonly prefix: string;
  readonly after: string;
}

interface Found {
  /** A folder's ends in a slash: that is where it stands among the names. */
  readonly name: string;
  readonly stats: Stats | undefined;
}

/** Lists the objects whose names start with `prefix` and come after `after`. */
export async function* walkObjects(walk: Walk): AsyncGenerator<StoredObject, void, undefined> {
  const folder = walk.prefix.slice(0, walk.prefix.lastIndexOf("/") + 1);
  if (await areFoldersThere(walk.root, folder)) yield* walkFolder(walk, folder);
  // An empty listing must not come from a disk that was taken away.
  await step("listing", walk.root, () => checkRootThere(walk.root));
}

async function* walkFolder(
  walk: Walk,
  folder: string,
): AsyncGenerator<StoredObject, void, undefined> {
  const names = await namesIn(walk, folder);
  for (let start = 0; start < names.length; start += LSTAT_BATCH) {
    const batch = names.slice(start, start + LSTAT_BATCH);
    for (const { name, stats } of await Promise.all(batch.map((each) => look(walk, each)))) {
      if (name.endsWith("/")) yield* walkFolder(walk, name);
      else if (stats?.isFile() === true) {
        yield { name, bytes: stats.size, modified: Math.floor(stats.mtimeMs) };
      }
    }
  }
}

async function look(walk: Walk, name: string): Promise<Found> {
  if (name.endsWith("/")) return { name, stats: undefined };
  const path = `${walk.root}/${name}`;
  return { name, stats: await step("listing", path, () => unlessAbsent(lstat(path))) };
}

async function namesIn(walk: Walk, folder: string): Promise<string[]> {
  const path = `${walk.root}/${folder}`;
  const entries = await step("listing", path, () =>
    unlessAbsent(readdir(path, { withFileTypes: true })),
  );
  const names: string[] = [];
  for (const entry of entries ?? []) {
    let isFolder = entry.isDirectory();
    if (!isFolder && !entry.isFile()) {
      // Some filesystems don't tell what an entry is.
      const stats = await unlessAbsent(lstat(`${path}${entry.name}`));
      if (stats?.isFile() !== true && stats?.isDirectory() !== true) continue;
      isFolder = stats.isDirectory();
    }
    const name = `${folder}${entry.name}${isFolder ? "/" : ""}`;
    if (isFolder ? mayHold(walk, name, entry.name) : isWanted(walk, name)) names.push(name);
  }
  // The grammar is ASCII, so the order of strings is that of bytes.
  return names.sort((a, b) => (a < b ? -1 : 1));
}

function isWanted(walk: Walk, name: string): boolean {
  return name.startsWith(walk.prefix) && name > walk.after && isObjectName(name);
}

function mayHold(walk: Walk, folder: string, component: string): boolean {
  if (!isNameComponent(component) || folder.length > NAME_CHARACTERS_MAX) return false;
  if (RESERVED_FOLDERS.includes(folder.slice(0, -1))) return false;
  if (!folder.startsWith(walk.prefix) && !walk.prefix.startsWith(folder)) return false;
  return folder > walk.after || walk.after.startsWith(folder);
}

/** Whether every folder of a relative path is there and is a real one; throws `corrupt`. */
export async function areFoldersThere(root: string, folder: string): Promise<boolean> {
  let path = root;
  for (const component of folder.split("/").filter((part) => part !== "")) {
    path = `${path}/${component}`;
    if (!(await step("looking at", path, () => isFolderThere(path)))) return false;
  }
  return true;
}
