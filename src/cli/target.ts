// Target: a restore keeps out of the store that it reads from.
//
// What counts is where both really are: links on the way are seen through, and so is the way to a
// target that is still to be made.

import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";

import { type Bytes, equalBytes, hexOf, utf8 } from "../base/bytes.ts";
import { BunkerError, isDamage } from "../base/errors.ts";
import type { BlobReader } from "../store/blobs.ts";
import { descend, isFolder, nameOfNode, type Node, splitPath } from "../store/paths.ts";
import { isIn, withSlash } from "./own-folders.ts";

const HINT = "restore into a folder of its own";

/**
 * The way from the target down to the store; `undefined` where the store lies elsewhere. Throws
 * `invalid-argument` where the target is the store, or lies in it.
 */
export function wayToStore(target: string, store: string): readonly Bytes[] | undefined {
  const [from, to] = [realPathOf(target), realPathOf(store)];
  if (isIn(from, to)) {
    const message = `${target}: expected a target outside the store`;
    throw new BunkerError("invalid-argument", message, { subject: target, hint: HINT });
  }
  return isIn(to, from) ? splitPath(utf8(to.slice(withSlash(from).length))) : undefined;
}

/**
 * Throws `invalid-argument` where a folder would be restored over the store at the end of that way.
 * One node alone becomes the target itself; several get their names in it.
 */
export async function refuseStoreInside(
  reader: BlobReader,
  nodes: readonly Node[],
  way: readonly Bytes[],
): Promise<void> {
  for (const node of nodes) {
    const isNamed = nodes.length > 1;
    if (isNamed && (way[0] === undefined || !equalBytes(way[0], nameOfNode(node)))) continue;
    if (!(await holdsFolderAt(reader, node, isNamed ? way.slice(1) : way))) continue;
    const message = "the snapshot has a folder where the store is: expected a target outside of it";
    throw new BunkerError("invalid-argument", message, { hint: HINT });
  }
}

/** Throws `invalid-argument` where two of several nodes would get the same name. */
export function refuseSameNames(nodes: readonly Node[]): void {
  const names = new Set(nodes.map((node) => hexOf(nameOfNode(node))));
  if (names.size === nodes.length) return;
  throw new BunkerError(
    "invalid-argument",
    "two of the paths have the same name: one has no place",
    {
      hint: "restore them one after the other, each to a place of its own",
    },
  );
}

// Only a folder leads further down; nothing else takes a folder's place at a restore.
async function holdsFolderAt(
  reader: BlobReader,
  node: Node,
  way: readonly Bytes[],
): Promise<boolean> {
  try {
    const found = await descend(reader, node, way);
    return found !== undefined && isFolder(found);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false; // A folder that can't be read gives nothing to restore.
  }
}

// Asked of the system as far as there is something: "link/.." is where the link's target is. The
// runtime's own way, without "native", takes ".." out of the text first.
function realPathOf(path: string): string {
  const missing: string[] = [];
  for (let at = isAbsolute(path) ? path : `${process.cwd()}/${path}`; ;) {
    try {
      return join(realpathSync.native(at), ...missing);
    } catch {
      if (dirname(at) === at) return join(at, ...missing);
      missing.unshift(basename(at));
      at = dirname(at);
    }
  }
}
