// Tree writer: builds the trees of a snapshot from entries that come in walk order.
//
// Open folders form a stack. Entries are encoded at once and kept as bytes; a large folder's full
// pages become blobs as they fill, so that memory does not grow with a folder.

import { assert, present } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import type { BlobId } from "../base/ids.ts";
import { CONTENT_PAGE_IDS, INLINE_IDS_MAX } from "../base/limits.ts";
import { encodeEntry } from "../format/entry.ts";
import {
  encodeContentList,
  encodeTreePages,
  endsPage,
  joinEntries,
  type TreePage,
} from "../format/tree.ts";

/** Stores a tree blob that may be known already; returns its id. */
export type PutTree = (bytes: Bytes) => Promise<BlobId>;

const PAGES_PER_BLOB = 4096;

interface OpenFolder {
  encoded: Bytes[];
  encodedBytes: number;
  firstName: Bytes;
  readonly pages: TreePage[];
}

export class TreeWriter {
  readonly #put: PutTree;
  readonly #stack: OpenFolder[] = [];

  constructor(put: PutTree) {
    this.#put = put;
  }

  get depth(): number {
    return this.#stack.length;
  }

  enter(): void {
    this.#stack.push({ encoded: [], encodedBytes: 0, firstName: new Uint8Array(0), pages: [] });
  }

  /** Adds an entry to the open folder; the names come in order. The promise is there only to wait on. */
  add(entry: Entry): Promise<void> | undefined {
    const folder = present(this.#stack.at(-1), "an entry belongs into an open folder");
    const bytes = encodeEntry(entry);
    if (folder.encoded.length === 0) folder.firstName = entry.name;
    folder.encoded.push(bytes);
    folder.encodedBytes += bytes.length;
    return endsPage(folder.encodedBytes, entry.name) ? this.#endPage(folder) : undefined;
  }

  /** Closes the open folder and returns the id of its tree. */
  async leave(): Promise<BlobId> {
    const folder = present(this.#stack.pop(), "a folder is open");
    if (folder.pages.length === 0) return this.#put(joinEntries(folder.encoded));
    if (folder.encoded.length > 0) await this.#endPage(folder);
    return this.#putPages(folder.pages);
  }

  /** Puts the content of a file with many chunks into lists of ids, and returns the lists' ids. */
  async putContentLists(content: readonly BlobId[]): Promise<readonly BlobId[]> {
    let kind: "ids" | "lists" = "ids";
    let ids: readonly BlobId[] = content;
    do {
      const lists: BlobId[] = [];
      for (let at = 0; at < ids.length; at += CONTENT_PAGE_IDS) {
        const page = ids.slice(at, at + CONTENT_PAGE_IDS);
        lists.push(await this.#put(encodeContentList(kind, page)));
      }
      ids = lists;
      kind = "lists";
    } while (ids.length > INLINE_IDS_MAX);
    return ids;
  }

  async #endPage(folder: OpenFolder): Promise<void> {
    const { encoded, firstName } = folder;
    folder.encoded = [];
    folder.encodedBytes = 0;
    folder.pages.push({ firstName, id: await this.#put(joinEntries(encoded)) });
  }

  async #putPages(pages: readonly TreePage[]): Promise<BlobId> {
    assert(pages.length > 0, "a list of pages is not empty");
    if (pages.length <= PAGES_PER_BLOB) return this.#put(encodeTreePages(pages));
    const upper: TreePage[] = [];
    for (let at = 0; at < pages.length; at += PAGES_PER_BLOB) {
      const group = pages.slice(at, at + PAGES_PER_BLOB);
      const firstName = present(group[0], "a group is not empty").firstName;
      upper.push({ firstName, id: await this.#put(encodeTreePages(group)) });
    }
    return this.#putPages(upper);
  }
}
