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
import type { SnapshotCounts } from "../format/snapshot.ts";
import type { Source } from "../source/source.ts";
import type { Store } from "../store/store.ts";
import { refuseMixedStores } from "../store/unlock.ts";
import { requireMayWrite, type WriteCounts } from "../store/writer.ts";
import type { FileSystem } from "../system/files.ts";
import { BackupRun } from "./backup-run.ts";
import type { Levels } from "./effort.ts";
import type { ChangeOptions } from "./planner.ts";
import type { SpawnLane } from "./lane-client.ts";

export interface BackupOptions extends ChangeOptions {
  readonly host: string;
  readonly user: string;
  readonly tags: readonly string[];
  readonly description?: string;
  /** Makes no snapshot where it would say the same as the last one of this host and these sources. */
  readonly skipIfUnchanged?: boolean;
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

export interface DryRunResult {
  readonly counts: SnapshotCounts;
  readonly written: WriteCounts;
  readonly unchangedFiles: number;
  readonly start: number;
  readonly end: number;
}

export interface BackupResult extends DryRunResult {
  readonly id: ObjectId;
  readonly name: string;
  /** Nothing had changed: `id` and `name` are those of the last snapshot. */
  readonly skipped: boolean;
}

/** Condemnations that come up during a backup make it start over; so many times. */
const PASS_COUNT_MAX = 3;

/**
 * Reads the source as a backup would, and counts what would be stored. Stores nothing, and notes
 * nothing of what it saw.
 */
export async function dryRun(
  store: Store,
  source: Source,
  { parts, options }: { readonly parts: BackupParts; readonly options: BackupOptions },
  monitor: Monitor,
): Promise<DryRunResult> {
  requireMayBackUp(store);
  const run = await BackupRun.prepare({ store, source, parts, options, monitor }, { isDry: true });
  return run.rehearse();
}

function requireMayBackUp(store: Store): void {
  if (store.keyring.shared === undefined) {
    throw new BunkerError("wrong-key", "a keeper's key can't back up");
  }
  requireMayWrite(store);
}

/** Makes a snapshot of the source. Throws what made it impossible; problems go to the monitor. */
export async function backup(
  store: Store,
  source: Source,
  { parts, options }: { readonly parts: BackupParts; readonly options: BackupOptions },
  monitor: Monitor,
): Promise<BackupResult> {
  requireMayBackUp(store);
  const lock = store.state.lock();
  try {
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
