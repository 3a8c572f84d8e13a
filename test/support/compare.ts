// Compare: is one folder the exact copy of another? Shares no code with the program.
//
// Looks at every byte and at type, mode, owner, modification time to the nanosecond, link targets
// and which names are one file. Names are raw bytes. Changes nothing, not even the access times of files.

import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from "node:fs";

const BLOCK_BYTES = 1024 * 1024;
const SLASH = Buffer.from("/");

export interface Found {
  /** Path from the root, raw; empty for the root itself. */
  readonly path: Buffer;
  readonly stats: BigIntStats;
  /** Of several names of one file: the first one met. */
  readonly firstName: string;
}

export interface Comparison {
  readonly differences: readonly string[];
  readonly fileCount: number;
  readonly folderCount: number;
  readonly otherCount: number;
  /** Bytes compared. */
  readonly bytes: number;
}

export interface WalkOptions {
  /** Names directly under the root that are left out. */
  readonly leftOut?: readonly string[];
}

/** All entries under the folder, the root first, each folder in the order of its names' bytes. */
export function walk(root: string, { leftOut = [] }: WalkOptions = {}): Found[] {
  const found: Found[] = [];
  const firstNames = new Map<string, string>();
  const visit = (path: Buffer): void => {
    const full = fullPath(root, path);
    const stats = lstatSync(full, { bigint: true });
    const name = path.toString("latin1");
    const key = `${stats.dev}:${stats.ino}`;
    const firstName = stats.isDirectory() ? name : (firstNames.get(key) ?? name);
    firstNames.set(key, firstName);
    found.push({ path, stats, firstName });
    if (!stats.isDirectory()) return;
    const names = readdirSync(full, { encoding: "buffer" }).sort((a, b) => a.compare(b));
    for (const child of names) {
      if (path.length === 0 && leftOut.includes(child.toString())) continue;
      visit(path.length === 0 ? child : Buffer.concat([path, SLASH, child]));
    }
  };
  visit(Buffer.alloc(0));
  return found;
}

/** Bytes of the files' contents, each file once. */
export function contentBytes(found: readonly Found[]): number {
  return found
    .filter(({ path, stats, firstName }) => stats.isFile() && firstName === path.toString("latin1"))
    .reduce((sum, { stats }) => sum + Number(stats.size), 0);
}

/** Compares the copy with the original as it is now; the options are the original's. */
export function compareFolders(
  original: string,
  copy: string,
  options: WalkOptions = {},
): Comparison {
  const expected = walk(original, options);
  const copied = new Map(walk(copy).map((found) => [found.path.toString("latin1"), found]));
  const differences: string[] = [];
  for (const entry of expected) {
    const name = entry.path.toString("latin1");
    const twin = copied.get(name);
    copied.delete(name);
    const problems =
      twin === undefined
        ? ["is missing in the copy"]
        : [...differencesOf(entry, twin), ...contentDifferences({ original, copy }, entry, twin)];
    for (const problem of problems) differences.push(`${display(entry.path)} ${problem}`);
  }
  for (const extra of copied.values()) {
    differences.push(`${display(extra.path)} is in the copy only`);
  }
  const fileCount = expected.filter(({ stats }) => stats.isFile()).length;
  const folderCount = expected.filter(({ stats }) => stats.isDirectory()).length;
  const otherCount = expected.length - fileCount - folderCount;
  return { differences, fileCount, folderCount, otherCount, bytes: contentBytes(expected) };
}

interface Roots {
  readonly original: string;
  readonly copy: string;
}

function contentDifferences(roots: Roots, entry: Found, twin: Found): string[] {
  if (entry.stats.isFile() && twin.stats.isFile()) {
    const paths = {
      original: fullPath(roots.original, entry.path),
      copy: fullPath(roots.copy, twin.path),
    };
    return sameContent(paths) ? [] : ["differs in its content"];
  }
  if (entry.stats.isSymbolicLink() && twin.stats.isSymbolicLink()) {
    const same = targetOf(roots.original, entry).equals(targetOf(roots.copy, twin));
    return same ? [] : ["points elsewhere"];
  }
  return [];
}

function differencesOf(entry: Found, twin: Found): string[] {
  const { stats } = entry;
  const facts: [string, bigint | string, bigint | string][] = [
    ["type and mode", stats.mode.toString(8), twin.stats.mode.toString(8)],
    ["modification time", stats.mtimeNs, twin.stats.mtimeNs],
  ];
  if (mayOwn(stats)) facts.push(["owner", ownerOf(stats), ownerOf(twin.stats)]);
  if (stats.isFile()) facts.push(["size", stats.size, twin.stats.size]);
  if (!stats.isDirectory()) facts.push(["first name", entry.firstName, twin.firstName]);
  if (stats.isCharacterDevice() || stats.isBlockDevice()) {
    facts.push(["device", stats.rdev, twin.stats.rdev]);
  }
  return facts
    .filter(([, expected, actual]) => expected !== actual)
    .map(([fact, expected, actual]) => `differs in ${fact}: expected ${expected}, found ${actual}`);
}

// Only root can give files away.
function mayOwn({ uid, gid }: BigIntStats): boolean {
  const self = process.geteuid?.();
  if (self === undefined || self === 0) return true;
  return uid === BigInt(self) && (process.getgroups?.() ?? []).includes(Number(gid));
}

function ownerOf({ uid, gid }: BigIntStats): string {
  return `${uid}:${gid}`;
}

function targetOf(root: string, { path }: Found): Buffer {
  return readlinkSync(fullPath(root, path), { encoding: "buffer" });
}

function sameContent(paths: { readonly original: Buffer; readonly copy: Buffer }): boolean {
  const original = openQuietly(paths.original);
  try {
    const copy = openQuietly(paths.copy);
    try {
      return sameBytes(original, copy);
    } finally {
      closeSync(copy);
    }
  } finally {
    closeSync(original);
  }
}

function sameBytes(original: number, copy: number): boolean {
  const [expected, actual] = [Buffer.alloc(BLOCK_BYTES), Buffer.alloc(BLOCK_BYTES)];
  for (;;) {
    const count = readBlock(original, expected);
    if (readBlock(copy, actual) !== count) return false;
    if (!expected.subarray(0, count).equals(actual.subarray(0, count))) return false;
    if (count < BLOCK_BYTES) return true;
  }
}

// Fills the block unless the file ends.
function readBlock(file: number, block: Buffer): number {
  let filled = 0;
  while (filled < block.length) {
    const count = readSync(file, block, filled, block.length - filled, null);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

// O_NOATIME is for owners only, and unknown outside Linux.
function openQuietly(path: Buffer): number {
  const quiet = (constants as { O_NOATIME?: number }).O_NOATIME ?? 0;
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | quiet);
  } catch {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  }
}

function fullPath(root: string, path: Buffer): Buffer {
  return path.length === 0 ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), path]);
}

function display(path: Buffer): string {
  return path.length === 0 ? "the folder itself" : JSON.stringify(path.toString());
}
