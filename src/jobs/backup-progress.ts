// Backup progress: what a backup tells of itself while it runs.
//
// A file counts when it is done; a large one also while it is read, or nothing would move for hours.

import { type Bytes, textOf } from "../base/bytes.ts";
import type { Monitor } from "../base/monitor.ts";

/** Files of this size are told of while they are read. */
export const LARGE_FILE_BYTES = 32 * 1024 * 1024;
const TOLD_FILE_BYTES = 1024 * 1024;
const TOLD_EVERY = 64;

export class BackupProgress {
  readonly #monitor: Monitor;
  readonly #totals: { readonly filesTotal?: number; readonly bytesTotal?: number };
  #files = 0;
  #bytes = 0;
  /** Read of large files that are not done yet. */
  #underWay = 0;

  constructor(
    monitor: Monitor,
    totals: { readonly filesTotal?: number; readonly bytesTotal?: number } = {},
  ) {
    this.#monitor = monitor;
    this.#totals = totals;
  }

  /** More of a large file was read. */
  read(name: Bytes, bytes: number): void {
    this.#underWay += bytes;
    this.#tell(name);
  }

  /** A file is done; `wasRead` unless its content was known. */
  done(name: Bytes, size: number, wasRead: boolean): void {
    this.#files += 1;
    this.#bytes += size;
    // One that was read twice, or has holes, was read for another length than its own.
    if (wasRead && size >= LARGE_FILE_BYTES) this.#underWay = Math.max(0, this.#underWay - size);
    if (this.#files % TOLD_EVERY === 0 || size >= TOLD_FILE_BYTES) this.#tell(name);
  }

  #tell(name: Bytes): void {
    this.#monitor.progress({
      filesDone: this.#files,
      bytesDone: this.#bytes + this.#underWay,
      ...this.#totals,
      subject: textOf(name),
    });
  }
}
