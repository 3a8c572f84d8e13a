// Blobs: reading them back, verified, from wherever a good copy is.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError, isBunkerError, isDamage } from "../base/errors.ts";
import { type BlobId, hexId } from "../base/ids.ts";
import { release } from "../base/platform.ts";
import { HEADER_BYTES } from "../format/header.ts";
import { packName } from "../format/names.ts";
import { openBlob, openPackKey, type PackKind } from "../format/pack.ts";
import { PACK_PREFIX_BYTES } from "../format/trailer.ts";
import type { Place } from "./catalog.ts";
import type { Store } from "./store.ts";
import {
  damaged,
  dropIfPassing,
  GRID_BYTES,
  keyOf,
  missing,
  PackBytes,
  type PackVersion,
} from "./pack-bytes.ts";
import { forgetListing, notePack } from "./presence.ts";
import { indexUnlisted } from "./trailers.ts";

const KEY_COUNT_MAX = 4096;

export class BlobReader {
  readonly #store: Store;
  readonly packs: PackBytes;
  /** Opened pack keys, by pack and version. */
  readonly #keys = new Map<string, Promise<Bytes>>();
  #unlistedDone: Promise<boolean> | undefined;

  constructor(store: Store) {
    this.#store = store;
    this.packs = new PackBytes(store);
  }

  /**
   * The plaintext of a blob, its id verified. Bad copies become findings; other copies are tried.
   * Throws `corrupt`, naming the pack, where none is good, and `not-found` where there is none.
   */
  async read(kind: PackKind, id: BlobId): Promise<Uint8Array<ArrayBuffer>> {
    let failure: BunkerError | undefined;
    for await (const place of this.#copies(id)) {
      try {
        return await this.#readAt(kind, place, this.packs.versionOf(place.packId));
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.#store.findings.add(packName(place.packId), error);
        const plain = await this.#readOther(kind, place);
        if (plain !== undefined) return plain;
        if (isBunkerError(error, "not-found")) forgetListing(this.#store);
        else if (place.trusted) notePack(this.#store, place.packId, false);
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    throw new BunkerError("not-found", `blob ${hexId(id).slice(0, 16)} is in no pack of the store`);
  }

  // What is wrong or hidden under its name may stand, whole, in another version of it.
  async #readOther(kind: PackKind, place: Place): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (const version of await this.packs.otherVersions(place.packId)) {
      try {
        const plain = await this.#readAt(kind, place, version);
        this.packs.noteGood(version);
        return plain;
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    return undefined;
  }

  // The known places first; then those of packs that no segment lists, which take a look at each.
  async *#copies(id: BlobId): AsyncGenerator<Place> {
    const known = await this.places(id);
    yield* known;
    if (!(await this.#indexUnlisted())) return;
    const catalog = await this.#store.catalog();
    const tried = new Set(known.map((place) => hexId(place.packId)));
    yield* catalog.findAll(id).filter((place) => !tried.has(hexId(place.packId)));
  }

  /** Every known place of a blob, also of packs that no index segment lists. */
  async places(id: BlobId): Promise<Place[]> {
    const catalog = await this.#store.catalog();
    const places = catalog.findAll(id);
    if (places.length > 0) return places;
    return (await this.#indexUnlisted()) ? catalog.findAll(id) : places;
  }

  #indexUnlisted(): Promise<boolean> {
    if (this.#unlistedDone === undefined) {
      const done = indexUnlisted(this.#store);
      this.#unlistedDone = done;
      done.catch(() => (this.#unlistedDone = undefined));
    }
    return this.#unlistedDone;
  }

  /** The opened key of a pack. */
  packKey(packId: Uint8Array<ArrayBuffer>): Promise<Bytes> {
    return this.#keyOf(this.packs.versionOf(packId));
  }

  #keyOf(pack: PackVersion): Promise<Bytes> {
    const name = keyOf(pack);
    let key = this.#keys.get(name);
    if (key === undefined) {
      if (this.#keys.size >= KEY_COUNT_MAX) this.#keys.clear();
      key = this.#loadKey(pack);
      this.#keys.set(name, key);
      dropIfPassing(this.#keys, name, key);
    }
    return key;
  }

  async #loadKey(pack: PackVersion): Promise<Bytes> {
    const name = packName(pack.packId);
    const start = await this.packs.getOf(pack, { offset: 0, length: GRID_BYTES });
    if (start === undefined) throw missing(name);
    if (start.length < PACK_PREFIX_BYTES) throw damaged(name, "it is cut short");
    const header = start.slice(0, HEADER_BYTES);
    try {
      return await openPackKey(this.#store, header, start.slice(HEADER_BYTES, PACK_PREFIX_BYTES));
    } catch (error) {
      if (!isBunkerError(error, "corrupt")) throw error;
      throw new BunkerError("corrupt", `${name} is damaged: ${error.message}`, { cause: error });
    }
  }

  async #readAt(kind: PackKind, place: Place, pack: PackVersion): Promise<Uint8Array<ArrayBuffer>> {
    const name = packName(place.packId);
    const key = await this.#keyOf(pack);
    const { bytes: sealed, own } = await this.packs.part(pack, place.offset, place.storedBytes);
    if (sealed.length !== place.storedBytes) throw damaged(name, "it is cut short");
    try {
      const blob = { ...place, packKey: key, kind };
      return await openBlob(this.#store.platform, blob, sealed, (space, bytes) =>
        this.#store.core.idOf(space, bytes),
      );
    } catch (error) {
      if (!isBunkerError(error, "corrupt")) throw error;
      throw damaged(name, `blob ${place.ordinal} does not open`, error);
    } finally {
      if (own !== undefined) release(own);
    }
  }
}
