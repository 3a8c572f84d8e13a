// Diff: what has changed from one tree to another, in the order of the paths.
//
// Both are gone through side by side, name by name; folders with the same tree are not entered. So
// no more is held than the folders on the way from the top.

import { type Bytes, compareBytes, equalBytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { isDamage } from "../base/errors.ts";
import { isFolder, nameOfNode, type Node } from "../store/paths.ts";
import { treeOf } from "../store/trees.ts";
import { type Branch, pathBelow } from "./branch.ts";
import { differingFields, type Field } from "./diff-fields.ts";

export type ChangeKind = "added" | "removed" | "content" | "metadata" | "type";

export interface Change {
  readonly kind: ChangeKind;
  /** Below what was compared; empty is the top. */
  readonly path: Bytes;
  /** Absent of what was added. */
  readonly before?: Node;
  /** Absent of what was removed. */
  readonly after?: Node;
  /** Metadata that differs. */
  readonly fields: readonly Field[];
}

export interface DiffOptions {
  /** Whether two that are no folders, and of one type, have the same content. */
  readonly sameContent: (before: Entry, after: EntryBranch) => boolean | Promise<boolean>;
  readonly ignored: ReadonlySet<Field>;
  /** Whether what is missing on the second side is really not there. */
  readonly isRemoved?: (path: Bytes) => boolean;
  /** Told of a folder that can't be read. */
  readonly onDamage: (path: Bytes, error: unknown) => void;
  readonly breathe: () => Promise<void> | undefined;
}

const NO_CHANGES: readonly Change[] = [];

type EntryNode = Node & { readonly kind: "entry" };

export interface EntryBranch extends Branch {
  readonly node: EntryNode;
}

/** All changes from `before` to `after`, whose own names don't count. */
export async function* diff(
  before: Branch,
  after: Branch,
  options: DiffOptions,
): AsyncGenerator<Change> {
  yield* new Diff(options).pair(before, after, new Uint8Array(0));
}

class Diff {
  readonly #options: DiffOptions;

  constructor(options: DiffOptions) {
    this.#options = options;
  }

  async *pair(before: Branch, after: Branch, path: Bytes): AsyncGenerator<Change> {
    if (isFolder(before.node) && isFolder(after.node)) {
      await this.#options.breathe();
      const change = this.#metadata(before.node, after.node, path);
      if (change !== undefined) yield change;
      if (!hasSameTree(before.node, after.node)) yield* this.#folder(before, after, path);
      return;
    }
    if (!areAlikeLeaves(before, after)) {
      yield { kind: "type", path, before: before.node, after: after.node, fields: [] };
      yield* this.#all("removed", before, path);
      yield* this.#all("added", after, path);
      return;
    }
    yield* listOf(await this.#leaf(before, after, path));
  }

  // Two that are no folders and of one type: most of what there is, so that a promise is made only
  // where there is something to be waited for.
  #leaf(
    before: Branch,
    after: Branch,
    path: Bytes,
  ): Change | undefined | Promise<Change | undefined> {
    if (before.node.kind !== "entry" || !isEntryBranch(after)) return undefined;
    const same = this.#options.sameContent(before.node.entry, after);
    if (same === true) return this.#metadata(before.node, after.node, path);
    return same === false
      ? this.#content(before.node, after.node, path)
      : this.#awaited(same, { before: before.node, after: after.node, path });
  }

  async #awaited(
    same: Promise<boolean>,
    { before, after, path }: { before: EntryNode; after: EntryNode; path: Bytes },
  ): Promise<Change | undefined> {
    return (await same) ? this.#metadata(before, after, path) : this.#content(before, after, path);
  }

  #content(before: EntryNode, after: EntryNode, path: Bytes): Change {
    const fields = differingFields(before.entry, after.entry, this.#options.ignored);
    return { kind: "content", path, before, after, fields };
  }

  #metadata(before: Node, after: Node, path: Bytes): Change | undefined {
    // A folder that only leads to a root has no metadata.
    if (before.kind !== "entry" || after.kind !== "entry") return undefined;
    const fields = differingFields(before.entry, after.entry, this.#options.ignored);
    return fields.length > 0 ? { kind: "metadata", path, before, after, fields } : undefined;
  }

  // The names of both sides, as two sorted lists are merged.
  async *#folder(before: Branch, after: Branch, path: Bytes): AsyncGenerator<Change> {
    const old = new Cursor(before.children());
    const fresh = new Cursor(after.children());
    try {
      let [a, b] = [await old.next(), await fresh.next()];
      while (a !== undefined || b !== undefined) {
        const order = compareNames(a, b);
        if (order < 0) yield* this.#one("removed", a!, path);
        else if (order > 0) yield* this.#one("added", b!, path);
        else if (!areAlikeLeaves(a!, b!)) yield* this.pair(a!, b!, pathBelow(path, a!));
        else yield* listOf(await this.#leaf(a!, b!, pathBelow(path, a!)));
        if (order <= 0) a = await old.next();
        if (order >= 0) b = await fresh.next();
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#options.onDamage(path, error);
    } finally {
      await old.close();
      await fresh.close();
    }
  }

  async *#one(kind: "added" | "removed", branch: Branch, folder: Bytes): AsyncGenerator<Change> {
    const path = pathBelow(folder, branch);
    if (kind === "removed" && this.#options.isRemoved?.(path) === false) return;
    yield {
      kind,
      path,
      ...(kind === "added" ? { after: branch.node } : { before: branch.node }),
      fields: [],
    };
    yield* this.#all(kind, branch, path);
  }

  // What is in a folder of which the other side has nothing.
  async *#all(kind: "added" | "removed", branch: Branch, path: Bytes): AsyncGenerator<Change> {
    await this.#options.breathe();
    try {
      for await (const child of branch.children()) yield* this.#one(kind, child, path);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#options.onDamage(path, error);
    }
  }
}

// One child after another of a folder.
class Cursor {
  readonly #iterator: AsyncIterator<Branch>;

  constructor(children: AsyncIterable<Branch>) {
    this.#iterator = children[Symbol.asyncIterator]();
  }

  async next(): Promise<Branch | undefined> {
    const result = await this.#iterator.next();
    return result.done === true ? undefined : result.value;
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

function compareNames(a: Branch | undefined, b: Branch | undefined): number {
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return compareBytes(nameOfNode(a.node), nameOfNode(b.node));
}

function listOf(change: Change | undefined): readonly Change[] {
  return change === undefined ? NO_CHANGES : [change];
}

// No folders, and of one type.
function areAlikeLeaves(a: Branch, b: Branch): boolean {
  return !isFolder(a.node) && typeOf(a.node) === typeOf(b.node);
}

function hasSameTree(a: Node, b: Node): boolean {
  if (a.kind !== "entry" || b.kind !== "entry") return false;
  // A folder that is walked just now has no tree.
  if (a.entry.content.length === 0 || b.entry.content.length === 0) return false;
  return equalBytes(treeOf(a.entry), treeOf(b.entry));
}

function isEntryBranch(branch: Branch): branch is EntryBranch {
  return branch.node.kind === "entry";
}

function typeOf(node: Node): string {
  return node.kind === "way" ? "folder" : node.entry.type;
}
