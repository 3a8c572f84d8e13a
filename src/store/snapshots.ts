// Snapshots: finding and opening manifests.

import { BunkerError, isDamage } from "../base/errors.ts";
import { type HexId, hexId } from "../base/ids.ts";
import { resolveClosure, type ResolvedClosure } from "../format/closure.ts";
import { type Manifest, openSnapshot, readManifest } from "../format/manifest.ts";
import {
  MANIFEST_PREFIX,
  manifestName,
  NUMBER_MAX,
  type ObjectName,
  parseName,
} from "../format/names.ts";
import type { Snapshot } from "../format/snapshot.ts";
import { isThere, listNames, loadObject } from "./objects.ts";
import { changeMemory, loadMemory } from "./memory.ts";
import { lastNumbersOf, listTails, tailsOf } from "./tails.ts";
import type { Store } from "./store.ts";

/** The manifests of a store that count, by the signer's number. */
export interface Manifests {
  /** Accepted and readable, removed ones too: a closure may stand on them. */
  readonly byId: ReadonlyMap<HexId, Manifest>;
  /** Those that are offered: accepted and not removed; by claimed time. */
  readonly offered: readonly Manifest[];
  /** The newest of each signer. */
  readonly heads: ReadonlyMap<HexId, Manifest>;
  /** Names of those that would be offered if they were not damaged or gone. */
  readonly lost: readonly string[];
}

/** Reads all manifests; damaged and foreign ones become findings. */
export async function loadManifests(store: Store): Promise<Manifests> {
  const byId = new Map<HexId, Manifest>();
  const lost: string[] = [];
  // Before the listing: what another run stores and remembers meanwhile is not gone.
  const { manifestNames: seen } = loadMemory(store.state);
  const names = await namesOf(store, seen);
  for (const name of names) {
    const manifest = await loadOne(store, name, (damaged) => lost.push(damaged));
    if (manifest !== undefined) byId.set(hexId(manifest.id), manifest);
  }
  const missing = missingOf(store, seen, new Set(names));
  for (const name of missing) store.findings.add(name, MISSING);
  const removed = store.log.state.removedManifests;
  const offered = [...byId.values()].filter((manifest) => !removed.has(hexId(manifest.id)));
  const times = settledTimes(byId.values());
  const timeOf = (manifest: Manifest) => times.get(manifest) ?? manifest.time;
  offered.sort((a, b) => timeOf(a) - timeOf(b) || a.number - b.number);
  const heads = headsOf(byId.values());
  remember(store, byId.values());
  const isRemoved = (name: string): boolean => removed.has(hexId(parseName(name)!.id));
  return { byId, offered, heads, lost: [...lost, ...missing].filter((name) => !isRemoved(name)) };
}

// Where listing is dear, what was seen before counts as there, but for the last few of each writer. So
// does what was trusted for one run, of signers that are not listed: nobody looks whether it is gone.
async function namesOf(store: Store, seen: readonly string[]): Promise<string[]> {
  if (!store.storage.abilities.dear) return listNames(store.storage, MANIFEST_PREFIX);
  const known = seen.map((name) => ({ name, parsed: parseName(name) }));
  const manifests = known.flatMap(({ parsed }) => (parsed?.kind === "manifest" ? [parsed] : []));
  const tails = tailsOf(store, lastNumbersOf(manifests));
  const above = new Map(tails.map((tail) => [tail.signer, tail.above]));
  const isOld = (parsed: ObjectName | undefined): boolean =>
    parsed?.kind === "manifest" && parsed.number <= (above.get(hexId(parsed.signer)) ?? NUMBER_MAX);
  const names = new Set(known.flatMap(({ name, parsed }) => (isOld(parsed) ? [name] : [])));
  for await (const { name } of listTails(store, MANIFEST_PREFIX, tails)) names.add(name);
  for (const name of missingOf(store, seen, names)) {
    if (await isThere(store.platform, store.storage, name)) names.add(name);
  }
  return [...names].sort();
}

async function loadOne(
  store: Store,
  name: string,
  onDamaged: (name: string) => void,
): Promise<Manifest | undefined> {
  const parsed = parseName(name);
  if (parsed?.kind !== "manifest") {
    store.findings.add(name, "this is no name of a manifest");
    return undefined;
  }
  if (!store.accepts(parsed.signer, parsed.id)) {
    const hint = `to use it all the same: --trust ${hexId(parsed.signer)}`;
    store.findings.add(
      name,
      `this snapshot is by a signer that the owner has not certified; ${hint}`,
    );
    return undefined;
  }
  try {
    const bytes = await loadObject(store.platform, store.storage, store.cache, name);
    return await readManifest(store, name, bytes);
  } catch (error) {
    if (!isDamage(error)) throw error;
    store.findings.add(name, error);
    onDamaged(name);
    return undefined;
  }
}

// A signer's times never go back, whatever its clock says: of two, the greater number is the later.
function settledTimes(manifests: Iterable<Manifest>): Map<Manifest, number> {
  const times = new Map<Manifest, number>();
  const latest = new Map<HexId, number>();
  for (const manifest of [...manifests].sort((a, b) => a.number - b.number)) {
    const signer = hexId(manifest.signer);
    const time = Math.max(manifest.time, latest.get(signer) ?? 0);
    latest.set(signer, time);
    times.set(manifest, time);
  }
  return times;
}

function headsOf(manifests: Iterable<Manifest>): Map<HexId, Manifest> {
  const heads = new Map<HexId, Manifest>();
  for (const manifest of manifests) {
    const signer = hexId(manifest.signer);
    const head = heads.get(signer);
    if (head === undefined || manifest.number > head.number) heads.set(signer, manifest);
  }
  return heads;
}

// What was seen once must still be there: a store that lost it was rolled back, or somebody deleted.
function missingOf(
  store: Store,
  seen: readonly string[],
  listed: ReadonlySet<string>,
): readonly string[] {
  const { removedManifests, setAside } = store.log.state;
  return seen.filter((name) => {
    const parsed = parseName(name);
    if (parsed === undefined || listed.has(name)) return false;
    return !removedManifests.has(hexId(parsed.id)) && !setAside.has(hexId(parsed.id));
  });
}

const MISSING = "this snapshot was seen before and is gone, and no removal explains it";

function remember(store: Store, manifests: Iterable<Manifest>): void {
  const manifestNames = Array.from(manifests, ({ signer, number, id }) =>
    manifestName(signer, number, id),
  );
  changeMemory(store.state, { manifestNames });
}

/** The packs that a snapshot needs. Throws `not-found` where a manifest that it stands on is gone. */
export function closureOf(manifests: Manifests, manifest: Manifest): ResolvedClosure {
  return resolveClosure(manifest, (base) => manifests.byId.get(hexId(base.id)));
}

/** What the owner can read of a manifest. */
export function loadSnapshot(store: Store, manifest: Manifest): Promise<Snapshot> {
  return openSnapshot(store, manifest);
}

/** The same; one that can't be read becomes a finding. */
export async function readSnapshot(
  store: Store,
  manifest: Manifest,
): Promise<Snapshot | undefined> {
  try {
    return await loadSnapshot(store, manifest);
  } catch (error) {
    if (!isDamage(error)) throw error;
    store.findings.add(manifestName(manifest.signer, manifest.number, manifest.id), error);
    return undefined;
  }
}

const DAY_MS = 86_400_000;

export interface FoundSnapshot {
  readonly manifest: Manifest;
  readonly snapshot: Snapshot;
  /** Of the latest: names of those that may be newer, and are damaged or gone. */
  readonly passedOver?: readonly string[];
}

/**
 * Finds a snapshot by what a person typed: an id's beginning, `latest`, or `latest:TAG`.
 * Throws `not-found`, or `invalid-argument` where several match.
 */
export async function findSnapshot(
  store: Store,
  manifests: Manifests,
  wanted: { readonly id: string; readonly tag?: string },
): Promise<FoundSnapshot> {
  if (wanted.id === "latest") return findLatest(store, manifests, wanted.tag);
  const matches = manifests.offered.filter((manifest) => hexId(manifest.id).startsWith(wanted.id));
  const [manifest] = matches;
  if (manifest === undefined) {
    throw new BunkerError("not-found", `no snapshot ${wanted.id} is in the store`, {
      subject: wanted.id,
      hint: "list them with: bunker snapshots",
    });
  }
  if (matches.length > 1) {
    throw new BunkerError(
      "invalid-argument",
      `${matches.length} snapshots begin with ${wanted.id}`,
      {
        hint: "give more digits of the id",
      },
    );
  }
  return { manifest, snapshot: await loadSnapshot(store, manifest) };
}

async function findLatest(
  store: Store,
  manifests: Manifests,
  tag: string | undefined,
): Promise<FoundSnapshot> {
  // A snapshot that claims to be of the future is not the latest: anybody with a writer's key can
  // claim that. It is there by its id.
  const until = store.world.now() + DAY_MS;
  const candidates = manifests.offered.filter((manifest) => manifest.time <= until);
  const passedOver: string[] = [];
  for (const [index, manifest] of [...candidates.entries()].toReversed()) {
    const snapshot = await readSnapshot(store, manifest);
    if (snapshot === undefined) {
      passedOver.push(manifestName(manifest.signer, manifest.number, manifest.id));
    } else if (tag === undefined || snapshot.tags.includes(tag)) {
      passedOver.push(...laterOf(manifests.lost, candidates.slice(0, index + 1)));
      return { manifest, snapshot, passedOver };
    }
  }
  const what =
    tag === undefined ? "there is no snapshot in the store" : `no snapshot has tag ${tag}`;
  const hint =
    tag === undefined
      ? "make one with: bunker backup"
      : "a path begins with / or ./, as in latest:/home and latest:./file";
  throw new BunkerError("not-found", what, { hint });
}

// Those that may be later than all of these: what a later one of the same signer is among is not.
function laterOf(lost: readonly string[], earlier: readonly Manifest[]): string[] {
  const heads = headsOf(earlier);
  return lost.filter((name) => {
    const parsed = parseName(name);
    if (parsed?.kind !== "manifest") return false;
    const head = heads.get(hexId(parsed.signer));
    return head === undefined || head.number < parsed.number;
  });
}
