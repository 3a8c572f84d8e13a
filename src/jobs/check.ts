// Check: is everything there that the snapshots need, and is it what it says?
//
// Structure: the owner log, key slots, segments and manifests are read and verified, every pack of
// every closure must be there with its size, and every tree is read and each of its chunks looked
// up. With data, packs are read whole, and every blob in them is opened. What is wrong becomes a
// finding, with the files that it touches.

import { utf8 } from "../base/bytes.ts";
import { isDamage } from "../base/errors.ts";
import { hexId, parseHexId } from "../base/ids.ts";
import type { Monitor } from "../base/monitor.ts";
import { packName } from "../format/names.ts";
import { BlobReader } from "../store/blobs.ts";
import { type Catalog, PACK_UNUSABLE, PACK_USABLE } from "../store/catalog.ts";
import { topOf } from "../store/paths.ts";
import { closurePacks, listPacks, type Presence } from "../store/presence.ts";
import { closureOf, loadManifests, loadSnapshot, type Manifests } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";
import { inspectObjects } from "./inspect.ts";
import { FIRST_USE } from "./backup-run.ts";
import { TreeCheck } from "./check-trees.ts";
import { verifyPack } from "./verify.ts";

export interface CheckOptions {
  /** The share of the packs to read: 0 none, 1 all. */
  readonly dataShare: number;
  readonly breathe: () => Promise<void> | undefined;
}

export interface CheckResult {
  readonly snapshots: number;
  readonly packs: number;
  readonly packsRead: number;
  readonly bytesRead: number;
  readonly files: number;
  readonly folders: number;
  /** Packs that no index segment lists: left by interrupted backups, or by a lost segment. */
  readonly unlistedPacks: number;
  readonly damagedFiles: number;
}

export async function check(
  store: Store,
  options: CheckOptions,
  monitor: Monitor,
): Promise<CheckResult> {
  // Before the index: a backup lists its packs there first, and makes its snapshot last.
  const manifests = await loadManifests(store);
  return new CheckRun(store, options, monitor, await store.catalog()).carryOut(manifests);
}

const UNLISTED = "no index segment lists this pack, which a snapshot needs: a segment is gone";

class CheckRun {
  readonly #store: Store;
  readonly #options: CheckOptions;
  readonly #monitor: Monitor;
  readonly #catalog: Catalog;
  readonly #reader: BlobReader;
  readonly #trees: TreeCheck;
  /** The packs that an index segment lists. */
  #listed: ReadonlyMap<string, unknown> = new Map();
  readonly #counts = { packsRead: 0, bytesRead: 0 };
  /** Each is read, and counted, once. */
  readonly #read = new Set<string>();

  constructor(store: Store, options: CheckOptions, monitor: Monitor, catalog: Catalog) {
    this.#store = store;
    this.#options = options;
    this.#monitor = monitor;
    this.#catalog = catalog;
    this.#reader = new BlobReader(store);
    const { breathe } = options;
    this.#trees = new TreeCheck({ store, reader: this.#reader, catalog, breathe });
  }

  async carryOut(manifests: Manifests): Promise<CheckResult> {
    if (this.#store.isFirstUse && manifests.byId.size > 0) this.#monitor.notice(FIRST_USE);
    await inspectObjects(this.#store, this.#options.breathe);
    const presence = await listPacks(this.#store, closurePacks(manifests));
    const packs = this.#catalog.packs();
    this.#listed = packs;
    await this.#checkPacks(presence);
    await this.#readData(presence);
    this.#checkHeads(manifests);
    for (const manifest of manifests.offered)
      await this.#checkSnapshot(manifests, manifest, presence);
    const unlisted = [...presence.keys()].filter((id) => !packs.has(id)).length;
    return {
      snapshots: manifests.offered.length,
      packs: presence.size,
      unlistedPacks: unlisted,
      ...this.#counts,
      ...this.#trees.counts,
    };
  }

  // Every listed pack is there with its size; one of another size is read to see what is left.
  async #checkPacks(presence: Presence): Promise<void> {
    const wrong: string[] = [];
    const { sweptPacks } = this.#store.log.state;
    this.#catalog.mark((pack) => {
      const hex = hexId(pack.id);
      const bytes = presence.get(hex);
      if (bytes === pack.bytes) return PACK_USABLE;
      if (bytes === undefined) {
        if (!sweptPacks.has(hex))
          this.#store.findings.add(packName(pack.id), "this pack is missing");
        return PACK_UNUSABLE;
      }
      const message = `this pack has ${bytes} bytes, expected ${pack.bytes}`;
      this.#store.findings.add(packName(pack.id), message);
      wrong.push(hex);
      return PACK_USABLE;
    });
    for (const hex of new Set(wrong)) await this.#readPack(hex);
  }

  async #readData(presence: Presence): Promise<void> {
    const { dataShare } = this.#options;
    if (dataShare === 0) return;
    const chosen = chooseShare([...presence.keys()], dataShare, this.#store.context);
    for (const hex of chosen) await this.#readPack(hex);
  }

  async #readPack(hex: string): Promise<void> {
    if (this.#read.has(hex)) return;
    this.#read.add(hex);
    const id = parseHexId(hex);
    const result = await verifyPack(this.#store, this.#reader, this.#catalog, id);
    this.#counts.packsRead += 1;
    this.#counts.bytesRead += result.bytes;
    this.#trees.noteBad(result.badBlobs);
    this.#monitor.progress({
      filesDone: this.#counts.packsRead,
      bytesDone: this.#counts.bytesRead,
      unit: "packs",
      subject: hex.slice(0, 10),
    });
    await this.#options.breathe();
  }

  // What a snapshot says that it saw must be there, or be explained by the owner.
  #checkHeads(manifests: Manifests): void {
    const { removedManifests, setAside } = this.#store.log.state;
    for (const manifest of manifests.offered) {
      this.#checkLogHeads(manifest);
      for (const { id, number } of manifest.heads) {
        const hex = hexId(id);
        if (manifests.byId.has(hex) || removedManifests.has(hex) || setAside.has(hex)) continue;
        const subject = `snapshot ${hexId(manifest.id).slice(0, 10)}`;
        this.#store.findings.add(
          `${subject}, head ${hex.slice(0, 10)}`,
          `${subject} saw snapshot ${hex.slice(0, 10)} (number ${number}), which is gone`,
        );
      }
    }
    this.#checkNumbers(manifests);
  }

  #checkLogHeads(manifest: Manifests["offered"][number]): void {
    for (const { id, number } of manifest.logHeads) {
      if (this.#store.log.knows(id)) continue;
      const message = "a snapshot was made when it was there, and it is gone";
      this.#store.findings.add(`owner log record ${number}, ${hexId(id).slice(0, 10)}`, message);
    }
  }

  // Two snapshots of one writer with one number: a cloned machine, or somebody who has its key.
  #checkNumbers(manifests: Manifests): void {
    const seen = new Map<string, string>();
    for (const manifest of manifests.byId.values()) {
      const key = `${hexId(manifest.signer)}:${manifest.number}`;
      const other = seen.get(key);
      seen.set(key, hexId(manifest.id));
      if (other === undefined) continue;
      this.#monitor.notice(
        `snapshots ${other.slice(0, 10)} and ${hexId(manifest.id).slice(0, 10)} are by one writer ` +
          `and have one number: a cloned machine, or a copied key`,
      );
    }
  }

  async #checkSnapshot(
    manifests: Manifests,
    manifest: Manifests["offered"][number],
    presence: Presence,
  ): Promise<void> {
    const name = hexId(manifest.id).slice(0, 10);
    try {
      for (const [hex, id] of closureOf(manifests, manifest).packs) {
        if (!presence.has(hex)) this.#store.findings.add(packName(id), "this pack is missing");
        else if (!this.#listed.has(hex)) this.#store.findings.add(packName(id), UNLISTED);
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#store.findings.add(`snapshot ${name}`, error);
    }
    if (this.#store.keyring.owner === undefined) return;
    try {
      const snapshot = await loadSnapshot(this.#store, manifest);
      await this.#trees.checkTop(topOf(snapshot), utf8(`${name}:`));
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#store.findings.add(`snapshot ${name}`, error);
    }
  }
}

/** A random choice of at least one: over many runs, every pack has its turn. */
function chooseShare(
  ids: string[],
  share: number,
  { platform }: Store["context"],
): readonly string[] {
  if (share >= 1) return ids;
  const wanted = Math.min(ids.length, Math.max(1, Math.ceil(ids.length * share)));
  for (let i = 0; i < wanted; i++) {
    const random = platform.random(6).reduce((sum, byte) => sum * 256 + byte, 0);
    const other = i + (random % (ids.length - i));
    [ids[i], ids[other]] = [ids[other]!, ids[i]!];
  }
  return ids.slice(0, wanted);
}
