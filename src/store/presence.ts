// Presence: which packs are there, by a listing of the storage.
//
// "Known" rests on this listing. Where listing is dear (a bucket), it is remembered in the state
// folder and used for a day, unless a pack is looked for that it does not know, or one that it knows
// turns out to be gone.

import { type Bytes, joinBytes, loadU32, storeU32 } from "../base/bytes.ts";
import { isDamage } from "../base/errors.ts";
import { hexId, ID_BYTES, type ObjectId, parseHexId } from "../base/ids.ts";
import type { LocalFolder } from "../base/local.ts";
import { changeMemory, loadMemory } from "./memory.ts";
import { PACK_PREFIX, parseName } from "../format/names.ts";
import type { PackRecord } from "./run.ts";
import { closureOf, type Manifests } from "./snapshots.ts";
import type { Store } from "./store.ts";
import { PACK_UNUSABLE, PACK_USABLE } from "./catalog.ts";

/** So many packs that no segment lists are remembered, 1 TiB of them; anybody can plant a name. */
export const UNLISTED_COUNT_MAX = 65_536;

const FILE = "packs.list";
const HEADER_BYTES = 8;
const RECORD_BYTES = ID_BYTES + 4;

/** Bytes of each pack that is there, by its hexadecimal id. */
export type Presence = ReadonlyMap<string, number>;

/**
 * Lists the packs, or recalls a listing that is young enough and knows all of `needed`. Packs that
 * the catalog knows or that are needed are never left out, of others there is a bound.
 */
export async function listPacks(store: Store, needed: Iterable<string>): Promise<Presence> {
  const reuseMs = store.storage.abilities.listingReuseMs;
  const wanted = new Set(needed);
  const recalled = reuseMs === 0 ? undefined : recall(store.state, store.world.now(), reuseMs);
  if (recalled !== undefined && everyKnown(wanted, recalled)) return recalled;
  const time = store.world.now(); // Of its beginning: what goes while it is made may still be in it.
  const listed = await listAll(store, wanted);
  // One that a check makes takes the place of an older one: what it misses is stored anew.
  if (reuseMs > 0 || store.state.read(FILE) !== undefined) remember(store.state, time, listed);
  return listed;
}

/** Adds packs that this machine has put to the remembered listing, by their ids in hexadecimal. */
export function rememberPut({ state, storage, world }: Store, packs: Presence): void {
  const { listingReuseMs } = storage.abilities;
  if (listingReuseMs === 0 || packs.size === 0) return;
  state.exclusively(FILE, () => {
    const known = recall(state, world.now(), listingReuseMs);
    if (known === undefined) return;
    remember(state, timeIn(state.read(FILE)!), new Map([...known, ...packs]));
  });
}

/** A pack that may be in the remembered listing is gone: nothing of that listing counts any more. */
export function forgetListing(store: Store): void {
  store.state.delete(FILE);
}

/** The packs that any snapshot stands on, for `listPacks`. */
export function closurePacks(manifests: Manifests): Set<string> {
  const packs = new Set<string>();
  for (const manifest of manifests.offered) {
    try {
      for (const hex of closureOf(manifests, manifest).packs.keys()) packs.add(hex);
    } catch (error) {
      if (!isDamage(error)) throw error; // It stands on one that is gone: who reads it says so.
    }
  }
  return packs;
}

async function listAll(store: Store, needed: ReadonlySet<string>): Promise<Presence> {
  const known = (await store.catalog()).packs();
  const listed = new Map<string, number>();
  let unlistedCount = 0;
  for await (const object of store.storage.list(PACK_PREFIX)) {
    const parsed = parseName(object.name);
    if (parsed?.kind !== "pack") continue;
    const hex = hexId(parsed.id);
    const isUnlisted = !known.has(hex) && !needed.has(hex);
    if (isUnlisted && ++unlistedCount > UNLISTED_COUNT_MAX) continue;
    listed.set(hex, object.bytes);
  }
  const omitted = unlistedCount - UNLISTED_COUNT_MAX;
  if (omitted > 0) {
    const message = `${omitted} more packs that no index segment lists were not looked at`;
    store.findings.add(PACK_PREFIX, `${message}: the store is flooded, or its index lost`);
  }
  return listed;
}

/**
 * What a pack's mark is: usable if it is listed with its size, is neither condemned nor swept, and
 * was not found damaged.
 */
export function judgePack(store: Store, presence: Presence): (pack: PackRecord) => number {
  const { condemnedPacks, sweptPacks } = store.log.state;
  const bad = new Set(loadMemory(store.state).badPacks);
  return (pack) => {
    const hex = hexId(pack.id);
    if (bad.has(hex)) return PACK_UNUSABLE;
    if (condemnedPacks.has(hex) || sweptPacks.has(hex)) return PACK_UNUSABLE;
    return presence.get(hex) === pack.bytes ? PACK_USABLE : PACK_UNUSABLE;
  };
}

/** Remembers that a pack was found damaged, so that backups store anew what it holds; or whole. */
export function notePack(store: Store, id: ObjectId, isWhole: boolean): void {
  const hex = hexId(id);
  if (loadMemory(store.state).badPacks.includes(hex) !== isWhole) return;
  changeMemory(store.state, ({ badPacks }) => {
    const others = badPacks.filter((bad) => bad !== hex);
    return { badPacks: isWhole ? others : [...others, hex].sort() };
  });
}

function everyKnown(needed: Iterable<string>, presence: Presence): boolean {
  for (const id of needed) if (!presence.has(id)) return false;
  return true;
}

function recall(state: LocalFolder, now: number, reuseMs: number): Presence | undefined {
  const bytes = state.read(FILE);
  if (bytes === undefined || bytes.length < HEADER_BYTES) return undefined;
  if ((bytes.length - HEADER_BYTES) % RECORD_BYTES !== 0) return undefined;
  const time = timeIn(bytes);
  if (time < now - reuseMs || time > now) return undefined; // Also after a clock was set back.
  const presence = new Map<string, number>();
  for (let at = HEADER_BYTES; at < bytes.length; at += RECORD_BYTES) {
    presence.set(hexId(bytes.subarray(at, at + ID_BYTES)), loadU32(bytes, at + ID_BYTES));
  }
  return presence;
}

function timeIn(bytes: Bytes): number {
  return loadU32(bytes, 0) + loadU32(bytes, 4) * 0x1_0000_0000;
}

function remember(state: LocalFolder, time: number, presence: Presence): void {
  const header = new Uint8Array(HEADER_BYTES);
  storeU32(header, 0, time % 0x1_0000_0000);
  storeU32(header, 4, Math.floor(time / 0x1_0000_0000));
  const records = [...presence].map(([hex, bytes]) => {
    const record = new Uint8Array(RECORD_BYTES);
    record.set(parseHexId(hex));
    storeU32(record, ID_BYTES, bytes);
    return record;
  });
  state.write(FILE, [header, joinBytes(records)]);
}
