// Store: an opened store. It holds the keys, the owner log, and what the local folders remember.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { BunkerError, isBunkerError, isDamage } from "../base/errors.ts";
import { type HexId, hexId, isHexId, type ObjectId, type SignerId } from "../base/ids.ts";
import type { LocalFolder } from "../base/local.ts";
import type { Platform } from "../base/platform.ts";
import type { World } from "../base/world.ts";
import type { Core } from "../core/core.ts";
import type { StoreKeys, WriteContext } from "../format/context.ts";
import { parseName, SLOT_PREFIX } from "../format/names.ts";
import { readSlot } from "../format/slot.ts";
import { listedStorage } from "../storage/listed.ts";
import type { Storage } from "../storage/storage.ts";
import type { Catalog } from "./catalog.ts";
import type { StoreContext } from "./context.ts";
import { Findings } from "./findings.ts";
import { openCatalog } from "./segments.ts";
import { slotNamesByAge } from "./slot-names.ts";
import { isOwnersMachine, type Keyring } from "./keyring.ts";
import { rememberStore, requireGivenStore } from "./known.ts";
import { OwnerLog } from "./log.ts";
import { changeMemory, loadMemory } from "./memory.ts";
import { dropKept, isThere, keepObject, loadFromStorage, loadKept } from "./objects.ts";
import { madeByNewer, refuseOtherStore, type Secret, unlock } from "./unlock.ts";

export interface OpenOptions {
  /** Names this machine: its signer is derived from it. */
  readonly label: string;
  /** Signers, in hexadecimal, that are trusted although the log does not say so. */
  readonly trust?: readonly string[];
}

export class Store {
  readonly context: StoreContext;
  readonly keyring: Keyring;
  readonly findings: Findings;
  readonly log: OwnerLog;
  readonly state: LocalFolder;
  readonly cache: LocalFolder;
  /** This machine remembers nothing of the store: what is missing can't be noticed this time. */
  readonly isFirstUse: boolean;
  readonly #trust: ReadonlySet<string>;
  readonly #ownMachines: ReadonlySet<string>;
  #catalog: Catalog | undefined;

  private constructor(parts: {
    context: StoreContext;
    keyring: Keyring;
    findings: Findings;
    log: OwnerLog;
    state: LocalFolder;
    trust: ReadonlySet<string>;
    ownMachines: ReadonlySet<string>;
  }) {
    this.context = parts.context;
    this.keyring = parts.keyring;
    this.findings = parts.findings;
    this.log = parts.log;
    this.state = parts.state;
    this.cache = parts.context.local.cache(hexId(parts.keyring.keys.storeId));
    this.isFirstUse = loadMemory(parts.state).logNames.length === 0;
    this.#trust = parts.trust;
    this.#ownMachines = parts.ownMachines;
  }

  /** Unlocks and reads the owner log. Throws `no-store` and `wrong-key`; damage becomes findings. */
  static async open(context: StoreContext, secret: Secret, options: OpenOptions): Promise<Store> {
    const findings = new Findings();
    const listed = listedStorage(context.storage, SLOT_PREFIX); // While it is opened, and no longer.
    const opening = { ...context, storage: listed };
    const keyring = await unlock(opening, secret, options.label, findings);
    requireGivenStore(context, keyring.keys.storeId);
    const state = context.local.state(hexId(keyring.keys.storeId));
    const log = await OwnerLog.open(context, keyring, state, findings);
    if (log.isNewer) throw madeByNewer(context, "owner log");
    if (!log.isStored) await refuseOtherStore(opening, keyring);
    const store = new Store({
      context,
      keyring,
      findings,
      log,
      state,
      trust: new Set(options.trust ?? []),
      ownMachines: await ownMachines(context, keyring, log),
    });
    store.#refuseRemovedSlot();
    await store.#putBackSlots(listed);
    rememberStore(context, keyring.keys.storeId);
    log.remember();
    return store;
  }

  get platform(): Platform {
    return this.context.platform;
  }

  get world(): World {
    return this.context.world;
  }

  get core(): Core {
    return this.context.core;
  }

  get storage(): Storage {
    return this.context.storage;
  }

  get keys(): StoreKeys {
    return this.keyring.keys;
  }

  /** Opened on first use. */
  async catalog(): Promise<Catalog> {
    this.#catalog ??= await openCatalog(this);
    return this.#catalog;
  }

  /** Drops the opened catalog: the next use reads what is new. */
  closeCatalog(): void {
    this.#catalog = undefined;
  }

  /** Whether an object of this signer counts: certified, accepted though revoked, or trusted. */
  accepts(signer: SignerId, id: ObjectId): boolean {
    return this.#trust.has(hexId(signer)) || this.log.state.accepts(signer, id);
  }

  /** The signers whose objects may count, in hexadecimal: certified once, this machine, trusted. */
  writers(): HexId[] {
    const certified = [...this.log.state.signers].filter(([, { role }]) => role === "writer");
    const own = hexId(this.keyring.signer.publicKey);
    const trusted = [...this.#trust].filter(isHexId);
    return [...new Set([own, ...certified.map(([hex]) => hex), ...trusted])].sort();
  }

  /** Whether what a segment says of stored blobs may be relied on when backing up. */
  trustOf(segmentName: string): "trusted" | "other" {
    const parsed = parseName(segmentName);
    if (parsed?.kind !== "segment") return "other";
    const hex = hexId(parsed.signer);
    return this.#ownMachines.has(hex) || this.#trust.has(hex) ? "trusted" : "other";
  }

  /** For writing objects under this machine's own signer. */
  writeContext(): WriteContext {
    return {
      platform: this.platform,
      keys: this.keys,
      keyed: (key: Bytes, bytes: Bytes) => this.core.keyedBlake3(key, bytes),
      signer: this.keyring.signer,
    };
  }

  // A slot that the owner removed opens nothing, also where somebody has put it back.
  #refuseRemovedSlot(): void {
    const { slotName } = this.keyring;
    if (slotName === undefined || !this.#isSetAside(slotName)) return;
    throw new BunkerError("wrong-key", "the owner has removed the key slot of this passphrase", {
      subject: slotName,
      hint: "use the passphrase that took its place",
    });
  }

  // Clients keep a copy of the slots, and put back what vanished without the owner's word.
  async #putBackSlots(storage: Storage): Promise<void> {
    const memory = loadMemory(this.state);
    const listed = new Set(await slotNamesByAge(storage, this.findings, this.state));
    const wanted = new Set(memory.slotNames.filter((name) => !this.#isSetAside(name)));
    for (const name of memory.slotNames) if (!wanted.has(name)) dropKept(this.state, name);
    for (const name of listed) {
      if (this.#isSetAside(name)) this.#noteReturned(name);
      await this.#keepSlot(name, wanted);
    }
    const gone = [...wanted].filter((name) => !listed.has(name));
    if (gone.length > 0) await this.log.refresh(); // Perhaps it was removed a moment ago.
    for (const name of gone) {
      if (this.#isSetAside(name) || (await isThere(this.platform, this.storage, name))) continue;
      await this.#putBack(name);
    }
    changeMemory(this.state, (now) => {
      const names = new Set([...now.slotNames, ...wanted]);
      return { slotNames: [...names].filter((name) => !this.#isSetAside(name)).sort() };
    });
  }

  // Where there are versions, what was removed may have to stay, hidden, as long as its lock holds.
  #noteReturned(name: string): void {
    if (this.storage.abilities.versions) return;
    this.findings.add(name, "this key slot was removed, and is back");
  }

  async #keepSlot(name: string, wanted: Set<string>): Promise<void> {
    if (wanted.has(name) || parseName(name)?.kind !== "slot" || this.#isSetAside(name)) return;
    try {
      const bytes = await loadFromStorage(this.platform, this.storage, name);
      const slot = await readSlot(this.platform, name, bytes);
      if (!equalBytes(slot.storeId, this.keys.storeId)) return; // Another store's in this place.
      keepObject(this.state, name, bytes);
      wanted.add(name);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.findings.add(name, error);
    }
  }

  async #putBack(name: string): Promise<void> {
    const bytes = await loadKept(this.platform, this.state, name);
    if (bytes === undefined) return;
    this.findings.add(name, "this key slot was gone without the owner's word");
    try {
      await this.storage.put(name, bytes);
    } catch (error) {
      if (!isBunkerError(error)) throw error; // Else it can't be put back: what is there is still read.
    }
  }

  #isSetAside(name: string): boolean {
    const parsed = parseName(name);
    return parsed !== undefined && this.log.state.setAside.has(hexId(parsed.id));
  }
}

async function ownMachines(
  context: StoreContext,
  keyring: Keyring,
  log: OwnerLog,
): Promise<Set<string>> {
  const own = new Set([hexId(keyring.signer.publicKey)]);
  for (const [hex, signer] of log.state.signers) {
    if (await isOwnersMachine(context.platform, keyring, signer)) own.add(hex);
  }
  return own;
}
