// Stats: what each snapshot holds, what it adds to the earlier ones, and what only it needs.
//
// For each blob of the catalog one number says who needs it: nobody, one snapshot, or several. A tree
// that several need is not entered again, for all below is needed by several too: so each tree is
// read twice at most, however many snapshots have it. What is in it is remembered for the sums, for
// so many trees as there is a bound for; beyond, trees are read for the sums again.

import { assert } from "../base/assert.ts";
import { isDamage, messageOf } from "../base/errors.ts";
import { type BlobId, type HexId, hexId } from "../base/ids.ts";
import type { Monitor } from "../base/monitor.ts";
import type { BlobReader } from "../store/blobs.ts";
import { isFolder, type Node, topOf } from "../store/paths.ts";
import type { FoundSnapshot } from "../store/snapshots.ts";
import type { Numbering } from "../store/numbering.ts";
import type { Store } from "../store/store.ts";
import { readParts, type TreePart } from "../store/trees.ts";

/** What is in a snapshot, by the names in it: what has two names counts twice. */
export interface Holding {
  readonly files: number;
  readonly folders: number;
  readonly links: number;
  /** Pipes, sockets and devices. */
  readonly others: number;
  /** Of all files, holes included. */
  readonly contentBytes: number;
  readonly holeBytes: number;
}

export interface BlobSum {
  readonly blobs: number;
  readonly plainBytes: number;
  readonly storedBytes: number;
}

export interface SnapshotStats {
  readonly found: FoundSnapshot;
  readonly holds: Holding;
  /** Blobs that no earlier snapshot needs. */
  readonly adds: BlobSum;
  /** Blobs that no other snapshot needs: what its removal would free. Final when all are in. */
  readonly frees: BlobSum;
}

export interface StoreStats {
  /** All that the catalog lists, each blob once. */
  readonly blobs: BlobSum;
  /** Of these, what the snapshots need: data and trees. */
  readonly needed: BlobSum;
  readonly neededData: BlobSum;
  /** Blobs that are stored again. */
  readonly again: BlobSum;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const NOBODY = 0;
/** The sums of so many trees are remembered: 30 MiB. */
const REMEMBERED_COUNT_MAX = 2 ** 17;

export class Stats {
  readonly #store: Store;
  readonly #reader: BlobReader;
  readonly #breathe: () => Promise<void> | undefined;
  readonly #monitor: Monitor;
  readonly #numbering: Numbering;
  /** Who needs a blob: nobody, several, or the snapshot of this number, from 1. */
  readonly #needs: Uint16Array | Uint32Array;
  readonly #several: number;
  readonly #remembered = new Map<HexId, Holding>();
  readonly #neededData = emptySum();
  readonly #needed = emptySum();
  readonly #adds: Mutable<BlobSum>[] = [];
  readonly #frees: Mutable<BlobSum>[] = [];
  #current = NOBODY;
  #missingCount = 0;
  #folderCount = 0;

  constructor(
    parts: {
      readonly store: Store;
      readonly reader: BlobReader;
      readonly monitor: Monitor;
      readonly breathe: () => Promise<void> | undefined;
    },
    numbering: Numbering,
    snapshotCount: number,
  ) {
    this.#store = parts.store;
    this.#reader = parts.reader;
    this.#monitor = parts.monitor;
    this.#breathe = parts.breathe;
    this.#numbering = numbering;
    const isSmall = snapshotCount < 0xffff;
    this.#several = isSmall ? 0xffff : 0xffff_ffff;
    this.#needs = isSmall ? new Uint16Array(numbering.count) : new Uint32Array(numbering.count);
  }

  /** Takes the next snapshot in, the oldest first. What it frees is known when all are in. */
  async take(found: FoundSnapshot): Promise<SnapshotStats> {
    this.#current = this.#adds.length + 1;
    assert(this.#current < this.#several, "there are not more snapshots than were announced");
    const [adds, frees] = [emptySum(), emptySum()];
    this.#adds.push(adds);
    this.#frees.push(frees);
    this.#missingCount = 0;
    const holds = emptyHolding();
    const id = hexId(found.manifest.id).slice(0, 10);
    await this.#node(topOf(found.snapshot), holds, `${id}:/`);
    if (this.#missingCount > 0) {
      const message = `${this.#missingCount} blobs of it are in no pack that the index lists`;
      this.#store.findings.add(`snapshot ${id}`, message);
    }
    return { found, holds, adds, frees };
  }

  /** The sums of the store, when all snapshots are in. */
  store(): StoreStats {
    const [blobs, again] = [emptySum(), emptySum()];
    this.#numbering.each((_, facts, isAgain) => add(isAgain ? again : blobs, facts, 1));
    return { blobs, again, needed: this.#needed, neededData: this.#neededData };
  }

  async #node(node: Node, sum: Mutable<Holding>, subject: string): Promise<void> {
    if (node.kind === "entry") {
      await this.#entry(node, sum, subject);
      return;
    }
    sum.folders += 1;
    for (const child of node.children.values()) await this.#node(child, sum, subject);
  }

  async #entry(
    { entry }: Node & { readonly kind: "entry" },
    sum: Mutable<Holding>,
    subject: string,
  ): Promise<void> {
    count(sum, { kind: "entry", entry });
    const [tree] = entry.content;
    if (entry.type === "folder") {
      if (tree !== undefined) addHolding(sum, await this.#tree(tree, subject));
      return;
    }
    for (const id of entry.content) this.#need(id, "data");
    for (const list of entry.contentLists ?? []) await this.#tree(list, subject);
  }

  // A tree, a page of one, or a content list: what is in it, needed with all below.
  async #tree(id: BlobId, subject: string): Promise<Holding> {
    await this.#breathe();
    const isKnown = !this.#need(id, "tree");
    const remembered = isKnown ? this.#remembered.get(hexId(id)) : undefined;
    if (remembered !== undefined) return remembered;
    const sum = emptyHolding();
    try {
      for (const part of await readParts(this.#reader, id)) await this.#part(part, sum, subject);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const message = `a folder can't be read: ${messageOf(error)}`;
      this.#store.findings.add(`${subject} ${hexId(id).slice(0, 10)}`, message);
      return sum;
    }
    this.#remember(id, sum);
    this.#folderCount += 1;
    this.#monitor.progress({ filesDone: this.#folderCount, bytesDone: 0, subject });
    return sum;
  }

  async #part(part: TreePart, sum: Mutable<Holding>, subject: string): Promise<void> {
    if (part.kind === "entry") await this.#entry(part, sum, subject);
    else if (part.kind === "tree") addHolding(sum, await this.#tree(part.id, subject));
    else this.#need(part.id, "data");
  }

  // Returns false where nothing of it, nor of what is below, is new to the sums.
  #need(id: BlobId, kind: "tree" | "data"): boolean {
    const number = this.#numbering.numberOf(id);
    if (number < 0) {
      this.#missingCount += 1;
      return true;
    }
    const before = this.#needs[number]!;
    if (before === this.#current || before === this.#several) return false;
    const facts = this.#numbering.factsOf(number);
    if (before !== NOBODY) {
      this.#needs[number] = this.#several;
      add(this.#frees[before - 1]!, facts, -1);
      return true;
    }
    this.#needs[number] = this.#current;
    add(this.#frees[this.#current - 1]!, facts, 1);
    add(this.#adds[this.#current - 1]!, facts, 1);
    add(this.#needed, facts, 1);
    if (kind === "data") add(this.#neededData, facts, 1);
    return true;
  }

  #remember(id: BlobId, sum: Holding): void {
    const oldest = this.#remembered.keys().next().value;
    if (this.#remembered.size >= REMEMBERED_COUNT_MAX && oldest !== undefined) {
      this.#remembered.delete(oldest);
    }
    this.#remembered.set(hexId(id), sum);
  }
}

function emptySum(): Mutable<BlobSum> {
  return { blobs: 0, plainBytes: 0, storedBytes: 0 };
}

function add(
  sum: Mutable<BlobSum>,
  facts: { readonly plainBytes: number; readonly storedBytes: number },
  sign: 1 | -1,
): void {
  sum.blobs += sign;
  sum.plainBytes += sign * facts.plainBytes;
  sum.storedBytes += sign * facts.storedBytes;
}

function emptyHolding(): Mutable<Holding> {
  return { files: 0, folders: 0, links: 0, others: 0, contentBytes: 0, holeBytes: 0 };
}

function addHolding(sum: Mutable<Holding>, more: Holding): void {
  for (const key of Object.keys(more) as (keyof Holding)[]) sum[key] += more[key];
}

function count(sum: Mutable<Holding>, node: Node & { readonly kind: "entry" }): void {
  const { type, size, holes = [] } = node.entry;
  if (isFolder(node)) sum.folders += 1;
  else if (type === "link") sum.links += 1;
  else if (type === "file" || type === "object") sum.files += 1;
  else sum.others += 1;
  sum.contentBytes += size;
  for (const [, length] of holes) sum.holeBytes += length;
}
