// Backup: from a source to a snapshot.
//
// The walk gives entries in order; files that must be read go to the lanes in batches; the assembly
// takes everything in the order of the walk again, builds trees and file states, and the store
// writer commits. Whatever waits in between is bounded by count and by bytes.

import { BunkerError } from "../base/errors.ts";
import type { ObjectId } from "../base/ids.ts";
import type { Monitor } from "../base/monitor.ts";
import type { NativePlatform } from "../base/platform.ts";
import type { Core } from "../core/core.ts";
import { compareTexts } from "../format/fields.ts";
import type { SnapshotCounts } from "../format/snapshot.ts";
import type { Source } from "../source/source.ts";
import type { Catalog } from "../store/catalog.ts";
import { Claims, createClaimMemory } from "../store/claims.ts";
import { judgePack, listPacks } from "../store/presence.ts";
import { loadManifests, type Manifests } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";
import { refuseMixedStores } from "../store/unlock.ts";
import { requireMayWrite, StoreWriter, type WriteCounts } from "../store/writer.ts";
import type { FileSystem } from "../system/files.ts";
import { Assembly } from "./assembly.ts";
import type { Levels } from "./effort.ts";
import { Lane, type PutPack } from "./lane.ts";
import { expectedTotals, type Totals } from "./totals.ts";
import type { SpawnLane } from "./lane-client.ts";
import { publicKeys, sharedKeys, sharedRuns } from "./lane-setup.ts";
import { LanePool, type LaneSetup, type SharedRun } from "./lanes.ts";
import { Spares } from "./spares.ts";

export interface BackupOptions {
  readonly host: string;
  readonly user: string;
  readonly tags: readonly string[];
  readonly description?: string;
  /** Reads every file, also those that seem unchanged. */
  readonly force?: boolean;
  /** How many problems there were so far, those of the walk included. */
  readonly problemCount?: () => number;
}

/** What a backup runs on, beside the store and the source. */
export interface BackupParts {
  readonly platform: NativePlatform;
  readonly files: FileSystem;
  /** The core of the lane in main; the store's own core makes the trees. */
  readonly laneCore: Core;
  /** The compiled core, for lanes in Workers. */
  readonly coreModule: WebAssembly.Module;
  readonly spawn?: SpawnLane;
  readonly laneCount: number;
  readonly packBytes: number;
  readonly levels: Levels;
  /** How many new blobs may be under way before the table of claims is made anew; for tests. */
  readonly claimCount?: number;
  /** Where a lane finds a file of the cache folder. */
  readonly cachePath: (file: string) => string;
  /** Lets the event loop run; asked often, answers rarely. */
  readonly breathe: () => Promise<void> | undefined;
}

export interface BackupResult {
  readonly id: ObjectId;
  readonly name: string;
  readonly counts: SnapshotCounts;
  readonly written: WriteCounts;
  readonly unchangedFiles: number;
  readonly start: number;
  readonly end: number;
}

export const FIRST_USE =
  "this machine has not seen this store before: what was deleted from it until now can't be noticed";

/** Condemnations that come up during a backup make it start over; so many times. */
const PASS_COUNT_MAX = 3;

/** One backup: what is backed up where, and how. */
interface Order {
  readonly store: Store;
  readonly source: Source;
  readonly parts: BackupParts;
  readonly options: BackupOptions;
  readonly monitor: Monitor;
}

/** Makes a snapshot of the source. Throws what made it impossible; problems go to the monitor. */
export async function backup(
  store: Store,
  source: Source,
  { parts, options }: { readonly parts: BackupParts; readonly options: BackupOptions },
  monitor: Monitor,
): Promise<BackupResult> {
  if (store.keyring.shared === undefined) {
    throw new BunkerError("wrong-key", "a keeper's key can't back up");
  }
  const lock = store.state.lock();
  try {
    requireMayWrite(store);
    await refuseMixedStores(store);
    for (let pass = 1; pass <= PASS_COUNT_MAX; pass++) {
      const run = await BackupRun.prepare({ store, source, parts, options, monitor });
      const result = await run.carryOut();
      if (result !== undefined) return result;
      monitor.notice("packs that this backup needs were condemned meanwhile: it starts over");
      store.closeCatalog();
    }
    throw new BunkerError("unavailable", "the store was pruned under the backup each time", {
      hint: "run the backup again when the pruning is done",
    });
  } finally {
    lock.release();
  }
}

class BackupRun {
  readonly #store: Store;
  readonly #source: Source;
  readonly #options: BackupOptions;
  readonly #parts: BackupParts;
  readonly #catalog: Catalog;
  readonly #manifests: Manifests;
  readonly #writer: StoreWriter;
  readonly #lanes: LanePool;
  readonly #claims: Claims;
  readonly #assembly: Assembly;
  readonly #start: number;
  readonly #monitor: Monitor;

  private constructor(
    { store, source, parts, options, monitor }: Order,
    opened: { catalog: Catalog; manifests: Manifests; writer: StoreWriter; totals: Totals },
  ) {
    this.#store = store;
    this.#source = source;
    this.#options = options;
    this.#parts = parts;
    this.#start = store.world.now();
    this.#monitor = monitor;
    this.#catalog = opened.catalog;
    this.#manifests = opened.manifests;
    this.#writer = opened.writer;
    this.#claims = new Claims(createClaimMemory(parts.claimCount));
    this.#lanes = this.#makeLanes();
    this.#assembly = new Assembly({
      store,
      parts,
      lanes: this.#lanes,
      claims: this.#claims,
      writer: this.#writer,
      monitor,
      force: options.force === true,
      ...opened.totals,
      renewClaims: () => this.#renewClaims(),
    });
  }

  static async prepare(order: Order): Promise<BackupRun> {
    const { store, source } = order;
    const manifests = await loadManifests(store);
    if (store.isFirstUse && manifests.byId.size > 0) order.monitor.notice(FIRST_USE);
    const catalog = await store.catalog();
    const presence = await listPacks(store, catalog.packs().keys());
    catalog.mark(judgePack(store, presence));
    const writer = new StoreWriter(store, catalog);
    await writer.adoptJournal(presence);
    const totals = await expectedTotals(store, manifests, source);
    return new BackupRun(order, {
      catalog,
      manifests,
      writer,
      totals,
    });
  }

  /** Returns `undefined` where it must be done once more. */
  async carryOut(): Promise<BackupResult | undefined> {
    try {
      await this.#assembly.run(this.#source.walk());
      await this.#lanes.finish();
      await this.#assembly.finish();
      const written = await this.#writer.commit(this.#manifests, () => this.#snapshot());
      if (written === undefined) return undefined;
      this.#keepStates();
      return {
        id: written.id,
        name: written.name,
        counts: this.#counts(),
        written: this.#writer.counts,
        unchangedFiles: this.#assembly.unchangedFiles,
        start: this.#start,
        end: this.#store.world.now(),
      };
    } catch (error) {
      await this.#keepWhatIsStored(error);
      throw error;
    } finally {
      this.#assembly.close();
      this.#lanes.close();
    }
  }

  // The snapshot is made: a full cache disk makes the next run slower, and this one no failure.
  #keepStates(): void {
    try {
      this.#assembly.keepStates();
    } catch (error) {
      if (!(error instanceof BunkerError)) throw error;
      this.#monitor.notice(`the next backup will read all files again: ${error.message}`);
    }
  }

  // The table of claims is full: what was stored so far goes into segments, which the lanes map.
  async #renewClaims(): Promise<void> {
    await this.#writer.flush();
    this.#claims.reset();
    this.#lanes.setRuns(this.#sharedRuns());
  }

  // An interrupted run leaves its uploads where the next one finds them.
  async #keepWhatIsStored(error: unknown): Promise<void> {
    if (!(error instanceof BunkerError) || error.code === "full") return;
    try {
      await this.#writer.flush();
    } catch {
      // The first failure is the one to tell; what is stored is found by its trailers at worst.
    }
  }

  #makeLanes(): LanePool {
    const { platform, files, laneCore, spawn, laneCount, packBytes, levels, breathe } = this.#parts;
    const { shared, keys } = this.#store.keyring;
    if (shared === undefined) throw new BunkerError("wrong-key", "this key can't back up");
    const putPack: PutPack = (pack, spent) => this.#writer.putPack(pack, spent);
    const pooledCount = laneCount > 1 ? laneCount : 0;
    const { wantsMd5: withMd5 } = this.#store.storage.abilities;
    const setup: LaneSetup = {
      core: this.#parts.coreModule,
      keys: publicKeys(keys),
      shared: sharedKeys(shared),
      claims: this.#claims.memory,
      runs: this.#sharedRuns(),
      packBytes,
      withMd5,
      levels,
      pooledCount,
    };
    const local = new Lane({
      core: laneCore,
      platform,
      files,
      keys,
      catalog: this.#catalog,
      claims: this.#claims,
      packBytes,
      withMd5,
      levels,
      pooledCount,
      putPack,
      spares: new Spares(packBytes),
      breathe,
      now: () => this.#store.world.now(),
    });
    laneCore.setKeys(shared);
    return new LanePool({ local, spawn, count: laneCount, setup, putPack });
  }

  #sharedRuns(): SharedRun[] {
    return sharedRuns(this.#catalog, this.#parts.cachePath);
  }

  #counts(): SnapshotCounts {
    const { blobs, storedBytes } = this.#writer.counts;
    const { counts } = this.#assembly;
    const problems = this.#options.problemCount?.() ?? counts.problems;
    return { ...counts, problems, newBlobs: blobs, storedBytes };
  }

  #snapshot() {
    const { host, user, tags, description } = this.#options;
    return {
      host,
      user,
      roots: this.#assembly.roots,
      tags: [...new Set(tags)].sort(compareTexts),
      ...(description === undefined ? {} : { description }),
      start: this.#start,
      end: this.#store.world.now(),
      counts: this.#counts(),
      program: this.#store.context.program,
    };
  }
}
