// Lane: one core's worth of a backup: read, cut, hash, look up, compress, pack.
//
// A lane has a core of its own. It runs in a Worker, or in main where there is one lane only or
// little to do. Everything that differs between the two is handed in.

import { type Bytes, copyBytes } from "../base/bytes.ts";
import type { Time } from "../base/entry.ts";
import { messageOf, systemCodeOf } from "../base/errors.ts";
import { type NativePlatform, release } from "../base/platform.ts";
import type { Core } from "../core/core.ts";
import { CODEC_RAW, type Codec, compressBlob, compressBlobPooled } from "../crypto/compress.ts";
import type { StoreKeys } from "../format/context.ts";
import { type ExpectedFile, openForReading, openWalked, readInto } from "../source/read.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Claims } from "../store/claims.ts";
import {
  blobsOf,
  type DrainedBlobs,
  type FinishedPack,
  type PackedBlob,
  PackWriter,
} from "../store/pack-writer.ts";
import { IdList } from "./id-list.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";
import type { RawStat } from "../system/stat.ts";

/** A file to read, named by its open folder: no link can be planted in between. */
export interface FileTask {
  readonly folder: Descriptor;
  /** The folder's path, only where the system needs it (`FileSystem.needsPaths`). */
  readonly folderPath?: Bytes;
  readonly name: Bytes;
  readonly deviceId: number;
  readonly inode: number | bigint;
  readonly userId: number;
  /** As the walk saw it. */
  readonly size: number;
  readonly modified: Time;
  readonly changed: Time;
}

export type FileOutcome =
  /** It was as the walk saw it until its reading had ended. The ids of the chunks, joined. */
  | { readonly kind: "same"; readonly ids: Uint8Array<ArrayBuffer> }
  | {
      readonly kind: "read";
      /** The ids of the chunks, joined. */
      readonly ids: Uint8Array<ArrayBuffer>;
      readonly size: number;
      /** As the file was when its reading ended. */
      readonly modified: Time;
      readonly changed: Time;
      readonly mode: number;
      readonly userId: number;
      readonly groupId: number;
      readonly inode: number | bigint;
      /** It changed while it was read, twice. */
      readonly unstable: boolean;
      /** When the reading began: milliseconds since the epoch. */
      readonly readAtMs: number;
    }
  | { readonly kind: "vanished" }
  | { readonly kind: "changed" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

export interface LaneParts {
  readonly core: Core;
  readonly platform: NativePlatform;
  readonly files: FileSystem;
  readonly keys: StoreKeys;
  readonly catalog: Catalog;
  readonly claims: Claims;
  readonly packBytes: number;
  readonly withMd5: boolean;
  readonly level: number;
  /** Chunks of one huge file that may be compressed at once on the runtime's pool. */
  readonly pooledCount: number;
  /** Takes a pack with bytes of its own; waits while too much is under way. */
  readonly putPack: (pack: FinishedPack) => Promise<void>;
  /** Called between files and chunks: lets main do what it has to. */
  readonly breathe?: () => Promise<void> | undefined;
  readonly now: () => number;
}

const READ_BYTES = 1024 * 1024;
/** A file of this size uses the pool, so that a single huge one keeps all cores busy. */
const POOLED_FILE_BYTES = 32 * 1024 * 1024;
const TRY_COUNT = 2;

interface PendingBlob {
  readonly id: Bytes;
  readonly plainBytes: number;
  readonly compressed: Promise<{ readonly codec: Codec; readonly bytes: Bytes }>;
}

export class Lane {
  readonly #parts: LaneParts;
  readonly #pack: PackWriter;
  readonly #pending: PendingBlob[] = [];

  constructor(parts: LaneParts) {
    this.#parts = parts;
    const { core, platform, keys, packBytes, withMd5 } = parts;
    const kind = "data";
    this.#pack = new PackWriter({ core, platform, keys, kind, targetBytes: packBytes, withMd5 });
  }

  /** Reads files and stores what is new. One that can't be read is an outcome, not an error. */
  async process(tasks: readonly FileTask[]): Promise<FileOutcome[]> {
    const outcomes: FileOutcome[] = [];
    for (const task of tasks) {
      outcomes.push(await this.#processFile(task));
      await this.#parts.breathe?.();
    }
    return outcomes;
  }

  /** Hands over the blobs of the unfinished pack. */
  drain(): DrainedBlobs {
    return this.#pack.drain();
  }

  /** Takes blobs over that another lane had left. */
  async adopt(drained: DrainedBlobs): Promise<void> {
    for (const blob of blobsOf(drained)) await this.#add(blob);
  }

  /** Finishes the pack if anything is in it. */
  async flush(): Promise<void> {
    if (!this.#pack.isEmpty) await this.#finishPack();
  }

  async #processFile(task: FileTask): Promise<FileOutcome> {
    const { files } = this.#parts;
    try {
      if (task.folderPath !== undefined) files.adopt(task.folder, task.folderPath);
      const ids = await this.#readUnchanged(task);
      if (ids !== undefined) return { kind: "same", ids };
      let expected: ExpectedFile = task;
      for (let attempt = 1; ; attempt++) {
        const isLastTry = attempt === TRY_COUNT;
        const outcome = await this.#readOnce(task, expected, isLastTry);
        if (outcome !== undefined && (outcome.kind !== "changed" || isLastTry)) return outcome;
        // The name may mean another file by now, as after a rename over it: that one is read.
        const stat = files.stat(task.folder, task.name);
        if (stat === undefined) return { kind: "vanished" };
        if (stat.type !== "file") return { kind: "changed" };
        expected = stat;
      }
    } catch (error) {
      const code = systemCodeOf(error);
      if (code === undefined) throw error;
      await this.#settlePending(0);
      return { kind: "failed", code, message: messageOf(error) };
    }
  }

  // The common case: the file is what the walk saw, before and after its reading. Returns undefined
  // for anything else.
  async #readUnchanged(task: FileTask): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { files } = this.#parts;
    if (task.size === 0) return undefined; // As files of /proc say, which are not empty.
    const descriptor = openWalked(files, task, task);
    if (descriptor === undefined) return undefined;
    try {
      // Nothing is read from a pipe or a device that has taken the name: they have no such end.
      if (files.endOf(descriptor) !== task.size) return undefined;
      const { ids, bytes } = await this.#readContent(descriptor, task.size);
      const after = files.statDescriptor(descriptor);
      const isIt = after.inode === task.inode && after.deviceId === task.deviceId;
      return isIt && bytes === after.size && isSame(task, after) ? ids : undefined;
    } finally {
      files.close(descriptor);
    }
  }

  // Returns undefined where the file changed meanwhile and may be tried again.
  async #readOnce(
    task: FileTask,
    expected: ExpectedFile,
    isLastTry: boolean,
  ): Promise<FileOutcome | undefined> {
    const { files } = this.#parts;
    const readAtMs = this.#parts.now();
    const opening = openForReading(files, task, expected);
    if (opening.kind !== "opened") return opening;
    const { descriptor, stat } = opening;
    try {
      const { ids, bytes } = await this.#readContent(descriptor, stat.size);
      const after = files.statDescriptor(descriptor);
      const unstable = bytes !== after.size || !isSame(stat, after);
      if (unstable && !isLastTry) return undefined;
      const { modified, changed, mode, userId, groupId, inode } = after;
      const facts = { modified, changed, mode, userId, groupId, inode };
      return { kind: "read", ids, size: bytes, ...facts, unstable, readAtMs };
    } finally {
      files.close(descriptor);
    }
  }

  async #readContent(
    descriptor: Descriptor,
    expectedBytes: number,
  ): Promise<{ ids: Uint8Array<ArrayBuffer>; bytes: number }> {
    const { core } = this.#parts;
    const ids = new IdList();
    const isPooled = expectedBytes >= POOLED_FILE_BYTES && this.#parts.pooledCount > 0;
    let start = 0;
    let filled = 0;
    let total = 0;
    core.startFile();
    for (let ended = false; !ended || start < filled;) {
      if (!ended) {
        if (start > 0 && core.inputBytes - filled < READ_BYTES) {
          core.moveInput(start, 0, filled - start);
          filled -= start;
          start = 0;
        }
        const count = readInto(descriptor, core.input(filled, READ_BYTES));
        filled += count;
        total += count;
        // Growth shows in the look at the file after the reading; then it is read again.
        ended = count === 0 || total >= expectedBytes;
      }
      for (;;) {
        const length = start === filled ? 0 : core.cut(start, filled - start, ended);
        if (length === 0) break;
        await this.#storeChunk(ids, start, length, isPooled);
        start += length;
      }
    }
    await this.#settlePending(0);
    return { ids: ids.joined(), bytes: total };
  }

  async #storeChunk(ids: IdList, offset: number, length: number, isPooled: boolean): Promise<void> {
    const { core, catalog, claims, platform, level } = this.#parts;
    const id = ids.next();
    core.idInto("data", offset, length, id, 0);
    if (catalog.findUsable(id) >= 0 || !claims.claim(id)) return;
    const plain = core.input(offset, length);
    if (isPooled) {
      const copy = copyBytes(plain);
      const compressed = compressBlobPooled(platform, copy, { level }).then((result) => {
        if (result.bytes !== copy) release(copy);
        return result;
      });
      this.#pending.push({ id: copyBytes(id), plainBytes: length, compressed });
      await this.#settlePending(this.#parts.pooledCount);
      return;
    }
    const { codec, bytes } = compressBlob(platform, plain, { level });
    await this.#add({ id, plainBytes: length, codec, bytes });
    if (codec !== CODEC_RAW) release(bytes);
    if (length >= READ_BYTES / 4) await this.#parts.breathe?.();
  }

  async #settlePending(countMax: number): Promise<void> {
    while (this.#pending.length > countMax) {
      const { id, plainBytes, compressed } = this.#pending.shift()!;
      const { codec, bytes } = await compressed;
      await this.#add({ id, plainBytes, codec, bytes });
      release(bytes);
    }
  }

  async #add(blob: PackedBlob): Promise<void> {
    if (!this.#pack.fits(blob.bytes.length)) await this.#finishPack();
    this.#pack.add(blob);
  }

  async #finishPack(): Promise<void> {
    const pack = await this.#pack.finish();
    await this.#parts.putPack({ ...pack, bytes: copyBytes(pack.bytes) });
  }
}

function isSame(before: Pick<RawStat, "size" | "modified" | "changed">, after: RawStat): boolean {
  return (
    before.size === after.size &&
    before.modified.seconds === after.modified.seconds &&
    before.modified.nanoseconds === after.modified.nanoseconds &&
    before.changed.seconds === after.changed.seconds &&
    before.changed.nanoseconds === after.changed.nanoseconds
  );
}
