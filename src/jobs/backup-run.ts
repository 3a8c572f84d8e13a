// Backup run: one pass from a source to a snapshot, or to the counts of what one would store.

import { present } from "../base/assert.ts";
import { BunkerError } from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Monitor } from "../base/monitor.ts";
import { compareTexts } from "../format/fields.ts";
import type { Manifest } from "../format/manifest.ts";
import { manifestName } from "../format/names.ts";
import type { Snapshot, SnapshotCounts } from "../format/snapshot.ts";
import type { Source } from "../source/source.ts";
import type { Catalog } from "../store/catalog.ts";
import { Claims, createClaimMemory } from "../store/claims.ts";
import { judgePack, listPacks } from "../store/presence.ts";
import { loadManifests, type Manifests } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";
import { StoreWriter } from "../store/writer.ts";
import { Assembly } from "./assembly.ts";
import type { BackupOptions, BackupParts, BackupResult, DryRunResult } from "./backup.ts";
import { Lane, type PutPack } from "./lane.ts";
import { publicKeys, sharedKeys, sharedRuns } from "./lane-setup.ts";
import { BackupProgress } from "./backup-progress.ts";
import { LanePool, type LaneSetup, type SharedRun } from "./lanes.ts";
import { type Client, findSame, noteLast } from "./last-snapshot.ts";
import { CountingSink, type PackSink } from "./sink.ts";
import { Spares } from "./spares.ts";
import { expectedTotals, type Totals } from "./totals.ts";

/** One backup: what is backed up where, and how. */
export interface Order {
  readonly store: Store;
  readonly source: Source;
  readonly parts: BackupParts;
  readonly options: BackupOptions;
  readonly monitor: Monitor;
}

export const FIRST_USE =
  "this machine has not seen this store before: what was deleted from it until now can't be noticed";

interface Opened {
  readonly catalog: Catalog;
  readonly manifests: Manifests;
  readonly totals: Totals;
  /** Absent in a dry run. */
  readonly writer?: StoreWriter;
}

export class BackupRun {
  readonly #store: Store;
  readonly #source: Source;
  readonly #options: BackupOptions;
  readonly #parts: BackupParts;
  readonly #catalog: Catalog;
  readonly #manifests: Manifests;
  readonly #writer: StoreWriter | undefined;
  readonly #sink: PackSink;
  readonly #lanes: LanePool;
  readonly #claims: Claims;
  readonly #assembly: Assembly;
  readonly #progress: BackupProgress;
  readonly #start: number;
  readonly #monitor: Monitor;

  private constructor({ store, source, parts, options, monitor }: Order, opened: Opened) {
    this.#store = store;
    this.#source = source;
    this.#options = options;
    this.#parts = parts;
    this.#start = store.world.now();
    this.#monitor = monitor;
    this.#catalog = opened.catalog;
    this.#manifests = opened.manifests;
    this.#writer = opened.writer;
    this.#sink = opened.writer ?? new CountingSink(opened.catalog);
    this.#claims = new Claims(createClaimMemory(parts.claimCount));
    this.#progress = new BackupProgress(monitor, opened.totals.totals);
    this.#lanes = this.#makeLanes();
    this.#assembly = new Assembly({
      store,
      parts,
      lanes: this.#lanes,
      claims: this.#claims,
      writer: this.#sink,
      monitor,
      changes: options,
      progress: this.#progress,
      renewClaims: () => this.#renewClaims(),
    });
  }

  static async prepare(
    order: Order,
    { isDry }: { readonly isDry: boolean } = { isDry: false },
  ): Promise<BackupRun> {
    const { store, source } = order;
    const manifests = await loadManifests(store);
    if (store.isFirstUse && manifests.byId.size > 0) order.monitor.notice(FIRST_USE);
    const catalog = await store.catalog();
    const writer = isDry ? undefined : new StoreWriter(store, catalog);
    const needed = [...catalog.packs().keys(), ...(writer?.journalPacks() ?? [])];
    const presence = await listPacks(store, needed);
    catalog.mark(judgePack(store, presence));
    const totals = await expectedTotals(store, manifests, source);
    if (writer === undefined) return new BackupRun(order, { catalog, manifests, totals });
    await writer.adoptJournal(presence);
    return new BackupRun(order, { catalog, manifests, totals, writer });
  }

  /** Returns `undefined` where it must be done once more. */
  async carryOut(): Promise<BackupResult | undefined> {
    const writer = present(this.#writer, "a dry run makes no snapshot");
    try {
      await this.#takeIn();
      const same = await this.#findSame(writer);
      if (same !== undefined) return this.#skipped(same);
      const written = await writer.commit(this.#manifests, () => this.#snapshot());
      if (written === undefined) return undefined;
      this.#keep(() => {
        this.#assembly.keepStates();
        noteLast(this.#client, written.id, this.#snapshot());
      });
      return { ...this.#outcome(), id: written.id, name: written.name, skipped: false };
    } catch (error) {
      await this.#keepWhatIsStored(error);
      throw error;
    } finally {
      this.#close();
    }
  }

  /** Takes all in, and keeps nothing of it. */
  async rehearse(): Promise<DryRunResult> {
    try {
      await this.#takeIn();
      return this.#outcome();
    } finally {
      this.#close();
    }
  }

  async #takeIn(): Promise<void> {
    await this.#assembly.run(this.#source.walk());
    await this.#lanes.finish();
    await this.#assembly.finish();
  }

  get #client(): Client {
    return { store: this.#store, platform: this.#parts.platform };
  }

  #close(): void {
    this.#assembly.close();
    this.#lanes.close();
  }

  // What was stored anew takes the place of something that is lost: that needs a snapshot.
  async #findSame(writer: StoreWriter): Promise<Manifest | undefined> {
    if (this.#options.skipIfUnchanged !== true) return undefined;
    await writer.flush();
    if (writer.counts.packs > 0) return undefined;
    return findSame(this.#client, this.#manifests, this.#snapshot());
  }

  #skipped({ signer, number, id }: Manifest): BackupResult {
    this.#keep(() => this.#assembly.keepStates());
    return { ...this.#outcome(), id, name: manifestName(signer, number, id), skipped: true };
  }

  #outcome(): DryRunResult {
    return {
      counts: this.#counts(),
      written: this.#sink.counts,
      unchangedFiles: this.#assembly.unchangedFiles,
      start: this.#start,
      end: this.#store.world.now(),
    };
  }

  // The snapshot is made: a full cache disk makes the next run slower, and this one no failure.
  #keep(noteAll: () => void): void {
    try {
      noteAll();
    } catch (error) {
      if (!(error instanceof BunkerError)) throw error;
      this.#monitor.notice(`the next backup will read all files again: ${error.message}`);
    }
  }

  // The table of claims is full: what was stored so far goes into segments, which the lanes map. A
  // dry run counts what comes again from then on a second time.
  async #renewClaims(): Promise<void> {
    await this.#sink.flush();
    this.#claims.reset();
    this.#lanes.setRuns(this.#sharedRuns());
  }

  // An interrupted run leaves its uploads where the next one finds them. Also where there is no room:
  // what is under way may be stored still, and a cap may leave room for a segment.
  async #keepWhatIsStored(error: unknown): Promise<void> {
    if (!(error instanceof BunkerError)) return;
    try {
      await this.#sink.flush();
    } catch {
      // The first failure is the one to tell; what is stored is found by its trailers at worst.
    }
  }

  #makeLanes(): LanePool {
    const { platform, files, laneCore, spawn, laneCount, packBytes, levels, breathe } = this.#parts;
    const { shared, keys } = this.#store.keyring;
    if (shared === undefined) throw new BunkerError("wrong-key", "this key can't back up");
    const putPack: PutPack = (pack, spent) => this.#sink.putPack(pack, spent);
    const onRead = (name: Bytes, bytes: number) => this.#progress.read(name, bytes);
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
      spares: new Spares(packBytes, 1),
      breathe,
      now: () => this.#store.world.now(),
      onRead,
    });
    laneCore.setKeys(shared);
    return new LanePool({ local, spawn, count: laneCount, setup, putPack, onRead });
  }

  #sharedRuns(): SharedRun[] {
    return sharedRuns(this.#catalog, this.#parts.cachePath);
  }

  #counts(): SnapshotCounts {
    const { blobs, storedBytes } = this.#sink.counts;
    const { counts } = this.#assembly;
    const problems = this.#options.problemCount?.() ?? counts.problems;
    return { ...counts, problems, newBlobs: blobs, storedBytes };
  }

  #snapshot(): Snapshot {
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
