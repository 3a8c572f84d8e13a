// Lane: one core's worth of a backup: read, cut, hash, look up, compress, pack.
//
// A lane has a core of its own. It runs in a Worker, or in main where there is one lane only or
// little to do. Everything that differs between the two is handed in.

import { type Bytes, copyBytes } from "../base/bytes.ts";
import { CHUNK_BYTES_MAX } from "../base/limits.ts";
import { messageOf, systemCodeOf } from "../base/errors.ts";
import { type NativePlatform, release } from "../base/platform.ts";
import type { Core } from "../core/core.ts";
import {
  CODEC_RAW,
  type Codec,
  compressBlob,
  compressBlobPooled,
  looksCompressible,
} from "../crypto/compress.ts";
import type { StoreKeys } from "../format/context.ts";
import { mayHaveHoles } from "../source/holes.ts";
import { type ExpectedFile, openForReading, openWalked } from "../source/read.ts";
import type { ContentStream } from "../source/source.ts";
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
import type { FileContent, FileOutcome, FileTask } from "./tasks.ts";
import { LARGE_FILE_BYTES } from "./backup-progress.ts";
import { Effort, type Levels } from "./effort.ts";
import {
  type CutContent,
  type ExpectedContent,
  isSameContent,
  type Read,
  readFile,
} from "./read-file.ts";
import { Spares } from "./spares.ts";
import type { Descriptor, FileSystem } from "../system/files.ts";

/** Takes a pack; `spent` gets its bytes back when they are stored. */
export type PutPack = (pack: FinishedPack, spent: (bytes: Bytes) => void) => Promise<void>;

export interface LaneParts {
  readonly core: Core;
  readonly platform: NativePlatform;
  readonly files: FileSystem;
  readonly keys: StoreKeys;
  readonly catalog: Catalog;
  readonly claims: Claims;
  readonly packBytes: number;
  readonly withMd5: boolean;
  readonly levels: Levels;
  /** Chunks of one huge file that may be compressed at once on the runtime's pool. */
  readonly pooledCount: number;
  /** Takes a pack with bytes of its own; waits while too much is under way. */
  readonly putPack: PutPack;
  /** Where these bytes' memory comes from, and goes back to. */
  readonly spares: Spares;
  /** Called between files and chunks: lets main do what it has to. */
  readonly breathe?: () => Promise<void> | undefined;
  readonly now: () => number;
  /** More of a large file was read. */
  readonly onRead?: (name: Bytes, bytes: number) => void;
}

const READ_BYTES = 1024 * 1024;
const WINDOW_BYTES = CHUNK_BYTES_MAX + 6 * READ_BYTES;
const TRY_COUNT = 2;
const STREAM_BYTES_MAX = Number.MAX_SAFE_INTEGER;

interface PendingBlob {
  readonly id: Bytes;
  readonly plainBytes: number;
  /** What is compressed: a spare, which is used again. */
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly compressed: Promise<{ readonly codec: Codec; readonly bytes: Bytes }>;
}

export class Lane {
  readonly #parts: LaneParts;
  readonly #pack: PackWriter;
  readonly #pending: PendingBlob[] = [];
  readonly #effort: Effort;
  readonly #chunks = new Spares(CHUNK_BYTES_MAX, 2);
  readonly #onRead: (name: Bytes, bytes: number) => void;
  /** Of the file in work. */
  #name: Bytes = new Uint8Array(0);

  constructor(parts: LaneParts) {
    this.#parts = parts;
    const { core, platform, keys, packBytes, withMd5 } = parts;
    const kind = "data";
    this.#onRead = parts.onRead ?? (() => undefined);
    this.#effort = new Effort(parts.levels, parts.now);
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
    this.#name = task.name;
    if (task.stream !== undefined) return this.#readStream(task.stream, task);
    try {
      if (task.folderPath !== undefined) files.adopt(task.folder, task.folderPath);
      const content = await this.#readUnchanged(task);
      if (content !== undefined) return { kind: "same", ...content };
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
  async #readUnchanged(task: FileTask): Promise<FileContent | undefined> {
    const { files } = this.#parts;
    if (task.size === 0) return undefined; // As files of /proc say, which are not empty.
    const descriptor = openWalked(files, task, task);
    if (descriptor === undefined) return undefined;
    try {
      // Nothing is read from a pipe or a device that has taken the name: they have no such end.
      if (files.endOf(descriptor) !== task.size) return undefined;
      const asked = { size: task.size, deviceId: task.deviceId, sparse: task.sparse === true };
      const { content, size } = await this.#readAll(descriptor, asked);
      const after = files.statDescriptor(descriptor);
      const isIt = after.inode === task.inode && after.deviceId === task.deviceId;
      return isIt && size === after.size && isSameContent(task, after) ? content : undefined;
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
      const asked = { size: stat.size, deviceId: stat.deviceId, sparse: mayHaveHoles(stat) };
      const { content, size } = await this.#readAll(descriptor, asked);
      const after = files.statDescriptor(descriptor);
      const unstable = size !== after.size || !isSameContent(stat, after);
      if (unstable && !isLastTry) return undefined;
      const { modified, changed, mode, userId, groupId, inode } = after;
      const facts = { modified, changed, mode, userId, groupId, inode };
      return { kind: "read", ...content, size, ...facts, unstable, readAtMs };
    } finally {
      files.close(descriptor);
    }
  }

  #readAll(
    descriptor: Descriptor,
    expected: ExpectedContent,
  ): Promise<{ readonly content: FileContent; readonly size: number }> {
    const { files } = this.#parts;
    return readFile(files, descriptor, expected, (read, bytes) => this.#cutAll(read, bytes));
  }

  // What is piped in may be as huge as it likes, and nobody looks at it a second time.
  async #readStream(stream: ContentStream, now: FileTask): Promise<FileOutcome> {
    const readAtMs = this.#parts.now();
    const { modified, changed, userId, inode } = now;
    const { ids, bytes } = await this.#cutAll((view) => stream.read(view), STREAM_BYTES_MAX);
    const facts = { modified, changed, mode: stream.mode, userId, groupId: stream.groupId, inode };
    return { kind: "read", ids, size: bytes, ...facts, unstable: false, readAtMs };
  }

  async #cutAll(read: Read, expectedBytes: number): Promise<CutContent> {
    const { core } = this.#parts;
    const ids = new IdList();
    // A single huge file keeps all cores busy by the runtime's pool.
    const isLarge = expectedBytes >= LARGE_FILE_BYTES;
    const isPooled = isLarge && this.#parts.pooledCount > 0;
    let start = 0;
    let filled = 0;
    let total = 0;
    core.startFile();
    for (let ended = false; !ended || start < filled;) {
      if (!ended) {
        if (this.#makeRoom(start, filled)) [start, filled] = [0, filled - start];
        const come = read(core.input(filled, READ_BYTES));
        const count = typeof come === "number" ? come : await come;
        filled += count;
        total += count;
        if (isLarge) this.#onRead(this.#name, count);
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

  // Moves what is left to the beginning of the input, where there is little room behind it.
  #makeRoom(start: number, filled: number): boolean {
    if (start === 0 || WINDOW_BYTES - filled >= READ_BYTES) return false;
    this.#parts.core.moveInput(start, 0, filled - start);
    return true;
  }

  async #storeChunk(ids: IdList, offset: number, length: number, isPooled: boolean): Promise<void> {
    const { core, catalog, claims, platform } = this.#parts;
    const { level } = this.#effort;
    const id = ids.next();
    core.idInto("data", offset, length, id, 0);
    if (catalog.findUsable(id) >= 0 || !claims.claim(id)) return;
    const plain = core.input(offset, length);
    const compressible = looksCompressible(platform, plain);
    if (isPooled && compressible) {
      const copy = this.#chunks.copy(plain);
      const compressed = compressBlobPooled(platform, copy, { level });
      this.#pending.push({ id: copyBytes(id), plainBytes: length, plain: copy, compressed });
      await this.#settlePending(this.#parts.pooledCount);
      return;
    }
    const { codec, bytes } = compressible
      ? compressBlob(platform, plain, { level })
      : ({ codec: CODEC_RAW, bytes: plain } as const);
    await this.#add({ id, plainBytes: length, codec, bytes });
    if (codec !== CODEC_RAW) release(bytes);
    if (length >= READ_BYTES / 4) await this.#parts.breathe?.();
  }

  async #settlePending(countMax: number): Promise<void> {
    while (this.#pending.length > countMax) {
      const { id, plainBytes, plain, compressed } = this.#pending.shift()!;
      const { codec, bytes } = await compressed;
      await this.#add({ id, plainBytes, codec, bytes });
      if (codec !== CODEC_RAW) release(bytes);
      this.#chunks.give(plain.buffer);
    }
  }

  async #add(blob: PackedBlob): Promise<void> {
    if (!this.#pack.fits(blob.bytes.length)) await this.#finishPack();
    this.#pack.add(blob);
  }

  async #finishPack(): Promise<void> {
    const pack = await this.#pack.finish();
    const { putPack, spares } = this.#parts;
    const own = { ...pack, bytes: spares.copy(pack.bytes) };
    await this.#effort.handOver(() => putPack(own, ({ buffer }) => spares.give(buffer)));
  }
}
