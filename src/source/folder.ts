// The folder source: files and folders of this machine.

import { hostname } from "node:os";
import { type Bytes, textOf } from "../base/bytes.ts";
import { BunkerError, isBunkerError } from "../base/errors.ts";
import { type Monitor, silentMonitor } from "../base/monitor.ts";
import { type Accounts, readAccounts } from "../system/accounts.ts";
import type { FileSystem } from "../system/files.ts";
import { openFileSystem } from "../system/open.ts";
import { Choice, type ChoiceOptions } from "./choice.ts";
import { listedRoots, withoutTwins } from "./listed.ts";
import { MetadataMaker } from "./metadata.ts";
import { FolderPool } from "./pool.ts";
import { type Root, isFollowed, openRoot, rootOf } from "./roots.ts";
import type { Source, SourceDescription, WalkEvent } from "./source.ts";
import { Walker } from "./walk.ts";

const OPEN_FOLDERS_MAX = 512;
const OPEN_LEVELS_MAX = 64;

export interface FolderSourceOptions {
  readonly monitor?: Monitor;
  readonly choice?: ChoiceOptions;
  /** The same as in `choice`. */
  readonly exclude?: ChoiceOptions["exclude"];
  /** Paths from a list, where one that is not there is a problem and no error. */
  readonly listed?: readonly Bytes[];
  readonly files?: FileSystem;
  readonly accounts?: Accounts;
  /** How many folders may be open at once, those that readers hold included; at least 4. */
  readonly openFoldersMax?: number;
}

/**
 * Opens a source over the given paths, relative ones from the working folder. A path that is a
 * link to a folder is followed, which the monitor is told. What can't be opened is a problem, and
 * the others are backed up. Throws `not-found` or `denied` where nothing is left.
 */
export function openFolderSource(
  paths: readonly (string | Bytes)[],
  options: FolderSourceOptions = {},
): Source {
  const files = options.files ?? openFileSystem();
  const monitor = options.monitor ?? silentMonitor;
  const given = paths.map((path) => rootOf(path, process.cwd()));
  const there = given.length > 1 ? given.filter((root) => isThere(files, root, monitor)) : given;
  if (given.length > 0 && there.length === 0) {
    throw new BunkerError("not-found", "nothing of what is to be backed up is there");
  }
  if (given.length === 1) checkRoot(files, given[0]!, monitor);
  const roots = withoutTwins(there, monitor);
  const { listed } = options;
  if (listed !== undefined) {
    const check = (root: Root): void => files.close(openRoot(files, root).descriptor);
    const found = listedRoots(listed, { given: roots, check, monitor });
    for (const root of found) checkRoot(files, root, monitor);
    roots.push(...found);
    if (roots.length === 0) throw new BunkerError("not-found", "nothing that is listed is there");
  }
  return {
    limits: files.limits,
    walk: () => walk(files, roots, monitor, options),
    describe: () => describe(roots),
  };
}

function choiceOf({ choice, exclude }: FolderSourceOptions): ChoiceOptions {
  return exclude === undefined ? (choice ?? {}) : { ...choice, exclude };
}

function describe(roots: readonly Root[]): SourceDescription {
  return { host: hostname(), paths: roots.map((root) => textOf(root.path)) };
}

// One of several that is missing is told of, and the others are backed up.
function isThere(files: FileSystem, root: Root, monitor: Monitor): boolean {
  try {
    checkRoot(files, root, monitor);
    return true;
  } catch (error) {
    if (!isBunkerError(error)) throw error;
    monitor.problem(textOf(root.path), error);
    return false;
  }
}

function checkRoot(files: FileSystem, root: Root, monitor: Monitor): void {
  const opened = openRoot(files, root);
  files.close(opened.descriptor);
  if (opened.kind === "folder" && isFollowed(files, root)) {
    monitor.notice(`${textOf(root.path)}: is a link, what it leads to is backed up`);
  }
}

function* walk(
  files: FileSystem,
  roots: readonly Root[],
  monitor: Monitor,
  options: FolderSourceOptions,
): Generator<WalkEvent, void, void> {
  const openFoldersMax = Math.max(4, options.openFoldersMax ?? OPEN_FOLDERS_MAX);
  const walker = new Walker({
    files,
    pool: new FolderPool(files, openFoldersMax),
    metadata: new MetadataMaker(options.accounts ?? readAccounts()),
    monitor,
    choice: new Choice(choiceOf(options)),
    roots,
    openLevelsMax: Math.min(OPEN_LEVELS_MAX, openFoldersMax >> 1),
  });
  try {
    for (let event = walker.next(); event !== undefined; event = walker.next()) yield event;
  } finally {
    walker.close();
  }
}
