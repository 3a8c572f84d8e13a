// Unlock: from a passphrase, a recovery phrase or a key file to a keyring.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { BunkerError, isDamage } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import { ARGON_RUNS_MAX } from "../base/limits.ts";
import type { LocalFolder } from "../base/local.ts";
import type { Bundle } from "../format/bundle.ts";
import { LOG_PREFIX, parseName, SLOT_PREFIX, slotName } from "../format/names.ts";
import { openSlot, readSlot, type Slot } from "../format/slot.ts";
import type { StoreContext } from "./context.ts";
import { Findings } from "./findings.ts";
import { HINT_OF_GIVEN, KNOWN_FILE, knownStore } from "./known.ts";
import { type Keyring, keyringOfBundle, keyringOfSecret } from "./keyring.ts";
import { loadMemory } from "./memory.ts";
import { listNames, loadFromStorage, loadKept } from "./objects.ts";
import { slotNamesByAge } from "./slot-names.ts";
import { listObjects } from "./strangers.ts";

/** What somebody opens a store with; one of them. */
export type Secret =
  | {
      readonly kind: "passphrase";
      readonly passphrase: () => Promise<string>;
      /** After one that opens nothing: another one, or `undefined` where there is none. */
      readonly another?: () => Promise<string | undefined>;
    }
  | { readonly kind: "phrase"; readonly secret: Bytes }
  | { readonly kind: "bundle"; readonly bundle: Bundle };

/**
 * Opens the keys; `label` names this machine. Throws `wrong-key`, and `no-store` where a passphrase
 * finds nothing to open.
 */
export async function unlock(
  context: StoreContext,
  secret: Secret,
  label: string,
  findings: Findings,
): Promise<Keyring> {
  if (secret.kind === "passphrase") return unlockSlots(context, secret, label, findings);
  return secret.kind === "phrase"
    ? keyringOfSecret(context.platform, secret.secret as Uint8Array, label)
    : keyringOfBundle(context.platform, secret.bundle, label);
}

/**
 * Throws `no-store` where nothing of a store is there, and `wrong-key` where the readable key slots are all of other stores: a phrase or a key file
 * of another store must not add to this one. Asked where the storage holds no record of the keys' own log.
 */
export async function refuseOtherStore(context: StoreContext, keyring: Keyring): Promise<void> {
  await requireStore(context);
  const slots = await loadSlots(context, new Findings());
  if (slots.length === 0) return;
  if (slots.some((slot) => equalBytes(slot.storeId, keyring.keys.storeId))) return;
  throw new BunkerError("wrong-key", `this key is not of the store at ${context.storage.location}`);
}

async function requireStore(context: StoreContext): Promise<void> {
  for (const prefix of [LOG_PREFIX, SLOT_PREFIX, "snapshots/", "packs/"]) {
    for await (const _ of listObjects(context.storage, prefix)) return;
  }
  throw noStore(context);
}

function noStore(context: StoreContext): BunkerError {
  return new BunkerError("no-store", `there is no store at ${context.storage.location}`, {
    subject: context.storage.location,
    hint: "make one with: bunker init",
  });
}

async function unlockSlots(
  context: StoreContext,
  { passphrase, another }: Secret & { readonly kind: "passphrase" },
  label: string,
  findings: Findings,
): Promise<Keyring> {
  const slots = await candidateSlots(context, findings);
  for (
    let text: string | undefined = await passphrase();
    text !== undefined;
    text = await another?.()
  ) {
    const keyring = await openAny(context, slots, { passphrase: text, label, findings });
    if (keyring !== undefined) return keyring;
  }
  throw new BunkerError("wrong-key", "the passphrase opens no key slot of this store", {
    hint: "forgotten? set a new one by the recovery phrase: BUNKER_PHRASE_FILE=FILE bunker key passphrase",
  });
}

async function openAny(
  context: StoreContext,
  slots: readonly Slot[],
  by: { readonly passphrase: string; readonly label: string; readonly findings: Findings },
): Promise<Keyring | undefined> {
  const { passphrase, label, findings } = by;
  for (const slot of slots.slice(0, ARGON_RUNS_MAX)) {
    const bundle = await openOne(context, slot, passphrase, findings);
    if (bundle === undefined) continue;
    const keyring = await keyringOfBundle(context.platform, bundle, label);
    if (equalBytes(keyring.keys.storeId, slot.storeId)) {
      return { ...keyring, slotName: slotName(slot.id) };
    }
    findings.add(hexId(slot.id), "this key slot holds the keys of another store");
  }
  return undefined;
}

async function openOne(
  context: StoreContext,
  slot: Slot,
  passphrase: string,
  findings: Findings,
): Promise<Bundle | undefined> {
  try {
    return await openSlot(context.platform, slot, passphrase);
  } catch (error) {
    if (!isDamage(error)) throw error;
    findings.add(hexId(slot.id), error);
    return undefined;
  }
}

// The remembered store's slots only, where one is remembered; else all, if they are of one store.
async function candidateSlots(context: StoreContext, findings: Findings): Promise<Slot[]> {
  const known = knownStore(context);
  const kept = known === undefined ? undefined : context.local.state(known);
  const slots = await loadSlots(context, findings, kept);
  if (kept !== undefined) await addVanished(context, kept, slots);
  if (slots.length === 0 && findings.hasNewer) throw madeByNewer(context, "key slots");
  if (slots.length === 0 && known === undefined) {
    await requireStore(context);
    const reasons = findings.all.map(({ message }) => message).join("; ");
    throw new BunkerError("corrupt", `no key slot can be read: ${reasons || "there is none"}`, {
      hint: "the recovery phrase or a key file opens the store without one",
    });
  }
  if (known === undefined) return slots;
  const own = slots.filter((slot) => hexId(slot.storeId) === known);
  if (own.length === 0) {
    await requireStore(context);
    throw anotherStore(context, known);
  }
  return own;
}

const HINT_OF_NEWER = {
  "owner log": "update bunker; if that doesn't help, its owner log was forged",
  "key slots":
    "update bunker; if that doesn't help, its key slots were forged: the recovery phrase " +
    "(BUNKER_PHRASE_FILE) or a key file (BUNKER_KEY_FILE) opens the store without one",
} as const;

/** The error of a store of whose key slots, or of whose log, this version can read none. */
export function madeByNewer(
  { storage }: StoreContext,
  unread: keyof typeof HINT_OF_NEWER,
): BunkerError {
  const message = `the store at ${storage.location} was made by a newer version of bunker, or forged`;
  return new BunkerError("unsupported-version", message, {
    subject: storage.location,
    hint: HINT_OF_NEWER[unread],
  });
}

function anotherStore(context: StoreContext, known: string): BunkerError {
  const { location } = context.storage;
  const id = known.slice(0, 10);
  if (context.storeId !== undefined) {
    const message = `${location}: expected store ${id}, found another one`;
    return new BunkerError("corrupt", message, { subject: location, hint: HINT_OF_GIVEN });
  }
  return new BunkerError(
    "corrupt",
    `${location} held store ${id} before, and holds another one now`,
    {
      subject: location,
      hint: `if that is on purpose, take the line of ${location} out of ${KNOWN_FILE} in bunker's state folder`,
    },
  );
}

/**
 * Throws where the readable key slots in the storage are not all of the opened store, and this
 * machine has not seen the store before: two stores in one place can't both be right. One that knows
 * the store, or was told which it is, goes on: else whoever can write there could stop every backup by a slot of his own.
 */
export async function refuseMixedStores(opened: {
  readonly context: StoreContext;
  readonly keys: { readonly storeId: Bytes };
  readonly isFirstUse: boolean;
  readonly findings: Findings;
}): Promise<void> {
  const { context, isFirstUse, findings } = opened;
  const { storeId } = opened.keys;
  const slots = await loadSlots(context, new Findings(), context.local.state(hexId(storeId)));
  const others = slots.filter((slot) => !equalBytes(slot.storeId, storeId));
  const [other] = others;
  if (other === undefined) return;
  if (others.length === slots.length) throw anotherStore(context, hexId(storeId));
  if (!isFirstUse || context.storeId !== undefined) {
    for (const { id } of others) findings.add(slotName(id), "this key slot is of another store");
    return;
  }
  throw new BunkerError(
    "corrupt",
    `${context.storage.location} holds key slots of several stores: nothing is written there`,
    { subject: slotName(other.id), hint: "find out who put the other one there, and remove it" },
  );
}

/** The slots in the storage, oldest first; `kept` may hold copies of them. */
async function loadSlots(
  context: StoreContext,
  findings: Findings,
  kept?: LocalFolder,
): Promise<Slot[]> {
  const slots: Slot[] = [];
  for (const name of await slotNamesByAge(context.storage, findings, kept)) {
    const slot = await loadSlot(context, kept, name, findings);
    if (slot !== undefined) slots.push(slot);
  }
  return slots;
}

/** Adds the kept copies of those that vanished. */
async function addVanished(context: StoreContext, kept: LocalFolder, slots: Slot[]): Promise<void> {
  const there = new Set(slots.map(({ id }) => slotName(id)));
  for (const name of loadMemory(kept).slotNames) {
    if (there.has(name)) continue;
    const slot = await readKeptSlot(context, kept, name);
    if (slot !== undefined) slots.push(slot);
  }
}

// What was kept is what was in the storage once, and need not have been a slot.
async function readKeptSlot(
  context: StoreContext,
  kept: LocalFolder,
  name: string,
): Promise<Slot | undefined> {
  const bytes = await loadKept(context.platform, kept, name);
  if (bytes === undefined) return undefined;
  try {
    return await readSlot(context.platform, name, bytes);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
}

async function loadSlot(
  context: StoreContext,
  kept: LocalFolder | undefined,
  name: string,
  findings: Findings,
): Promise<Slot | undefined> {
  if (parseName(name)?.kind !== "slot") {
    findings.add(name, "this is no name of a key slot");
    return undefined;
  }
  const { platform, storage } = context;
  const isDear = kept !== undefined && storage.abilities.dear;
  const known = isDear ? await readKeptSlot(context, kept, name) : undefined;
  if (known !== undefined) return known;
  try {
    return await readSlot(platform, name, await loadFromStorage(platform, storage, name));
  } catch (error) {
    if (!isDamage(error)) throw error;
    findings.add(name, error);
    return kept === undefined ? undefined : readKeptSlot(context, kept, name);
  }
}

/** Whether the storage holds anything of a store's keys or log. */
export async function hasStore(context: StoreContext): Promise<boolean> {
  for (const prefix of [LOG_PREFIX, SLOT_PREFIX]) {
    if ((await listNames(context.storage, prefix)).length > 0) return true;
  }
  return false;
}
