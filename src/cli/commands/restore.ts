// restore: gets a snapshot back, or a part of it.

import { availableParallelism } from "node:os";
import { type Bytes, textOf } from "../../base/bytes.ts";
import { hexId } from "../../base/ids.ts";
import { Restore, type RestoreParts } from "../../jobs/restore.ts";
import { openRestoreLanes } from "../../jobs/restore-lanes.ts";
import type { RestoreCounts } from "../../jobs/restore-report.ts";
import { RestoreVerify } from "../../jobs/restore-verify.ts";
import { BlobReader } from "../../store/blobs.ts";
import { requireOwner } from "../../store/keyring.ts";
import { findNode, type Node, topOf } from "../../store/paths.ts";
import { loadManifests } from "../../store/snapshots.ts";
import type { Store } from "../../store/store.ts";
import { openFileSystem } from "../../system/open.ts";
import { ARCHIVE_EXAMPLES, ARCHIVE_OPTIONS, restoreArchive, wantsArchive } from "../archive.ts";
import { type CommandDefinition, OPEN_OPTIONS, type Words } from "../command.ts";
import { EXIT, type ExitStatus } from "../exit.ts";
import type { OwnFolders } from "../own-folders.ts";
import { FOLDER_OPTIONS, OVERWRITE_OPTION, rewriteOverwrite } from "../restore-options.ts";
import { type RestoreWish, wishOf } from "../restore-options.ts";
import { reportRestore, stepLines } from "../restore-report.ts";
import { openTarget, type RestoreTarget } from "../restore-target.ts";
import { coreModule, laneCountOf, monitorOf, ownFoldersOf, withStore } from "../session.ts";
import { parseSnapshotWord, type SnapshotWord } from "../snapshot-word.ts";
import { refuseSameNames, refuseStoreInside, wayToStore } from "../target.ts";
import { WantedSnapshots } from "../wanted-snapshots.ts";
import type { Wiring } from "../wiring.ts";

/** For each range of packs that may be under way at once. */
const FETCH_BYTES = 4 * 1024 * 1024;

export const restoreCommand: CommandDefinition = {
  name: "restore",
  description: [
    "Get files back: a snapshot, or a part of it, into a new or empty folder.",
    "",
    "SNAP is latest, latest:TAG, or the beginning of an id as bunker snapshots lists them.",
    "Behind latest, PATH begins with / or with ./, since another word is a tag.",
    "",
    "A restore that was cut off is finished by the same command.",
    "",
    "Into what is there, with --overwrite=HOW: always compares the content and replaces what",
    "differs; if-changed takes a file of the same length and time for the same; if-newer replaces",
    "only what the snapshot has in a later version; never leaves all that is there. A folder and",
    "what is none make way for each other only with --delete, and then not with --include,",
    "--exclude, if-newer or never.",
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
    ...ARCHIVE_OPTIONS,
    ...OVERWRITE_OPTION,
    ...FOLDER_OPTIONS,
  },
  examples: [
    "bunker restore latest --to ~/restored",
    "bunker restore latest:/letter.txt --to ~/restored",
    "bunker restore latest:weekly:/photos --to ~/photos",
    "bunker restore latest --to ~/restored --include '*.odt' --exclude /old/",
    "bunker restore latest --to ~ --overwrite=if-changed --delete --dry-run",
    ...ARCHIVE_EXAMPLES,
  ],
  rewrite: rewriteOverwrite,
  run(wiring, words) {
    if (wantsArchive(words)) {
      const replace = words.flag("overwrite") || words.text("overwrite-how") === "always";
      const others = Object.keys(FOLDER_OPTIONS).filter((name) => name !== "overwrite-how");
      return restoreArchive(wiring, words, { others, replace });
    }
    const wish = wishOf(words);
    const wanted = words.positionals.map((word) => parseSnapshotWord(word));
    const laneCount = laneCountOf(wiring, words);
    const own = ownFoldersOf(wiring, words);
    const way = own.store === undefined ? undefined : wayToStore(wish.target, own.store);
    return withStore(
      wiring,
      words,
      (store) => restoreAll(wiring, words, { store, wish, wanted, laneCount, way, own }),
      { tellsUsage: true },
    );
  },
};

interface Order {
  readonly store: Store;
  readonly wish: RestoreWish;
  readonly wanted: readonly SnapshotWord[];
  readonly laneCount: number;
  /** From the target down to the store, where that is below. */
  readonly way: readonly Bytes[] | undefined;
  readonly own: OwnFolders;
}

interface Found {
  readonly nodes: readonly Node[];
  /** Each as the whole id of its snapshot and its path. */
  readonly subjects: readonly string[];
  /** How many things could not be read when the snapshots were made. */
  readonly sourceProblems: number;
  /** What a whole snapshot holds, for the progress line. */
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
}

async function restoreAll(wiring: Wiring, words: Words, order: Order): Promise<ExitStatus> {
  const { store, wish, own } = order;
  requireOwner(store.keyring, "a restore");
  const reader = new BlobReader(store);
  // Everything is found before the first byte is written.
  const found = await findAll(wiring, order, reader);
  if (order.way !== undefined) await refuseStoreInside(reader, found.nodes, order.way);
  const files = openFileSystem();
  const { subjects } = found;
  const rest = [...words.texts("include"), "", ...words.texts("exclude"), String(wish.numericIds)];
  const target = openTarget({ wish, subjects, rest, own, files });
  const monitor = monitorOf(wiring);
  try {
    const start = performance.now();
    const { sourceProblems } = found;
    const limits = new Set<string>();
    const work = { ...found, reader, monitor, limits, target };
    const counts = await carryOut(wiring, order, work);
    const verified = wish.isVerified ? await verify(order, work) : undefined;
    target.notes?.finish();
    monitor.finish();
    for (const limit of limits) monitor.notice(limit);
    const seconds = (performance.now() - start) / 1000;
    const usage = store.storage.usage?.();
    await reportRestore(wiring, words, { wish, counts, verified, seconds, sourceProblems, usage });
    const problems = counts.problems + (verified?.problems ?? 0);
    return problems > 0 || limits.size > 0 ? EXIT.incomplete : EXIT.done;
  } finally {
    monitor.finish();
    target.destination.close();
    target.notes?.close();
  }
}

async function findAll(
  { messages }: Wiring,
  { store, wanted, wish }: Order,
  reader: BlobReader,
): Promise<Found> {
  const snapshots = new WantedSnapshots(messages, store, await loadManifests(store));
  const nodes: Node[] = [];
  const subjects: string[] = [];
  let totals: Found["totals"];
  for (const word of wanted) {
    const { manifest, snapshot } = await snapshots.find(word);
    const { path } = word;
    if (wanted.length === 1 && path === undefined && wish.selection.isAll) {
      totals = { filesTotal: snapshot.counts.files, bytesTotal: snapshot.counts.contentBytes };
    }
    nodes.push(path === undefined ? topOf(snapshot) : await findNode(reader, snapshot, path));
    subjects.push(hexId(manifest.id) + (path === undefined ? "" : `:${textOf(path)}`));
  }
  refuseSameNames(nodes);
  const sourceProblems = snapshots.tellGaps();
  return { nodes, subjects, sourceProblems, ...(totals === undefined ? {} : { totals }) };
}

interface Work extends Found, Pick<RestoreParts, "reader" | "monitor"> {
  readonly target: RestoreTarget;
  readonly limits: Set<string>;
}

async function carryOut(wiring: Wiring, order: Order, work: Work): Promise<RestoreCounts> {
  const { store, laneCount, wish } = order;
  const { target, limits, nodes, subjects: _, sourceProblems: __, ...parts } = work;
  const { destination, folder, mode } = target;
  const lanes =
    folder === undefined
      ? undefined
      : openRestoreLanes(store, folder, {
          spawn: wiring.spawnLane,
          coreModule: coreModule(),
          count: Math.min(laneCount, availableParallelism()),
        });
  const { getCount } = store.storage.abilities;
  try {
    const restore = new Restore({
      store,
      ...parts,
      destination,
      mode,
      write: (task) => lanes!.write(task),
      fetchCount: getCount,
      fetchBytes: getCount * FETCH_BYTES,
      onLimits: (list) => list.forEach((limit) => limits.add(limit)),
      ...stepLines(wiring, wish),
    });
    const [only] = nodes;
    if (nodes.length === 1 && only !== undefined) await restore.restoreTop(only);
    else for (const node of nodes) await restore.restoreNamed(node);
    for (const limit of destination.limits) limits.add(limit);
    return restore.counts;
  } finally {
    lanes?.close();
  }
}

async function verify({ store }: Order, work: Work): Promise<RestoreVerify["counts"]> {
  const { target, nodes } = work;
  const { destination, mode } = target;
  const verifier = new RestoreVerify({ ...work, store, destination, mode });
  const [only] = nodes;
  if (nodes.length === 1 && only !== undefined) await verifier.verifyTop(only);
  else for (const node of nodes) await verifier.verifyNamed(node);
  return verifier.counts;
}
