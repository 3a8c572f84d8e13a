// Restore verify: reads back what was restored, and compares it with the snapshot: every chunk by
// its id, and owner, mode, time, attributes, link targets and hard links.

import { equalBytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { BunkerError, isBunkerError, isDamage } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import type { Destination, FolderPath } from "../destination/destination.ts";
import { textOfPath } from "../destination/names.ts";
import { type Difference, isNewer } from "../destination/same.ts";
import type { BlobReader } from "../store/blobs.ts";
import { childrenOf, isFolder, nameOfNode, type Node } from "../store/paths.ts";
import type { Store } from "../store/store.ts";
import { readContent } from "../store/trees.ts";
import type { RawStat } from "../system/stat.ts";
import { DataCursor, dataBytesOf } from "./extents.ts";
import { LinkGroups } from "./link-groups.ts";
import { OldContent } from "./old-content.ts";
import type { RestoreMode } from "./restore.ts";

export interface VerifyParts {
  readonly store: Store;
  readonly reader: BlobReader;
  readonly destination: Destination;
  readonly monitor: Monitor;
  readonly mode: RestoreMode;
  /** What the restore said that it could not set: that differs, and is no news. */
  readonly limits: ReadonlySet<string>;
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
}

export interface VerifyCounts {
  /** Files, folders, links and nodes that are what the snapshot has. */
  verified: number;
  problems: number;
}

/** Which differences are explained by which limits. */
const EXPLAINED: readonly (readonly [RegExp, Difference])[] = [
  [/^owners /, "owner"],
  [/^setuid /, "mode"],
  [/^modes /, "mode"],
  [/^ACLs /, "mode"],
  [/^times /, "time"],
  [/attributes|ACL|capabilit/, "attributes"],
];

export class RestoreVerify {
  readonly counts: VerifyCounts = { verified: 0, problems: 0 };
  readonly #parts: VerifyParts;
  readonly #content: OldContent;
  readonly #groups = new LinkGroups();
  readonly #explained: ReadonlySet<Difference>;
  #bytes = 0;

  constructor(parts: VerifyParts) {
    this.#parts = parts;
    this.#content = new OldContent(parts.store.core);
    const limits = [...parts.limits];
    const explained = EXPLAINED.filter(([pattern]) => limits.some((limit) => pattern.test(limit)));
    this.#explained = new Set(explained.map(([, difference]) => difference));
  }

  /** The counterparts of those of a restore. */
  async verifyTop(node: Node): Promise<void> {
    this.#groups.clear();
    if (isFolder(node)) await this.#verifyFolder(node, [], true);
    else await this.#verifyNode(node, []);
  }

  async verifyNamed(node: Node): Promise<void> {
    this.#groups.clear();
    await this.#verifyNode(node, []);
  }

  async #verifyNode(node: Node, folder: FolderPath): Promise<void> {
    const path = [...folder, nameOfNode(node)];
    const verdict = this.#parts.mode.selection?.judge(path, isFolder(node)) ?? "take";
    if (verdict === "leave") return;
    if (isFolder(node)) await this.#verifyFolder(node, path, verdict === "take");
    else if (node.kind === "entry")
      await this.#attempt(path, () => this.#verifyEntry(node.entry, folder));
  }

  async #verifyFolder(node: Node, path: FolderPath, isMeant: boolean): Promise<void> {
    try {
      for await (const child of childrenOf(this.#parts.reader, node)) {
        await this.#verifyNode(child, path);
      }
    } catch (error) {
      if (!isDamage(error)) throw error; // The restore has named it.
    }
    if (!isMeant || node.kind !== "entry") return;
    const { there } = this.#parts.destination;
    await this.#attempt(path, async () => {
      const stat = there.lookAtFolder(path);
      if (stat === undefined) throw wrong("it is not there");
      if (this.#staysByWish(stat, node.entry)) return;
      // Of the root there is no name to ask by.
      this.#expectSame(there.folderDifferences(path, node.entry));
      this.counts.verified += 1;
    });
  }

  async #verifyEntry(entry: Entry, folder: FolderPath): Promise<void> {
    const { there } = this.#parts.destination;
    const found = there.look(folder, entry.name);
    if (found === undefined) throw wrong("it is not there");
    if (this.#staysByWish(found, entry)) return;
    this.#expectSame(there.differences(folder, found, entry));
    if (entry.type === "link") this.#expectTarget(entry, folder);
    const isKnown = entry.hardLink !== undefined && this.#groups.has(entry.hardLink);
    if (isKnown) this.#expectLinked(entry, found);
    else if (entry.type === "file") await this.#expectContent(entry, folder);
    if (entry.hardLink !== undefined && !isKnown) {
      this.#groups.set(entry.hardLink, { folder, name: entry.name });
    }
    this.counts.verified += 1;
  }

  #staysByWish(found: RawStat, entry: Entry): boolean {
    const { overwrite } = this.#parts.mode;
    return overwrite === "if-newer" && isNewer(found, entry);
  }

  #expectSame(differences: readonly Difference[]): void {
    const unexplained = differences.filter((difference) => !this.#explained.has(difference));
    if (unexplained.length > 0) throw wrong(`another ${unexplained.join(", another ")}`);
  }

  #expectTarget({ name, target }: Entry, folder: FolderPath): void {
    const found = this.#parts.destination.there.targetOf(folder, name);
    if (found === undefined || target === undefined || !equalBytes(found, target)) {
      throw wrong("another target");
    }
  }

  #expectLinked({ hardLink }: Entry, found: RawStat): void {
    const first = this.#groups.get(hardLink ?? 0);
    const other = first && this.#parts.destination.there.look(first.folder, first.name);
    if (other?.inode !== found.inode || other.deviceId !== found.deviceId) {
      throw wrong("it is not the same file as its other names");
    }
  }

  async #expectContent(entry: Entry, folder: FolderPath): Promise<void> {
    const { reader, destination } = this.#parts;
    const content = await readContent(reader, entry);
    const old = destination.there.openFile(folder, entry.name);
    if (old === undefined) throw wrong("it can't be read back");
    try {
      const cursor = new DataCursor(entry);
      for (const id of content) {
        const [place] = await reader.places(id);
        if (place === undefined) throw wrong("a chunk of it is lost");
        const at = cursor.dataBytes;
        if (this.#content.chunk(old.descriptor, cursor.take(place.plainBytes), id) === undefined) {
          throw wrong(`another content, from byte ${at} of its data on`);
        }
        this.#bytes += place.plainBytes;
        this.#tell();
      }
      if (cursor.dataBytes !== dataBytesOf(entry) || !destination.there.hasZeros(old, entry)) {
        throw wrong("another content where the snapshot has holes");
      }
    } finally {
      destination.there.close(old);
    }
  }

  async #attempt(path: FolderPath, step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.#tell();
    } catch (error) {
      if (!isBunkerError(error)) throw error;
      this.counts.problems += 1;
      this.#parts.monitor.problem(textOfPath(path), error);
    }
  }

  #tell(): void {
    const { monitor, totals } = this.#parts;
    const filesDone = this.counts.verified;
    monitor.progress({ filesDone, bytesDone: this.#bytes, ...totals, subject: "reading back" });
  }
}

function wrong(what: string): BunkerError {
  return new BunkerError("incomplete", `read back and compared: ${what}`);
}
