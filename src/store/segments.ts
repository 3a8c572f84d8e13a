// Segments: keeping the cached catalog in step with the index segments of the storage.
//
// Runs in the cache are called `trusted-<n>-<random>.run` and `other-…`: a name is never used twice,
// so that whoever maps one by its name has the one that was meant, or none. New segments become one new
// run; small neighbours are merged, so that there are few runs and opening costs what changed.

import type { Bytes } from "../base/bytes.ts";
import { concatBytes, hexOf } from "../base/bytes.ts";
import { isDamage } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import type { LocalFolder } from "../base/local.ts";
import { parseName, SEGMENT_PREFIX } from "../format/names.ts";
import type { SegmentBody } from "../format/records.ts";
import { readSegment, type Segment } from "../format/segment.ts";
import { Catalog } from "./catalog.ts";
import { mergeRuns } from "./merge.ts";
import { listNames, loadFromStorage } from "./objects.ts";
import { isRun, Run, runHeader } from "./run.ts";
import type { Store } from "./store.ts";

type Trust = "trusted" | "other";

const RUN_NAME = /^(trusted|other)-([0-9]{6})-[0-9a-f]{16}\.run$/;
/** A run is merged into its elder when it has more than this share of the elder's blobs. */
const MERGE_SHARE = 0.5;

/** Opens the catalog: cached runs, and what is new in the storage. Damage becomes findings. */
export async function openCatalog(store: Store): Promise<Catalog> {
  const listed = await listSegments(store);
  dropStale(store, listed);
  const covered = coveredSegments(store.cache);
  for (const trust of ["trusted", "other"] as const) {
    const fresh: Segment[] = [];
    for (const [hex, name] of listed) {
      if (covered.has(hex) || store.trustOf(name) !== trust) continue;
      const segment = await loadSegment(store, name);
      if (segment !== undefined) fresh.push(segment);
    }
    addRun(store.cache, trust, fresh);
    mergeSmall(store.cache, trust);
  }
  return mapCatalog(store.cache);
}

// Hexadecimal id -> name, of the segments whose signers are accepted.
async function listSegments(store: Store): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const name of await listNames(store.storage, SEGMENT_PREFIX)) {
    const parsed = parseName(name);
    if (parsed?.kind !== "segment") {
      store.findings.add(name, "this is no name of an index segment");
    } else if (store.accepts(parsed.signer, parsed.id)) {
      names.set(hexId(parsed.id), name);
    } else {
      store.findings.add(
        name,
        "this index segment is by a signer that the owner has not certified",
      );
    }
  }
  return names;
}

async function loadSegment(store: Store, name: string): Promise<Segment | undefined> {
  try {
    const bytes = await loadFromStorage(store.platform, store.storage, name);
    return await readSegment(store, name, bytes);
  } catch (error) {
    if (!isDamage(error)) throw error;
    store.findings.add(name, error);
    return undefined;
  }
}

function runFiles(cache: LocalFolder, trust: Trust): string[] {
  return cache
    .list()
    .filter((name) => RUN_NAME.exec(name)?.[1] === trust)
    .sort();
}

function mapRun(cache: LocalFolder, file: string): Run | undefined {
  const bytes = cache.map(file);
  return bytes !== undefined && isRun(bytes) ? new Run(bytes) : undefined;
}

// A catalog holds only segments that are there, and each among its like: a run with another one, or
// whose trust has changed since (`--trust` is for one run), is made anew.
function dropStale(store: Store, listed: ReadonlyMap<string, string>): void {
  const { cache } = store;
  for (const trust of ["trusted", "other"] as const) {
    for (const file of runFiles(cache, trust)) {
      const run = mapRun(cache, file);
      const names = run === undefined ? [undefined] : segmentsOf(run).map((id) => listed.get(id));
      if (names.every((name) => name !== undefined && store.trustOf(name) === trust)) continue;
      cache.delete(file);
    }
  }
}

function segmentsOf(run: Run): string[] {
  return Array.from({ length: run.counts.segments }, (_, i) => hexId(run.segmentAt(i)));
}

function coveredSegments(cache: LocalFolder): Set<string> {
  const covered = new Set<string>();
  for (const file of [...runFiles(cache, "trusted"), ...runFiles(cache, "other")]) {
    const run = mapRun(cache, file);
    if (run !== undefined) for (const id of segmentsOf(run)) covered.add(id);
  }
  return covered;
}

function addRun(cache: LocalFolder, trust: Trust, segments: readonly Segment[]): void {
  for (const segment of segments) {
    cache.write(nextName(trust, runFiles(cache, trust)), runParts(segment.id, segment.body));
    mergeSmall(cache, trust);
  }
}

/** Keeps an own new segment as a run of the cache; returns the file's name. */
export function keepSegment(cache: LocalFolder, id: Bytes, body: SegmentBody): string {
  const file = nextName("trusted", runFiles(cache, "trusted"));
  cache.write(file, runParts(id, body));
  return file;
}

/** The bytes of the run that a segment makes; without a segment, of one that nobody has written. */
export function joinRun(id: Bytes | undefined, body: SegmentBody): Uint8Array<ArrayBuffer> {
  return concatBytes(...runParts(id, body));
}

function runParts(id: Bytes | undefined, body: SegmentBody): Bytes[] {
  const { packCount, blobCount, packRecords, blobRecords } = body;
  const segments = id === undefined ? 0 : 1;
  const header = runHeader({ segments, packs: packCount, blobs: blobCount });
  return [concatBytes(header, ...(id === undefined ? [] : [id])), packRecords, blobRecords];
}

function numberOf(file: string): number {
  return Number(RUN_NAME.exec(file)?.[2] ?? 0);
}

function nextName(trust: Trust, files: readonly string[]): string {
  return runName(trust, numberOf(files.at(-1) ?? "") + 1);
}

function runName(trust: Trust, number: number): string {
  const random = hexOf(crypto.getRandomValues(new Uint8Array(8)));
  return `${trust}-${String(number).padStart(6, "0")}-${random}.run`;
}

// Merges the last run into its elder while it is not much smaller: few runs, each blob rewritten
// a logarithmic number of times.
function mergeSmall(cache: LocalFolder, trust: Trust): void {
  for (;;) {
    const files = runFiles(cache, trust);
    const last = files.at(-1);
    const elder = files.at(-2);
    if (last === undefined || elder === undefined) return;
    const small = mapRun(cache, last);
    const large = mapRun(cache, elder);
    if (small === undefined || large === undefined) return;
    if (small.counts.blobs < large.counts.blobs * MERGE_SHARE) return;
    mergeRuns(large, small, () => cache.create(runName(trust, numberOf(elder))));
    cache.delete(elder);
    cache.delete(last);
  }
}

function mapCatalog(cache: LocalFolder): Catalog {
  const catalog = new Catalog();
  for (const trust of ["trusted", "other"] as const) {
    for (const file of runFiles(cache, trust)) {
      const bytes = cache.map(file);
      if (bytes === undefined || !isRun(bytes)) continue;
      catalog.add(bytes, { file, trusted: trust === "trusted" });
    }
  }
  return catalog;
}
