// Segments: keeping the cached catalog in step with the index segments of the storage.
//
// A writer now and then puts one segment in place of many small ones, which stay where they are. A
// writer's newest is read first, so that those which it repeats whole need not be read at all.

import { concatBytes } from "../base/bytes.ts";
import { hexId, parseHexId, type SignerId } from "../base/ids.ts";
import { parseName, SEGMENT_PREFIX, segmentName } from "../format/names.ts";
import type { SegmentBody } from "../format/records.ts";
import { readSegment } from "../format/segment.ts";
import type { StoredObject } from "../storage/storage.ts";
import { Catalog } from "./catalog.ts";
import { keepObject, loadFromStorage } from "./objects.ts";
import type { Run } from "./run.ts";
import { mapRuns, mergeSmall, type RunFile, TRUSTS, writeRun } from "./run-files.ts";
import {
  replacedIn,
  runParts,
  type RunSegment,
  type SegmentFact,
  segmentsOf,
} from "./run-segments.ts";
import type { Store } from "./store.ts";
import { listObjects, Strangers } from "./strangers.ts";
import { listTails, tailsOf } from "./tails.ts";
import { noteTaken, type SegmentKey, takenNumbers } from "./taken.ts";

/** Segments up to this length are small: their writer merges them when there are many. */
export const SMALL_SEGMENT_BYTES = 1024 * 1024;

/** Opens the catalog: cached runs, and what is new in the storage. Damage becomes findings. */
export async function openCatalog(store: Store): Promise<Catalog> {
  let survey = await surveySegments(store);
  if (dropStale(store, survey.present)) survey = await surveySegments(store);
  for (;;) {
    const { known, strangers } = survey;
    const take = (object: StoredObject) => takeSegment(store, known, object);
    const { goodCount, hasMore, isWhole } = await strangers.judge(take);
    if (isWhole && store.storage.abilities.dear) {
      noteTaken(store.cache, [...known.segments.keys()].sort().map(parseKey));
    }
    // Each further pass has to earn itself, so that a flood of names costs one more.
    if (!hasMore || goodCount === 0) break;
    survey = await surveySegments(store);
  }
  survey.strangers.tellOmitted();
  for (const trust of TRUSTS) mergeSmall(store.cache, trust);
  const catalog = new Catalog();
  for (const { file, trust, run } of mapRuns(store.cache)) {
    if (run !== undefined) catalog.add(run.bytes, { file, trusted: trust === "trusted" });
  }
  return catalog;
}

/** The bytes of the run that a segment makes; without a segment, of one that nobody has written. */
export function joinRun(
  segment: RunSegment | undefined,
  body: SegmentBody,
): Uint8Array<ArrayBuffer> {
  return concatBytes(...runParts(segment, body));
}

/** What the cached runs hold, by signer and id: a name under another's folder is another's. */
interface Known {
  /** Segments that were read, and their numbers. */
  readonly segments: Map<string, number>;
  /** Segments that others of the same signer repeat whole. */
  readonly replaced: Set<string>;
}

interface Survey {
  readonly known: Known;
  /** Those of `known.segments` that are listed. */
  readonly present: ReadonlySet<string>;
  readonly strangers: Strangers;
}

async function surveySegments(store: Store): Promise<Survey> {
  const known = knownSegments(mapRuns(store.cache));
  const { listing, present } = whereToLook(store, known);
  const strangers = new Strangers(store, SEGMENT_PREFIX);
  for await (const object of listing) {
    const parsed = parseName(object.name);
    if (parsed?.kind !== "segment") {
      strangers.note(object.name, "this is no name of an index segment");
    } else if (!store.accepts(parsed.signer, parsed.id)) {
      const message = "this index segment is by a signer that the owner has not certified";
      strangers.note(object.name, message);
    } else if (isKnown(known, parsed)) {
      present.add(keyOf(parsed));
    } else {
      strangers.add(hexId(parsed.signer), object);
    }
  }
  return { known, present, strangers };
}

// Where listing is dear, what is known counts as there, and only what is new is asked for: what comes
// after the last time that nothing was left to be read.
function whereToLook(
  store: Store,
  { segments, replaced }: Known,
): { readonly listing: AsyncIterable<StoredObject>; readonly present: Set<string> } {
  const { storage } = store;
  if (!storage.abilities.dear) {
    return { listing: listObjects(storage, SEGMENT_PREFIX), present: new Set() };
  }
  const known = Array.from(segments, ([key]) => ({ key, ...parseKey(key) }));
  const taken = takenNumbers(store.cache, (segment) => {
    const key = keyOf(segment);
    return segments.get(key) ?? (replaced.has(key) ? 0 : undefined);
  });
  const tails = tailsOf(store, taken);
  const present = known.filter(({ signer, id }) => store.accepts(signer, id));
  return {
    listing: listTails(store, SEGMENT_PREFIX, tails),
    present: new Set(present.map(({ key }) => key)),
  };
}

function knownSegments(files: readonly RunFile[]): Known {
  const known: Known = { segments: new Map(), replaced: new Set() };
  for (const { run } of files) {
    if (run === undefined) continue;
    for (const segment of segmentsOf(run)) known.segments.set(keyOf(segment), segment.number);
    for (const segment of replacedIn(run)) known.replaced.add(keyOf(segment));
  }
  return known;
}

function keyOf({ signer, id }: SegmentKey): string {
  return `${hexId(signer)}/${hexId(id)}`;
}

function parseKey(key: string): SegmentKey {
  const [signer = "", id = ""] = key.split("/");
  return { signer: parseHexId(signer), id: parseHexId(id) };
}

function isKnown(known: Known, segment: SegmentKey & { readonly number: number }): boolean {
  const key = keyOf(segment);
  return known.segments.get(key) === segment.number || known.replaced.has(key);
}

// A catalog holds only segments that are there, or are repeated by one that is, and each among its
// like: a run with another one, or whose trust has changed since (`--trust` is for one run), is made
// anew. Returns whether there was any.
function dropStale(store: Store, present: ReadonlySet<string>): boolean {
  const files = mapRuns(store.cache);
  const fresh = files.filter((file) => isFresh(store, file, present));
  const { replaced } = knownSegments(fresh);
  const covered = present.union(replaced);
  const stale = files.filter((file) => !isFresh(store, file, covered));
  for (const { file } of stale) store.cache.delete(file);
  return stale.length > 0;
}

function isFresh(store: Store, { run, trust }: RunFile, covered: ReadonlySet<string>): boolean {
  if (run === undefined) return false;
  return segmentsOf(run).every((segment) => {
    const { signer, number, id } = segment;
    return covered.has(keyOf(segment)) && store.trustOf(segmentName(signer, number, id)) === trust;
  });
}

async function takeSegment(store: Store, known: Known, object: StoredObject): Promise<void> {
  const { name } = object;
  const parsed = parseName(name);
  if (parsed?.kind !== "segment" || isKnown(known, parsed)) return;
  const bytes = await loadFromStorage(store.platform, store.storage, name);
  const segment = await readSegment(store, name, bytes);
  if (isOwn(store, segment.signer) && bytes.length <= SMALL_SEGMENT_BYTES) {
    keepObject(store.cache, name, bytes); // For the day when it is merged.
  }
  const trust = store.trustOf(name);
  writeRun(store.cache, trust, { ...segment, bytes: bytes.length }, segment.body);
  mergeSmall(store.cache, trust);
  known.segments.set(keyOf(segment), segment.number);
  for (const id of segment.replaces) known.replaced.add(keyOf({ signer: segment.signer, id }));
}

function isOwn({ keyring }: Store, signer: SignerId): boolean {
  return hexId(signer) === hexId(keyring.signer.publicKey);
}

/** The segments of this machine's own signer that runs hold and nothing replaces, oldest first. */
export function ownSegments(store: Store, runs: readonly { readonly run: Run }[]): SegmentFact[] {
  const replaced = new Set(runs.flatMap(({ run }) => replacedIn(run).map(keyOf)));
  return runs
    .flatMap(({ run }) => segmentsOf(run))
    .filter((segment) => isOwn(store, segment.signer) && !replaced.has(keyOf(segment)))
    .sort((a, b) => a.number - b.number);
}
