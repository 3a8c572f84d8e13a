// Slots: listing and removing key slots.

import { BunkerError, isBunkerError, isDamage } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import { SLOT_PREFIX, parseName, slotName } from "../format/names.ts";
import { openSlotNote, readSlot, type SlotNote } from "../format/slot.ts";
import type { Storage, StoredVersion } from "../storage/storage.ts";
import { changeMemory } from "./memory.ts";
import { dropKept, listNames, loadFromStorage } from "./objects.ts";
import type { Store } from "./store.ts";

export interface ListedSlot extends SlotNote {
  readonly id: string;
  readonly name: string;
}

/** The readable slots of this store, the oldest first; damaged ones become findings. */
export async function listSlots(store: Store): Promise<ListedSlot[]> {
  const slots: ListedSlot[] = [];
  for (const name of await listNames(store.storage, SLOT_PREFIX)) {
    const parsed = parseName(name);
    if (parsed?.kind !== "slot") continue;
    try {
      const bytes = await loadFromStorage(store.platform, store.storage, name);
      const slot = await readSlot(store.platform, name, bytes);
      if (hexId(slot.storeId) !== hexId(store.keys.storeId)) continue;
      if (store.log.state.setAside.has(hexId(parsed.id))) continue; // Removed, and put back.
      const note = await openSlotNote(store.platform, slot, store.keys.indexKey);
      slots.push({ ...note, id: hexId(parsed.id), name });
    } catch (error) {
      if (!isDamage(error)) throw error;
      store.findings.add(name, error);
    }
  }
  return slots.sort((a, b) => a.created - b.created);
}

/** What became of the bytes of a removed slot. */
export interface SlotEnd {
  /** False where some of its versions had to stay: they are hidden. */
  readonly gone: boolean;
  /** Until then they are locked at least, where that could be seen. */
  readonly lockedUntil?: number;
}

/**
 * Removes a slot: the owner's word first, so that no other machine puts it back. The last one stays.
 * Throws `not-found`, or `invalid-argument` where several begin so or none would be left.
 */
export async function removeSlot(
  store: Store,
  beginning: string,
): Promise<{ readonly slot: ListedSlot; readonly end: SlotEnd }> {
  const slots = await listSlots(store);
  const matches = slots.filter((slot) => slot.id.startsWith(beginning));
  const [slot] = matches;
  if (slot === undefined) {
    throw new BunkerError("not-found", `no key slot ${beginning} is in the store`, {
      hint: "list them with: bunker key list",
    });
  }
  if (matches.length > 1) {
    throw new BunkerError(
      "invalid-argument",
      `${matches.length} key slots begin with ${beginning}`,
    );
  }
  if (slots.length === 1) {
    throw new BunkerError("invalid-argument", "this is the last key slot: it stays", {
      hint: "add another one first: bunker key add",
    });
  }
  return { slot, end: await dropSlot(store, slot.name) };
}

/** Sets a slot aside in the owner log, then deletes it, or hides what can't be deleted. */
export async function dropSlot(store: Store, name: string): Promise<SlotEnd> {
  const parsed = parseName(name);
  if (parsed?.kind !== "slot") throw new BunkerError("invalid-argument", `${name} is no key slot`);
  await store.log.append({
    kind: "setAside",
    time: store.world.now(),
    ids: [parsed.id],
    reason: "key slot removed",
  });
  store.log.remember();
  changeMemory(store.state, (now) => ({
    slotNames: now.slotNames.filter((kept) => kept !== name),
  }));
  dropKept(store.state, name);
  return removeVersions(store.storage, slotName(parsed.id));
}

/** Deletes all versions of an object. Where a lock or the key forbids that, it is hidden. */
async function removeVersions(storage: Storage, name: string): Promise<SlotEnd> {
  if (!storage.abilities.versions) {
    await storage.delete(name);
    return { gone: true };
  }
  const listed = await Array.fromAsync(storage.listVersions(name));
  const versions = listed.filter((version) => version.name === name);
  const kept: StoredVersion[] = [];
  for (const version of versions) {
    if (!version.hidden && !(await isDeleted(storage, version))) kept.push(version);
  }
  if (kept.length > 0) {
    if (versions[0]?.hidden !== true) await storage.delete(name);
    return { gone: false, ...(await latestLock(storage, kept)) };
  }
  // Marks that hide nothing say nothing; one that stays does no harm.
  for (const mark of versions) if (mark.hidden) await isDeleted(storage, mark);
  return { gone: true };
}

async function isDeleted(storage: Storage, { name, versionId }: StoredVersion): Promise<boolean> {
  try {
    await storage.delete(name, versionId);
    return true;
  } catch (error) {
    if (isBunkerError(error, "denied")) return false;
    throw error;
  }
}

async function latestLock(
  storage: Storage,
  versions: readonly StoredVersion[],
): Promise<Pick<SlotEnd, "lockedUntil">> {
  let lockedUntil: number | undefined;
  for (const { name, versionId } of versions) {
    const until = await lockEnd(storage, name, versionId);
    if (until !== undefined && until > (lockedUntil ?? 0)) lockedUntil = until;
  }
  return lockedUntil === undefined ? {} : { lockedUntil };
}

// Some keys may see no locks: the slot is removed all the same, and its end not known.
async function lockEnd(
  storage: Storage,
  name: string,
  versionId: string,
): Promise<number | undefined> {
  try {
    return (await storage.lockOf(name, versionId))?.until;
  } catch (error) {
    if (isBunkerError(error, "denied")) return undefined;
    throw error;
  }
}
