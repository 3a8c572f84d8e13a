// Cache: open folders of the destination, the least recently used closed first.
//
// In memory: a tree of the folders' names, each node with a descriptor while it is open. A folder is
// reached from the nearest open one above it, a component at a time and never through a link.

import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { BunkerError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import type { FolderPath } from "./destination.ts";
import { givesAttributes } from "./extended.ts";
import { checkName, textOfPath } from "./names.ts";

const OPEN_MAX = 128;

interface Node {
  readonly above: Node | undefined;
  readonly key: string;
  readonly below: Map<string, Node>;
  descriptor: Descriptor | undefined;
  /** Known once it was asked, as long as the folder is open. */
  gives?: boolean | undefined;
}

export class FolderCache {
  readonly #files: FileSystem;
  readonly #openMax: number;
  readonly #root: Node;
  /** The open nodes but the root, least recently used first. */
  readonly #open = new Set<Node>();

  /** `root` stays the caller's. `openMax` is for tests. */
  constructor(files: FileSystem, root: Descriptor, openMax = OPEN_MAX) {
    assert(openMax >= 2, "a folder and the one above are open at once");
    this.#files = files;
    this.#openMax = openMax;
    this.#root = { above: undefined, key: "", below: new Map(), descriptor: root };
  }

  /** Opens a folder; its descriptor is the cache's, and valid until the next call. */
  open(path: FolderPath): Descriptor {
    const nodes = this.#nodesOf(path);
    let depth = nodes.length - 1;
    while (nodes[depth]!.descriptor === undefined) depth--;
    this.#touch(nodes[depth]!);
    while (depth < path.length) {
      const node = nodes[depth + 1]!;
      node.descriptor = this.#openBelow(nodes[depth]!, path, depth);
      nodes[depth]!.below.set(node.key, node);
      this.#open.add(node);
      this.#evict();
      depth++;
    }
    return nodes[depth]!.descriptor!;
  }

  /** Whether what is made in a folder gets attributes from it. */
  givesAttributes(path: FolderPath): boolean {
    const descriptor = this.open(path);
    const node = this.#nodesOf(path).at(-1)!;
    return (node.gives ??= givesAttributes(this.#files.attributes.list(descriptor)));
  }

  /** Opens a folder for the caller, who closes it. */
  openOwn(path: FolderPath): Descriptor {
    return this.#files.openFolder(this.open(path), Uint8Array.of(0x2e));
  }

  /** Lets go of a folder that is to be removed, and of all below it. */
  forget(path: FolderPath): void {
    let node: Node | undefined = this.#root;
    for (const name of path) node = node?.below.get(keyOf(name));
    if (node !== undefined && node !== this.#root) this.#forgetNode(node);
  }

  close(): void {
    for (const node of this.#open) this.#closeNode(node);
  }

  #forgetNode(node: Node): void {
    for (const below of node.below.values()) this.#forgetNode(below);
    this.#closeNode(node);
  }

  // The nodes from the root to the folder; new ones are bound into the tree when they are opened.
  #nodesOf(path: FolderPath): Node[] {
    const nodes = [this.#root];
    for (const [i, name] of path.entries()) {
      const above = nodes[i]!;
      const key = keyOf(name);
      const known = above.below.get(key);
      nodes.push(known ?? { above, key, below: new Map(), descriptor: undefined });
    }
    return nodes;
  }

  #openBelow(above: Node, path: FolderPath, depth: number): Descriptor {
    const name = path[depth]!;
    checkName(name);
    try {
      return this.#files.openFolder(above.descriptor, name);
    } catch (error) {
      const code = systemCodeOf(error);
      if (code !== "ELOOP" && code !== "ENOTDIR") throw error;
      const subject = textOfPath(path.slice(0, depth + 1));
      const message = "expected a folder, found a link or a file in its place";
      throw new BunkerError("exists", message, { cause: error, subject });
    }
  }

  #touch(node: Node): void {
    if (this.#open.delete(node)) this.#open.add(node);
  }

  #evict(): void {
    for (const node of this.#open) {
      if (this.#open.size <= this.#openMax) return;
      this.#closeNode(node);
    }
  }

  #closeNode(node: Node): void {
    this.#open.delete(node);
    if (node.descriptor !== undefined) this.#files.close(node.descriptor);
    node.descriptor = undefined;
    node.gives = undefined;
    // Closed nodes are kept only as the way to open ones.
    for (let at = node; at.below.size === 0 && at.descriptor === undefined; at = at.above) {
      if (at.above === undefined) return;
      at.above.below.delete(at.key);
    }
  }
}

function keyOf(name: Bytes): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString("latin1");
}
