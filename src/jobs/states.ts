// File states: what the last backup of a source saw of each name, so that an unchanged file is not
// read again, nor the attributes of anything unchanged.
//
// One file a root in the cache folder, records in walk order, read by merging with the walk:
//   u16 bytes shared with the path before | u16 bytes that follow | path bytes
//   | f64 changed s | u32 changed ns | f64 modified s | u32 modified ns | f64 size | f64 inode
//   | u32 chunks, the highest bit set if extras follow | chunks × id (32)
//   | u32 bytes of extras | u32 their sum | extras (src/jobs/extras.ts)
// A path is its components joined by NUL: compared as bytes, that is the order of the walk.

import { type Bytes, concatBytes } from "../base/bytes.ts";
import type { Time } from "../base/entry.ts";
import { ID_BYTES } from "../base/ids.ts";
import type { LocalFolder, LocalWriter } from "../base/local.ts";
import { PATH_BYTES_MAX, PathBuffer } from "./path-buffer.ts";

/** Part of the file's name: another layout is another file. */
const LAYOUT = 2;
const FIXED_BYTES = 4 + 12 + 12 + 8 + 8 + 4;
const HAS_EXTRAS = 0x8000_0000;
const BUFFER_BYTES = 1024 * 1024;
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

/** What is known of an unchanged name. */
export interface Known {
  /** The ids of a file's chunks, joined; empty for anything else. */
  readonly ids: Bytes;
  /** Its attributes and holes, packed, if it has any. */
  readonly extras?: Bytes;
  /**
   * Only what was to be left out of sight has changed: this is what it was. Its attributes may be
   * others, and its content too, so that a file is to be noted as it was.
   */
  readonly seenAs?: SeenAs;
}

/** What of a name can be overlooked. */
export type SeenAs = Pick<FileFacts, "changed" | "inode">;

/** What does not count as a change. */
export interface Overlooked {
  readonly changed?: boolean;
  readonly inode?: boolean;
}

export class StateReader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  readonly #overlooked: Overlooked;
  readonly #wanted = new PathBuffer();
  #at = 0;
  #path = new Uint8Array(PATH_BYTES_MAX);
  #pathBytes = 0;
  #recordAt = -1;

  constructor(bytes: Bytes | undefined, overlooked: Overlooked = {}) {
    this.#overlooked = overlooked;
    this.#bytes = bytes ?? new Uint8Array(0);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    this.#next();
  }

  /**
   * What is known of a name in a folder, by the folder's path, if it is as it was. Names must be
   * asked for in walk order.
   */
  find(folder: Bytes, name: Bytes, facts: FileFacts): Known | undefined {
    if (this.#recordAt < 0 || !this.#wanted.set(folder, name)) return undefined;
    while (this.#recordAt >= 0) {
      const order = this.#wanted.compareTo(this.#path, this.#pathBytes);
      if (order < 0) return undefined;
      if (order === 0) return this.#knownIf(facts);
      this.#next();
    }
    return undefined;
  }

  #knownIf(facts: FileFacts): Known | undefined {
    const view = this.#view;
    const at = this.#recordAt;
    const sameContent =
      view.getFloat64(at + 12, true) === facts.modified.seconds &&
      view.getUint32(at + 20, true) === facts.modified.nanoseconds &&
      view.getFloat64(at + 24, true) === facts.size;
    const sameChange =
      view.getFloat64(at, true) === facts.changed.seconds &&
      view.getUint32(at + 8, true) === facts.changed.nanoseconds;
    const sameInode = view.getFloat64(at + 32, true) === Number(facts.inode);
    const { changed, inode } = this.#overlooked;
    const counts = sameContent && (sameChange || changed === true) && (sameInode || inode === true);
    if (!counts) return undefined;
    const known = this.#known();
    if (known === undefined || (sameChange && sameInode)) return known;
    return { ...known, seenAs: this.#seenAs(at) };
  }

  #seenAs(at: number): SeenAs {
    const seconds = this.#view.getFloat64(at, true);
    const nanoseconds = this.#view.getUint32(at + 8, true);
    return { changed: { seconds, nanoseconds }, inode: this.#view.getFloat64(at + 32, true) };
  }

  // Extras that rotted in the cache would not show: unlike ids, nothing else has them.
  #known(): Known | undefined {
    const { idsEnd, hasExtras } = this.#spans(this.#recordAt);
    const ids = this.#bytes.subarray(this.#recordAt + 44, idsEnd);
    if (!hasExtras) return { ids };
    const extras = this.#bytes.subarray(idsEnd + 8, this.#at);
    return sumOf(extras) === this.#view.getUint32(idsEnd + 4, true) ? { ids, extras } : undefined;
  }

  #spans(recordAt: number): { readonly idsEnd: number; readonly hasExtras: boolean } {
    const word = this.#view.getUint32(recordAt + 40, true);
    const hasExtras = word >= HAS_EXTRAS;
    const chunks = hasExtras ? word - HAS_EXTRAS : word;
    return { idsEnd: recordAt + 44 + chunks * ID_BYTES, hasExtras };
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
    const { idsEnd, hasExtras } = this.#spans(fixed);
    if (idsEnd + (hasExtras ? 8 : 0) > length) return;
    const end = hasExtras ? idsEnd + 8 + this.#view.getUint32(idsEnd, true) : idsEnd;
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

  /** Notes what a name is. `readAtMs` is when its reading began, by this machine's clock. */
  add(place: FilePlace, facts: FileFacts, { ids, extras }: Known, readAtMs: number): void {
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
    const chunks = ids.length / ID_BYTES;
    this.#putFacts(at + 4 + more, facts, extras === undefined ? chunks : chunks + HAS_EXTRAS);
    this.#filled += bytes;
    this.#put(ids);
    if (extras !== undefined) this.#putExtras(extras);
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

  #putExtras(extras: Bytes): void {
    if (this.#filled + 8 > BUFFER_BYTES) this.#flush();
    this.#view.setUint32(this.#filled, extras.length, true);
    this.#view.setUint32(this.#filled + 4, sumOf(extras), true);
    this.#filled += 8;
    this.#put(extras);
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
  overlooked?: Overlooked,
): { readonly before: StateReader; readonly after: StateWriter } {
  const name = `states-${LAYOUT}-${rootName}`;
  return {
    before: new StateReader(cache.map(name), overlooked),
    after: new StateWriter(cache.create(name)),
  };
}

/** A name by the path of its folder, as `statePath` makes it, and its name. */
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

// FNV-1a: extras are small. An iterator over the bytes took ten times as long.
function sumOf(bytes: Bytes): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i]!, 0x01000193);
  return sum >>> 0;
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
