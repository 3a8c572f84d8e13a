// Trees and content lists (docs/format.md §8.1): the pieces of which folders and long files consist.
//
//     [0, entries]    [1, [first name, id]…]    [2, ids of chunks]    [3, ids of content lists]

import { assert } from "../base/assert.ts";
import { type Bytes, compareBytes, concatBytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import { type BlobId, ID_BYTES } from "../base/ids.ts";
import { TREE_BYTES_MAX, TREE_PAGE_BYTES } from "../base/limits.ts";
import { decodeCbor } from "./cbor.ts";
import { type Cbor, encodeArrayHead, encodeCbor } from "./cbor-encoder.ts";
import { checkEntryName, decodeEntry, encodeEntry } from "./entry.ts";
import { areSorted, corrupt, isBytes, isList, joinIds, madeByNewer, splitIds } from "./fields.ts";

export interface TreePage {
  readonly firstName: Bytes;
  readonly id: BlobId;
}

export type TreeNode =
  | { readonly kind: "entries"; readonly entries: readonly Entry[] }
  | { readonly kind: "pages"; readonly pages: readonly TreePage[] }
  | { readonly kind: "ids"; readonly ids: readonly BlobId[] }
  | { readonly kind: "lists"; readonly ids: readonly BlobId[] };

const FORM_ENTRIES = 0;
const FORM_PAGES = 1;
const FORM_IDS = 2;
const FORM_LISTS = 3;
const WHAT = "tree";

/** A tree blob from entries that `encodeEntry` gave, in the order of their names (the caller's duty). */
export function joinEntries(encoded: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const head = Uint8Array.of(0x82, FORM_ENTRIES); // An array of two: the form, the entries.
  return bounded(concatBytes(head, encodeArrayHead(encoded.length), ...encoded));
}

/** A tree blob from entries in the order of their names, which is asserted. */
export function encodeTreePage(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  assert(areSorted(entries, compareNames), "entries are sorted by name, none twice");
  return joinEntries(entries.map(encodeEntry));
}

/** Pages of a large folder, in order, or pages of such pages. */
export function encodeTreePages(pages: readonly TreePage[]): Uint8Array<ArrayBuffer> {
  assert(pages.length > 0, "a list of pages is not empty");
  return bounded(encodeCbor([FORM_PAGES, pages.map(({ firstName, id }) => [firstName, id])]));
}

/** kind "ids": chunks; kind "lists": content lists. */
export function encodeContentList(
  kind: "ids" | "lists",
  ids: readonly BlobId[],
): Uint8Array<ArrayBuffer> {
  assert(ids.length > 0, "a content list is not empty");
  return bounded(encodeCbor([kind === "ids" ? FORM_IDS : FORM_LISTS, joinIds(ids)]));
}

/**
 * Decodes a tree blob of any of the four forms. Names and ids may be views of `bytes`.
 *
 * Throws `corrupt` or `unsupported-version`.
 */
export function decodeTree(bytes: Bytes): TreeNode {
  const value = decodeCbor(bytes, { what: WHAT, bytesMax: TREE_BYTES_MAX });
  const [form, content, more] = isList(value) ? value : [];
  if (typeof form !== "number" || content === undefined || more !== undefined) {
    throw corrupt(WHAT, "expected a form and its content");
  }
  if (form === FORM_ENTRIES) return { kind: "entries", entries: decodeEntries(content) };
  if (form === FORM_PAGES) return { kind: "pages", pages: decodePages(content) };
  if (form === FORM_IDS) return { kind: "ids", ids: decodeIds(content) };
  if (form === FORM_LISTS) return { kind: "lists", ids: decodeIds(content) };
  throw madeByNewer(WHAT);
}

const NAMES_PER_PAGE = 2048;
const PAGE_BYTES_END = 2 * 1024 * 1024;

/**
 * Whether a page of `pageBytes` ends after the entry of this name, which is in it.
 *
 * Decided by the name, so that a name more or less changes one page and not all that follow; a
 * folder of less than `TREE_PAGE_BYTES` is never split. No reader depends on it.
 */
export function endsPage(pageBytes: number, name: Bytes): boolean {
  if (pageBytes < TREE_PAGE_BYTES) return false;
  if (pageBytes >= PAGE_BYTES_END) return true;
  let hash = 0x811c9dc5; // FNV-1a, 32 bits.
  for (const byte of name) hash = Math.imul(hash ^ byte, 0x01000193);
  hash ^= hash >>> 15; // The lowest bits alone mix badly.
  return (hash >>> 0) % NAMES_PER_PAGE === 0;
}

function decodeEntries(content: Cbor): readonly Entry[] {
  if (!isList(content)) throw corrupt(WHAT, "expected entries");
  const entries = content.map(decodeEntry);
  if (!areSorted(entries, compareNames)) {
    throw corrupt(WHAT, "expected entries sorted by name, none twice");
  }
  return entries;
}

function compareNames(a: Entry, b: Entry): number {
  return compareBytes(a.name, b.name);
}

function decodePages(content: Cbor): readonly TreePage[] {
  if (!isList(content) || content.length === 0) throw corrupt(WHAT, "expected pages");
  const pages = content.map((item) => {
    const [firstName, id, more] = isList(item) ? item : [];
    if (!isBytes(firstName) || !isBytes(id) || id.length !== ID_BYTES || more !== undefined) {
      throw corrupt(WHAT, "expected a first name and an id of each page");
    }
    checkEntryName(firstName);
    return { firstName, id };
  });
  if (!areSorted(pages, (a, b) => compareBytes(a.firstName, b.firstName))) {
    throw corrupt(WHAT, "expected pages sorted by first name");
  }
  return pages;
}

function decodeIds(content: Cbor): readonly BlobId[] {
  if (!isBytes(content) || content.length === 0 || content.length % ID_BYTES !== 0) {
    throw corrupt(WHAT, "expected joined ids");
  }
  return splitIds(content);
}

function bounded(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length <= TREE_BYTES_MAX) return bytes;
  throw new BunkerError(
    "full",
    `a tree blob has at most ${TREE_BYTES_MAX} bytes, not ${bytes.length}`,
  );
}
