// File states: what the last backup of a source saw of each file, so that an unchanged one is not
// read again.
//
// One file a root in the cache folder, records in walk order, read by merging with the walk:
//   u16 bytes shared with the path before | u16 bytes that follow | path bytes
//   | f64 changed s | u32 changed ns | f64 modified s | u32 modified ns | f64 size | f64 inode
//   | u32 chunks | chunks × id (32)
// A path is its components joined by NUL: compared as bytes, that is the order of the walk.

import { type Bytes, concatBytes } from "../base/bytes.ts";
import type { Time } from "../base/entry.ts";
import { ID_BYTES } from "../base/ids.ts";
import type { LocalFolder, LocalWriter } from "../base/local.ts";

const FIXED_BYTES = 4 + 12 + 12 + 8 + 8 + 4;
const BUFFER_BYTES = 1024 * 1024;
const PATH_BYTES_MAX = 0xffff;
/** Time stamps of files move in steps: one that is so young may hide a later change. */
const GRANULARITY_MS = 20;
const COARSE_GRANULARITY_MS = 2000;
const CLOCK_SKEW_MS = 10 * 60_000;

/** What has to be the same for a file to count as unchanged. */
export interface FileFacts {
  readonly changed: Time;
  readonly modified: Time;
  readonly size: number;
  readonly inode: number | bigint;
}

/** The content of an unchanged file: ids joined. */
export type KnownContent = Bytes;

export class StateReader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  readonly #wanted = new PathBuffer();
  #at = 0;
  #path = new Uint8Array(PATH_BYTES_MAX);
  #pathBytes = 0;
  #recordAt = -1;

  constructor(bytes: Bytes | undefined) {
    this.#bytes = bytes ?? new Uint8Array(0);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    this.#next();
  }

  /**
   * The content of a file, by its folder's path and its name, if it is as it was. Files must be
   * asked for in walk order.
   */
  find(folder: Bytes, name: Bytes, facts: FileFacts): KnownContent | undefined {
    if (this.#recordAt < 0 || !this.#wanted.set(folder, name)) return undefined;
    while (this.#recordAt >= 0) {
      const order = this.#wanted.compareTo(this.#path, this.#pathBytes);
      if (order < 0) return undefined;
      if (order === 0) return this.#contentIf(facts);
      this.#next();
    }
    return undefined;
  }

  #contentIf(facts: FileFacts): KnownContent | undefined {
    const view = this.#view;
    const at = this.#recordAt;
    const same =
      view.getFloat64(at, true) === facts.changed.seconds &&
      view.getUint32(at + 8, true) === facts.changed.nanoseconds &&
      view.getFloat64(at + 12, true) === facts.modified.seconds &&
      view.getUint32(at + 20, true) === facts.modified.nanoseconds &&
      view.getFloat64(at + 24, true) === facts.size &&
      view.getFloat64(at + 32, true) === Number(facts.inode);
    if (!same) return undefined;
    const count = view.getUint32(at + 40, true);
    return this.#bytes.subarray(at + 44, at + 44 + count * ID_BYTES);
  }

  // Steps to the next record; anything that does not fit ends the list: it is only a cache.
  #next(): void {
    const { length } = this.#bytes;
    this.#recordAt = -1;
    if (this.#at + 4 > length) return;
    const shared = this.#view.getUint16(this.#at, true);
    const more = this.#view.getUint16(this.#at + 2, true);
    const fixed = this.#at + 4 + more;
    if (fixed + FIXED_BYTES - 4 > length || shared > this.#pathBytes) return;
    if (shared + more > PATH_BYTES_MAX) return;
    const end = fixed + 44 + this.#view.getUint32(fixed + 40, true) * ID_BYTES;
    if (end > length) return;
    this.#path.set(this.#bytes.subarray(this.#at + 4, fixed), shared);
    this.#pathBytes = shared + more;
    this.#recordAt = fixed;
    this.#at = end;
  }
}

export class StateWriter {
  readonly #file: LocalWriter;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#buffer.buffer);
  #filled = 0;
  #path = new PathBuffer();
  #previous = new PathBuffer();

  constructor(file: LocalWriter) {
    this.#file = file;
  }

  /** Notes a file's content. `readAtMs` is when its reading began, by this machine's clock. */
  add(place: FilePlace, facts: FileFacts, content: KnownContent, readAtMs: number): void {
    if (isYoung(facts, readAtMs) || !this.#path.set(place.folder, place.name)) return;
    const path = this.#path;
    const shared = path.sharedWith(this.#previous);
    const more = path.length - shared;
    const bytes = FIXED_BYTES + more;
    if (this.#filled + bytes > BUFFER_BYTES) this.#flush();
    const at = this.#filled;
    this.#view.setUint16(at, shared, true);
    this.#view.setUint16(at + 2, more, true);
    path.copyTo(this.#buffer, at + 4, shared);
    this.#putFacts(at + 4 + more, facts, content.length / ID_BYTES);
    this.#filled += bytes;
    this.#put(content);
    [this.#path, this.#previous] = [this.#previous, path];
  }

  finish(): void {
    this.#flush();
    this.#file.finish();
  }

  abandon(): void {
    this.#file.abandon();
  }

  #putFacts(at: number, { changed, modified, size, inode }: FileFacts, chunks: number): void {
    const view = this.#view;
    view.setFloat64(at, changed.seconds, true);
    view.setUint32(at + 8, changed.nanoseconds, true);
    view.setFloat64(at + 12, modified.seconds, true);
    view.setUint32(at + 20, modified.nanoseconds, true);
    view.setFloat64(at + 24, size, true);
    view.setFloat64(at + 32, Number(inode), true);
    view.setUint32(at + 40, chunks, true);
  }

  #put(content: Bytes): void {
    if (this.#filled + content.length > BUFFER_BYTES) this.#flush();
    if (content.length > BUFFER_BYTES) {
      this.#file.write(content);
      return;
    }
    this.#buffer.set(content, this.#filled);
    this.#filled += content.length;
  }

  #flush(): void {
    if (this.#filled > 0) this.#file.write(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

/** Opens the states of a root, and the file that takes their place when it is finished. */
export function openStates(
  cache: LocalFolder,
  rootName: string,
): { readonly before: StateReader; readonly after: StateWriter } {
  const name = `states-${rootName}`;
  return {
    before: new StateReader(cache.map(name)),
    after: new StateWriter(cache.create(name)),
  };
}

/** A file by the path of its folder, as `statePath` makes it, and its name. */
export interface FilePlace {
  readonly folder: Bytes;
  readonly name: Bytes;
}

/** The path of a name in a folder, as states order it; an empty folder is a root's. */
export function statePath(folder: Bytes, name: Bytes): Bytes {
  if (folder.length === 0) return name;
  return concatBytes(folder, SEPARATOR, name);
}

const SEPARATOR = Uint8Array.of(0);

// A path in memory that is used again: one of its own for each of a million files costs too much.
class PathBuffer {
  readonly #bytes = new Uint8Array(PATH_BYTES_MAX);
  #folder: Bytes | undefined;
  #nameAt = 0;
  length = 0;

  /** Returns false where the path is too long to be noted. */
  set(folder: Bytes, name: Bytes): boolean {
    if (folder.length + 1 + name.length > PATH_BYTES_MAX) return false;
    if (folder !== this.#folder) {
      this.#bytes.set(folder);
      this.#nameAt = folder.length;
      if (folder.length > 0) this.#bytes[this.#nameAt++] = 0;
      this.#folder = folder;
    }
    this.#bytes.set(name, this.#nameAt);
    this.length = this.#nameAt + name.length;
    return true;
  }

  /** Orders as unsigned bytes, a prefix first. */
  compareTo(other: Bytes, otherLength: number): number {
    const most = Math.min(this.length, otherLength);
    for (let i = 0; i < most; i++) {
      const difference = this.#bytes[i]! - other[i]!;
      if (difference !== 0) return difference;
    }
    return this.length - otherLength;
  }

  sharedWith(other: PathBuffer): number {
    const most = Math.min(this.length, other.length);
    const theirs = other.#bytes;
    let shared = 0;
    while (shared < most && this.#bytes[shared] === theirs[shared]) shared++;
    return shared;
  }

  copyTo(target: Uint8Array, at: number, from: number): void {
    for (let i = from; i < this.length; i++) target[at + i - from] = this.#bytes[i]!;
  }
}

// A change within the same tick of the clock would leave the same time: such a file is read again.
function isYoung({ changed, modified }: FileFacts, readAtMs: number): boolean {
  const coarse = changed.nanoseconds === 0 && modified.nanoseconds === 0;
  const granularityMs = coarse ? COARSE_GRANULARITY_MS : GRANULARITY_MS;
  // The clock of the file system may be another machine's, and ahead of ours by a little.
  return [changed, modified].some((time) => {
    const at = millisecondsOf(time);
    return at > readAtMs - granularityMs && at < readAtMs + CLOCK_SKEW_MS;
  });
}

function millisecondsOf({ seconds, nanoseconds }: Time): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
