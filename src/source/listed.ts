// Listed: the sources that a list of paths names, which may be very many and may overlap.
//
// They are one source, the deepest folder that holds them all, of which the walk takes what is
// listed and the folders that lead there. A list of one path is a source as if it had been given.
// What lies in another listed path is left to it: a list made by `find` names each folder and all
// that is in it.

import { lstatSync } from "node:fs";
import { type Bytes, compareBytes, concatBytes, textOf, utf8 } from "../base/bytes.ts";
import { BunkerError, fromSystemError } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import type { FileSystem } from "../system/files.ts";
import { listKeys, type Tally } from "./list-keys.ts";
import { ListLook } from "./list-look.ts";
import { ListedFolder } from "./listed-folder.ts";
import {
  findHolder,
  folderBytes,
  holdsAny,
  isIn,
  isInAny,
  keyOf,
  type Keys,
  keysOf,
  type PathRange,
  type PathSet,
  pathOfKey,
} from "./path-set.ts";
import { realRootPath, type Root, rootOf } from "./roots.ts";

export interface ListOptions {
  readonly files: FileSystem;
  /** Sources beside the list. */
  readonly given: readonly Root[];
  /** Throws where a root can't be opened. */
  readonly check: (root: Root) => void;
  /** Takes out those that lie in another one, or throws where they would be lost. */
  readonly withoutNested: (roots: readonly Root[]) => Root[];
  /** Real paths of folders of which nothing is taken. */
  readonly apart: readonly Bytes[];
  readonly monitor: Monitor;
}

export interface ListedRoots {
  /** The sources beside the list that don't lie in it, by names that it can't hide. */
  readonly given: readonly Root[];
  readonly found: readonly Root[];
  /** Of the folders apart those that lie in what is found, as the walk names them. */
  readonly inside: readonly Bytes[];
}

const LIST = utf8("list\0");
/** So many single sources a snapshot can take: each of them is kept in mind. */
const ROOT_COUNT_MAX = 20_000;

/** The roots of a list, which is read several times. What can't be opened is a problem, and left out. */
export function listedRoots(paths: Iterable<Bytes>, options: ListOptions): ListedRoots {
  const [first, second] = paths;
  return first !== undefined && second === undefined
    ? rootOfOne(first, options)
    : rootsOfMany(paths, options);
}

function rootOfOne(path: Bytes, options: ListOptions): ListedRoots {
  const { apart, withoutNested } = options;
  const root = findRoot(path, options);
  if (root === undefined) return { given: options.given, found: [], inside: [] };
  const key = keyOf(root.path);
  const real = keyOf(realRootPath(root));
  const inside = apart.map(keyOf).filter((other) => isIn(other, real));
  const given = options.given.flatMap((other) => withoutNested([root, other]).slice(1));
  return {
    given,
    found: [{ ...root, statesAs: statesNameOf(key.subarray(0, folderBytes(key))) }],
    inside: inside.map((other) => pathOfKey(concatBytes(key, other.subarray(real.length)))),
  };
}

// Gives `undefined` where it can't be opened, or is left to others.
function findRoot(path: Bytes, options: ListOptions): Root | undefined {
  const { given, check, monitor } = options;
  try {
    const root = rootOf(path, process.cwd());
    check(root);
    const real = realRootPath(root);
    if (isInAny(keyOf(real), keysElsewhere(options))) return undefined;
    // By a link in a source, it would stand where the source has the link.
    const isHidden = given.some((other) => isIn(keyOf(root.path), keyOf(other.path)));
    return isHidden ? { ...root, given: real, path: real } : root;
  } catch (error) {
    const subject = textOf(path);
    monitor.problem(subject, fromSystemError(error, "opening what is listed", subject));
    return undefined;
  }
}

function rootsOfMany(paths: Iterable<Bytes>, options: ListOptions): ListedRoots {
  const { files, monitor, apart } = options;
  const through: Tally = { count: 0, first: "" };
  const set = listKeys(paths, monitor, through);
  const look = new ListLook(files, monitor, through);
  look.keepThere(set);
  keepOutermost(set, keysElsewhere(options));
  const given = options.given.flatMap((root) => besideList(root, set, options));
  const fixed = [...given.map(({ path }) => keyOf(path)), ...look.closed];
  // What lies in a listed folder stands in nobody's way.
  const barriers = keysOf(fixed.filter((key) => !isInAny(key, set)));
  const all = { from: 0, to: set.count };
  if (set.count === 0) return { given, found: [], inside: [] };
  const statesAs = statesNameOf(set.keyAt(0).subarray(0, set.sharedBytes(all)));
  const found: Root[] = [];
  for (const root of gathered(set, all, barriers)) {
    if (found.length >= ROOT_COUNT_MAX) throw tooMany();
    found.push({ ...root, statesAs });
  }
  return { given, found, inside: apart.filter((path) => isInAny(keyOf(path), set)) };
}

// What is left to others: what was given, and what is never taken.
function keysElsewhere({ given, apart }: ListOptions): Keys {
  return keysOf([...given.map(realRootPath), ...apart].map(keyOf), true);
}

function keepOutermost(set: PathSet, elsewhere: Keys): void {
  let last: Bytes | undefined;
  set.filter((key) => {
    if (last !== undefined && isIn(key, last)) return false;
    last = key;
    return !isInAny(key, elsewhere);
  });
}

// In a snapshot, what is listed stands over a source whose name leads through it: by a link that is
// listed itself, say. Such a source is named by where it is, and may lie in a listed folder.
function besideList(root: Root, set: PathSet, { withoutNested }: ListOptions): Root[] {
  if (!isInAny(keyOf(root.path), set)) return [root];
  const real = realRootPath(root);
  const seen = { ...root, given: real, path: real };
  const around = findHolder(keyOf(real), set);
  if (around === undefined) return [seen];
  const path = pathOfKey(around);
  return withoutNested([{ given: path, path }, seen]).slice(1);
}

// One root for as much as can be: a folder in which a source of its own lies, or one that can't be
// opened on the way, holds several.
function* gathered(set: PathSet, range: PathRange, barriers: Keys): Generator<Root> {
  const path = pathOfKey(set.keyAt(range.from));
  if (range.to - range.from === 1) {
    yield { given: path, path, ...(isLink(path) ? { isKept: true } : {}) };
    return;
  }
  const at = set.sharedBytes(range);
  const folder = set.keyAt(range.from).subarray(0, at);
  if (!holdsAny(folder, barriers)) {
    const shared = pathOfKey(folder);
    yield { given: shared, path: shared, listed: new ListedFolder(set, range, at) };
    return;
  }
  for (let { from } = range; from < range.to;) {
    const to = set.groupEnd({ from, to: range.to }, at);
    yield* gathered(set, { from, to }, barriers);
    from = to;
  }
}

function isLink(path: Bytes): boolean {
  const at = Buffer.from(path.buffer, path.byteOffset, path.byteLength);
  return lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function tooMany(): BunkerError {
  const message = `a list beside a source in the same folder has more than ${ROOT_COUNT_MAX} parts`;
  return new BunkerError("invalid-argument", message, {
    hint: "back the source and the list up in two snapshots, or put the source on the list",
  });
}

// Lists change from one time to the next: what they are about is the folder that holds all of it.
function statesNameOf(folder: Bytes): Bytes {
  return concatBytes(LIST, pathOfKey(folder).subarray(1));
}

/** Each root once, which is told. */
export function withoutTwins(roots: readonly Root[], monitor: Monitor): Root[] {
  const keys = roots.map(({ path }) => keyOf(path));
  return roots.filter(({ path }, i) => {
    if (keys.findIndex((key) => compareBytes(key, keys[i]!) === 0) === i) return true;
    monitor.notice(`${textOf(path)}: is named twice, and saved once`);
    return false;
  });
}
