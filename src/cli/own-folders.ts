// Own folders: a backup leaves out the store itself, and what this machine keeps for bunker.
//
// A store in its own backup would grow by itself with every run. Links are seen through: what
// counts is where the folders really are.

import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { textOf } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { rootOf } from "../source/roots.ts";

export interface OwnFolders {
  /** Where the store is, if it is in a folder. */
  readonly store: string | undefined;
  /** State and cache. */
  readonly local: readonly string[];
}

/**
 * The paths below the sources that are bunker's own, as the walk will name them.
 *
 * Throws `invalid-argument` where a source is the store, or lies in it.
 */
export function ownFoldersIn(sources: readonly string[], own: OwnFolders): string[] {
  const store = own.store === undefined ? undefined : realPathOf(own.store);
  const found = new Set<string>();
  for (const source of sources) {
    const real = realPathOf(source);
    if (real === undefined) continue; // Whoever opens it will say that it is not there.
    if (store !== undefined && isIn(real, store)) {
      throw new BunkerError("invalid-argument", `${source}: expected a source outside the store`, {
        hint: "a store is copied as it is, with any tool that copies folders",
      });
    }
    for (const path of pathsBelow(source, real, realFolders(own))) found.add(path);
  }
  return [...found];
}

/** Where bunker's own folders are, or will be: nothing of them is taken that a list names. */
export function realFolders({ store, local }: OwnFolders): string[] {
  const folders = store === undefined ? local : [store, ...local];
  return folders.map((path) => futurePathOf(resolve(path)));
}

// This very run may be the one that makes a folder.
function futurePathOf(path: string): string {
  const above = dirname(path);
  return realPathOf(path) ?? (above === path ? path : join(futurePathOf(above), basename(path)));
}

function pathsBelow(source: string, real: string, folders: readonly string[]): string[] {
  return folders
    .filter((folder) => folder !== real && isIn(folder, real))
    .map((folder) => withSlash(walkedAs(source)) + folder.slice(withSlash(real).length));
}

function walkedAs(source: string): string {
  return textOf(rootOf(source, process.cwd()).path);
}

/** Whether the path is the folder, or lies in it; both are real paths. */
export function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(withSlash(folder));
}

export function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync.native(path); // The other one takes ".." out of the text first.
  } catch {
    return undefined; // Nothing there, or nothing that may be seen: nothing to leave out.
  }
}
