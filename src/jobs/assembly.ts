// Assembly: what the walk gives, put together again in its order.
//
// Every event becomes an item of one queue. Files that must be read leave the queue's order for the
// lanes and come back as outcomes; the head of the queue waits for its own. So trees and file
// states are written in one pass, and the queue's length bounds what is under way.

import { present } from "../base/assert.ts";
import { type Bytes, hexOf, textOf, utf8 } from "../base/bytes.ts";
import type { Entry, Metadata } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import { type BlobId, ID_BYTES } from "../base/ids.ts";
import type { Monitor } from "../base/monitor.ts";
import type { SnapshotCounts, SnapshotRoot } from "../format/snapshot.ts";
import { type EntryEvent, pathIn, type WalkEvent } from "../source/source.ts";
import type { Claims } from "../store/claims.ts";
import { TreeWriter } from "../store/tree-writer.ts";
import type { StoreWriter } from "../store/writer.ts";
import type { Store } from "../store/store.ts";
import type { BackupParts } from "./backup.ts";
import { Batches } from "./batches.ts";
import type { FileOutcome } from "./lane.ts";
import type { LanePool } from "./lanes.ts";
import { openStates, statePath, type StateReader, type StateWriter } from "./states.ts";
import { TreePacker } from "./tree-packer.ts";

export interface AssemblyParts {
  readonly store: Store;
  readonly parts: BackupParts;
  readonly lanes: LanePool;
  readonly claims: Claims;
  readonly writer: StoreWriter;
  readonly monitor: Monitor;
  readonly force: boolean;
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
}

/** A file on its way: known from the last time, or read by a lane. */
export interface FileItem {
  readonly kind: "file";
  readonly event: EntryEvent;
  readonly path: Bytes;
  /** Ids joined, where the file is as it was. */
  readonly known?: Bytes;
  outcome?: FileOutcome;
  /** Another name of a file that comes before in the queue. */
  readonly sameAs?: FileItem;
}

type Item =
  | FileItem
  | { readonly kind: "root"; readonly path: Bytes }
  | { readonly kind: "enter"; readonly metadata: Metadata }
  | { readonly kind: "leave" }
  | { readonly kind: "other"; readonly metadata: Metadata };

/** Items under way: the walk waits for the head of the queue beyond that. */
const ITEM_COUNT_MAX = 8192;
/** Hard-linked files whose content is remembered for their other names. */
const LINK_COUNT_MAX = 10_000;
const PROGRESS_EVERY = 64;

export class Assembly {
  readonly roots: SnapshotRoot[] = [];
  readonly #parts: AssemblyParts;
  readonly #batches: Batches;
  readonly #packer: TreePacker;
  readonly #trees: TreeWriter;
  #items: Item[] = [];
  #head = 0;
  // Where the walk is: states of the root, paths of the open folders.
  #reader: StateReader | undefined;
  #planPaths: Bytes[] = [];
  readonly #linked = new Map<number, FileItem>();
  // Where the assembly is.
  readonly #states: StateWriter[] = [];
  readonly #open: Metadata[] = [];
  #rootPath: Bytes = new Uint8Array(0);
  #counts = { files: 0, folders: 0, others: 0, contentBytes: 0, problems: 0 };
  #unchangedFiles = 0;
  #statesKept = false;

  constructor(parts: AssemblyParts) {
    this.#parts = parts;
    this.#batches = new Batches(parts.lanes, parts.parts.files);
    this.#packer = new TreePacker(parts);
    this.#trees = new TreeWriter((bytes) => this.#packer.put(bytes));
  }

  get counts(): Omit<SnapshotCounts, "newBlobs" | "storedBytes"> {
    return this.#counts;
  }

  get unchangedFiles(): number {
    return this.#unchangedFiles;
  }

  /** Takes the whole walk through to trees. */
  async run(walk: Iterable<WalkEvent>): Promise<void> {
    for (const event of walk) {
      if (event.kind === "wait") {
        await this.#batches.dispatch();
        await Promise.race([event.until, this.#batches.changed()]);
        await this.#consume();
        continue;
      }
      this.#plan(event);
      if (this.#batches.isFull) await this.#batches.dispatch();
      const breath = this.#parts.parts.breathe();
      if (breath !== undefined) await breath;
      if (this.#items.length - this.#head >= ITEM_COUNT_MAX || breath !== undefined) {
        await this.#relieve(ITEM_COUNT_MAX / 2);
      }
    }
    await this.#relieve(0);
  }

  /** Stores the last trees. */
  async finish(): Promise<void> {
    await this.#packer.finish();
  }

  /** The snapshot is there: what was seen of the files counts from now on. */
  keepStates(): void {
    this.#statesKept = true;
    for (const states of this.#states) states.finish();
  }

  close(): void {
    if (!this.#statesKept) for (const states of this.#states) states.abandon();
    this.#batches.close();
  }

  // ---- the walk's side ----

  #plan(event: Exclude<WalkEvent, { kind: "wait" }>): void {
    switch (event.kind) {
      case "root":
        this.#planRoot(event.path);
        return;
      case "enter": {
        const above = this.#planPaths.at(-1);
        const { name } = event.metadata;
        this.#planPaths.push(above === undefined ? new Uint8Array(0) : statePath(above, name));
        this.#items.push({ kind: "enter", metadata: event.metadata });
        return;
      }
      case "leave":
        this.#planPaths.pop();
        this.#items.push({ kind: "leave" });
        return;
      case "entry":
        if (event.metadata.type !== "file") {
          this.#items.push({ kind: "other", metadata: event.metadata });
        } else {
          this.#planFile(event);
        }
    }
  }

  #planRoot(path: Bytes): void {
    const digest = this.#parts.parts.platform.sha256(path);
    const { before, after } = openStates(this.#parts.store.cache, hexOf(digest.subarray(0, 16)));
    this.#reader = before;
    this.#states.push(after);
    this.#items.push({ kind: "root", path });
  }

  #planFile(event: EntryEvent): void {
    const path = statePath(this.#planPaths.at(-1) ?? new Uint8Array(0), event.metadata.name);
    const sameAs = this.#linkedTo(event);
    if (sameAs !== undefined) {
      this.#items.push({ kind: "file", event, path, sameAs });
      return;
    }
    const known = this.#parts.force ? undefined : this.#unchanged(event, path);
    const item: FileItem = { kind: "file", event, path, ...(known === undefined ? {} : { known }) };
    this.#items.push(item);
    if (known === undefined) this.#batches.add(item);
    this.#noteLink(item);
  }

  // The content of an unchanged file, all of which must still be in usable packs.
  #unchanged(event: EntryEvent, path: Bytes): Bytes | undefined {
    const { changed, inode, metadata } = event;
    const facts = { changed, inode, modified: metadata.modified, size: metadata.size };
    const known = present(this.#reader, "a root comes first").find(path, facts);
    if (known === undefined) return undefined;
    for (let at = 0; at < known.length; at += ID_BYTES) {
      if (!this.#parts.writer.need(known, at, true)) return undefined;
    }
    return known;
  }

  #linkedTo(event: EntryEvent): FileItem | undefined {
    const group = event.metadata.hardLink;
    return group === undefined ? undefined : this.#linked.get(group);
  }

  #noteLink(item: FileItem): void {
    const group = item.event.metadata.hardLink;
    if (group === undefined) return;
    const oldest = this.#linked.keys().next().value;
    if (this.#linked.size >= LINK_COUNT_MAX && oldest !== undefined) this.#linked.delete(oldest);
    this.#linked.set(group, item);
  }

  // ---- the assembly's side ----

  // Consumes until at most `countMax` items are left, sending off what the head waits for.
  async #relieve(countMax: number): Promise<void> {
    for (;;) {
      await this.#consume();
      if (this.#items.length - this.#head <= Math.max(countMax, 0)) return;
      if (countMax > 0 && !this.#isFull()) return;
      await this.#batches.dispatch();
      if (!this.#isReady(this.#items[this.#head])) await this.#batches.changed();
    }
  }

  #isFull(): boolean {
    return this.#items.length - this.#head >= ITEM_COUNT_MAX;
  }

  async #consume(): Promise<void> {
    this.#batches.check();
    while (this.#head < this.#items.length) {
      const item = this.#items[this.#head]!;
      if (!this.#isReady(item)) break;
      this.#head += 1;
      await this.#assemble(item);
    }
    if (this.#head > ITEM_COUNT_MAX || this.#head === this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }

  #isReady(item: Item | undefined): boolean {
    if (item?.kind !== "file") return true;
    const first = item.sameAs ?? item;
    return first.known !== undefined || first.outcome !== undefined;
  }

  #assemble(item: Item): Promise<void> | undefined {
    switch (item.kind) {
      case "root":
        this.#rootPath = item.path;
        return undefined;
      case "enter":
        this.#open.push(item.metadata);
        this.#trees.enter();
        return undefined;
      case "leave":
        return this.#leave();
      case "other":
        this.#counts.others += 1;
        return this.#addEntry({ ...item.metadata, content: [] });
      case "file":
        return this.#addFile(item);
    }
  }

  async #leave(): Promise<void> {
    const metadata = present(this.#open.pop(), "a folder is open");
    const entry: Entry = { ...metadata, content: [await this.#trees.leave()] };
    this.#counts.folders += 1;
    await this.#addEntry(entry);
  }

  #addEntry(entry: Entry): Promise<void> | undefined {
    if (this.#open.length > 0) return this.#trees.add(entry);
    const name = entry.name.length > 0 ? entry.name : rootName(this.#rootPath);
    this.roots.push({ path: this.#rootPath, entry: { ...entry, name } });
    return undefined;
  }

  #addFile(item: FileItem): Promise<void> | undefined {
    const { metadata } = item.event;
    const first = item.sameAs ?? item;
    if (first.known !== undefined) {
      this.#unchangedFiles += 1;
      return this.#addContent(item, metadata, first.known, metadata.size);
    }
    const outcome = present(first.outcome, "an outcome is there before it is used");
    if (outcome.kind !== "read") {
      this.#noteUnread(item, outcome);
      return undefined;
    }
    if (outcome.unstable) {
      this.#problem(item, "it changed while it was read, twice: its content may mix two states");
    }
    for (let at = 0; at < outcome.ids.length; at += ID_BYTES) {
      this.#parts.writer.need(outcome.ids, at, false);
    }
    const { modified, mode, userId, groupId } = outcome;
    const fresh = { ...metadata, size: outcome.size, modified, mode, userId, groupId };
    return this.#addContent(item, fresh, outcome.ids, outcome.size, outcome);
  }

  async #addContent(
    item: FileItem,
    metadata: Metadata,
    ids: Bytes,
    size: number,
    outcome?: FileOutcome & { kind: "read" },
  ): Promise<void> {
    this.#keepState(item, metadata, ids, outcome);
    this.#counts.files += 1;
    this.#counts.contentBytes += size;
    this.#tell(item);
    const content = splitIds(ids);
    const lists = await this.#trees.putContentLists(content);
    await this.#addEntry({
      ...metadata,
      content: lists === undefined ? content : [],
      ...(lists === undefined ? {} : { contentLists: lists }),
      ...(outcome?.unstable === true ? { unstable: true } : {}),
    });
  }

  #keepState(
    item: FileItem,
    metadata: Metadata,
    ids: Bytes,
    outcome: (FileOutcome & { kind: "read" }) | undefined,
  ): void {
    if (outcome?.unstable === true) return;
    const changed = outcome?.changed ?? item.event.changed;
    const inode = outcome?.inode ?? item.event.inode;
    const facts = { changed, inode, modified: metadata.modified, size: metadata.size };
    const readAtMs = outcome?.readAtMs ?? Number.POSITIVE_INFINITY;
    this.#states.at(-1)?.add(item.path, facts, ids, readAtMs);
  }

  #noteUnread(item: FileItem, outcome: Exclude<FileOutcome, { kind: "read" }>): void {
    if (outcome.kind === "vanished") {
      this.#parts.monitor.notice(`${pathText(item)} vanished before it was read`);
    } else if (outcome.kind === "changed") {
      this.#problem(item, "it was replaced by something else while the backup ran");
    } else {
      this.#problem(item, outcome.message);
    }
  }

  #problem(item: FileItem, message: string): void {
    this.#parts.monitor.problem(pathText(item), new BunkerError("incomplete", message));
  }

  #tell(item: FileItem): void {
    const { files, contentBytes } = this.#counts;
    if (files % PROGRESS_EVERY !== 0 && item.event.metadata.size < 1024 * 1024) return;
    this.#parts.monitor.progress({
      filesDone: files,
      bytesDone: contentBytes,
      ...this.#parts.totals,
      subject: textOf(item.event.metadata.name),
    });
  }
}

function splitIds(ids: Bytes): BlobId[] {
  const split: BlobId[] = [];
  for (let at = 0; at < ids.length; at += ID_BYTES) split.push(ids.subarray(at, at + ID_BYTES));
  return split;
}

function rootName(path: Bytes): Bytes {
  const name = path.subarray(path.lastIndexOf(0x2f) + 1);
  return name.length > 0 ? name : utf8("root");
}

function pathText(item: FileItem): string {
  return textOf(pathIn(item.event.folder, item.event.metadata.name));
}
