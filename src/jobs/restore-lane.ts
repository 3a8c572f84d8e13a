// Restore lane: opens blobs, verifies them, and writes them where they belong.
//
// A task is one range of one pack. Small files are made, written and finished here in one go; of
// larger ones main has made the file, and finishes it when all its blobs are there.

import type { Bytes } from "../base/bytes.ts";
import type { Metadata } from "../base/entry.ts";
import { BunkerError, type ErrorCode, isBunkerError } from "../base/errors.ts";
import type { BlobId } from "../base/ids.ts";
import { type Platform, release } from "../base/platform.ts";
import type { Core } from "../core/core.ts";
import type { SharedKeys } from "../crypto/derive.ts";
import type { Complaint, Destination, FolderPath, NewFile } from "../destination/destination.ts";
import type { FolderDestination } from "../destination/folder.ts";
import type { FolderDestinationShare } from "../destination/naming.ts";
import { openBlob } from "../format/pack.ts";

/** A file of so many bytes is written by one call. */
const AT_ONCE_BYTES_MAX = 64 * 1024;

export interface RestoreSetup {
  readonly core: WebAssembly.Module;
  readonly shared: SharedKeys;
  readonly destination: FolderDestinationShare;
}

/** Where a blob's plaintext goes. */
export type BlobTarget =
  | {
      readonly kind: "whole";
      readonly file: number;
      readonly folder: FolderPath;
      readonly metadata: Metadata;
    }
  | {
      readonly kind: "part";
      readonly file: number;
      readonly open: NewFile;
      /** In the file. */
      readonly offset: number;
      /** The part of the chunk that goes there; all of it, unless given. */
      readonly from?: number;
      readonly length?: number;
    };

export interface BlobNeed {
  readonly id: BlobId;
  readonly ordinal: number;
  /** From the beginning of the task's bytes. */
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly codec: number;
  readonly targets: readonly BlobTarget[];
}

export interface RestoreTask {
  readonly packKey: Bytes;
  readonly bytes: Bytes;
  readonly needs: readonly BlobNeed[];
}

export interface FailedFile {
  readonly file: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface RestoreAnswer {
  /** Positions of the needs whose blobs do not open. */
  readonly damaged: readonly number[];
  /** Files that could not be written. */
  readonly failed: readonly FailedFile[];
  /** Of files that were written nevertheless. */
  readonly complaints: readonly Complaint[];
  readonly limits: readonly string[];
}

export class RestoreLane {
  readonly #platform: Platform;
  readonly #core: Core;
  readonly #destination: FolderDestination;

  constructor(platform: Platform, core: Core, destination: FolderDestination) {
    this.#platform = platform;
    this.#core = core;
    this.#destination = destination;
  }

  /** Writes what a task holds, whose bytes are given away. */
  async write(task: RestoreTask): Promise<RestoreAnswer> {
    const damaged: number[] = [];
    const failed: FailedFile[] = [];
    for (const [position, need] of task.needs.entries()) {
      const plain = await this.#open(task, need);
      if (plain === undefined) {
        damaged.push(position);
        continue;
      }
      for (const target of need.targets) {
        const error = writeTarget(this.#destination, target, plain);
        if (error === undefined) continue;
        failed.push({ file: target.file, code: error.code, message: error.message });
      }
      release(plain);
    }
    release(task.bytes);
    const { limits } = this.#destination;
    return { damaged, failed, complaints: this.#destination.takeComplaints(), limits };
  }

  async #open(task: RestoreTask, need: BlobNeed): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const sealed = task.bytes.subarray(need.offset, need.offset + need.storedBytes);
    if (sealed.length !== need.storedBytes) return undefined;
    try {
      const idOf = (space: "data" | "tree", bytes: Bytes) => this.#core.idOf(space, bytes);
      const blob = { ...need, packKey: task.packKey, kind: "data" } as const;
      return await openBlob(this.#platform, blob, sealed, idOf);
    } catch (error) {
      if (isBunkerError(error, "corrupt")) return undefined;
      throw error;
    }
  }
}

/** Writes a verified plaintext to one place; returns what went wrong. */
export function writeTarget(
  destination: Destination,
  target: BlobTarget,
  plain: Bytes,
): BunkerError | undefined {
  try {
    if (target.kind === "part") {
      const { from = 0, length = plain.length } = target;
      destination.writeAt(target.open, plain.subarray(from, from + length), target.offset);
      return undefined;
    }
    if (plain.length !== target.metadata.size) {
      const message = `its content has ${plain.length} bytes, expected ${target.metadata.size}`;
      return new BunkerError("incomplete", message);
    }
    const atOnce = plain.length <= AT_ONCE_BYTES_MAX;
    const file = destination.createFile(target.folder, target.metadata.name, { atOnce });
    try {
      destination.writeAt(file, plain, 0);
    } catch (error) {
      destination.discardFile(file);
      throw error;
    }
    destination.finishFile(file, target.metadata);
    return undefined;
  } catch (error) {
    if (isBunkerError(error)) return error;
    throw error;
  }
}
