// Paths: the inside of a snapshot as one tree, and names in it.
//
// A snapshot of one folder is that folder. One of several roots, or of a single file, is a tree of
// folders that lead to the roots by their absolute paths; those above the roots are only names.

import { type Bytes, compareBytes, equalBytes, hexOf, textOf } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import { pathShownAs } from "../base/shown-path.ts";
import type { Snapshot } from "../format/snapshot.ts";
import type { BlobReader } from "./blobs.ts";
import { findEntry, readFolder, treeOf } from "./trees.ts";

/** A folder that stands only for the way to a root, or an entry of the snapshot. */
export type Node =
  | { readonly kind: "way"; readonly name: Bytes; readonly children: ReadonlyMap<string, Node> }
  | { readonly kind: "entry"; readonly entry: Entry };

const SLASH = 0x2f;

/** The top of a snapshot. */
export function topOf(snapshot: Snapshot): Node {
  const [only] = snapshot.roots;
  if (snapshot.roots.length === 1 && only?.entry.type === "folder") {
    return { kind: "entry", entry: only.entry };
  }
  const top = newWay(new Uint8Array(0));
  for (const { path, entry } of snapshot.roots) {
    const parts = snapshot.roots.length === 1 ? [] : splitPath(path).slice(0, -1);
    place(top, parts, entry);
  }
  return top;
}

interface Way {
  readonly kind: "way";
  readonly name: Bytes;
  readonly children: Map<string, Node>;
}

function newWay(name: Bytes): Way {
  return { kind: "way", name, children: new Map() };
}

function place(top: Way, parts: readonly Bytes[], entry: Entry): void {
  let at = top;
  for (const part of parts) {
    const key = hexOf(part);
    const below = at.children.get(key);
    if (below?.kind === "entry") return; // A root inside a root: it is there already.
    const next = (below as Way | undefined) ?? newWay(part);
    at.children.set(key, next);
    at = next;
  }
  at.children.set(hexOf(entry.name), { kind: "entry", entry });
}

export function nameOfNode(node: Node): Bytes {
  return node.kind === "way" ? node.name : node.entry.name;
}

export function isFolder(node: Node): boolean {
  return node.kind === "way" || node.entry.type === "folder";
}

/** What is in a folder, in the order of the names. */
export async function* childrenOf(reader: BlobReader, node: Node): AsyncGenerator<Node> {
  if (node.kind === "way") {
    const children = [...node.children.values()];
    children.sort((a, b) => compareBytes(nameOfNode(a), nameOfNode(b)));
    yield* children;
    return;
  }
  for await (const entry of readFolder(reader, treeOf(node.entry))) yield { kind: "entry", entry };
}

/**
 * The node of a path in a snapshot. An absolute path may also begin with the root's own path. The
 * path may be given as it is shown, or as it is. Throws `not-found`.
 */
export async function findNode(reader: BlobReader, snapshot: Snapshot, path: Bytes): Promise<Node> {
  const shown = pathShownAs(path);
  const found =
    (shown === undefined ? undefined : await nodeAt(reader, snapshot, shown)) ??
    (await nodeAt(reader, snapshot, path));
  if (found !== undefined) return found;
  throw new BunkerError("not-found", `${textOf(path)} is not in the snapshot`, {
    subject: textOf(path),
    hint: "look around with: bunker ls SNAPSHOT",
  });
}

async function nodeAt(
  reader: BlobReader,
  snapshot: Snapshot,
  path: Bytes,
): Promise<Node | undefined> {
  const parts = splitPath(path);
  const below = belowRoot(snapshot, parts, path);
  return (
    (below === undefined ? undefined : await descend(reader, topOf(snapshot), below)) ??
    (await descend(reader, topOf(snapshot), parts))
  );
}

/** The node below `top` that these names lead to, `undefined` if there is none. */
export async function descend(
  reader: BlobReader,
  top: Node,
  parts: readonly Bytes[],
): Promise<Node | undefined> {
  let node: Node | undefined = top;
  for (const part of parts) {
    if (node === undefined || !isFolder(node)) return undefined;
    node = await childOf(reader, node, part);
  }
  return node;
}

async function childOf(reader: BlobReader, node: Node, name: Bytes): Promise<Node | undefined> {
  if (node.kind === "way") return node.children.get(hexOf(name));
  const entry = await findEntry(reader, treeOf(node.entry), name);
  return entry === undefined ? undefined : { kind: "entry", entry };
}

/** The names of the absolute path that a snapshot's top goes by; none where it is the top itself. */
export function rootNamesOf(snapshot: Snapshot): readonly Bytes[] {
  const [root] = snapshot.roots;
  if (root === undefined || snapshot.roots.length > 1) return [];
  const names = splitPath(root.path);
  return root.entry.type === "folder" ? names : names.slice(0, -1);
}

// The rest of an absolute path below the one root of a snapshot.
function belowRoot(
  snapshot: Snapshot,
  parts: readonly Bytes[],
  path: Bytes,
): readonly Bytes[] | undefined {
  if (path[0] !== SLASH || snapshot.roots.length !== 1) return undefined;
  const rootParts = rootNamesOf(snapshot);
  const isBelow = rootParts.every(
    (part, i) => parts[i] !== undefined && equalBytes(part, parts[i]),
  );
  return isBelow ? parts.slice(rootParts.length) : undefined;
}

/** The components of a path; empty ones and "." are left out. */
export function splitPath(path: Bytes): Bytes[] {
  const parts: Bytes[] = [];
  let start = 0;
  for (let at = 0; at <= path.length; at++) {
    if (at < path.length && path[at] !== SLASH) continue;
    const part = path.subarray(start, at);
    if (part.length > 0 && !(part.length === 1 && part[0] === 0x2e)) parts.push(part);
    start = at + 1;
  }
  return parts;
}
