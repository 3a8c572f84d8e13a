// Restore content: files and what is in them. Small ones are made by the lanes; larger ones are
// made here, their chunks gathered in the window, and finished when all are there.
//
// Where a file is there already, its chunks are compared with those of the snapshot, and only what
// differs is fetched: into a new file that takes the old one's place when it is whole, or, where
// that is wished, into the old one itself.

import type { Bytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { BunkerError, isBunkerError, isDamage } from "../base/errors.ts";
import type { Core } from "../core/core.ts";
import type { Destination, NewFile, PlaceInTree } from "../destination/destination.ts";
import type { OldFile } from "../destination/there.ts";
import type { BlobReader } from "../store/blobs.ts";
import { readContent } from "../store/trees.ts";
import type { RawStat } from "../system/stat.ts";
import { DataCursor, dataBytesOf } from "./extents.ts";
import type { LinkGroups } from "./link-groups.ts";
import { OldContent } from "./old-content.ts";
import { type FileInWork, inWords } from "./restore-files.ts";
import type { BlobTarget } from "./restore-lane.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { RestoreWindow } from "./restore-window.ts";

export interface ContentParts {
  readonly core: Core;
  readonly reader: BlobReader;
  readonly destination: Destination;
  readonly window: RestoreWindow;
  readonly report: RestoreReport;
  readonly groups: LinkGroups;
  readonly inPlace: boolean;
}

/** Files with several chunks that may be open at once. */
const OPEN_FILE_COUNT = 200;

/** A file to restore, and what is there in its place. */
interface Wanted {
  readonly entry: Entry;
  readonly place: PlaceInTree;
  readonly content: readonly Bytes[];
  readonly found: RawStat | undefined;
}

interface Work {
  readonly file: number;
  readonly open: NewFile;
  readonly old: OldFile | undefined;
}

export class RestoreContent {
  readonly #parts: ContentParts;
  readonly #old: OldContent;
  readonly #files = new Map<number, FileInWork>();
  #lastFile = 0;
  #openFiles = 0;

  constructor(parts: ContentParts) {
    this.#parts = parts;
    this.#old = new OldContent(parts.core);
  }

  get isDue(): boolean {
    return this.#parts.window.isFull || this.#openFiles >= OPEN_FILE_COUNT;
  }

  /** Plans a file; `found` is what is there in its place. */
  async plan(entry: Entry, place: PlaceInTree, found: RawStat | undefined): Promise<void> {
    const { reader, report, groups } = this.#parts;
    if (entry.hardLink !== undefined) groups.set(entry.hardLink, place);
    let content: readonly Bytes[];
    try {
      content = await readContent(reader, entry);
    } catch (error) {
      if (!isDamage(error)) throw error;
      report.problem([...place.folder, place.name], error);
      this.#noteLost(entry);
      return;
    }
    const wanted = { entry, place, content, found };
    const { there } = this.#parts.destination;
    const old = found?.type === "file" ? there.openFile(place.folder, place.name) : undefined;
    if (old === undefined) return await this.#planNew(wanted);
    try {
      await this.#planOver(wanted, old);
    } finally {
      there.close(old);
    }
  }

  async #planNew(wanted: Wanted): Promise<void> {
    const { entry, content } = wanted;
    if (content.length === 1 && entry.holes === undefined) await this.#planWhole(wanted);
    else await this.#planParts(wanted, undefined);
  }

  async #planOver(wanted: Wanted, old: OldFile): Promise<void> {
    const { report } = this.#parts;
    const { entry, place, content } = wanted;
    const path = [...place.folder, place.name];
    if (old.stat.size === entry.size && (await this.#hasAll(wanted, old))) {
      let stays = false;
      const done = report.attempt(path, () => (stays = this.#correct(wanted, old.stat)));
      if (stays) report.counts.left += 1;
      if (stays || !done) return;
    }
    const isWhole = content.length === 1 && entry.holes === undefined;
    // One chunk is fetched at once; of a file with other names a copy is made.
    if (isWhole && old.stat.links === 1) await this.#planWhole(wanted);
    else await this.#planParts(wanted, old);
  }

  #correct({ entry, place }: Wanted, stat: RawStat): boolean {
    return this.#parts.destination.there.correct(place.folder, stat, entry);
  }

  // Whether an old file has every chunk. It stops at the first that it has not.
  async #hasAll({ entry, content }: Wanted, old: OldFile): Promise<boolean> {
    const cursor = new DataCursor(entry);
    for (const id of content) {
      const length = await this.#parts.window.lengthOf(id);
      if (length === undefined) return false;
      if (this.#old.chunk(old.descriptor, cursor.take(length), id) === undefined) return false;
    }
    const { there } = this.#parts.destination;
    return cursor.dataBytes === dataBytesOf(entry) && there.hasZeros(old, entry);
  }

  async #planWhole({ entry, place, content, found }: Wanted): Promise<void> {
    const isReplacing = found !== undefined;
    const file = this.#addFile({ place, metadata: entry, bytes: entry.size, isReplacing });
    const target: BlobTarget = { kind: "whole", file, folder: place.folder, metadata: entry };
    this.#inWork(file).waiting = 1;
    await this.#parts.window.add(content[0]!, target);
    this.#inWork(file).planned = true;
  }

  async #planParts(wanted: Wanted, old: OldFile | undefined): Promise<void> {
    const { entry, place, found } = wanted;
    const open = this.#openNew(wanted, old);
    if (open === undefined) return this.#noteLost(entry);
    this.#openFiles += 1;
    const isReplacing = found !== undefined;
    const file = this.#addFile({ place, metadata: entry, bytes: entry.size, open, isReplacing });
    await this.#planChunks(wanted, { file, open, old });
    this.#inWork(file).planned = true;
  }

  async #planChunks({ entry, content }: Wanted, work: Work): Promise<void> {
    const { window } = this.#parts;
    const { file, open } = work;
    const cursor = new DataCursor(entry);
    for (const id of content) {
      if (this.#inWork(file).failed) return;
      const length = await window.lengthOf(id);
      const target = { kind: "part", file, open } as const;
      if (length === undefined) {
        await window.add(id, { ...target, offset: 0 }); // Lost: that fails the file.
        return;
      }
      const extents = cursor.take(length);
      if (this.#reuse(work, extents, id)) continue;
      this.#inWork(file).waiting += extents.length;
      for (const extent of extents) await window.add(id, { ...target, ...extent });
      if (window.isFull) await this.#carryOutWindow();
    }
    const expected = dataBytesOf(entry);
    if (!this.#inWork(file).failed && cursor.dataBytes !== expected) {
      const message = `its chunks have ${cursor.dataBytes} bytes, expected ${expected}`;
      this.failFile(file, new BunkerError("incomplete", message));
    }
  }

  #openNew({ entry, place }: Wanted, old: OldFile | undefined): NewFile | undefined {
    const { destination, report, inPlace } = this.#parts;
    const { there } = destination;
    let open: NewFile | undefined;
    const made = report.attempt([...place.folder, place.name], () => {
      const isInPlace = inPlace && old?.stat.links === 1 && !there.mayBeHeld(old.stat, entry);
      open = isInPlace
        ? destination.openInPlace(place.folder, place.name)
        : destination.createFile(place.folder, place.name);
      if (entry.size > 0 || isInPlace) destination.truncate(open, entry.size);
      if (isInPlace) destination.clear(open, entry.holes ?? []);
    });
    if (made) return open;
    if (open !== undefined) destination.discardFile(open);
    return undefined;
  }

  // Takes a chunk from the file that is there. Returns whether it had it.
  #reuse(
    { file, open, old }: Work,
    extents: Parameters<OldContent["chunk"]>[1],
    id: Bytes,
  ): boolean {
    const bytes = old === undefined ? undefined : this.#old.chunk(old.descriptor, extents, id);
    if (bytes === undefined) return false;
    if (open.isInPlace === true) return true;
    try {
      for (const { offset, from, length } of extents) {
        this.#parts.destination.writeAt(open, bytes.subarray(from, from + length), offset);
      }
    } catch (error) {
      if (!isBunkerError(error)) throw error;
      this.failFile(file, error);
    }
    return true;
  }

  #addFile(file: Omit<FileInWork, "failed" | "planned" | "waiting">): number {
    this.#lastFile += 1;
    this.#files.set(this.#lastFile, { ...file, failed: false, planned: false, waiting: 0 });
    return this.#lastFile;
  }

  #inWork(file: number): FileInWork {
    const found = this.#files.get(file);
    if (found === undefined) throw new Error("a file in work is known");
    return found;
  }

  async #carryOutWindow(): Promise<void> {
    await this.#parts.window.carryOut();
    this.#parts.report.tell();
  }

  /** Writes everything that was planned, and finishes the files that are whole. */
  async carryOut(): Promise<void> {
    await this.#parts.window.carryOut();
    this.#finishAll(() => true);
  }

  /** A chunk stands at one of the places that wait for it. */
  noteWritten(number: number): void {
    this.#inWork(number).waiting -= 1;
  }

  #finishAll(isDone: (file: FileInWork) => boolean): void {
    for (const [number, file] of this.#files) {
      if (!file.planned || !isDone(file)) continue;
      this.#files.delete(number);
      this.#finishFile(file);
    }
  }

  #finishFile(file: FileInWork): void {
    const { destination, report } = this.#parts;
    const { open, place, metadata } = file;
    const path = [...place.folder, place.name];
    if (open !== undefined) {
      this.#openFiles -= 1;
      if (file.failed) destination.discardFile(open);
      else file.failed = !report.attempt(path, () => destination.finishFile(open, metadata));
    }
    if (file.failed) return this.#noteLost(metadata);
    report.counts.files += 1;
    report.counts.bytes += file.bytes;
    report.step(file.isReplacing ? "replace" : "make", path);
  }

  /** A file can't be written, or its content is lost. */
  failFile(number: number, error: unknown): void {
    const file = this.#inWork(number);
    if (file.failed) return;
    file.failed = true;
    const { open, place } = file;
    if (open !== undefined && open.isInPlace !== true) this.#empty(open);
    this.#parts.report.problem([...place.folder, place.name], inWords(error, open));
  }

  // Its room is for others at once. Lanes may still write to it, so that it is not closed yet.
  #empty(open: NewFile): void {
    try {
      this.#parts.destination.truncate(open, 0);
    } catch (error) {
      if (!isBunkerError(error)) throw error;
    }
  }

  #noteLost({ hardLink }: Pick<Entry, "hardLink">): void {
    if (hardLink !== undefined) this.#parts.groups.set(hardLink, undefined);
  }

  /** Finishes what is whole, and lets go of the rest. Nothing may be under way. */
  giveUp(): void {
    try {
      this.#finishAll(({ waiting, failed }) => waiting === 0 && !failed);
    } catch (error) {
      if (!isBunkerError(error)) throw error; // What led here says more.
    }
    for (const { open } of this.#files.values()) {
      if (open !== undefined) this.#parts.destination.discardFile(open);
    }
    this.#files.clear();
  }
}
