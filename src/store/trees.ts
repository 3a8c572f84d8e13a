// Trees: reading folders and contents of a snapshot.

import { type Bytes, compareBytes, equalBytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import type { BlobId } from "../base/ids.ts";
import { decodeTree, type TreeNode } from "../format/tree.ts";
import type { BlobReader } from "./blobs.ts";

/** Pages and lists may nest so deep (docs/format.md §8.1). */
const NESTING_MAX = 4;

/** The entries of a folder in the order of their names. Throws `corrupt` or `not-found`. */
export async function* readFolder(reader: BlobReader, tree: BlobId): AsyncGenerator<Entry> {
  let previous: Bytes | undefined;
  for await (const page of pagesOf(reader, tree, 0)) {
    for (const entry of page) {
      if (previous !== undefined && compareBytes(previous, entry.name) >= 0) {
        throw new BunkerError("corrupt", "a tree's names are not in order across its pages");
      }
      previous = entry.name;
      yield entry;
    }
  }
}

async function* pagesOf(
  reader: BlobReader,
  tree: BlobId,
  depth: number,
): AsyncGenerator<readonly Entry[]> {
  const node = await readNode(reader, tree, depth);
  if (node.kind === "entries") {
    yield node.entries;
  } else if (node.kind === "pages") {
    for (const page of node.pages) yield* pagesOf(reader, page.id, depth + 1);
  } else {
    throw new BunkerError("corrupt", "a content list stands where a tree should be");
  }
}

/** The ids of an entry's chunks, its content lists read. */
export async function readContent(reader: BlobReader, entry: Entry): Promise<readonly BlobId[]> {
  if (entry.contentLists === undefined) return entry.content;
  const ids: BlobId[] = [];
  for (const list of entry.contentLists) {
    for await (const page of idsOf(reader, list, 0)) for (const id of page) ids.push(id);
  }
  return ids;
}

async function* idsOf(
  reader: BlobReader,
  list: BlobId,
  depth: number,
): AsyncGenerator<readonly BlobId[]> {
  const node = await readNode(reader, list, depth);
  if (node.kind === "ids") {
    yield node.ids;
  } else if (node.kind === "lists") {
    for (const id of node.ids) yield* idsOf(reader, id, depth + 1);
  } else {
    throw new BunkerError("corrupt", "a tree stands where a content list should be");
  }
}

/** What stands in one tree blob: entries; pages and content lists; or chunks. */
export type TreePart =
  | { readonly kind: "entry"; readonly entry: Entry }
  | { readonly kind: "tree" | "chunk"; readonly id: BlobId };

/** The parts of one tree blob, whatever it is, in their order. Throws `corrupt` or `not-found`. */
export async function readParts(reader: BlobReader, id: BlobId): Promise<readonly TreePart[]> {
  const node = await readNode(reader, id, 0);
  if (node.kind === "entries") return node.entries.map((entry) => ({ kind: "entry", entry }));
  if (node.kind === "pages") return node.pages.map((page) => ({ kind: "tree", id: page.id }));
  return node.ids.map((part) => ({ kind: node.kind === "ids" ? "chunk" : "tree", id: part }));
}

async function readNode(reader: BlobReader, id: BlobId, depth: number): Promise<TreeNode> {
  if (depth > NESTING_MAX) throw new BunkerError("corrupt", "a tree is nested too deep");
  return decodeTree(await reader.read("tree", id));
}

/** The entry of one name in a folder, `undefined` if there is none. */
export async function findEntry(
  reader: BlobReader,
  tree: BlobId,
  name: Bytes,
): Promise<Entry | undefined> {
  let node = await readNode(reader, tree, 0);
  for (let depth = 1; node.kind === "pages"; depth++) {
    const page = node.pages.findLast((candidate) => compareBytes(candidate.firstName, name) <= 0);
    if (page === undefined) return undefined;
    node = await readNode(reader, page.id, depth);
  }
  if (node.kind !== "entries")
    throw new BunkerError("corrupt", "a content list stands where a tree should be");
  return node.entries.find((entry) => equalBytes(entry.name, name));
}

/** The id of a folder entry's tree. */
export function treeOf(entry: Entry): BlobId {
  const [id, more] = entry.content;
  if (entry.type !== "folder" || id === undefined || more !== undefined) {
    throw new BunkerError("corrupt", "a folder has exactly one tree");
  }
  return id;
}
