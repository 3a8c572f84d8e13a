// Archive: from a snapshot to a tar or zip, in the order of its trees.
//
// A file that is held in memory is verified before its header is written, and left out where it is
// damaged. A larger one is written as it is read: damage in its middle ends the run.

import type { Bytes } from "../base/bytes.ts";
import type { Entry } from "../base/entry.ts";
import { BunkerError, isBunkerError, isDamage, messageOf } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import type { Monitor } from "../base/monitor.ts";
import type { Selection } from "../base/selection.ts";
import { type Archive, dataRangesOf, type Member } from "../destination/archive.ts";
import type { FolderPath } from "../destination/destination.ts";
import { textOfPath } from "../destination/names.ts";
import type { BlobReader } from "../store/blobs.ts";
import { childrenOf, isFolder, nameOfNode, type Node } from "../store/paths.ts";
import { readContent } from "../store/trees.ts";
import { LinkGroups } from "./link-groups.ts";
import { readAhead } from "./read-ahead.ts";

export interface ArchiveCounts {
  files: number;
  folders: number;
  others: number;
  bytes: number;
  /** What the format has no place for. */
  leftOut: number;
  problems: number;
}

export interface ArchiveParts {
  readonly reader: BlobReader;
  readonly archive: Archive;
  readonly monitor: Monitor;
  readonly selection?: Selection;
  readonly breathe: () => Promise<void> | undefined;
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
}

interface Way {
  readonly node: Node;
  readonly path: FolderPath;
  state: "waiting" | "added" | "refused";
}

/** A file of so many bytes or less is held in memory until it is verified. */
const WHOLE_BYTES_MAX = 8 * 1024 * 1024;
const PROGRESS_EVERY = 64;

export class ArchiveJob {
  readonly counts: ArchiveCounts = {
    files: 0,
    folders: 0,
    others: 0,
    bytes: 0,
    leftOut: 0,
    problems: 0,
  };
  readonly #parts: ArchiveParts;
  readonly #groups = new LinkGroups();
  /** The folders above, from the top down, that are still to be added. */
  readonly #ways: Way[] = [];

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
  }

  /** Puts what is in `node` at the root of the archive, a single file under its name. */
  async addTop(node: Node): Promise<void> {
    this.#groups.clear(); // Their numbers are a snapshot's own.
    if (isFolder(node)) await this.#addFolder(node, [], false);
    else await this.#addNode(node, []);
  }

  /** Puts `node` under its own name at the root of the archive. */
  async addNamed(node: Node): Promise<void> {
    this.#groups.clear();
    await this.#addNode(node, []);
  }

  async #addNode(node: Node, folder: FolderPath): Promise<void> {
    const path = [...folder, nameOfNode(node)];
    const verdict = this.#parts.selection?.judge(path, isFolder(node)) ?? "take";
    if (verdict === "leave") return;
    if (isFolder(node)) await this.#addFolder(node, path, verdict === "descend");
    else if (node.kind === "entry" && (await this.#addWays())) {
      await this.#addEntry(node.entry, path);
    }
    await this.#parts.breathe();
  }

  // With `isWay` the folder is there only for what is taken below it, if anything is.
  async #addFolder(node: Node, path: FolderPath, isWay: boolean): Promise<void> {
    const way: Way = { node, path, state: "waiting" };
    this.#ways.push(way);
    if (!isWay && !(await this.#addWays())) {
      this.#ways.pop();
      return; // What is below a name that can't be given has none either.
    }
    try {
      for await (const child of childrenOf(this.#parts.reader, node)) {
        await this.#addNode(child, path);
      }
    } catch (error) {
      if (!isDamage(error) || error instanceof Unfinished) throw error;
      this.#problem(path, `it can't be read, and all below it is missing: ${messageOf(error)}`);
      if (way.state === "added" && node.kind === "entry") this.counts.folders -= 1;
    }
    if (way.state !== "added") this.#ways.pop();
  }

  // Adds the folders that lead to what comes next; false where one of them can't be.
  async #addWays(): Promise<boolean> {
    for (let way = this.#ways[0]; way !== undefined; way = this.#ways[0]) {
      if (way.state === "refused" || !(await this.#addWay(way))) return false;
      this.#ways.shift();
    }
    return true;
  }

  async #addWay(way: Way): Promise<boolean> {
    const { node, path } = way;
    // Folders that are only a way to a root have no metadata: whoever unpacks makes them.
    if (node.kind === "entry") {
      const member = { path, metadata: node.entry };
      const isAdded = await this.#attempt(path, () => this.#parts.archive.add(member));
      way.state = isAdded ? "added" : "refused";
      if (!isAdded) return false;
      this.counts.folders += 1;
    }
    way.state = "added";
    return true;
  }

  async #addEntry(entry: Entry, path: FolderPath): Promise<void> {
    const { archive, monitor } = this.#parts;
    const lack = archive.lacks(entry);
    if (lack !== undefined) {
      this.counts.leftOut += 1;
      monitor.notice(`${textOfPath(path)}: ${lack}: it is left out`);
      return;
    }
    const group = archive.hasLinks ? entry.hardLink : undefined;
    const isFile = entry.type === "file" || entry.type === "object";
    const isDone = await this.#attempt(path, async () => {
      if (group !== undefined && this.#groups.has(group)) await this.#addLink(entry, path, group);
      else if (isFile) await this.#addFile(entry, path);
      else await archive.add({ path, metadata: entry });
    });
    if (group !== undefined && !this.#groups.has(group)) this.#noteGroup(group, path, isDone);
    if (isDone) this.#count(entry, isFile);
  }

  async #addLink(entry: Entry, path: FolderPath, group: number): Promise<void> {
    const first = this.#groups.get(group);
    if (first === undefined) {
      throw new BunkerError("incomplete", "the file that it is a name of is not there");
    }
    await this.#parts.archive.addLink({ path, metadata: entry }, [...first.folder, first.name]);
  }

  #noteGroup(group: number, path: FolderPath, isDone: boolean): void {
    const place = { folder: path.slice(0, -1), name: path.at(-1)! };
    this.#groups.set(group, isDone ? place : undefined);
  }

  async #addFile(entry: Entry, path: FolderPath): Promise<void> {
    const { reader, archive } = this.#parts;
    const ids = await readContent(reader, entry);
    const member: Member = { path, metadata: entry };
    if (entry.size <= WHOLE_BYTES_MAX) {
      const pieces: Bytes[] = [];
      for await (const piece of readAhead(reader, ids)) pieces.push(piece);
      checkLength(
        entry,
        pieces.reduce((sum, piece) => sum + piece.length, 0),
      );
      await archive.addFile(member, pieces);
      return;
    }
    await this.#checkPlaces(entry, ids);
    await archive.addLargeFile(member, finishing(readAhead(reader, ids), path));
  }

  // What is lost for sure is known before anything is written.
  async #checkPlaces(entry: Entry, ids: readonly Bytes[]): Promise<void> {
    let bytes = 0;
    for (const id of ids) {
      const [place] = await this.#parts.reader.places(id);
      if (place === undefined) {
        throw new BunkerError("not-found", `chunk ${hexId(id).slice(0, 16)} is in no pack`);
      }
      bytes += place.plainBytes;
    }
    checkLength(entry, bytes);
  }

  #count(entry: Entry, isFile: boolean): void {
    this.counts[isFile ? "files" : "others"] += 1;
    if (isFile) this.counts.bytes += entry.size;
    const { files, bytes } = this.counts;
    if (files % PROGRESS_EVERY !== 0 && entry.size < WHOLE_BYTES_MAX) return;
    const { monitor, totals } = this.#parts;
    monitor.progress({ filesDone: files, bytesDone: bytes, ...totals });
  }

  // What is wrong with one name is a problem of it, and the rest goes on; unless it is half written.
  async #attempt(path: FolderPath, step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      const isOfIt = isDamage(error) || isBunkerError(error, "incomplete");
      if (!isOfIt || error instanceof Unfinished) throw error;
      this.#problem(path, error);
      return false;
    }
  }

  #problem(path: FolderPath, error: unknown): void {
    this.counts.problems += 1;
    const problem = typeof error === "string" ? new BunkerError("incomplete", error) : error;
    this.#parts.monitor.problem(textOfPath(path), problem);
  }
}

/** A file stopped in its middle: nothing can follow it. */
class Unfinished extends BunkerError {}

async function* finishing(pieces: AsyncIterable<Bytes>, path: FolderPath): AsyncGenerator<Bytes> {
  try {
    yield* pieces;
  } catch (error) {
    if (!isDamage(error)) throw error;
    const subject = textOfPath(path);
    const message = `${subject}: the archive ends in the middle of it: ${error.message}`;
    throw new Unfinished("corrupt", message, {
      cause: error,
      subject,
      hint: "what is whole can be restored into a folder: bunker restore … --to FOLDER",
    });
  }
}

function checkLength(entry: Entry, found: number): void {
  const expected = dataRangesOf(entry).reduce((sum, [, length]) => sum + length, 0);
  if (found === expected) return;
  throw new BunkerError("corrupt", `its chunks have ${found} bytes, expected ${expected}`);
}
