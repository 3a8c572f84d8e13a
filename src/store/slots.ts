// Slots: listing and removing key slots.

import { BunkerError } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import { SLOT_PREFIX, parseName, slotName } from "../format/names.ts";
import { openSlotNote, readSlot, type SlotNote } from "../format/slot.ts";
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
      store.findings.add(name, error);
    }
  }
  return slots.sort((a, b) => a.created - b.created);
}

/**
 * Removes a slot: the owner's word first, so that no other machine puts it back. The last one stays.
 * Throws `not-found`, or `invalid-argument` where several begin so or none would be left.
 */
export async function removeSlot(store: Store, beginning: string): Promise<ListedSlot> {
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
  await dropSlot(store, slot.name);
  return slot;
}

/** Sets a slot aside in the owner log, then deletes it. */
export async function dropSlot(store: Store, name: string): Promise<void> {
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
  await store.storage.delete(slotName(parsed.id));
}
