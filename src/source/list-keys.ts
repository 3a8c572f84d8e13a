// List keys: the paths of a list as a set of keys, each as the list names it.
//
// Relative paths begin at the working folder. A path that ends in a slash, "." or ".." names a
// folder, also behind a link; any other may name a link itself. Links in the middle of paths are
// not looked at here.

import { type Bytes, copyBytes, equalBytes, textOf, utf8 } from "../base/bytes.ts";
import type { Monitor } from "../base/monitor.ts";
import { bytesOfPath } from "../system/paths.ts";
import { keyOf, PathSet } from "./path-set.ts";
import { realPathOf, rootOf } from "./roots.ts";

const SLASH = 0x2f;
const DOT = 0x2e;
const TOP: Bytes = new Uint8Array(0);

/** What is told of all that a list names, once. */
export interface Tally {
  count: number;
  first: string;
}

/** Reads the paths twice. Those that are none are problems, `through` counts folders behind links. */
export function listKeys(paths: Iterable<Bytes>, monitor: Monitor, through: Tally): PathSet {
  const reader = new KeyReader(process.cwd(), through);
  let keyCount = 0;
  let keyBytes = 0;
  for (const path of paths) {
    keyCount += 1;
    keyBytes += path.length + 1 + (path[0] === SLASH ? 0 : reader.folder.length);
  }
  const set = new PathSet(keyCount, keyBytes);
  for (const path of paths) {
    try {
      reader.add(set, bytesOfPath(path));
    } catch (error) {
      monitor.problem(textOf(path), error);
    }
  }
  set.sort();
  return set;
}

class KeyReader {
  readonly folder: Bytes;
  readonly #from: string;
  readonly #through: Tally;
  /** The last part of a path that ended in "..", and what it stands for: most have the same. */
  #head = TOP;
  #headKey = TOP;

  constructor(from: string, through: Tally) {
    this.#from = from;
    this.#through = through;
    this.folder = keyOf(utf8(from));
  }

  add(set: PathSet, path: Bytes): void {
    if (namesFolder(path)) {
      set.add(TOP, this.#folderOf(path));
      return;
    }
    const head = headBytes(path);
    if (head > 0) set.add(this.#keyOfHead(path.subarray(0, head)), path.subarray(head));
    else set.add(path[0] === SLASH ? TOP : this.folder, path);
  }

  #folderOf(path: Bytes): Bytes {
    const named = rootOf(path, this.#from).path;
    const real = realPathOf(path);
    if (real === undefined || equalBytes(real, named)) return named;
    tallied(this.#through, () => textOf(named));
    return real;
  }

  #keyOfHead(head: Bytes): Bytes {
    if (equalBytes(head, this.#head)) return this.#headKey;
    this.#head = copyBytes(head);
    this.#headKey = keyOf(rootOf(head, this.#from).path);
    return this.#headKey;
  }
}

function namesFolder(path: Bytes): boolean {
  let at = path.length;
  while (at > 0 && path.length - at < 2 && path[at - 1] === DOT) at--;
  return at === 0 || path[at - 1] === SLASH;
}

// How many bytes go up to the last ".." of a path.
function headBytes(path: Bytes): number {
  for (let at = path.length - 2; at >= 0; at--) {
    if (path[at] !== DOT || path[at + 1] !== DOT) continue;
    const isWhole = path[at + 2] === undefined || path[at + 2] === SLASH;
    if (isWhole && (at === 0 || path[at - 1] === SLASH)) return at + 2;
  }
  return 0;
}

/** One more of its kind. */
export function tallied(tally: Tally, text: () => string): void {
  if (tally.count === 0) tally.first = text();
  tally.count += 1;
}

/** The first of a tally and how many more there are. */
export function tallyText({ first, count }: Tally): string {
  return count > 1 ? `${first}, and ${count - 1} more` : first;
}
