// Store writer: one run's uploads, and the commit that makes a snapshot of them.
//
// Order: packs, then segments that list them, then the owner log again, then the manifest, then the
// log once more. Until the manifest is there nothing is part of a snapshot; whatever was uploaded
// before a crash is found again through its segments.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError, isDamage } from "../base/errors.ts";
import { hexId, type ObjectId } from "../base/ids.ts";
import { SEGMENT_BLOB_COUNT, SEGMENT_PACK_COUNT } from "../base/limits.ts";
import { release } from "../base/platform.ts";
import { TaskPool } from "../base/queue.ts";
import { diffClosure } from "../format/closure.ts";
import type { EncodedObject, SignerReference } from "../format/context.ts";
import { encodeManifest } from "../format/manifest.ts";
import { MANIFEST_PREFIX, packName } from "../format/names.ts";
import { writePack } from "../format/records.ts";
import type { Snapshot } from "../format/snapshot.ts";
import { type Catalog, PACK_UNUSABLE } from "./catalog.ts";
import { certificateOf } from "./create.ts";
import { bytesOfRecord, idOfRecord, Journal, type JournalEntry } from "./journal.ts";
import { changeMemory, loadMemory } from "./memory.ts";
import { Needs } from "./needs.ts";
import { type Presence, rememberPut } from "./presence.ts";
import { OwnNumbers } from "./numbers.ts";
import { keepObject } from "./objects.ts";
import type { FinishedPack } from "./pack-writer.ts";
import { RECORD_BYTES } from "./run.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { closureOf, type Manifests } from "./snapshots.ts";
import type { Store } from "./store.ts";

/** The commit is tried again so many times when the log moves under it. */
const COMMIT_COUNT_MAX = 5;
const HOUR_MS = 3_600_000;

export interface WriteCounts {
  readonly packs: number;
  readonly segments: number;
  readonly blobs: number;
  readonly storedBytes: number;
}

export class StoreWriter {
  readonly #store: Store;
  readonly #catalog: Catalog;
  readonly needs: Needs;
  readonly #uploads: TaskPool;
  readonly #journal: Journal;
  /** Stored, and not listed by a segment yet. */
  #pending: JournalEntry[] = [];
  #counts = { packs: 0, segments: 0, blobs: 0, storedBytes: 0 };
  readonly #numbers: OwnNumbers;
  readonly #segments: SegmentWriter;

  constructor(store: Store, catalog: Catalog) {
    this.#store = store;
    this.#uploads = new TaskPool(store.storage.abilities.putCount);
    this.#catalog = catalog;
    this.needs = new Needs(catalog);
    this.#journal = new Journal(store.state);
    this.#numbers = new OwnNumbers(store);
    this.#segments = new SegmentWriter(store, catalog, this.#numbers);
  }

  get counts(): WriteCounts {
    return this.#counts;
  }

  /**
   * Puts a finished pack, whose bytes are given away; `spent` takes their memory back. Waits for a
   * free place.
   */
  async putPack(pack: FinishedPack, spent: (bytes: Bytes) => void = release): Promise<void> {
    const name = packName(pack.id);
    const { bytes, md5, records } = pack;
    await this.#uploads.add(async () => {
      const { length } = bytes;
      await this.#store.storage.put(name, bytes, { md5 });
      this.#noteStored(pack, length, records);
      spent(bytes); // A whole pack, for which the collector would take its time.
      if (isSegmentFull(this.#pending)) await this.#putSegments();
    });
  }

  #noteStored(pack: FinishedPack, bytes: number, records: Uint8Array<ArrayBuffer>): void {
    const record = new Uint8Array(RECORD_BYTES);
    writePack(record, 0, { id: pack.id, bytes, md5: pack.md5, kind: pack.kind });
    const entry = { pack: record, records };
    this.#journal.note(entry);
    this.#pending.push(entry);
    this.#counts.packs += 1;
    this.#counts.blobs += records.length / RECORD_BYTES;
    this.#counts.storedBytes += bytes;
  }

  /**
   * The packs that a run before this one put and was cut off from listing. A listing that is used
   * again may be older than they are.
   */
  journalPacks(): string[] {
    return this.#journal.entries().map(({ pack }) => hexId(idOfRecord(pack)));
  }

  /** Lists these packs in a segment. */
  async adoptJournal(presence: Presence): Promise<void> {
    const known = this.#catalog.packs();
    const bad = new Set(loadMemory(this.#store.state).badPacks);
    const { condemnedPacks, sweptPacks } = this.#store.log.state;
    for (const entry of this.#journal.entries()) {
      const hex = hexId(idOfRecord(entry.pack));
      const isThere = presence.get(hex) === bytesOfRecord(entry.pack);
      const isLost = condemnedPacks.has(hex) || sweptPacks.has(hex) || bad.has(hex);
      if (isThere && !isLost && !known.has(hex)) this.#pending.push(entry);
      else this.#journal.forget([entry.pack]);
    }
    await this.#putSegments();
  }

  /** Waits for all uploads and puts what is left into a segment, also where an upload has failed. */
  flush(): Promise<void> {
    return this.#flush({ mayMerge: false });
  }

  async #flush(options: { readonly mayMerge: boolean }): Promise<void> {
    try {
      await this.#uploads.finish();
    } finally {
      await this.#putSegments(options);
    }
  }

  async #putSegments(options = { mayMerge: false }): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    while (pending.length > 0) {
      const entries = takeSegment(pending);
      await this.#segments.put(entries, options);
      this.#counts.segments += 1;
      rememberPut(this.#store, presenceOf(entries));
      this.#journal.forget(entries.map(({ pack }) => pack));
    }
  }

  /**
   * Makes the snapshot. `snapshot` is asked when everything is stored, so that it can hold the
   * final counts. Returns `undefined` where the owner condemned or swept a pack that it needs: those
   * packs are marked, and the backup must be made once more, storing anew what they held.
   */
  async commit(manifests: Manifests, snapshot: () => Snapshot): Promise<EncodedObject | undefined> {
    await this.#flush({ mayMerge: true });
    this.needs.resolve();
    await this.#certify();
    for (let attempt = 0; attempt < COMMIT_COUNT_MAX; attempt++) {
      await this.#store.log.refresh();
      if (this.#markLost()) return undefined;
      const before = await this.#store.storage.serverTime();
      const manifest = await this.#putManifest(manifests, snapshot());
      await this.#store.log.refresh();
      if (this.#markLost()) return undefined;
      const after = await this.#store.storage.serverTime();
      if (after - before > this.#graceMs() / 4) continue;
      this.#store.log.remember();
      return manifest;
    }
    throw new BunkerError(
      "timeout",
      "the storage takes too long: the commit was outrun each time",
      {
        hint: "run the backup again",
      },
    );
  }

  // An owner's machine that is new certifies itself.
  async #certify(): Promise<void> {
    const { log, keyring, world } = this.#store;
    requireMayWrite(this.#store);
    if (log.state.signers.has(hexId(keyring.signer.publicKey))) return;
    await log.append(certificateOf(keyring, world.now()));
  }

  // A pack that a condemnation or a sweep names is gone, whatever a listing shows.
  #markLost(): boolean {
    const { condemnedPacks, sweptPacks } = this.#store.log.state;
    let lost = false;
    this.needs.eachPack((run, pack, id) => {
      const hex = hexId(id);
      if (!condemnedPacks.has(hex) && !sweptPacks.has(hex)) return;
      run.marks[pack] = PACK_UNUSABLE;
      lost = true;
    });
    return lost;
  }

  #graceMs(): number {
    const grace = this.#store.log.state.policy?.grace ?? 0;
    return Math.max(grace * 1000, 24 * HOUR_MS);
  }

  async #putManifest(manifests: Manifests, snapshot: Snapshot): Promise<EncodedObject> {
    const packs = new Map<string, ObjectId>();
    this.needs.eachPack((_run, _pack, id) => packs.set(hexId(id), id));
    const own = hexId(this.#store.keyring.signer.publicKey);
    const base = manifests.heads.get(own);
    const manifest = await encodeManifest(this.#store.writeContext(), {
      number: await this.#numbers.next("manifestNumber", MANIFEST_PREFIX, base?.number ?? 0),
      time: this.#store.world.now(),
      heads: otherHeads(manifests, own),
      logHeads: this.#store.log.state.heads,
      closure: diffClosure(packs.values(), baseOf(manifests, base)),
      snapshot,
    });
    await this.#store.storage.put(manifest.name, manifest.bytes);
    keepObject(this.#store.cache, manifest.name, manifest.bytes);
    changeMemory(this.#store.state, { manifestNames: [manifest.name] });
    return manifest;
  }
}

/** Throws `denied` where the owner does not certify this machine's signer, or has revoked it. */
export function requireMayWrite({ log, keyring }: Store): void {
  const own = log.state.signers.get(hexId(keyring.signer.publicKey));
  if (own?.certified === true || (own === undefined && keyring.owner !== undefined)) return;
  throw new BunkerError("denied", `the owner does not certify this machine (${keyring.label})`, {
    hint: "on a machine of the owner: bunker key writer LABEL --key-file FILE",
  });
}

function isSegmentFull(entries: readonly JournalEntry[]): boolean {
  const bytes = entries.reduce((sum, { records }) => sum + records.length, 0);
  return entries.length >= SEGMENT_PACK_COUNT || bytes >= SEGMENT_BLOB_COUNT * RECORD_BYTES;
}

function presenceOf(entries: readonly JournalEntry[]): Presence {
  return new Map(entries.map(({ pack }) => [hexId(idOfRecord(pack)), bytesOfRecord(pack)]));
}

/** Takes from the front what one segment lists. */
function takeSegment(pending: JournalEntry[]): JournalEntry[] {
  const entries: JournalEntry[] = [];
  do entries.push(pending.shift()!);
  while (pending.length > 0 && !isSegmentFull(entries));
  return entries;
}

function otherHeads(manifests: Manifests, own: string): SignerReference[] {
  return [...manifests.heads]
    .filter(([signer]) => signer !== own)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { signer, number, id }]) => ({ signer, number, id }));
}

function baseOf(manifests: Manifests, base: Manifests["offered"][number] | undefined) {
  if (base === undefined) return undefined;
  try {
    return { manifest: base, closure: closureOf(manifests, base) };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined; // A base that can't be resolved is none: this closure stands alone.
  }
}
