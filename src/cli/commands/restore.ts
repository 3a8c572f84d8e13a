// restore: gets a snapshot back, or a part of it.

import { availableParallelism } from "node:os";
import type { Bytes } from "../../base/bytes.ts";
import { BunkerError } from "../../base/errors.ts";
import type { Monitor } from "../../base/monitor.ts";
import type { FolderDestination } from "../../destination/folder.ts";
import { openFolderDestination } from "../../destination/open.ts";

import { Restore, type RestoreCounts } from "../../jobs/restore.ts";
import { openRestoreLanes } from "../../jobs/restore-lanes.ts";
import { BlobReader } from "../../store/blobs.ts";
import { requireOwner } from "../../store/keyring.ts";
import { findNode, type Node, topOf } from "../../store/paths.ts";
import { findSnapshot, loadManifests } from "../../store/snapshots.ts";
import type { Store } from "../../store/store.ts";
import { openFileSystem } from "../../system/open.ts";
import { type CommandDefinition, OPEN_OPTIONS, type Words } from "../command.ts";
import { EXIT, type ExitStatus, locally } from "../exit.ts";
import { printableText } from "../names.ts";
import { formatBytes, formatCounted, formatElapsed } from "../progress.ts";
import { coreModule, laneCountOf, monitorOf, ownFoldersOf, withStore } from "../session.ts";
import { parseSnapshotWord, type SnapshotWord } from "../snapshot-word.ts";
import { refuseStoreInside, wayToStore } from "../target.ts";
import type { Wiring } from "../wiring.ts";

/** Ranges of packs that may be under way at once, and their bytes. */
const FETCH_COUNT = 4;
const FETCH_BYTES = 16 * 1024 * 1024;

export const restoreCommand: CommandDefinition = {
  name: "restore",
  description: [
    "Get files back: a snapshot, or a part of it, into a new or empty folder.",
    "",
    "SNAP is latest, latest:TAG, or the beginning of an id as bunker snapshots lists them.",
    "Behind latest, PATH begins with / or with ./, since another word is a tag.",
  ].join("\n"),
  words: "SNAP[:PATH]…",
  wordCount: [1, Number.POSITIVE_INFINITY],
  options: {
    ...OPEN_OPTIONS,
    to: {
      type: "string",
      valueHint: "TARGET",
      description: "The folder to restore into (required)",
    },
    overwrite: {
      type: "boolean",
      description: "Also into a folder that is not empty: replace files that are there",
    },
    lanes: {
      type: "string",
      valueHint: "N",
      description: "Work on so many cores at once (default: all, 8 at most)",
    },
  },
  examples: [
    "bunker restore latest --to ~/restored",
    "bunker restore latest:/home/me/letter.txt --to ~/restored",
    "bunker restore latest:weekly:./photos --to ~/photos",
  ],
  run(wiring, words) {
    const target = words.text("to");
    if (target === undefined || target === "") {
      throw new BunkerError("invalid-argument", "where to restore to is not said", {
        hint: "give --to TARGET",
      });
    }
    const wanted = words.positionals.map((word) => parseSnapshotWord(word));
    const laneCount = laneCountOf(words);
    const { store: storeFolder } = ownFoldersOf(wiring, words);
    const way = storeFolder === undefined ? undefined : wayToStore(target, storeFolder);
    return withStore(wiring, words, (store) =>
      restoreAll(wiring, words, { store, target, wanted, laneCount, way }),
    );
  },
};

interface Order {
  readonly store: Store;
  readonly target: string;
  readonly wanted: readonly SnapshotWord[];
  readonly laneCount: number;
  /** From the target down to the store, where that is below. */
  readonly way: readonly Bytes[] | undefined;
}

async function restoreAll(wiring: Wiring, words: Words, order: Order): Promise<ExitStatus> {
  const { store, target, wanted } = order;
  requireOwner(store.keyring, "a restore");
  const manifests = await loadManifests(store);
  const reader = new BlobReader(store);
  // Everything is found before the first byte is written.
  const nodes = [];
  let totals: { readonly filesTotal: number; readonly bytesTotal: number } | undefined;
  for (const word of wanted) {
    const { snapshot } = await findSnapshot(store, manifests, word);
    const path = word.path;
    if (wanted.length === 1 && path === undefined) {
      totals = { filesTotal: snapshot.counts.files, bytesTotal: snapshot.counts.contentBytes };
    }
    nodes.push(path === undefined ? topOf(snapshot) : await findNode(reader, snapshot, path));
  }
  if (order.way !== undefined) await refuseStoreInside(reader, nodes, order.way);
  const overwrite = words.flag("overwrite");
  const existing = overwrite ? "replace" : "refuse";
  const files = openFileSystem();
  const destination = locally(() =>
    openFolderDestination(target, { create: true, existing, files }),
  );
  const monitor = monitorOf(wiring);
  try {
    if (!overwrite && !destination.isEmpty()) {
      throw new BunkerError("exists", `${target} is not empty`, {
        subject: target,
        hint: "choose another folder, or give --overwrite",
      });
    }
    const start = performance.now();
    const { counts, limits } = await carryOut(wiring, order, {
      reader,
      destination,
      monitor,
      nodes,
      ...(totals === undefined ? {} : { totals }),
    });
    monitor.finish();
    for (const limit of limits) monitor.notice(limit);
    const seconds = (performance.now() - start) / 1000;
    await report(wiring, words, { target, counts, seconds });
    return statusOfRestore(counts, limits);
  } finally {
    monitor.finish();
    destination.close();
  }
}

interface Work {
  readonly reader: BlobReader;
  readonly destination: FolderDestination;
  readonly monitor: Monitor;
  readonly nodes: readonly Node[];
  /** What a whole snapshot holds, for the progress line. */
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
}

async function carryOut(
  wiring: Wiring,
  { store, laneCount }: Order,
  { nodes, ...work }: Work,
): Promise<{ readonly counts: RestoreCounts; readonly limits: ReadonlySet<string> }> {
  const { destination } = work;
  const lanes = openRestoreLanes(store, destination, {
    spawn: wiring.spawnLane,
    coreModule: coreModule(),
    count: Math.min(laneCount, availableParallelism()),
  });
  const limits = new Set<string>();
  try {
    const restore = new Restore({
      store,
      ...work,
      write: (task) => lanes.write(task),
      fetchCount: FETCH_COUNT,
      fetchBytes: FETCH_BYTES,
      onLimits: (list) => list.forEach((limit) => limits.add(limit)),
    });
    const [only] = nodes;
    if (nodes.length === 1 && only !== undefined) await restore.restoreTop(only);
    else for (const node of nodes) await restore.restoreNamed(node);
    for (const limit of destination.limits) limits.add(limit);
    return { counts: restore.counts, limits };
  } finally {
    lanes.close();
  }
}

function statusOfRestore(counts: RestoreCounts, limits: ReadonlySet<string>): ExitStatus {
  return counts.problems > 0 || limits.size > 0 ? EXIT.incomplete : EXIT.done;
}

async function report(
  { output }: Wiring,
  words: Words,
  { target, counts, seconds }: { target: string; counts: RestoreCounts; seconds: number },
): Promise<void> {
  if (words.flag("json")) {
    await output.json({ target, ...counts });
    return;
  }
  await output.line(
    `restored ${formatCounted(counts.files, "file")} and ` +
      `${formatCounted(counts.folders, "folder")}, ${formatBytes(counts.bytes)}, ` +
      `to ${printableText(target)} in ${formatElapsed(seconds)}`,
  );
}
