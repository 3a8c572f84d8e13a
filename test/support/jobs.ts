// Jobs in tests: a backup, a restore or a check in one call, without Workers unless they are given.

import type { Monitor } from "../../src/base/monitor.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import {
  backup,
  type BackupOptions,
  type BackupParts,
  type BackupResult,
  dryRun,
  type DryRunResult,
} from "../../src/jobs/backup.ts";
import { check, type CheckResult } from "../../src/jobs/check.ts";
import type { LaneAnswer, LanePort, SpawnLane } from "../../src/jobs/lane-client.ts";
import { makesWay } from "../../src/jobs/restore-choice.ts";
import { Restore, type RestoreMode } from "../../src/jobs/restore.ts";
import type { RestoreCounts } from "../../src/jobs/restore-report.ts";
import { openRestoreLanes } from "../../src/jobs/restore-lanes.ts";
import { type FolderSourceOptions, openFolderSource } from "../../src/source/folder.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import type { Finding } from "../../src/store/findings.ts";
import { topOf } from "../../src/store/paths.ts";
import { findSnapshot, loadManifests } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { testPlatform } from "./world.ts";
import { type Client, coreModule } from "./store.ts";

export interface Heard {
  readonly problems: { readonly subject: string; readonly message: string }[];
  readonly notices: string[];
}

interface Listener extends Heard {
  readonly monitor: Monitor;
}

export function listening(): Listener {
  const problems: Heard["problems"] = [];
  const notices: string[] = [];
  const monitor: Monitor = {
    progress() {},
    problem: (subject, error) => problems.push({ subject, message: (error as Error).message }),
    notice: (message) => notices.push(message),
  };
  return { monitor, problems, notices };
}

export interface BackupChoices {
  readonly files?: FileSystem;
  readonly packBytes?: number;
  readonly force?: boolean;
  readonly tags?: readonly string[];
  readonly options?: Partial<BackupOptions>;
  readonly source?: FolderSourceOptions;
  readonly lanes?: { readonly spawn: SpawnLane; readonly count: number };
  /** Where a lane in a Worker finds the files of the cache. */
  readonly cachePath?: (file: string) => string;
}

/** Small packs, so that a small tree makes several. */
export const SMALL_PACK_BYTES = 64 * 1024;

export async function backUp(
  client: Client,
  store: Store,
  paths: readonly string[],
  choices: BackupChoices = {},
): Promise<BackupResult & Heard> {
  const { heard, source, plan } = planOf(client, paths, choices);
  const result = await backup(store, source, plan, heard.monitor);
  return { ...result, problems: heard.problems, notices: heard.notices };
}

/** The same as a dry run. */
export async function rehearse(
  client: Client,
  store: Store,
  paths: readonly string[],
  choices: BackupChoices = {},
): Promise<DryRunResult & Heard> {
  const { heard, source, plan } = planOf(client, paths, choices);
  const result = await dryRun(store, source, plan, heard.monitor);
  return { ...result, problems: heard.problems, notices: heard.notices };
}

function planOf(client: Client, paths: readonly string[], choices: BackupChoices) {
  const { files = openFileSystem(), packBytes = SMALL_PACK_BYTES, lanes } = choices;
  const heard = listening();
  const source = openFolderSource(paths, { files, monitor: heard.monitor, ...choices.source });
  const parts: BackupParts = {
    platform: testPlatform(),
    files,
    laneCore: client.laneCore,
    coreModule,
    laneCount: lanes?.count ?? 1,
    ...(lanes === undefined ? {} : { spawn: lanes.spawn }),
    packBytes,
    levels: { fast: 3, thrifty: 3 },
    cachePath: choices.cachePath ?? ((file) => file),
    breathe: () => undefined,
  };
  const options: BackupOptions = {
    host: "host",
    user: "user",
    tags: choices.tags ?? [],
    force: choices.force ?? false,
    ...choices.options,
  };
  return { heard, source, plan: { parts, options } };
}

/** Restores a snapshot into a folder; without more, the latest. */
export async function restoreTo(
  store: Store,
  to: string,
  options: {
    readonly id?: string;
    readonly existing?: "refuse" | "replace";
    readonly mode?: RestoreMode;
    readonly files?: FileSystem;
    readonly lanes?: { readonly spawn: SpawnLane; readonly count: number };
    readonly fetchCount?: number;
  } = {},
): Promise<Heard & { readonly counts: RestoreCounts }> {
  const heard = listening();
  const manifests = await loadManifests(store);
  const { snapshot } = await findSnapshot(store, manifests, { id: options.id ?? "latest" });
  const { mode = {} } = options;
  const destination = openFolderDestination(to, {
    create: true,
    ...(options.files === undefined ? {} : { files: options.files }),
    existing: options.existing ?? (mode.overwrite === undefined ? "refuse" : "replace"),
    ...clearingOf(mode),
  });
  const spawn = options.lanes?.spawn ?? neverSpawn;
  const lanes = openRestoreLanes(store, destination, {
    spawn,
    coreModule,
    count: options.lanes?.count ?? 1,
  });
  try {
    const restore = new Restore({
      store,
      reader: new BlobReader(store),
      destination,
      mode,
      monitor: heard.monitor,
      write: (task) => lanes.write(task),
      fetchCount: options.fetchCount ?? 4,
      fetchBytes: 8 * 1024 * 1024,
      onLimits: (limits) => heard.notices.push(...limits),
    });
    await restore.restoreTop(topOf(snapshot));
    return { counts: restore.counts, problems: heard.problems, notices: heard.notices };
  } finally {
    lanes.close();
    destination.close();
  }
}

function clearingOf(mode: RestoreMode) {
  return mode.deleting !== undefined && makesWay(mode) ? { clearing: mode.deleting } : {};
}

function neverSpawn(): LanePort {
  throw new Error("one lane needs no Worker");
}

/** Checks a store; the findings are all that the opened store has come upon. */
export async function runCheck(
  store: Store,
  dataShare = 0,
): Promise<CheckResult & { readonly findings: readonly Finding[]; readonly heard: Heard }> {
  const heard = listening();
  const options = { dataShare, breathe: () => undefined };
  const result = await check(store, options, heard.monitor);
  return { ...result, findings: store.findings.all, heard };
}

/** Starts real Workers, as main.ts does; `end` them all when the test is over. */
export function workerLanes(count: number): {
  readonly spawn: SpawnLane;
  readonly count: number;
  readonly spawned: () => number;
} {
  let spawned = 0;
  const spawn = (): LanePort => {
    spawned += 1;
    const worker = new Worker(new URL("../../src/lane.ts", import.meta.url).href);
    return {
      post: (message, transfer) => worker.postMessage(message, transfer ?? []),
      listen(onAnswer, onFailure) {
        worker.onmessage = ({ data }: MessageEvent<LaneAnswer>) => onAnswer(data);
        worker.onerror = (event) => onFailure(new Error(event.message));
      },
      end: () => worker.terminate(),
    };
  };
  return { spawn, count, spawned: () => spawned };
}
