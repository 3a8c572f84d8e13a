// Check of trees: every folder and file of a snapshot, and whether each chunk is somewhere.
//
// What several snapshots hold is looked at once; a tree that is not whole is looked at wherever it is,
// so that each path is named, and is counted once all the same. Which trees are whole, and what was counted, is kept
// in sets of at most 50 MiB each; beyond their bounds things are looked at, and counted, again.

import { type Bytes, concatBytes, textOf, utf8 } from "../base/bytes.ts";
import { isDamage, messageOf } from "../base/errors.ts";
import { IdSet } from "../base/id-set.ts";
import { ID_BYTES } from "../base/ids.ts";
import type { BlobReader } from "../store/blobs.ts";
import type { Catalog } from "../store/catalog.ts";
import { childrenOf, isFolder, nameOfNode, type Node } from "../store/paths.ts";
import type { Store } from "../store/store.ts";
import { readContent, treeOf } from "../store/trees.ts";

export interface TreeCheckParts {
  readonly store: Store;
  readonly reader: BlobReader;
  readonly catalog: Catalog;
  readonly breathe: () => Promise<void> | undefined;
}

/** So many trees are remembered as whole, and by half an id: 48 MiB. */
const WHOLE_TREE_COUNT_MAX = 2 ** 21;
/** By a quarter of an id, which a key of this run makes: nobody else can find two that are equal. */
const COUNTED_COUNT_MAX = 3 * 2 ** 20;
/** More blobs than these are bad: then each is read. A wrong suspicion costs a reading, no more. */
const BAD_BLOB_COUNT_MAX = 3 * 2 ** 20;

const SLASH = utf8("/");
const SEPARATOR = new Uint8Array(1);
/** No id has this length: what is counted as damaged is not what is counted. */
const DAMAGED = utf8("damaged");

export class TreeCheck {
  readonly counts = { files: 0, folders: 0, damagedFiles: 0 };
  readonly #parts: TreeCheckParts;
  /** Random: the key of this run's fingerprints. */
  readonly #key: Bytes;
  readonly #wholeTrees = new IdSet({ idBytes: ID_BYTES / 2, countMax: WHOLE_TREE_COUNT_MAX });
  readonly #counted = new IdSet({ idBytes: ID_BYTES / 4, countMax: COUNTED_COUNT_MAX });
  readonly #badBlobs = new IdSet({ idBytes: ID_BYTES / 4, countMax: BAD_BLOB_COUNT_MAX });
  /** Bytes at the beginning of each path that say which snapshot it is in. */
  #labelBytes = 0;

  constructor(parts: TreeCheckParts) {
    this.#parts = parts;
    this.#key = parts.store.platform.random(ID_BYTES);
  }

  /** Notes blobs that did not open where they were read. */
  noteBad(ids: Iterable<Bytes>): void {
    for (const id of ids) this.#badBlobs.add(id);
  }

  /** Looks at all below a snapshot's top; paths in findings begin with `label`. */
  async checkTop(top: Node, label: Bytes): Promise<void> {
    this.#labelBytes = label.length;
    await this.#checkNode(top, label);
  }

  // Returns whether all below is whole. What is in a tree that was counted is counted already.
  async #checkNode(node: Node, path: Bytes, isCounted = false): Promise<boolean> {
    await this.#parts.breathe();
    if (!isFolder(node)) return this.#checkFile(node, path, isCounted);
    const trees = treesOf(node);
    if (trees.some((tree) => this.#wholeTrees.has(tree))) return true;
    const isKnown = isCounted || trees.some((tree) => !this.#isNewTree(tree));
    if (!isKnown && this.#isNew(path, trees)) this.counts.folders += 1;
    try {
      const whole = await this.#checkChildren(node, path, isKnown);
      if (whole) for (const tree of trees) this.#wholeTrees.add(tree);
      return whole;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#damaged(path, trees, `this folder can't be read: ${messageOf(error)}`);
      return false;
    }
  }

  async #checkChildren(node: Node, path: Bytes, isCounted: boolean): Promise<boolean> {
    let whole = true;
    for await (const child of childrenOf(this.#parts.reader, node)) {
      const childPath = concatBytes(path, SLASH, nameOfNode(child));
      if (!(await this.#checkNode(child, childPath, isCounted))) whole = false;
    }
    return whole;
  }

  async #checkFile(node: Node, path: Bytes, isCounted: boolean): Promise<boolean> {
    if (node.kind !== "entry") return true;
    const { entry } = node;
    if (entry.type !== "file" && entry.type !== "object") return true;
    const content = entry.contentLists ?? entry.content;
    if (!isCounted && this.#isNew(path, content)) this.counts.files += 1;
    try {
      for (const id of await readContent(this.#parts.reader, entry)) {
        const lost = await this.#lostBlob(id);
        if (lost === undefined) continue;
        this.#damaged(path, content, lost);
        return false;
      }
      return true;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#damaged(path, content, messageOf(error));
      return false;
    }
  }

  // What is wrong with a chunk, if no good copy of it is there.
  async #lostBlob(id: Bytes): Promise<string | undefined> {
    const { catalog, reader } = this.#parts;
    const isSuspect = this.#badBlobs.isFull || this.#badBlobs.has(id);
    if (!isSuspect && catalog.findUsable(id, 0, { anyTrust: true }) >= 0) return undefined;
    const places = await reader.places(id);
    if (places.length === 0) return "a chunk of it is in no pack of the store";
    try {
      await reader.read("data", id);
      return undefined;
    } catch (error) {
      if (!isDamage(error)) throw error;
      return messageOf(error);
    }
  }

  // Whether this is the first time that a path, whatever the snapshot, has this content.
  #isNew(path: Bytes, content: readonly Bytes[]): boolean {
    const below = path.subarray(this.#labelBytes);
    const facts = concatBytes(below, SEPARATOR, ...content);
    return this.#counted.add(this.#parts.store.core.keyedBlake3(this.#key, facts));
  }

  #isNewTree(tree: Bytes): boolean {
    return this.#counted.add(this.#parts.store.core.keyedBlake3(this.#key, tree));
  }

  #damaged(path: Bytes, content: readonly Bytes[], message: string): void {
    if (this.#isNew(path, [DAMAGED, ...content])) this.counts.damagedFiles += 1;
    this.#parts.store.findings.add(textOf(path), message);
  }
}

/** The tree of a folder; none of one that only leads to a source. */
function treesOf(node: Node): readonly Bytes[] {
  const tree = node.kind === "entry" ? treeOf(node.entry) : undefined;
  return tree === undefined ? [] : [tree];
}
