// Restore estimate: what a whole restore of a snapshot would fetch, by the index and the snapshot's
// folders; no content is read.
//
// It is an estimate: a restore meets the chunks in the order of the files, so that a range may be
// asked for in two parts, and a block of folders again that was given up meanwhile.

import { isDamage, messageOf } from "../base/errors.ts";
import { type BlobId, hexId } from "../base/ids.ts";
import type { Monitor } from "../base/monitor.ts";
import type { BlobReader } from "../store/blobs.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Numbering } from "../store/numbering.ts";
import { BLOCK_BYTES, GRID_BYTES } from "../store/pack-bytes.ts";
import { type Node, topOf } from "../store/paths.ts";
import type { BlobRecord, Run } from "../store/run.ts";
import type { FoundSnapshot } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";
import { readParts, type TreePart } from "../store/trees.ts";
import { joined, onGrid, type Span } from "./ranges.ts";

export interface Fetching {
  readonly gets: number;
  readonly bytes: number;
}

export interface EstimateParts {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly numbering: Numbering;
  readonly reader: BlobReader;
  readonly monitor: Monitor;
  readonly breathe: () => Promise<void> | undefined;
}

/** More than any offset in a pack (u32), so that pack and offset make one number. */
const PACK_SPAN = 2 ** 32;
const DATA = 1;
const TREE = 2;

/** What restoring all of a snapshot fetches out of packs. Folders that can't be read are findings. */
export async function estimateRestore(
  parts: EstimateParts,
  { manifest, snapshot }: FoundSnapshot,
): Promise<Fetching> {
  const needs = new Needed(parts, `snapshot ${hexId(manifest.id).slice(0, 10)}`);
  await needs.node(topOf(snapshot));
  let [gets, bytes, at] = [0, 0, 0];
  for (const { run } of parts.catalog.runs) {
    const marks = needs.marks.subarray(at, at + run.counts.blobs);
    const fetching = fetchingOf(run, marks);
    gets += fetching.gets;
    bytes += fetching.bytes;
    at += run.counts.blobs;
  }
  return { gets, bytes };
}

/** A mark for each blob of the catalog that is needed: whether for its data or as a tree. */
class Needed {
  readonly marks: Uint8Array;
  readonly #parts: EstimateParts;
  readonly #subject: string;
  #folderCount = 0;

  constructor(parts: EstimateParts, subject: string) {
    this.#parts = parts;
    this.#subject = subject;
    this.marks = new Uint8Array(parts.numbering.count);
  }

  async node(node: Node): Promise<void> {
    if (node.kind === "way") {
      for (const child of node.children.values()) await this.node(child);
      return;
    }
    const { type, content, contentLists = [] } = node.entry;
    for (const id of content) {
      if (type === "folder") await this.#tree(id);
      else this.#mark(id, DATA);
    }
    for (const list of contentLists) await this.#tree(list);
  }

  // What is below a tree that is marked is marked, too.
  async #tree(id: BlobId): Promise<void> {
    await this.#parts.breathe();
    if (!this.#mark(id, TREE)) return;
    const { monitor, reader, store } = this.#parts;
    monitor.progress({ filesDone: ++this.#folderCount, bytesDone: 0, subject: this.#subject });
    try {
      for (const part of await readParts(reader, id)) await this.#part(part);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const message = `a folder can't be read: ${messageOf(error)}`;
      store.findings.add(`${this.#subject} ${hexId(id).slice(0, 10)}`, message);
    }
  }

  async #part(part: TreePart): Promise<void> {
    if (part.kind === "entry") await this.node(part);
    else if (part.kind === "tree") await this.#tree(part.id);
    else this.#mark(part.id, DATA);
  }

  // Returns whether that is new.
  #mark(id: BlobId, mark: number): boolean {
    const number = this.#parts.numbering.numberOf(id);
    if (number < 0) return true;
    if (this.marks[number] !== 0) return false;
    this.marks[number] = mark;
    return true;
  }
}

function fetchingOf(run: Run, marks: Uint8Array): Fetching {
  const order = inPackOrder(run, marks);
  let [gets, bytes] = [0, 0];
  for (let from = 0; from < order.length;) {
    const pack = run.packOf(order[from]!);
    let end = from + 1;
    while (end < order.length && run.packOf(order[end]!) === pack) end++;
    const needed = [...order.subarray(from, end)].map((index) => ({
      ...run.blobAt(index),
      mark: marks[index]!,
    }));
    const spans = spansOf(needed, run.packAt(pack).bytes);
    gets += spans.length;
    bytes += spans.reduce((sum, { length }) => sum + length, 0);
    from = end;
  }
  return { gets, bytes };
}

// Numbers only: a store may have millions of blobs.
function inPackOrder(run: Run, marks: Uint8Array): Uint32Array {
  const count = marks.reduce((sum, mark) => sum + (mark === 0 ? 0 : 1), 0);
  const order = new Uint32Array(count);
  const places = new Float64Array(marks.length);
  let filled = 0;
  for (const [index, mark] of marks.entries()) {
    if (mark === 0) continue;
    const { pack, offset } = run.blobAt(index);
    places[index] = pack * PACK_SPAN + offset;
    order[filled++] = index;
  }
  return order.sort((a, b) => places[a]! - places[b]!);
}

/** What is asked of one pack: its key, ranges of data, blocks of trees. */
function spansOf(
  needed: readonly (BlobRecord & { readonly mark: number })[],
  packBytes: number,
): Span[] {
  const ranges: Span[] = [];
  const blocks = new Set<number>();
  for (const { offset, storedBytes, mark } of needed) {
    const span = { offset, length: storedBytes };
    if (mark === TREE) {
      const last = Math.floor((offset + storedBytes - 1) / BLOCK_BYTES);
      for (let block = Math.floor(offset / BLOCK_BYTES); block <= last; block++) blocks.add(block);
      continue;
    }
    const last = ranges.at(-1);
    const whole = last && joined(last, span);
    if (whole === undefined) ranges.push(span);
    else ranges[ranges.length - 1] = whole;
  }
  const key = { offset: 0, length: GRID_BYTES };
  const all = [
    key,
    ...ranges.map(onGrid),
    ...[...blocks].map((block) => ({ offset: block * BLOCK_BYTES, length: BLOCK_BYTES })),
  ];
  return all.map(({ offset, length }) => ({
    offset,
    length: Math.min(length, Math.max(0, packBytes - offset)),
  }));
}
