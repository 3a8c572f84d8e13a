// Canary: the small objects that a probe puts into a bucket, and what becomes of them.
//
// They are taken away version by version, marks that hide included. What can't be taken away, because
// it is locked or the key may not, is hidden and counted; a later probe takes it, when its lock is over.

import { present } from "../base/assert.ts";
import { hexOf } from "../base/bytes.ts";
import type { World } from "../base/world.ts";
import type { Caller } from "../s3/call.ts";
import { listObjects, type ListedVersion, listVersions } from "../s3/list.ts";
import { deleteObject, deleteVersion, hideObject } from "../s3/objects.ts";
import { DAY_MS } from "./bucket-safety.ts";
import { isRefusal } from "./bucket-settings.ts";
import { PROBE_FOLDER } from "./probe.ts";

/** What probes put, and nothing else that may lie beside it. */
const CANARY = /^[0-9a-f]{16}\/(?:canary|wrong|speed-\d+)$/;
/** Of those that earlier probes left: more are left to the next one. */
const OLD_COUNT_MAX = 1000;

export interface Left {
  readonly count: number;
  readonly bytes: number;
}

export class Canaries {
  /** What all keys of this probe begin with. */
  readonly prefix: string;
  readonly #caller: Caller;
  readonly #world: World;
  readonly #folder: string;

  constructor(caller: Caller, world: World, storePrefix: string) {
    this.#caller = caller;
    this.#world = world;
    this.#folder = storePrefix + PROBE_FOLDER;
    this.prefix = `${this.#folder}${hexOf(world.random(8))}/`;
  }

  /** The versions of this probe, the newest of a key first. */
  versions(): Promise<ListedVersion[]> {
    return Array.fromAsync(listVersions(this.#caller, this.prefix));
  }

  /** Takes away this probe's canaries, and those that are a day old; returns what had to stay. */
  async remove(hasVersions: boolean): Promise<Left> {
    if (!hasVersions) return this.#removeObjects();
    const byKey = new Map<string, ListedVersion[]>();
    let oldCount = 0;
    for await (const version of listVersions(this.#caller, this.#folder)) {
      if (!this.#isOurs(version.key, version.modified)) continue;
      if (!version.key.startsWith(this.prefix) && oldCount++ >= OLD_COUNT_MAX) continue;
      byKey.set(version.key, [...(byKey.get(version.key) ?? []), version]);
    }
    const left = { count: 0, bytes: 0 };
    for (const versions of byKey.values()) {
      const kept = await this.#removeKey(versions);
      left.count += kept.length;
      left.bytes += kept.reduce((sum, { bytes }) => sum + bytes, 0);
    }
    return left;
  }

  // Marks go last: what stays must stay hidden.
  async #removeKey(versions: readonly ListedVersion[]): Promise<ListedVersion[]> {
    const kept: ListedVersion[] = [];
    const marks = versions.filter(({ hidden }) => hidden);
    for (const version of versions) {
      if (!version.hidden && !(await this.#isDeleted(version))) kept.push(version);
    }
    if (kept.length === 0) {
      for (const mark of marks) if (!(await this.#isDeleted(mark))) kept.push(mark);
      return kept;
    }
    const newest = present(versions[0], "a key has versions");
    if (!newest.hidden) await hideObject(this.#caller, newest.key);
    return [...kept, ...marks];
  }

  async #isDeleted({ key, versionId }: ListedVersion): Promise<boolean> {
    try {
      await deleteVersion(this.#caller, key, versionId);
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  async #removeObjects(): Promise<Left> {
    const left = { count: 0, bytes: 0 };
    for await (const { key, bytes, modified } of listObjects(this.#caller, this.#folder)) {
      if (!this.#isOurs(key, modified)) continue;
      try {
        await deleteObject(this.#caller, key);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        left.count += 1;
        left.bytes += bytes;
      }
    }
    return left;
  }

  // Another probe may be at work this very moment.
  #isOurs(key: string, modified: number): boolean {
    if (key.startsWith(this.prefix)) return true;
    return CANARY.test(key.slice(this.#folder.length)) && modified < this.#world.now() - DAY_MS;
  }
}
