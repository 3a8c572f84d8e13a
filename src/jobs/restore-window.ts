// Restore window: the chunks that the next files need, by pack; fetched in coalesced ranges.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError, isDamage } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import { Budget, TaskPool } from "../base/queue.ts";
import type { BlobReader } from "../store/blobs.ts";
import type { Place } from "../store/catalog.ts";
import type { Complaint, Destination } from "../destination/destination.ts";
import { joined, onGrid } from "./ranges.ts";
import type { BlobTarget, RestoreAnswer, RestoreTask } from "./restore-lane.ts";
import { writeTarget } from "./restore-lane.ts";

export interface WindowParts {
  readonly reader: BlobReader;
  readonly destination: Destination;
  /** Gives a task to a lane; its bytes are given away. */
  readonly write: (task: RestoreTask) => Promise<RestoreAnswer>;
  /** Ranges that may be under way at once, and their bytes. */
  readonly fetchCount: number;
  readonly fetchBytes: number;
  readonly onFileFailed: (file: number, error: BunkerError) => void;
  /** A chunk was written to a place in a file, or could not be, which has failed the file. */
  readonly onPlaced?: (file: number) => void;
  /** Content was written: bytes of plaintext, for every place that they went to. */
  readonly onWritten?: (bytes: number) => void;
  readonly onLimits: (limits: readonly string[]) => void;
  readonly onComplaints?: (complaints: readonly Complaint[]) => void;
  /** Only counts what would be fetched. */
  readonly dry?: boolean;
}

/** A window ends at so many chunks or plain bytes. */
const NEED_COUNT_MAX = 8192;
const PLAIN_BYTES_MAX = 1024 * 1024 * 1024;

interface Need {
  readonly place: Place;
  readonly targets: BlobTarget[];
}

interface Range {
  readonly packId: Uint8Array<ArrayBuffer>;
  readonly offset: number;
  length: number;
  readonly needs: Need[];
}

export class RestoreWindow {
  readonly #parts: WindowParts;
  /**
   * By pack, then by the blob's offset and id: an index may lie about places, and two blobs at one
   * must not be taken for each other.
   */
  readonly #packs = new Map<string, Map<string, Need>>();
  /** Files that could not be written. */
  readonly #failed = new Set<number>();
  #needs = 0;
  #plainBytes = 0;
  #fetchedBytes = 0;

  constructor(parts: WindowParts) {
    this.#parts = parts;
  }

  get isFull(): boolean {
    return this.#needs >= NEED_COUNT_MAX || this.#plainBytes >= PLAIN_BYTES_MAX;
  }

  /** Bytes of chunks that were gathered, those of a window once. */
  get fetchedBytes(): number {
    return this.#fetchedBytes;
  }

  /** How long a chunk is; `undefined` where it is lost. */
  async lengthOf(id: Bytes): Promise<number | undefined> {
    const [place] = await this.#parts.reader.places(id);
    return place?.plainBytes;
  }

  /** Gathers a chunk for a target. Returns its plain length, or `undefined` where it is lost. */
  async add(id: Bytes, target: BlobTarget): Promise<number | undefined> {
    const [place] = await this.#parts.reader.places(id);
    if (place === undefined) {
      const message = `chunk ${hexId(id).slice(0, 16)} is in no pack`;
      this.#fail(target.file, new BunkerError("incomplete", message));
      return undefined;
    }
    const pack = hexId(place.packId);
    let needs = this.#packs.get(pack);
    if (needs === undefined) this.#packs.set(pack, (needs = new Map<string, Need>()));
    const key = `${place.offset}:${hexId(id)}`;
    const need = needs.get(key);
    if (need === undefined) {
      needs.set(key, { place, targets: [target] });
      this.#fetchedBytes += place.plainBytes;
    } else {
      need.targets.push(target);
    }
    this.#needs += 1;
    this.#plainBytes += place.plainBytes;
    return place.plainBytes;
  }

  /** Fetches and writes all that was gathered. */
  async carryOut(): Promise<void> {
    const packs = [...this.#packs.values()];
    this.#packs.clear();
    this.#needs = 0;
    this.#plainBytes = 0;
    if (this.#parts.dry === true) return;
    const pool = new TaskPool(this.#parts.fetchCount);
    const budget = new Budget(this.#parts.fetchBytes);
    try {
      for (const needs of packs) {
        for (const range of coalesce(needs)) await this.#start(range, pool, budget);
      }
    } finally {
      await pool.settle(); // What is under way writes into the destination: it ends first.
    }
    await pool.finish();
  }

  async #start(range: Range, pool: TaskPool, budget: Budget): Promise<void> {
    await budget.take(range.length);
    await pool.add(async () => {
      try {
        await this.#fetch(range);
      } finally {
        budget.give(range.length);
      }
    });
  }

  async #fetch(planned: Range): Promise<void> {
    const { reader, write } = this.#parts;
    const range = this.#stillWanted(planned);
    if (range.needs.length === 0) return;
    let task: RestoreTask;
    try {
      const packKey = await reader.packKey(range.packId);
      const wanted = onGrid(range);
      const bytes = await reader.packs.get(range.packId, wanted);
      if (bytes === undefined) return await this.#rescueAll(range);
      task = { packKey, bytes, needs: range.needs.map((need) => placed(need, wanted.offset)) };
    } catch (error) {
      if (!isDamage(error)) throw error;
      return await this.#rescueAll(range);
    }
    const answer = await write(task);
    this.#parts.onWritten?.(plainBytesOf(range));
    this.#parts.onLimits(answer.limits);
    this.#parts.onComplaints?.(answer.complaints);
    for (const { file, code, message } of answer.failed) {
      this.#fail(file, new BunkerError(code, message));
    }
    const damaged = new Set(answer.damaged);
    for (const [position, need] of range.needs.entries()) {
      if (damaged.has(position)) await this.#rescue(need);
      else for (const { file } of need.targets) this.#parts.onPlaced?.(file);
    }
  }

  // What goes into files that have failed meanwhile: on a full disk it would take the others' room.
  #stillWanted(range: Range): Range {
    if (this.#failed.size === 0) return range;
    const needs = range.needs.map(({ place, targets }) => {
      return { place, targets: targets.filter(({ file }) => !this.#failed.has(file)) };
    });
    return { ...range, needs: needs.filter(({ targets }) => targets.length > 0) };
  }

  #fail(file: number, error: BunkerError): void {
    this.#failed.add(file);
    this.#parts.onFileFailed(file, error);
  }

  async #rescueAll(range: Range): Promise<void> {
    for (const need of range.needs) await this.#rescue(need);
  }

  // What a range did not give is looked for in every other copy; the failure names the pack.
  async #rescue(need: Need): Promise<void> {
    const { reader, destination, onPlaced } = this.#parts;
    try {
      const plain = await reader.read("data", need.place.id);
      if (plain.length !== need.place.plainBytes) {
        throw new BunkerError("corrupt", "the index says another length than the chunk has");
      }
      for (const target of need.targets) {
        const failure = writeTarget(destination, target, plain);
        if (failure !== undefined) this.#fail(target.file, failure);
        onPlaced?.(target.file);
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      for (const target of need.targets) this.#fail(target.file, error);
    }
  }
}

function placed({ place, targets }: Need, rangeOffset: number): RestoreTask["needs"][number] {
  const { id, ordinal, storedBytes, plainBytes, codec } = place;
  return {
    id,
    ordinal,
    offset: place.offset - rangeOffset,
    storedBytes,
    plainBytes,
    codec,
    targets,
  };
}

function plainBytesOf({ needs }: Range): number {
  return needs.reduce((sum, { place, targets }) => sum + place.plainBytes * targets.length, 0);
}

function coalesce(needs: ReadonlyMap<string, Need>): Range[] {
  const sorted = [...needs.values()].sort((a, b) => a.place.offset - b.place.offset);
  const ranges: Range[] = [];
  for (const need of sorted) {
    const { offset, storedBytes, packId } = need.place;
    const last = ranges.at(-1);
    const whole = last && joined(last, { offset, length: storedBytes });
    if (last !== undefined && whole !== undefined) {
      last.length = whole.length;
      last.needs.push(need);
    } else {
      ranges.push({ packId, offset, length: storedBytes, needs: [need] });
    }
  }
  return ranges;
}
