// Restore: from a snapshot to a destination.
//
// The tree is walked in order; folders, links and empty files are made on the way, and the chunks
// that files need are gathered until the window is full. A window is carried out pack by pack, in
// coalesced ranges, many at once; then come hard links, and the folders that the walk has left.

import type { Bytes } from "../base/bytes.ts";
import type { Entry, Metadata } from "../base/entry.ts";
import { BunkerError, isBunkerError, isDamage, messageOf } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import type { FolderPath, NewFile, PlaceInTree } from "../destination/destination.ts";
import type { FolderDestination } from "../destination/folder.ts";
import { textOfPath } from "../destination/names.ts";
import type { BlobReader } from "../store/blobs.ts";
import { childrenOf, isFolder, nameOfNode, type Node } from "../store/paths.ts";
import { readContent } from "../store/trees.ts";
import { LinkGroups } from "./link-groups.ts";
import { type FileInWork, type Link, notYet } from "./restore-files.ts";
import type { BlobTarget } from "./restore-lane.ts";
import { RestoreWindow, type WindowParts } from "./restore-window.ts";

export interface RestoreCounts {
  files: number;
  folders: number;
  others: number;
  bytes: number;
  problems: number;
}

export interface RestoreParts extends Omit<WindowParts, "onFileFailed"> {
  readonly reader: BlobReader;
  readonly destination: FolderDestination;
  readonly monitor: Monitor;
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
}

/** Files with several chunks that may be open at once. */
const OPEN_FILE_COUNT = 200;
/** Hard links and finished folders that may wait. */
const WAITING_COUNT = 8192;

export class Restore {
  readonly counts: RestoreCounts = { files: 0, folders: 0, others: 0, bytes: 0, problems: 0 };
  readonly #parts: RestoreParts;
  readonly #window: RestoreWindow;
  readonly #files = new Map<number, FileInWork>();
  #lastFile = 0;
  #openFiles = 0;
  readonly #links: Link[] = [];
  readonly #groups = new LinkGroups();
  #left: { readonly path: FolderPath; readonly metadata: Metadata }[] = [];

  constructor(parts: RestoreParts) {
    this.#parts = parts;
    this.#window = new RestoreWindow({
      ...parts,
      onFileFailed: (file, message) => this.#failFile(file, message),
    });
  }

  /** Restores what is in `node` into the root of the destination, with its own metadata. */
  async restoreTop(node: Node): Promise<void> {
    await this.#restoreAll(() =>
      isFolder(node) ? this.#restoreFolder(node, []) : this.#restoreNode(node, []),
    );
  }

  /** Restores `node` under its own name into the root of the destination. */
  async restoreNamed(node: Node): Promise<void> {
    await this.#restoreAll(() => this.#restoreNode(node, []));
  }

  async #restoreAll(walk: () => Promise<void>): Promise<void> {
    this.#groups.clear(); // Their numbers are a snapshot's own.
    try {
      await walk();
      await this.#carryOut();
    } catch (error) {
      // A lane that was stopped may still be writing: then the parts stay until the next restore.
      if (!isBunkerError(error, "interrupted")) this.#discardAll();
      throw error;
    }
  }

  #discardAll(): void {
    for (const { open } of this.#files.values()) {
      if (open !== undefined) this.#parts.destination.discardFile(open);
    }
    this.#files.clear();
  }

  async #restoreNode(node: Node, folder: FolderPath): Promise<void> {
    if (isFolder(node)) {
      const path = [...folder, nameOfNode(node)];
      if (this.#attempt(path, () => this.#parts.destination.makeFolder(path))) {
        await this.#restoreFolder(node, path);
      }
    } else if (node.kind === "entry") {
      await this.#restoreEntry(node.entry, folder);
    }
    if (this.#isDue) await this.#carryOut();
  }

  get #isDue(): boolean {
    const waiting = this.#links.length + this.#left.length;
    return this.#window.isFull || this.#openFiles >= OPEN_FILE_COUNT || waiting >= WAITING_COUNT;
  }

  async #restoreFolder(node: Node, path: FolderPath): Promise<void> {
    try {
      for await (const child of childrenOf(this.#parts.reader, node)) {
        await this.#restoreNode(child, path);
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#problem(path, `it can't be read, and all below it is missing: ${messageOf(error)}`);
      this.counts.folders -= 1;
    }
    if (node.kind === "entry") this.#left.push({ path, metadata: node.entry });
    this.counts.folders += 1;
  }

  async #restoreEntry(entry: Entry, folder: FolderPath): Promise<void> {
    const place = { folder, name: entry.name };
    if (entry.hardLink !== undefined && this.#groups.has(entry.hardLink)) {
      this.#links.push({ group: entry.hardLink, added: place, isFile: entry.type === "file" });
    } else if (entry.type === "file") {
      await this.#restoreFile(entry, place);
    } else {
      this.#restoreOther(entry, folder);
    }
  }

  #restoreOther(entry: Entry, folder: FolderPath): void {
    const { destination } = this.#parts;
    const done = this.#attempt([...folder, entry.name], () => {
      if (entry.type === "link") destination.makeLink(folder, entry);
      else if (entry.type === "object") throw notYet("a bucket's object");
      else destination.makeNode(folder, entry);
    });
    if (done) this.counts.others += 1;
    this.#noteGroup(entry, done ? { folder, name: entry.name } : undefined);
  }

  async #restoreFile(entry: Entry, place: PlaceInTree): Promise<void> {
    let content: Awaited<ReturnType<typeof readContent>>;
    try {
      content = await readContent(this.#parts.reader, entry);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#problem([...place.folder, place.name], error);
      this.#noteGroup(entry, undefined);
      return;
    }
    this.#noteGroup(entry, place);
    if (content.length === 1 && entry.holes === undefined) {
      await this.#planWhole(entry, place, content[0]!);
    } else {
      await this.#planParts(entry, place, content);
    }
  }

  async #planWhole(entry: Entry, place: PlaceInTree, id: Bytes): Promise<void> {
    const file = this.#addFile({ place, metadata: entry, bytes: entry.size });
    const target: BlobTarget = { kind: "whole", file, folder: place.folder, metadata: entry };
    await this.#window.add(id, target);
    this.#inWork(file).planned = true;
  }

  async #planParts(entry: Entry, place: PlaceInTree, content: readonly Bytes[]): Promise<void> {
    const { destination } = this.#parts;
    let open: NewFile | undefined;
    const made = this.#attempt([...place.folder, place.name], () => {
      open = destination.createFile(place.folder, place.name);
      if (entry.size > 0) destination.truncate(open, entry.size);
    });
    if (!made || open === undefined) {
      if (open !== undefined) destination.discardFile(open);
      this.#noteGroup(entry, undefined);
      return;
    }
    this.#openFiles += 1;
    const file = this.#addFile({ place, metadata: entry, bytes: entry.size, open });
    let offset = 0;
    for (const id of content) {
      if (this.#inWork(file).failed) break;
      const length = await this.#window.add(id, { kind: "part", file, open, offset });
      if (length === undefined) break; // Lost: the file has failed, and where the next begins is unknown.
      offset += length;
      if (this.#window.isFull) await this.#carryOutWindow();
    }
    if (!this.#inWork(file).failed && offset !== entry.size) {
      this.#failFile(file, `its chunks have ${offset} bytes, expected ${entry.size}`);
    }
    this.#inWork(file).planned = true;
  }

  #addFile(file: Omit<FileInWork, "failed" | "planned">): number {
    this.#lastFile += 1;
    this.#files.set(this.#lastFile, { ...file, failed: false, planned: false });
    return this.#lastFile;
  }

  #inWork(file: number): FileInWork {
    const found = this.#files.get(file);
    if (found === undefined) throw new Error("a file in work is known");
    return found;
  }

  async #carryOutWindow(): Promise<void> {
    await this.#window.carryOut();
    this.#tell();
  }

  // Everything that was planned is written: files are finished, then links, then folders.
  async #carryOut(): Promise<void> {
    await this.#window.carryOut();
    for (const [number, file] of this.#files) {
      if (!file.planned) continue;
      this.#files.delete(number);
      this.#finishFile(file);
    }
    for (const link of this.#links.splice(0)) this.#makeLink(link);
    const left = this.#left;
    this.#left = [];
    for (const { path, metadata } of left) {
      this.#attempt(path, () => this.#parts.destination.finishFolder(path, metadata));
    }
    this.#tell();
  }

  #finishFile(file: FileInWork): void {
    const { destination } = this.#parts;
    const { open, place, metadata } = file;
    if (open !== undefined) {
      this.#openFiles -= 1;
      if (file.failed) destination.discardFile(open);
      else {
        const path = [...place.folder, place.name];
        file.failed = !this.#attempt(path, () => destination.finishFile(open, metadata));
      }
    }
    if (file.failed) {
      if (metadata.hardLink !== undefined) this.#groups.set(metadata.hardLink, undefined);
      return;
    }
    this.counts.files += 1;
    this.counts.bytes += file.bytes;
  }

  #makeLink({ group, added, isFile }: Link): void {
    const { destination } = this.#parts;
    const path = [...added.folder, added.name];
    const first = this.#groups.get(group);
    if (first === undefined) {
      this.#problem(path, "the file that it is a name of is not there");
      return;
    }
    if (!this.#attempt(path, () => destination.makeHardLink(first, added))) return;
    this.counts[isFile ? "files" : "others"] += 1;
  }

  #noteGroup(entry: Entry, place: PlaceInTree | undefined): void {
    if (entry.hardLink !== undefined) this.#groups.set(entry.hardLink, place);
  }

  #failFile(number: number, message: string): void {
    const file = this.#inWork(number);
    if (file.failed) return;
    file.failed = true;
    this.#problem([...file.place.folder, file.place.name], message);
  }

  // Runs a step; what the destination refuses is a problem of that path, and the rest goes on.
  #attempt(path: FolderPath, step: () => void): boolean {
    try {
      step();
      return true;
    } catch (error) {
      if (!isBunkerError(error)) throw error;
      this.#problem(path, error);
      return false;
    }
  }

  #problem(path: FolderPath, error: unknown): void {
    this.counts.problems += 1;
    const message = typeof error === "string" ? new BunkerError("incomplete", error) : error;
    this.#parts.monitor.problem(textOfPath(path), message);
  }

  #tell(): void {
    this.#parts.monitor.progress({
      filesDone: this.counts.files,
      bytesDone: this.counts.bytes,
      ...this.#parts.totals,
    });
  }
}
