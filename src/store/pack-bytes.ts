// Pack bytes: parts of packs as they are stored, from the version of each that was found good.
//
// A name's newest version is read, unless a thief has put something else there, or hidden it: then
// another version of it was found good, and is read from then on.

import { type Bytes, concatBytes } from "../base/bytes.ts";
import { BunkerError, isBunkerError, isDamage } from "../base/errors.ts";
import { type HexId, hexId, type ObjectId } from "../base/ids.ts";
import { packName } from "../format/names.ts";
import type { Range } from "../storage/storage.ts";
import { getObject, shownVersions } from "./objects.ts";
import type { Store } from "./store.ts";

/** Ranged reads start and end on this grid: what is read then says little. */
export const GRID_BYTES = 64 * 1024;
/** Small parts are read in blocks of so many. */
export const BLOCK_BYTES = 1024 * 1024;
const BLOCK_COUNT_MAX = 24;
/** A part of so many bytes is read by itself: blocks of such would push the small ones' out. */
const LARGE_BYTES = BLOCK_BYTES / 4;

/** A pack, and which version of it; without one the newest. */
export interface PackVersion {
  readonly packId: ObjectId;
  readonly versionId?: string;
}

export interface PackPart {
  readonly bytes: Bytes;
  /** Memory that is nobody else's, to be given back. */
  readonly own: Bytes | undefined;
}

export class PackBytes {
  readonly #store: Store;
  readonly #good = new Map<HexId, string>();
  /** Recently read blocks: "<pack>/<version>:<block number>". */
  readonly #blocks = new Map<string, Promise<Bytes | undefined>>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The version that is to be read. */
  versionOf(packId: ObjectId): PackVersion {
    const versionId = this.#good.get(hexId(packId));
    return versionId === undefined ? { packId } : { packId, versionId };
  }

  /** From now on this version is read. */
  noteGood({ packId, versionId }: PackVersion): void {
    if (versionId !== undefined) this.#good.set(hexId(packId), versionId);
  }

  /** The other versions of a pack, the oldest first: those that came later may be a thief's. */
  async otherVersions(packId: ObjectId): Promise<PackVersion[]> {
    const versions = await shownVersions(this.#store.storage, packName(packId));
    return versions.map(({ versionId }) => ({ packId, versionId }));
  }

  /** A range on the grid of the version that is good; `undefined` where there is none. */
  get(packId: ObjectId, range: Range): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.getOf(this.versionOf(packId), range);
  }

  getOf(
    { packId, versionId }: PackVersion,
    range: Range,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const options = versionId === undefined ? { range } : { range, versionId };
    return getObject(this.#store.storage, packName(packId), options);
  }

  /** Small parts come out of whole blocks, of which the last ones are kept. Throws `not-found`. */
  async part(pack: PackVersion, offset: number, length: number): Promise<PackPart> {
    if (length >= LARGE_BYTES) return this.#alone(pack, offset, length);
    const first = Math.floor(offset / BLOCK_BYTES);
    const last = Math.floor((offset + length - 1) / BLOCK_BYTES);
    const parts: Bytes[] = [];
    for (let block = first; block <= last; block++) {
      const bytes = await this.#block(pack, block);
      if (bytes === undefined) throw missing(packName(pack.packId));
      const from = Math.max(0, offset - block * BLOCK_BYTES);
      parts.push(bytes.subarray(from, offset + length - block * BLOCK_BYTES));
    }
    if (parts.length === 1) return { bytes: parts[0]!, own: undefined };
    const own = concatBytes(...parts);
    return { bytes: own, own };
  }

  async #alone(pack: PackVersion, offset: number, length: number): Promise<PackPart> {
    const start = offset - (offset % GRID_BYTES);
    const end = Math.ceil((offset + length) / GRID_BYTES) * GRID_BYTES;
    const own = await this.getOf(pack, { offset: start, length: end - start });
    if (own === undefined) throw missing(packName(pack.packId));
    return { bytes: own.subarray(offset - start, offset - start + length), own };
  }

  #block(pack: PackVersion, block: number): Promise<Bytes | undefined> {
    const key = `${keyOf(pack)}:${block}`;
    let bytes = this.#blocks.get(key);
    if (bytes === undefined) {
      const oldest = this.#blocks.keys().next().value;
      if (this.#blocks.size >= BLOCK_COUNT_MAX && oldest !== undefined) this.#blocks.delete(oldest);
      bytes = this.getOf(pack, { offset: block * BLOCK_BYTES, length: BLOCK_BYTES });
      dropIfPassing(this.#blocks, key, bytes);
    } else {
      this.#blocks.delete(key);
    }
    this.#blocks.set(key, bytes); // Last in the order: the most recently used.
    return bytes;
  }
}

/** Names a version of a pack among those that are kept in mind. */
export function keyOf({ packId, versionId }: PackVersion): string {
  return versionId === undefined ? hexId(packId) : `${hexId(packId)}/${versionId}`;
}

// A failure that may pass is not kept in mind: whoever asks next asks the storage. That a pack is gone
// or damaged stays so, and is not asked for each of its blobs.
export function dropIfPassing<K, V>(cache: Map<K, Promise<V>>, key: K, value: Promise<V>): void {
  value.catch((error: unknown) => {
    const isLasting = isDamage(error) && !isBunkerError(error.cause, "io");
    if (!isLasting && cache.get(key) === value) cache.delete(key);
  });
}

export function missing(name: string): BunkerError {
  return new BunkerError("not-found", `${name} is missing`, { subject: name });
}

export function damaged(name: string, how: string, cause?: unknown): BunkerError {
  return new BunkerError("corrupt", `${name} is damaged: ${how}`, {
    subject: name,
    ...(cause === undefined ? {} : { cause }),
  });
}
