// Batches: files on their way to the lanes and back, small ones together.

import { textOf } from "../base/bytes.ts";
import type { FileSystem } from "../system/files.ts";
import type { FileItem } from "./items.ts";
import type { FileTask } from "./tasks.ts";
import type { LanePool } from "./lanes.ts";

const BATCH_FILE_COUNT = 128;
const BATCH_BYTES = 8 * 1024 * 1024;

export class Batches {
  readonly #lanes: LanePool;
  readonly #files: FileSystem;
  readonly #now: () => number;
  #items: FileItem[] = [];
  #bytes = 0;
  #failure: { error: unknown } | undefined;
  #waiters: (() => void)[] = [];

  constructor(lanes: LanePool, files: FileSystem, now: () => number) {
    this.#lanes = lanes;
    this.#files = files;
    this.#now = now;
  }

  get isFull(): boolean {
    return this.#items.length >= BATCH_FILE_COUNT || this.#bytes >= BATCH_BYTES;
  }

  /** Gathers a file; its folder stays open until a lane has read it. */
  add(item: FileItem): void {
    item.event.folder.retain();
    this.#items.push(item);
    this.#bytes += item.event.metadata.size;
  }

  /** Sends off what is gathered, waiting for a lane; outcomes settle in the items. */
  async dispatch(): Promise<void> {
    if (this.#items.length === 0) return;
    const items = this.#items;
    const bytes = this.#bytes;
    this.#items = [];
    this.#bytes = 0;
    const sentAtMs = this.#now();
    for (const item of items) item.sentAtMs = sentAtMs;
    try {
      const { outcomes } = await this.#lanes.submit(
        items.map((item) => this.#task(item)),
        bytes,
      );
      void outcomes.then(
        (list) => this.#settle(items, list),
        (error: unknown) => this.#fail(items, error),
      );
    } catch (error) {
      this.#fail(items, error);
    }
  }

  /** Settles when more outcomes are there, or a lane has failed. */
  changed(): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Throws what made a lane fail. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Lets go of the folders of what was never sent. */
  close(): void {
    for (const item of this.#items) item.event.folder.release();
    this.#items = [];
  }

  #task({ event }: FileItem): FileTask {
    const { folder, metadata, deviceId, inode, changed, stream, sparse } = event;
    const { name, userId, size, modified } = metadata;
    const place = { folder: folder.descriptor, name };
    const facts = { ...place, deviceId, inode, userId, size, modified, changed };
    const task: FileTask = sparse === true ? { ...facts, sparse } : facts;
    if (stream !== undefined) return { ...task, stream };
    return this.#files.needsPaths ? { ...task, folderPath: folder.path() } : task;
  }

  #settle(items: readonly FileItem[], outcomes: readonly FileItem["outcome"][]): void {
    items.forEach((item, index) => {
      const outcome = outcomes[index];
      item.outcome = outcome ?? {
        kind: "failed",
        code: "EIO",
        message: `${nameOf(item)} was not read`,
      };
      item.event.folder.release();
    });
    this.#wake();
  }

  #fail(items: readonly FileItem[], error: unknown): void {
    this.#failure ??= { error };
    for (const item of items) item.event.folder.release();
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

function nameOf(item: FileItem): string {
  return textOf(item.event.metadata.name);
}
