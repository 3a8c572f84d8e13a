// Restore: from a snapshot to a destination.
//
// The tree is walked in order; folders, links and empty files are made on the way, and the chunks
// that files need are gathered until the window is full. A window is carried out pack by pack, in
// coalesced ranges, many at once; then come hard links, and the folders that the walk has left: what
// the snapshot does not have is removed from them, where that is wished, and they get their times.

import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { isBunkerError, isDamage, messageOf } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import type { Selection, Verdict } from "../base/selection.ts";
import type { Complaint, Destination, FolderPath } from "../destination/destination.ts";
import { textOfPath } from "../destination/names.ts";
import type { FolderIdentity, Removal } from "../destination/removal.ts";
import { isNewer } from "../destination/same.ts";
import type { BlobReader } from "../store/blobs.ts";
import { childrenOf, isFolder, nameOfNode, type Node } from "../store/paths.ts";
import type { FolderNames } from "../system/names.ts";
import type { RawStat } from "../system/stat.ts";
import { LinkGroups } from "./link-groups.ts";
import { makesWay } from "./restore-choice.ts";
import type { Overwrite } from "./restore-choice.ts";
import { RestoreContent } from "./restore-content.ts";
import { RestoreEntries } from "./restore-entries.ts";
import { type OnStep, type RestoreCounts, RestoreReport } from "./restore-report.ts";
import { Surplus } from "./restore-surplus.ts";
import type { Store } from "../store/store.ts";
import { RestoreWindow, type WindowParts } from "./restore-window.ts";

/** How a restore treats what is there, and which part of the snapshot it takes. */
export interface RestoreMode {
  /** Absent where nothing can be there: the target was empty. */
  readonly overwrite?: Overwrite;
  /** Files are changed where they are. */
  readonly inPlace?: boolean;
  /** What the snapshot does not have is removed from the folders that it has, but for these. */
  readonly deleting?: { readonly spared: readonly FolderIdentity[] };
  readonly selection?: Selection;
}

export interface RestoreParts extends Omit<WindowParts, "onFileFailed" | "onPlaced"> {
  readonly store: Store;
  readonly reader: BlobReader;
  readonly destination: Destination;
  readonly monitor: Monitor;
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
  readonly mode?: RestoreMode;
  readonly onStep?: OnStep;
}

/** Hard links, finished folders and names to be removed that may wait. */
const WAITING_COUNT = 8192;

/** A folder on the way of the walk. */
interface Frame {
  readonly node: Node;
  readonly path: FolderPath;
  /** One that is not meant itself is made when something in it is. */
  made: boolean;
  failed: boolean;
  /** What was there before, if it was there. */
  found: RawStat | undefined;
}

/** A folder that the walk has left. */
interface LeftFolder {
  readonly path: FolderPath;
  readonly metadata: Metadata | undefined;
  readonly found: RawStat | undefined;
  readonly surplus: readonly Bytes[];
}

export class Restore {
  readonly #parts: RestoreParts;
  readonly #mode: RestoreMode;
  readonly #window: RestoreWindow;
  readonly #content: RestoreContent;
  readonly #entries: RestoreEntries;
  readonly #report: RestoreReport;
  readonly #groups = new LinkGroups();
  readonly #removal: Pick<Removal, "remove"> | undefined;
  /** The folders on the way that are not made yet, the uppermost first. */
  readonly #ways: Frame[] = [];
  #left: LeftFolder[] = [];
  #surplusCount = 0;
  #hasToldKept = false;

  constructor(parts: RestoreParts) {
    this.#parts = parts;
    this.#mode = parts.mode ?? {};
    const { destination, reader } = parts;
    const report = new RestoreReport({ ...parts, hasRoom: () => destination.hasRoom() });
    this.#report = report;
    this.#window = new RestoreWindow({
      ...parts,
      onFileFailed: (file, error) => this.#content.failFile(file, error),
      onPlaced: (file) => this.#content.noteWritten(file),
      onComplaints: (complaints) => this.#note(complaints),
      onWritten: (bytes) => report.written(bytes),
    });
    const { overwrite, inPlace = false, deleting } = this.#mode;
    const common = { destination, report, groups: this.#groups };
    const { core } = parts.store;
    this.#content = new RestoreContent({ ...common, core, reader, window: this.#window, inPlace });
    const clearing = makesWay(this.#mode);
    this.#entries = new RestoreEntries({ ...common, content: this.#content, overwrite, clearing });
    this.#removal = deleting === undefined ? undefined : this.#newRemoval(deleting.spared);
  }

  get counts(): Readonly<RestoreCounts> {
    return { ...this.#report.counts, fetchedBytes: this.#window.fetchedBytes };
  }

  /** Restores what is in `node` into the root of the destination, with its own metadata. */
  async restoreTop(node: Node): Promise<void> {
    await this.#restoreAll(async () => {
      if (!isFolder(node)) return await this.#restoreNode(node, []);
      const found = this.#hasPresent ? this.#parts.destination.there.enterFolder([]) : undefined;
      await this.#restoreFolder({ node, path: [], made: true, failed: false, found });
    });
  }

  /** Restores `node` under its own name into the root of the destination. */
  async restoreNamed(node: Node): Promise<void> {
    await this.#restoreAll(() => this.#restoreNode(node, []));
  }

  get #hasPresent(): boolean {
    return this.#mode.overwrite !== undefined;
  }

  async #restoreAll(walk: () => Promise<void>): Promise<void> {
    this.#groups.clear(); // Their numbers are a snapshot's own.
    try {
      await walk();
      await this.#carryOut();
      await this.#report.tellSteps();
    } catch (error) {
      // A lane that was stopped may still be writing: then the parts stay until the next restore.
      if (!isBunkerError(error, "interrupted")) this.#content.giveUp();
      throw error;
    }
  }

  async #restoreNode(node: Node, folder: FolderPath): Promise<void> {
    const verdict = this.#judge(node, folder);
    if (verdict === "leave") return;
    if (isFolder(node)) {
      const path = [...folder, nameOfNode(node)];
      const frame = { node, path, made: false, failed: false, found: undefined };
      this.#ways.push(frame);
      if (verdict === "descend" || this.#makeWays()) await this.#restoreFolder(frame);
      else this.#ways.pop();
    } else if (node.kind === "entry" && this.#makeWays()) {
      await this.#entries.restore(node.entry, folder);
    }
    await this.#report.tellSteps();
    if (this.#isDue) await this.#carryOut();
  }

  #judge(node: Node, folder: FolderPath): Verdict {
    const { selection } = this.#mode;
    return selection?.judge([...folder, nameOfNode(node)], isFolder(node)) ?? "take";
  }

  // Makes the folders that lead to what is restored next.
  #makeWays(): boolean {
    for (let way = this.#ways[0]; way !== undefined; way = this.#ways[0]) {
      const { path } = way;
      const attempt = () => (way!.found = this.#parts.destination.makeFolder(path));
      way.failed ||= !this.#report.attempt(path, attempt);
      if (way.failed) return false;
      way.made = true;
      this.#ways.shift();
    }
    return true;
  }

  get #isDue(): boolean {
    const waiting = this.#entries.waiting + this.#left.length + this.#surplusCount;
    return this.#content.isDue || waiting >= WAITING_COUNT;
  }

  async #restoreFolder(frame: Frame): Promise<void> {
    const { node, path } = frame;
    const surplus = this.#surplusOf(frame);
    try {
      for await (const child of childrenOf(this.#parts.reader, node)) {
        surplus?.meet(nameOfNode(child));
        await this.#restoreNode(child, path);
      }
      if (frame.made) this.#report.counts.folders += 1;
      this.#leave(frame, surplus?.rest() ?? []);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const message = `it can't be read, and all below it is missing: ${messageOf(error)}`;
      this.#report.problem(path, message);
      this.#leave(frame, []);
    }
  }

  #leave({ node, path, made, found }: Frame, surplus: readonly Bytes[]): void {
    if (!made) this.#ways.pop();
    const metadata = made && node.kind === "entry" ? node.entry : undefined;
    if (metadata === undefined && found === undefined && surplus.length === 0) return;
    this.#surplusCount += surplus.length;
    this.#left.push({ path, metadata, found, surplus });
  }

  // A folder that is only the way to a root is not the snapshot's, and keeps what it has.
  #surplusOf({ node, path, made, found }: Frame): Surplus | undefined {
    if (this.#removal === undefined || node.kind === "way") return undefined;
    if (made && found === undefined) return undefined;
    let names: FolderNames | undefined;
    this.#report.attempt(path, () => (names = this.#parts.destination.there.names(path)));
    return names === undefined ? undefined : new Surplus(names);
  }

  // Everything that was planned is written: files are finished, then links, then folders.
  async #carryOut(): Promise<void> {
    await this.#content.carryOut();
    this.#entries.carryOut();
    const left = this.#left;
    this.#left = [];
    this.#surplusCount = 0;
    for (const folder of left) {
      this.#removeSurplus(folder);
      this.#finishFolder(folder);
    }
    this.#note(this.#parts.destination.takeComplaints());
    this.#report.tell();
  }

  // What was restored, but for something that has no place here.
  #note(complaints: readonly Complaint[]): void {
    for (const { path, message } of complaints) this.#report.problem(path, message);
  }

  #finishFolder({ path, metadata, found }: LeftFolder): void {
    const { destination } = this.#parts;
    this.#report.attempt(path, () => {
      if (found !== undefined && (metadata === undefined || this.#isKept(found, metadata))) {
        destination.there.leaveFolder(path, found);
      } else if (metadata !== undefined) {
        if (found === undefined) destination.finishFolder(path, metadata);
        else destination.there.correctFolder(path, metadata);
      }
    });
  }

  #isKept(found: RawStat, metadata: Metadata): boolean {
    const { overwrite } = this.#mode;
    return overwrite === "never" || (overwrite === "if-newer" && !isNewer(metadata, found));
  }

  // Only where all was restored: what is there may be the better copy.
  #removeSurplus({ path, surplus }: LeftFolder): void {
    if (surplus.length === 0 || this.#removal === undefined) return;
    if (!this.#report.isWell(path)) {
      if (this.#hasToldKept) return;
      this.#hasToldKept = true;
      const message = "not all of it was restored: what the snapshot does not have stays there";
      this.#parts.monitor.notice(`${textOfPath(path)}: ${message}`);
      return;
    }
    for (const name of surplus) this.#removal.remove(path, name);
  }

  #newRemoval(spared: readonly FolderIdentity[]): Pick<Removal, "remove"> {
    const { selection } = this.#mode;
    return this.#parts.destination.removal({
      spared,
      dry: this.#parts.dry === true,
      ...(selection === undefined
        ? {}
        : { judge: (path, isFolderThere) => selection.judge(path, isFolderThere) }),
      onRemoved: (path) => this.#report.step("delete", path),
      onKept: (path, error) => this.#report.problem(path, error),
    });
  }
}
