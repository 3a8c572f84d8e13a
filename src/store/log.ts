// Owner log: loading its records, replaying them, writing one more.
//
// Every record that was ever seen is kept in the state folder, so that a damaged or deleted one is
// noticed, and is not missed.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { BunkerError, isBunkerError, isDamage } from "../base/errors.ts";
import { hexId, type ObjectId } from "../base/ids.ts";
import type { LocalFolder } from "../base/local.ts";
import type { WriteContext } from "../format/context.ts";
import { findLocation, type LogState, replayLog } from "../format/log.ts";
import { LOG_PREFIX, logName, parseName } from "../format/names.ts";
import { encodeRecord, type LogEntry, type LogRecord, readRecord } from "../format/record.ts";
import type { StoreContext } from "./context.ts";
import type { Findings } from "./findings.ts";
import { type Keyring, requireOwner } from "./keyring.ts";
import { isThere, keepObject, listNames, loadKept, loadFromStorage } from "./objects.ts";
import { changeMemory, loadMemory } from "./memory.ts";

export class OwnerLog {
  readonly #context: StoreContext;
  readonly #keyring: Keyring;
  readonly #kept: LocalFolder;
  readonly #findings: Findings;
  readonly #entries = new Map<string, LogEntry>();
  #locationId: Bytes | undefined;
  #isStored = false;
  #hasNewer = false;
  #state: LogState;

  private constructor(
    context: StoreContext,
    keyring: Keyring,
    kept: LocalFolder,
    findings: Findings,
  ) {
    this.#context = context;
    this.#keyring = keyring;
    this.#kept = kept;
    this.#findings = findings;
    this.#state = replayLog([]);
  }

  /** Loads and replays the log; damage becomes findings. */
  static async open(
    context: StoreContext,
    keyring: Keyring,
    kept: LocalFolder,
    findings: Findings,
  ): Promise<OwnerLog> {
    const log = new OwnerLog(context, keyring, kept, findings);
    await log.refresh();
    return log;
  }

  get state(): LogState {
    return this.#state;
  }

  /** The id of this place if a location record names it; without it nothing may be deleted. */
  get locationId(): Bytes | undefined {
    return this.#locationId;
  }

  /** Whether a record is known, or a checkpoint covers it. */
  knows(id: ObjectId): boolean {
    if (this.#entries.has(hexId(id))) return true;
    for (const { record } of this.#entries.values()) {
      if (record.kind !== "checkpoint") continue;
      if (record.covered.some((covered) => equalBytes(covered.id, id))) return true;
    }
    return false;
  }

  /**
   * Whether nothing is known but records that say that a newer version made them. One that can be
   * read tells that this version knows the store: the others are damage then, as they may be forged.
   */
  get isNewer(): boolean {
    return this.#entries.size === 0 && this.#hasNewer;
  }

  /** Whether the storage holds any record of this store; kept copies alone don't count. */
  get isStored(): boolean {
    return this.#isStored;
  }

  /** The name of the genesis, if it is known. */
  get firstName(): string | undefined {
    for (const entry of this.#entries.values()) {
      if (entry.record.kind === "genesis") return logName(entry.number, entry.id);
    }
    return undefined;
  }

  /** Reads what is new. Returns whether anything was. */
  async refresh(): Promise<boolean> {
    const { logNames: seen } = loadMemory(this.#kept); // Before the listing: others add to both.
    const names = await listNames(this.#context.storage, LOG_PREFIX);
    const before = this.#entries.size;
    for (const name of names) await this.#take(name);
    await this.#recallMissing(seen, new Set(names));
    await this.#replay();
    return this.#entries.size > before;
  }

  /** Signs a record, stores it, and counts it in. */
  async append(record: LogRecord): Promise<LogEntry> {
    const owner = requireOwner(this.#keyring, "this");
    const context: WriteContext = {
      platform: this.#context.platform,
      keys: this.#keyring.keys,
      keyed: (key, bytes) => this.#context.core.keyedBlake3(key, bytes),
      signer: { seed: owner.signingSeed, publicKey: owner.signingPublic },
    };
    const encoded = await encodeRecord(context, this.#state.heads, record);
    await this.#context.storage.put(encoded.name, encoded.bytes);
    keepObject(this.#kept, encoded.name, encoded.bytes);
    this.#entries.set(hexId(encoded.id), encoded.entry);
    await this.#replay();
    return encoded.entry;
  }

  async #take(name: string): Promise<void> {
    const parsed = parseName(name);
    if (parsed?.kind !== "log") {
      this.#findings.add(name, "this is no name of an owner log record");
      return;
    }
    if (this.#entries.has(hexId(parsed.id))) return;
    try {
      const { bytes, isKept } = await this.#loadRecord(name);
      this.#entries.set(hexId(parsed.id), await this.#read(name, bytes));
      this.#isStored = true;
      // Not twice: a store must open also where the state folder can't be written.
      if (!isKept) keepObject(this.#kept, name, bytes);
    } catch (error) {
      if (!isDamage(error)) throw error;
      if (isBunkerError(error, "unsupported-version")) this.#hasNewer = true;
      this.#findings.add(name, error);
    }
  }

  // A damaged record is a finding, and its kept copy still counts.
  async #loadRecord(name: string): Promise<{ readonly bytes: Bytes; readonly isKept: boolean }> {
    const { platform, storage } = this.#context;
    const kept = await loadKept(platform, this.#kept, name);
    // Its bytes are what its name says: whether those in the storage still are, a check tells.
    if (kept !== undefined && storage.abilities.dear) return { bytes: kept, isKept: true };
    try {
      return { bytes: await loadFromStorage(platform, storage, name), isKept: kept !== undefined };
    } catch (error) {
      if (kept === undefined || !isDamage(error)) throw error;
      this.#findings.add(name, error);
      return { bytes: kept, isKept: true };
    }
  }

  #read(name: string, bytes: Bytes): Promise<LogEntry> {
    return readRecord({ platform: this.#context.platform, keys: this.#keyring.keys }, name, bytes);
  }

  // Records that were seen once and are listed no more: somebody took them away.
  async #recallMissing(seen: readonly string[], listed: ReadonlySet<string>): Promise<void> {
    for (const name of seen) {
      if (listed.has(name)) continue;
      const parsed = parseName(name);
      if (parsed === undefined || this.#entries.has(hexId(parsed.id))) continue;
      if (await isThere(this.#context.platform, this.#context.storage, name)) {
        await this.#take(name);
        continue;
      }
      this.#findings.add(name, "this record of the owner log was seen before and is gone");
      const bytes = await loadKept(this.#context.platform, this.#kept, name);
      if (bytes !== undefined) this.#entries.set(hexId(parsed.id), await this.#read(name, bytes));
    }
  }

  async #replay(): Promise<void> {
    const entries = [...this.#entries.values()];
    const place = this.#context.storage.bucketPlace ?? (await this.#folderPlace());
    const everywhere = replayLog(entries);
    this.#locationId = place === undefined ? undefined : findLocation(everywhere, place);
    this.#state =
      this.#locationId === undefined ? everywhere : replayLog(entries, this.#locationId);
    for (const conflict of this.#state.conflicts) this.#findings.add("owner log", conflict);
    for (const { number } of this.#state.missing) {
      this.#findings.add(`owner log record ${number}`, "it is named by a later record and is gone");
    }
    if (this.#locationId === undefined && everywhere.locations.length > 0) {
      const message = "this place is none that the owner log names: removals do not count here";
      this.#findings.add("location", message);
    }
    this.#checkGenesis();
  }

  async #folderPlace(): Promise<{ readonly folderId: Bytes } | undefined> {
    try {
      const folderId = await this.#context.storage.locationId(false);
      return folderId === undefined ? undefined : { folderId };
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#findings.add("location", error);
      return undefined;
    }
  }

  #checkGenesis(): void {
    const genesis = this.#state.genesis;
    if (genesis === undefined) return;
    const keys = this.#keyring.keys;
    if (
      !equalBytes(genesis.agreementPublic, keys.agreementPublic) ||
      !equalBytes(genesis.signingPublic, keys.signingPublic)
    ) {
      throw new BunkerError("corrupt", "the owner log begins with the keys of another store");
    }
  }

  /** Remembers what the log looks like now, so that a later rollback shows. */
  remember(): void {
    const names = [...this.#entries.values()].map((entry) => logName(entry.number, entry.id));
    changeMemory(this.#kept, { logNames: names });
  }
}
