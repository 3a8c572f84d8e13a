// Assembly: what the walk gives, put together again in its order.
//
// Every event becomes an item of one queue. Files that must be read leave the queue's order for the
// lanes and come back as outcomes; the head of the queue waits for its own. So trees and file
// states are written in one pass, and the queue's length bounds what is under way.

import { present } from "../base/assert.ts";
import { type Bytes, hexOf, textOf } from "../base/bytes.ts";
import type { Entry, Metadata } from "../base/entry.ts";
import { BunkerError } from "../base/errors.ts";
import { type BlobId, ID_BYTES } from "../base/ids.ts";
import { INLINE_IDS_MAX } from "../base/limits.ts";
import type { SnapshotCounts, SnapshotRoot } from "../format/snapshot.ts";
import type { WalkEvent } from "../source/source.ts";
import { TreeWriter } from "../store/tree-writer.ts";
import type { AssemblyParts } from "./assembly-parts.ts";
import { Batches } from "./batches.ts";
import { type StateNote, withExtras } from "./attribute-planner.ts";
import { type FoundContent, knownContentOf, metadataAfter, stateOf } from "./found.ts";
import type { FileOutcome } from "./tasks.ts";
import {
  type FileItem,
  isReady,
  type Item,
  mustBeRead,
  pathText,
  rootName,
  splitIds,
} from "./items.ts";
import { Planner } from "./planner.ts";
import { openStates, type StateReader, type StateWriter } from "./states.ts";
import { TreePacker } from "./tree-packer.ts";

/** Items under way: the walk waits for the head of the queue beyond that. */
const ITEM_COUNT_MAX = 8192;

export class Assembly {
  readonly roots: SnapshotRoot[] = [];
  readonly #parts: AssemblyParts;
  readonly #batches: Batches;
  readonly #packer: TreePacker;
  readonly #trees: TreeWriter;
  #items: Item[] = [];
  #head = 0;
  readonly #planner: Planner;
  // Where the assembly is.
  readonly #states: StateWriter[] = [];
  readonly #open: Metadata[] = [];
  #rootPath: Bytes = new Uint8Array(0);
  #rootStates: StateWriter | undefined;
  #rootCount = 0;
  #counts = { files: 0, folders: 0, others: 0, contentBytes: 0, problems: 0 };
  #unchangedFiles = 0;
  #statesKept = false;

  constructor(parts: AssemblyParts) {
    this.#parts = parts;
    const { store, writer, changes } = parts;
    this.#batches = new Batches(parts.lanes, parts.parts.files, () => store.world.now());
    this.#planner = new Planner({
      openStates: (root) => this.#openStates(root),
      needKnown: (ids, at) => writer.needs.addKnown(ids, at),
      changes,
      files: parts.parts.files,
      now: () => store.world.now(),
    });
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
      if (this.#parts.claims.isCrowded) {
        await this.#relieve(0);
        await this.#parts.renewClaims();
      }
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

  #plan(event: Exclude<WalkEvent, { kind: "wait" }>): void {
    const item = this.#planner.plan(event);
    this.#items.push(item);
    if (item.kind !== "file" || item.known !== undefined) return;
    if (item.sameAs === undefined) this.#batches.add(item);
    else item.event.folder.retain(); // It may have to be read itself.
  }

  #openStates(root: Bytes): StateReader {
    const digest = this.#parts.parts.platform.sha256(root);
    const name = hexOf(digest.subarray(0, 16));
    const { ignoreCtime: changed = false, ignoreInode: inode = false } = this.#parts.changes;
    const { before, after } = openStates(this.#parts.store.cache, name, { changed, inode });
    this.#states.push(after);
    return before;
  }

  // Consumes until at most `countMax` items are left, sending off what the head waits for.
  async #relieve(countMax: number): Promise<void> {
    for (;;) {
      await this.#consume();
      if (this.#items.length - this.#head <= Math.max(countMax, 0)) return;
      if (countMax > 0 && !this.#isFull()) return;
      await this.#batches.dispatch();
      if (!isReady(this.#items[this.#head])) await this.#batches.changed();
    }
  }

  #isFull(): boolean {
    return this.#items.length - this.#head >= ITEM_COUNT_MAX;
  }

  async #consume(): Promise<void> {
    this.#batches.check();
    while (this.#head < this.#items.length) {
      const item = this.#items[this.#head]!;
      if (item.kind === "file" && mustBeRead(item)) this.#readItself(item);
      if (!isReady(item)) break;
      this.#head += 1;
      await this.#assemble(item);
    }
    if (this.#head > ITEM_COUNT_MAX || this.#head === this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }

  #readItself(item: FileItem): void {
    delete item.sameAs;
    this.#batches.add(item);
    item.event.folder.release();
  }

  #assemble(item: Item): Promise<void> | undefined {
    switch (item.kind) {
      case "root":
        this.#rootPath = item.path;
        if (!item.sharesStates) this.#rootStates = this.#states[this.#rootCount++];
        return undefined;
      case "enter":
        this.#noteOther(item);
        this.#open.push(item.metadata);
        this.#trees.enter();
        return undefined;
      case "leave":
        return this.#leave();
      case "other":
        this.#counts.others += 1;
        this.#noteOther(item);
        return this.#addEntry({ ...item.metadata, content: [] });
      case "file":
        return this.#addFile(item);
    }
  }

  #noteOther({ note, complaint, path }: Extract<Item, { readonly kind: "enter" | "other" }>): void {
    if (complaint !== undefined) this.#complain(textOf(path()), complaint);
    this.#keepState(note);
  }

  #keepState(note: StateNote | undefined): void {
    if (note === undefined) return;
    this.#rootStates?.add(note.place, note.facts, note.known, note.readAtMs);
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
    const { metadata, folder } = item.event;
    const first = item.sameAs ?? item;
    if (item.sameAs !== undefined) folder.release();
    const known = knownContentOf(first);
    if (known !== undefined) {
      this.#unchangedFiles += 1;
      return this.#addContent(item, metadata, known);
    }
    const outcome = present(first.outcome, "an outcome is there before it is used");
    if (outcome.kind === "same") {
      this.#needAll(outcome.ids);
      return this.#addContent(item, metadata, outcome);
    }
    if (outcome.kind !== "read") {
      this.#noteUnread(item, outcome);
      return undefined;
    }
    if (outcome.unstable) {
      this.#problem(item, "it changed while it was read, twice: its content may mix two states");
    }
    this.#needAll(outcome.ids);
    return this.#addContent(item, metadataAfter(metadata, outcome), outcome);
  }

  #needAll(ids: Bytes): void {
    const { needs } = this.#parts.writer;
    for (let at = 0; at < ids.length; at += ID_BYTES) needs.add(ids, at);
  }

  #addContent(item: FileItem, stated: Metadata, found: FoundContent): Promise<void> | undefined {
    this.#keepState(stateOf(item, stated, found));
    if (found.complaint !== undefined) this.#problem(item, found.complaint);
    const { ids, extras } = found;
    const metadata = withExtras(stated, extras);
    this.#counts.files += 1;
    this.#counts.contentBytes += metadata.size;
    this.#parts.progress.done(metadata.name, metadata.size, knownContentOf(item) === undefined);
    const content = splitIds(ids);
    const unstable = found.kind === "read" && found.unstable ? { unstable: true } : {};
    if (content.length > INLINE_IDS_MAX) {
      return this.#addLong({ ...metadata, content: [], ...unstable }, content);
    }
    return this.#addEntry({ ...metadata, content, ...unstable });
  }

  async #addLong(entry: Entry, content: readonly BlobId[]): Promise<void> {
    await this.#addEntry({ ...entry, contentLists: await this.#trees.putContentLists(content) });
  }

  #noteUnread(item: FileItem, outcome: Exclude<FileOutcome, { kind: "read" | "same" }>): void {
    if (outcome.kind === "vanished") {
      this.#parts.monitor.notice(`${pathText(item)} vanished before it was read`);
    } else if (outcome.kind === "changed") {
      this.#problem(item, "it was replaced by something else while the backup ran");
    } else {
      this.#problem(item, outcome.message);
    }
  }

  #problem(item: FileItem, message: string): void {
    this.#complain(pathText(item), message);
  }

  #complain(subject: string, message: string): void {
    this.#counts.problems += 1;
    this.#parts.monitor.problem(subject, new BunkerError("incomplete", message));
  }
}
