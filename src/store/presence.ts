// Presence: which packs are there, by a listing of the storage.
//
// In a store without locks, "known" rests on this listing. Where listing is dear (a bucket), it is
// remembered in the state folder and used for a day; packs that this machine puts are added.

import { concatBytes, loadU32, storeU32 } from "../base/bytes.ts";
import { hexId, ID_BYTES, type ObjectId, parseHexId } from "../base/ids.ts";
import type { LocalFolder } from "../base/local.ts";
import { changeMemory, loadMemory } from "./memory.ts";
import { PACK_PREFIX, parseName } from "../format/names.ts";
import type { PackRecord } from "./run.ts";
import type { Store } from "./store.ts";
import { PACK_UNUSABLE, PACK_USABLE } from "./catalog.ts";

const FILE = "packs.list";
const HEADER_BYTES = 8;
const RECORD_BYTES = ID_BYTES + 4;

/** Bytes of each pack that is there, by its hexadecimal id. */
export type Presence = ReadonlyMap<string, number>;

/** Lists the packs, or recalls a listing that is young enough and knows all of `needed`. */
export async function listPacks(store: Store, needed: Iterable<string>): Promise<Presence> {
  const reuseMs = store.storage.abilities.listingReuseMs;
  const recalled = reuseMs === 0 ? undefined : recall(store.state, store.world.now() - reuseMs);
  if (recalled !== undefined && everyKnown(needed, recalled)) return recalled;
  const listed = new Map<string, number>();
  for await (const object of store.storage.list(PACK_PREFIX)) {
    const parsed = parseName(object.name);
    if (parsed?.kind === "pack") listed.set(hexId(parsed.id), object.bytes);
  }
  if (reuseMs > 0) remember(store.state, store.world.now(), listed);
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
  const { badPacks } = loadMemory(store.state);
  if (badPacks.includes(hex) !== isWhole) return;
  const others = badPacks.filter((bad) => bad !== hex);
  changeMemory(store.state, { badPacks: isWhole ? others : [...others, hex].sort() });
}

function everyKnown(needed: Iterable<string>, presence: Presence): boolean {
  for (const id of needed) if (!presence.has(id)) return false;
  return true;
}

function recall(state: LocalFolder, since: number): Presence | undefined {
  const bytes = state.read(FILE);
  if (bytes === undefined || bytes.length < HEADER_BYTES) return undefined;
  if ((bytes.length - HEADER_BYTES) % RECORD_BYTES !== 0) return undefined;
  const time = loadU32(bytes, 0) + loadU32(bytes, 4) * 0x1_0000_0000;
  if (time < since) return undefined;
  const presence = new Map<string, number>();
  for (let at = HEADER_BYTES; at < bytes.length; at += RECORD_BYTES) {
    presence.set(hexId(bytes.subarray(at, at + ID_BYTES)), loadU32(bytes, at + ID_BYTES));
  }
  return presence;
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
  state.write(FILE, [concatBytes(header, ...records)]);
}
