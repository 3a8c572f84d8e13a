// Branch: a node of a tree that can be compared with another one's, wherever it comes from.

import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts";
import type { BlobReader } from "../store/blobs.ts";
import { childrenOf, isFolder, nameOfNode, type Node } from "../store/paths.ts";

export interface Branch {
  readonly node: Node;
  /**
   * What is in a folder, in the order of the names. Of a folder that is walked just now, it is
   * there once, and until the next branch beside it is asked for.
   */
  children(): AsyncIterable<Branch>;
}

/** A node of a snapshot, with all that is below it. */
export function storedBranch(reader: BlobReader, node: Node): Branch {
  return {
    node,
    async *children() {
      if (!isFolder(node)) return;
      for await (const child of childrenOf(reader, node)) yield storedBranch(reader, child);
    },
  };
}

const SLASH = utf8("/");

/** The path of a branch's node in a folder of this path; empty is the top. */
export function pathBelow(path: Bytes, { node }: Branch): Bytes {
  const name = nameOfNode(node);
  return path.length === 0 ? name : concatBytes(path, SLASH, name);
}
