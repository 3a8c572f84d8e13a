// Listed: the sources that a list of paths names, which may be many and may overlap.
//
// They go in the order of a walk, and those that lie in another one are left to it: a list made by
// `find` names each folder and all that is in it.

import { type Bytes, compareBytes, concatBytes, textOf, utf8 } from "../base/bytes.ts";
import { BunkerError, fromSystemError } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import { joinPath, splitPath } from "../system/paths.ts";
import { type Root, rootOf } from "./roots.ts";

export interface ListOptions {
  /** Sources beside the list. */
  readonly given: readonly Root[];
  /** Throws where a root can't be opened. */
  readonly check: (root: Root) => void;
  readonly monitor: Monitor;
}

const LIST = utf8("list\0");
const SEPARATOR = 0;

/** The roots of a list. What can't be opened is a problem, and left out. */
export function listedRoots(paths: readonly Bytes[], options: ListOptions): Root[] {
  const { given, check, monitor } = options;
  const covered = given.map(({ path }) => orderOf(path));
  const found: { readonly root: Root; readonly order: Bytes }[] = [];
  for (const path of paths) {
    try {
      const root = rootOf(path, process.cwd());
      check(root);
      found.push({ root, order: orderOf(root.path) });
    } catch (error) {
      const subject = textOf(path);
      monitor.problem(subject, fromSystemError(error, "opening what is listed", subject));
    }
  }
  found.sort((a, b) => compareBytes(a.order, b.order));
  const kept: typeof found = [];
  for (const one of found) {
    const last = kept.at(-1);
    if (last !== undefined && isIn(one.order, last.order)) continue;
    if (!covered.some((order) => isIn(one.order, order))) kept.push(one);
  }
  if (kept.length > LISTED_COUNT_MAX) {
    const message = `${kept.length} sources are listed, expected at most ${LISTED_COUNT_MAX}`;
    throw new BunkerError("invalid-argument", message, {
      hint: "list folders in place of the files in them, and leave files out by patterns",
    });
  }
  const statesAs = statesNameOf(kept.map(({ root }) => root));
  return kept.map(({ root }) => ({ ...root, statesAs }));
}

/** Each root once, which is told. One that lies in another stays: there it may be left out. */
export function withoutTwins(roots: readonly Root[], monitor: Monitor): Root[] {
  const orders = roots.map(({ path }) => orderOf(path));
  return roots.filter(({ path }, i) => {
    if (orders.findIndex((order) => compareBytes(order, orders[i]!) === 0) === i) return true;
    monitor.notice(`${textOf(path)}: is named twice, and saved once`);
    return false;
  });
}

/** So many single sources a snapshot can take: each of them is kept in mind. */
const LISTED_COUNT_MAX = 20_000;

// A path's names, each with a NUL behind it: compared as bytes, that is the order of a walk.
function orderOf(path: Bytes): Bytes {
  return concatBytes(...splitPath(path).flatMap((name) => [name, Uint8Array.of(SEPARATOR)]));
}

function isIn(order: Bytes, upper: Bytes): boolean {
  return compareBytes(order.subarray(0, upper.length), upper) === 0;
}

// Lists change from one time to the next: what they are about is the folder that holds all of it.
function statesNameOf(roots: readonly Root[]): Bytes {
  const [first = [], ...others] = roots.map(({ path }) => splitPath(path).slice(0, -1));
  let shared = first.length;
  for (const names of others) {
    let same = 0;
    while (same < shared && same < names.length && isSame(first[same]!, names[same]!)) same++;
    shared = same;
  }
  return concatBytes(LIST, joinPath(first.slice(0, shared)));
}

function isSame(a: Bytes, b: Bytes): boolean {
  return compareBytes(a, b) === 0;
}
