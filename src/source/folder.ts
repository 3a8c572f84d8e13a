// The folder source: files and folders of this machine.

import { hostname } from "node:os";
import { type Bytes, textOf } from "../base/bytes.ts";
import { BunkerError, isBunkerError } from "../base/errors.ts";
import { type Monitor, silentMonitor } from "../base/monitor.ts";
import { type Accounts, readAccounts } from "../system/accounts.ts";
import type { FileSystem } from "../system/files.ts";
import { openFileSystem } from "../system/open.ts";
import { Choice, type ChoiceOptions } from "./choice.ts";
import { listedRoots, type ListOptions, withoutTwins } from "./listed.ts";
import { MetadataMaker } from "./metadata.ts";
import { withoutNested } from "./nested.ts";
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
  /** Paths from a list, where one that is not there is a problem and no error. Read several times. */
  readonly listed?: Iterable<Bytes>;
  /** Folders of which nothing that is listed is taken. */
  readonly apart?: {
    /** Real paths. */
    readonly folders: readonly Bytes[];
    /** Is told of those that lie in what is listed, as the walk would name them. */
    readonly onFound: (path: Bytes) => void;
  };
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
  const named = paths.map((path) => rootOf(path, process.cwd()));
  const there = named.length > 1 ? named.filter((root) => isThere(files, root, monitor)) : named;
  if (named.length > 0 && there.length === 0) {
    throw new BunkerError("not-found", "nothing of what is to be backed up is there");
  }
  if (named.length === 1) checkRoot(files, named[0]!, monitor);
  const choice = new Choice(choiceOf(options));
  const outermost = (roots: readonly Root[]): Root[] =>
    withoutNested(roots, { files, choice, monitor });
  const given = outermost(withoutTwins(there, monitor));
  return options.listed === undefined
    ? sourceOf(files, given, monitor, options)
    : withListed({ files, given, monitor, withoutNested: outermost }, options, options.listed);
}

function withListed(
  known: Pick<ListOptions, "files" | "given" | "monitor" | "withoutNested">,
  options: FolderSourceOptions,
  paths: Iterable<Bytes>,
): Source {
  const { files, monitor } = known;
  // The list goes no further: of a million paths, the raw ones are not to be kept.
  const { listed: _, apart, ...others } = options;
  const { given, found, inside } = listedRoots(paths, {
    ...known,
    check: (root) => checkRoot(files, root, monitor),
    apart: apart?.folders ?? [],
  });
  const roots = [...given, ...found];
  if (roots.length === 0) throw new BunkerError("not-found", "nothing that is listed is there");
  for (const path of inside) apart?.onFound(path);
  const choice = choiceOf(others);
  const ownFolders = [...(choice.ownFolders ?? []), ...inside];
  return sourceOf(files, roots, monitor, { ...others, choice: { ...choice, ownFolders } });
}

function sourceOf(
  files: FileSystem,
  roots: readonly Root[],
  monitor: Monitor,
  options: FolderSourceOptions,
): Source {
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
    metadata: new MetadataMaker(options.accounts ?? readAccounts(), monitor),
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
