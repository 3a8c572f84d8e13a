// stats: shows what snapshots hold, add and would free, and what the store has in all.

import { BunkerError } from "../../base/errors.ts";
import { hexId } from "../../base/ids.ts";
import { type BlobSum, type SnapshotStats, Stats, type StoreStats } from "../../jobs/stats.ts";
import { BlobReader } from "../../store/blobs.ts";
import { requireOwner } from "../../store/keyring.ts";
import { Numbering } from "../../store/numbering.ts";
import { closurePacks, listPacks } from "../../store/presence.ts";
import {
  type FoundSnapshot,
  loadManifests,
  type Manifests,
  readSnapshot,
} from "../../store/snapshots.ts";
import type { Store } from "../../store/store.ts";
import { type CommandDefinition, OPEN_OPTIONS, type Words } from "../command.ts";
import { estimateCost, reportCost } from "../cost-report.ts";
import { localTime } from "../entry-text.ts";
import { EXIT } from "../exit.ts";
import { formatBytes, formatCount, formatCounted } from "../progress.ts";
import { breather, monitorOf, withStore } from "../session.ts";
import { parseSnapshotWord, type SnapshotWord } from "../snapshot-word.ts";
import { WantedSnapshots } from "../wanted-snapshots.ts";
import type { Wiring } from "../wiring.ts";

interface Gathered {
  readonly snapshots: readonly SnapshotStats[];
  readonly store: StoreStats;
  readonly packs: { readonly count: number; readonly bytes: number };
}

export const stats: CommandDefinition = {
  name: "stats",
  description: [
    "Show what snapshots hold, what each adds to the store, and what only it needs.",
    "",
    "CONTENT is the size of all files. ADDS is what no earlier snapshot needs, FREES what no other",
    "one needs, which is free once the snapshot is gone: both as stored, compressed. Reads the",
    "folders of all snapshots, and no content.",
    "",
    "With --cost: estimates instead what the store costs in a bucket of Backblaze B2, what a backup",
    "adds to that, and what it costs to restore SNAP, which is latest where none is named.",
  ].join("\n"),
  words: "[SNAP…]",
  wordCount: [0, Number.POSITIVE_INFINITY],
  options: {
    ...OPEN_OPTIONS,
    cost: { type: "boolean", description: "Estimate what storing and restoring it costs at B2" },
  },
  examples: ["bunker stats", "bunker stats latest --json", "bunker stats --cost"],
  run(wiring, words) {
    const given = words.positionals.map((text) => {
      const word = parseSnapshotWord(text);
      if (word.path === undefined) return word;
      const message = `expected a snapshot without a path, found ${text}`;
      throw new BunkerError("invalid-argument", message);
    });
    return withStore(wiring, words, async (store) => {
      requireOwner(store.keyring, "looking into snapshots");
      const manifests = await loadManifests(store);
      const named = await findNamed(wiring, store, { manifests, given });
      if (words.flag("cost")) {
        const wanted = given.length > 0 ? named : await latestIn(wiring, store, manifests);
        const estimate = await estimateCost(wiring, store, { manifests, wanted });
        await reportCost(wiring, words, estimate);
        return EXIT.done;
      }
      const chosen = new Set(named.map(({ manifest }) => hexId(manifest.id)));
      const gathered = await gather(wiring, store, manifests);
      const shown = gathered.snapshots.filter(
        ({ found }) => chosen.size === 0 || chosen.has(hexId(found.manifest.id)),
      );
      await report(wiring, words, { ...gathered, snapshots: shown }, gathered.snapshots);
      return EXIT.done;
    });
  },
};

async function findNamed(
  { messages }: Wiring,
  store: Store,
  { manifests, given }: { readonly manifests: Manifests; readonly given: readonly SnapshotWord[] },
): Promise<FoundSnapshot[]> {
  const wanted = new WantedSnapshots(messages, store, manifests);
  const found: FoundSnapshot[] = [];
  for (const word of given) found.push(await wanted.find(word));
  return found;
}

// A store without a snapshot costs something, too.
async function latestIn(
  wiring: Wiring,
  store: Store,
  manifests: Manifests,
): Promise<FoundSnapshot[]> {
  if (manifests.offered.length === 0) return [];
  return findNamed(wiring, store, { manifests, given: [parseSnapshotWord("latest")] });
}

// All snapshots are looked at, for what one adds and frees depends on the others.
async function gather(wiring: Wiring, store: Store, manifests: Manifests): Promise<Gathered> {
  const monitor = monitorOf(wiring);
  const parts = {
    store,
    reader: new BlobReader(store),
    monitor,
    breathe: breather(wiring.interruption),
  };
  try {
    const { offered } = manifests;
    const job = new Stats(parts, new Numbering(await store.catalog()), offered.length);
    const snapshots: SnapshotStats[] = [];
    for (const manifest of offered) {
      const snapshot = await readSnapshot(store, manifest);
      if (snapshot !== undefined) snapshots.push(await job.take({ manifest, snapshot }));
    }
    const presence = await listPacks(store, closurePacks(manifests));
    const bytes = [...presence.values()].reduce((sum, packBytes) => sum + packBytes, 0);
    return { snapshots, store: job.store(), packs: { count: presence.size, bytes } };
  } finally {
    monitor.finish();
  }
}

async function report(
  { output }: Wiring,
  words: Words,
  { snapshots, store, packs }: Gathered,
  all: readonly SnapshotStats[],
): Promise<void> {
  const contentBytes = all.reduce((sum, { holds }) => sum + holds.contentBytes, 0);
  // Holes are in no chunk, so that they are not what was saved.
  const dataBytes = all.reduce((sum, { holds }) => sum - holds.holeBytes, contentBytes);
  if (words.flag("json")) {
    for (const one of snapshots) await output.json(jsonOfSnapshot(one));
    const sums = { count: all.length, contentBytes, dataBytes };
    await output.json({ store: jsonOfStore(store, packs, sums) });
    return;
  }
  if (snapshots.length > 0) await output.line(HEAD);
  for (const one of snapshots) await output.line(lineOf(one));
  for (const line of storeLines(store, packs, dataBytes)) await output.line(line);
}

function jsonOfSnapshot({ found, holds, adds, frees }: SnapshotStats): Record<string, unknown> {
  const { id, time } = found.manifest;
  return { snapshot: hexId(id), time: new Date(time).toISOString(), holds, adds, frees };
}

function jsonOfStore(
  { blobs, again, needed, neededData }: StoreStats,
  packs: Gathered["packs"],
  snapshots: {
    readonly count: number;
    readonly contentBytes: number;
    readonly dataBytes: number;
  },
): Record<string, unknown> {
  return {
    snapshots: snapshots.count,
    contentBytes: snapshots.contentBytes,
    packs: packs.count,
    packBytes: packs.bytes,
    blobs,
    needed,
    unneeded: differenceOf(blobs, needed),
    again,
    compression: ratio(blobs.plainBytes, blobs.storedBytes),
    deduplication: ratio(snapshots.dataBytes, neededData.plainBytes),
  };
}

function differenceOf(a: BlobSum, b: BlobSum): BlobSum {
  return {
    blobs: a.blobs - b.blobs,
    plainBytes: a.plainBytes - b.plainBytes,
    storedBytes: a.storedBytes - b.storedBytes,
  };
}

function ratio(whole: number, part: number): number {
  return part === 0 ? 1 : Math.round((whole / part) * 100) / 100;
}

const WIDTHS = [12, 12, 10, 12, 12, 12];
const HEAD = row("SNAPSHOT", "TIME".padEnd(19), [
  "FILES",
  "FOLDERS",
  "OTHERS",
  "CONTENT",
  "ADDS",
  "FREES",
]);

function lineOf({ found, holds, adds, frees }: SnapshotStats): string {
  return row(hexId(found.manifest.id).slice(0, 10), localTime(found.manifest.time), [
    formatCount(holds.files),
    formatCount(holds.folders),
    formatCount(holds.links + holds.others),
    formatBytes(holds.contentBytes),
    formatBytes(adds.storedBytes),
    formatBytes(frees.storedBytes),
  ]);
}

function row(id: string, time: string, cells: readonly string[]): string {
  return `${id.padEnd(10)}  ${time}${cells.map((cell, i) => cell.padStart(WIDTHS[i]!)).join("")}`;
}

function storeLines(
  { blobs, needed, neededData, again }: StoreStats,
  packs: Gathered["packs"],
  dataBytes: number,
): string[] {
  const unneeded = differenceOf(blobs, needed);
  const spare =
    unneeded.storedBytes === 0
      ? ""
      : `, of which no snapshot needs ${formatBytes(unneeded.storedBytes)}`;
  const twice = again.blobs === 0 ? "" : `, and ${formatBytes(again.storedBytes)} again`;
  return [
    `the store: ${formatCounted(packs.count, "pack")}, ${formatBytes(packs.bytes)}`,
    `${formatCounted(blobs.blobs, "blob")}: ${formatBytes(blobs.plainBytes)} stored as ` +
      `${formatBytes(blobs.storedBytes)}${spare}${twice}`,
    `compression ${ratio(blobs.plainBytes, blobs.storedBytes)}, ` +
      `deduplication ${ratio(dataBytes, neededData.plainBytes)}`,
  ];
}
