// Memory storage: a store that lives as long as its process, for tests. It keeps the contract and
// can stand for a folder (no versions), a bucket with versions, or one with Object Lock. Bytes can
// be planted and taken away behind its back.

import { createHash } from "node:crypto";

import { assert } from "../base/assert.ts";
import { type Bytes, copyBytes, equalBytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import type { BucketPlace } from "../base/place.ts";
import type { World } from "../base/world.ts";
import { checkObjectName, checkPrefix, hashInName } from "./names.ts";
import { checkSignal, noLocks, rangeWithin } from "./refuse.ts";
import type {
  Abilities,
  GetOptions,
  Lock,
  PutOptions,
  Storage,
  StoredObject,
  StoredVersion,
} from "./storage.ts";

export interface MemoryOptions {
  /** Every put makes a version, and a delete without a version id only hides, as in a bucket. */
  readonly versions?: boolean;
  /** Versions can be locked; needs `versions`. */
  readonly locks?: boolean;
  readonly listingReuseMs?: number;
  /** As if each call cost something. */
  readonly dear?: boolean;
  /** Stands for a bucket, which has no id of its own. */
  readonly bucketPlace?: BucketPlace;
}

export interface MemoryStorage extends Storage {
  /** Where a storage without versions keeps what had a name but not its bytes. */
  readonly aside: readonly { readonly name: string; readonly bytes: Bytes }[];
  /** Puts any bytes under a name, as an attacker or a bad disk would. */
  plant(name: string, bytes: Bytes): void;
  /** Takes away all versions of a name without a trace, locked or not. */
  vanish(name: string): void;
}

interface Version {
  readonly versionId: string;
  readonly modified: number;
  /** `undefined` in a hide marker. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  lock: Lock | undefined;
}

/**
 * Makes an empty storage. Without a world its clock starts at a fixed moment and goes one
 * millisecond further with every version and every question, so that tests repeat exactly.
 */
export function memoryStorage(world?: World, options: MemoryOptions = {}): MemoryStorage {
  assert(options.locks !== true || options.versions === true, "locks need versions");
  return new MapStorage(world ?? countingWorld(), options);
}

function countingWorld(): World {
  let time = Date.UTC(2026, 0, 1);
  return {
    now: () => ++time,
    random: (byteCount) => crypto.getRandomValues(new Uint8Array(byteCount)),
    sleep: () => Promise.resolve(),
  };
}

class MapStorage implements MemoryStorage {
  readonly location = "memory";
  readonly abilities: Abilities;
  readonly aside: { name: string; bytes: Bytes }[] = [];
  readonly bucketPlace?: BucketPlace;
  readonly #world: World;
  /** The newest version last; no name without a version. */
  readonly #versions = new Map<string, Version[]>();
  #versionCount = 0;
  #locationId: Uint8Array<ArrayBuffer> | undefined;

  constructor(world: World, options: MemoryOptions) {
    this.#world = world;
    if (options.bucketPlace !== undefined) this.bucketPlace = options.bucketPlace;
    const versions = options.versions === true;
    this.abilities = {
      versions,
      locks: options.locks === true,
      deletes: !versions,
      wantsMd5: false,
      dear: options.dear === true,
      listingReuseMs: options.listingReuseMs ?? 0,
      putCount: 2,
      getCount: 4,
    };
  }

  async put(name: string, bytes: Bytes, options: PutOptions = {}): Promise<void> {
    const hash = hashInName(name);
    checkSignal(options.signal, `writing ${name}`);
    if (options.lock !== undefined) this.#checkLocks();
    if (!this.abilities.versions) {
      const there = this.#latest(name)?.bytes;
      if (there !== undefined && equalBytes(sha256(there), hash)) return;
      if (there !== undefined) this.aside.push({ name, bytes: there });
      this.#versions.delete(name);
    }
    this.#add(name, copyBytes(bytes), options.lock);
  }

  async get(name: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    checkObjectName(name);
    checkSignal(options.signal, `reading ${name}`);
    const bytes = this.#find(name, options.versionId)?.bytes;
    if (bytes === undefined) return undefined;
    const { offset, length } = rangeWithin(bytes.length, options);
    return bytes.slice(offset, offset + length);
  }

  async *list(
    prefix: string,
    options: { readonly after?: string } = {},
  ): AsyncGenerator<StoredObject, void, undefined> {
    for (const name of this.#names(prefix)) {
      const version = this.#latest(name);
      if (version?.bytes === undefined || name <= (options.after ?? "")) continue;
      yield { name, bytes: version.bytes.length, modified: version.modified };
    }
  }

  async *listVersions(
    prefix: string,
    options: { readonly after?: string } = {},
  ): AsyncGenerator<StoredVersion, void, undefined> {
    for (const name of this.#names(prefix)) {
      if (name <= (options.after ?? "")) continue;
      const versions = [...(this.#versions.get(name) ?? [])].reverse();
      for (const [position, { versionId, bytes, modified }] of versions.entries()) {
        const size = bytes?.length ?? 0;
        const hidden = bytes === undefined;
        yield { name, bytes: size, modified, versionId, latest: position === 0, hidden };
      }
    }
  }

  async delete(name: string, versionId?: string): Promise<void> {
    checkObjectName(name);
    if (this.abilities.versions && versionId === undefined) {
      this.#add(name, undefined, undefined);
      return;
    }
    const version = this.#find(name, versionId);
    if (version === undefined) return;
    if (version.lock !== undefined && version.lock.until > this.#world.now()) {
      throw new BunkerError("denied", `${name} is locked`, { subject: name });
    }
    this.#keep(
      name,
      (this.#versions.get(name) ?? []).filter((other) => other !== version),
    );
  }

  async lockOf(name: string, versionId?: string): Promise<Lock | undefined> {
    checkObjectName(name);
    return this.#find(name, versionId)?.lock;
  }

  async setLock(name: string, lock: Lock, versionId?: string): Promise<void> {
    checkObjectName(name);
    this.#checkLocks();
    const version = this.#find(name, versionId);
    if (version?.bytes === undefined) {
      throw new BunkerError("not-found", `${name} is not there to be locked`, { subject: name });
    }
    const held = version.lock;
    const isHeld = held !== undefined && held.until > this.#world.now();
    const isWeaker = held?.mode === "compliance" && lock.mode === "governance";
    if (isHeld && (isWeaker || lock.until < held.until)) {
      throw new BunkerError("denied", `the lock of ${name} can't be made weaker`, {
        subject: name,
      });
    }
    version.lock = lock;
  }

  async serverTime(): Promise<number> {
    return this.#world.now();
  }

  async locationId(create: boolean): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.bucketPlace !== undefined) return undefined;
    if (create) this.#locationId ??= this.#world.random(16);
    return this.#locationId?.slice();
  }

  async close(): Promise<void> {}

  plant(name: string, bytes: Bytes): void {
    checkObjectName(name);
    if (!this.abilities.versions) this.#versions.delete(name);
    this.#add(name, copyBytes(bytes), undefined);
  }

  vanish(name: string): void {
    this.#versions.delete(name);
  }

  #checkLocks(): void {
    if (!this.abilities.locks) throw noLocks("this memory storage");
  }

  #add(name: string, bytes: Uint8Array<ArrayBuffer> | undefined, lock: Lock | undefined): void {
    const versionId = this.abilities.versions ? `v${++this.#versionCount}` : "";
    const version = { versionId, modified: this.#world.now(), bytes, lock };
    this.#keep(name, [...(this.#versions.get(name) ?? []), version]);
  }

  #keep(name: string, versions: Version[]): void {
    if (versions.length === 0) this.#versions.delete(name);
    else this.#versions.set(name, versions);
  }

  #latest(name: string): Version | undefined {
    return this.#versions.get(name)?.at(-1);
  }

  #find(name: string, versionId: string | undefined): Version | undefined {
    if (versionId === undefined) return this.#latest(name);
    return this.#versions.get(name)?.find((version) => version.versionId === versionId);
  }

  #names(prefix: string): string[] {
    checkPrefix(prefix);
    return [...this.#versions.keys()].filter((name) => name.startsWith(prefix)).sort();
  }
}

function sha256(bytes: Bytes): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
