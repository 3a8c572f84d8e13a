// Store writer: one run's uploads, and the commit that makes a snapshot of them.
//
// Order: packs, then segments that list them, then the owner log again, then the manifest, then the
// log once more. Until the manifest is there nothing is part of a snapshot; whatever was uploaded
// before a crash is found again through its segments.

import { type Bytes, concatBytes, storeU32 } from "../base/bytes.ts";
import { BunkerError, isDamage } from "../base/errors.ts";
import { hexId, ID_BYTES, type ObjectId } from "../base/ids.ts";
import { SEGMENT_PACK_COUNT } from "../base/limits.ts";
import { release } from "../base/platform.ts";
import { TaskPool } from "../base/queue.ts";
import { diffClosure } from "../format/closure.ts";
import type { EncodedObject, SignerReference } from "../format/context.ts";
import { encodeManifest, readManifest } from "../format/manifest.ts";
import {
  MANIFEST_PREFIX,
  NUMBER_MAX,
  packName,
  parseName,
  SEGMENT_PREFIX,
} from "../format/names.ts";
import { sortedBody, writePack } from "../format/records.ts";
import { encodeSegment, readSegment } from "../format/segment.ts";
import type { Snapshot } from "../format/snapshot.ts";
import { type Catalog, PACK_UNUSABLE, PACK_USABLE } from "./catalog.ts";
import { certificateOf } from "./create.ts";
import { bytesOfRecord, idOfRecord, Journal, type JournalEntry } from "./journal.ts";
import { changeMemory, loadMemory } from "./memory.ts";
import { Needs } from "./needs.ts";
import type { Presence } from "./presence.ts";
import { joinRun, keepSegment } from "./segments.ts";
import { keepObject, listNames, loadFromStorage } from "./objects.ts";
import type { FinishedPack } from "./pack-writer.ts";
import { RECORD_BYTES } from "./run.ts";
import { closureOf, type Manifests } from "./snapshots.ts";
import type { Store } from "./store.ts";

/** Uploads that may be under way at once; each holds one pack in memory. */
const UPLOAD_COUNT = 3;
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
  readonly #uploads = new TaskPool(UPLOAD_COUNT);
  readonly #journal: Journal;
  /** Stored, and not listed by a segment yet. */
  #pending: JournalEntry[] = [];
  #counts = { packs: 0, segments: 0, blobs: 0, storedBytes: 0 };
  readonly #listedNumbers = new Set<string>();

  constructor(store: Store, catalog: Catalog) {
    this.#store = store;
    this.#catalog = catalog;
    this.needs = new Needs(catalog);
    this.#journal = new Journal(store.state);
  }

  get counts(): WriteCounts {
    return this.#counts;
  }

  /** Puts a finished pack, whose bytes are given away. Waits for a free place. */
  async putPack(pack: FinishedPack): Promise<void> {
    const name = packName(pack.id);
    const { bytes, md5, records } = pack;
    await this.#uploads.add(async () => {
      const { length } = bytes;
      await this.#store.storage.put(name, bytes, { md5 });
      release(bytes); // A whole pack, for which the collector would take its time.
      this.#noteStored(pack, length, records);
      if (this.#pending.length >= SEGMENT_PACK_COUNT) await this.#putSegment();
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

  /** Lists the packs in a segment that a run before this one put and was cut off from listing. */
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
    await this.#putSegment();
  }

  /** Waits for all uploads and puts what is left into a segment, also where an upload has failed. */
  async flush(): Promise<void> {
    try {
      await this.#uploads.finish();
    } finally {
      await this.#putSegment();
    }
  }

  async #putSegment(): Promise<void> {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    pending.forEach(({ records }, number) => setPack(records, number));
    const packs = pending.map(({ pack }) => pack);
    const records = pending.map((entry) => entry.records);
    const body = sortedBody(concatBytes(...packs), concatBytes(...records));
    const segment = await encodeSegment(this.#store.writeContext(), {
      number: await this.#nextNumber("segmentNumber", SEGMENT_PREFIX),
      time: this.#store.world.now(),
      replaces: [],
      body,
    });
    await this.#store.storage.put(segment.name, segment.bytes);
    this.#counts.segments += 1;
    this.#journal.forget(packs);
    const file = keepSegment(this.#store.cache, segment.id, body);
    const bytes = this.#store.cache.map(file) ?? joinRun(segment.id, body);
    this.#catalog.add(bytes, { file, trusted: true }).marks.fill(PACK_USABLE);
  }

  // Own numbers grow: over what is remembered and over what is listed, and are written down first.
  async #nextNumber(kind: "segmentNumber" | "manifestNumber", prefix: string): Promise<number> {
    const remembered = () => rememberedNumber(this.#store, kind);
    const isFirst = !this.#listedNumbers.has(kind);
    this.#listedNumbers.add(kind);
    const listed = isFirst ? await this.#lastListed(prefix, remembered()) : 0;
    // From here on nothing is awaited, so that no number is given twice.
    const next = Math.max(listed, remembered()) + 1;
    if (next > NUMBER_MAX) throw new BunkerError("full", "this writer has used up its numbers");
    changeMemory(this.#store.state, { [kind]: next });
    return next;
  }

  // The last number above the remembered one whose object verifies: a name alone says nothing.
  async #lastListed(prefix: string, above: number): Promise<number> {
    const own = `${prefix}${hexId(this.#store.keyring.signer.publicKey)}/`;
    for (const name of (await listNames(this.#store.storage, own)).toReversed()) {
      const parsed = parseName(name);
      if (parsed?.kind !== "segment" && parsed?.kind !== "manifest") continue;
      if (parsed.number <= above) break;
      try {
        const bytes = await loadFromStorage(this.#store.platform, this.#store.storage, name);
        if (parsed.kind === "segment") await readSegment(this.#store, name, bytes);
        else await readManifest(this.#store, name, bytes);
        return parsed.number;
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.#store.findings.add(name, error);
      }
    }
    return 0;
  }

  /**
   * Makes the snapshot. `snapshot` is asked when everything is stored, so that it can hold the
   * final counts. Returns `undefined` where the owner condemned or swept a pack that it needs: those
   * packs are marked, and the backup must be made once more, storing anew what they held.
   */
  async commit(manifests: Manifests, snapshot: () => Snapshot): Promise<EncodedObject | undefined> {
    await this.flush();
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
      number: await this.#nextNumber("manifestNumber", MANIFEST_PREFIX),
      time: this.#store.world.now(),
      heads: otherHeads(manifests, own),
      logHeads: this.#store.log.state.heads,
      closure: diffClosure(packs.values(), baseOf(manifests, base)),
      snapshot,
    });
    await this.#store.storage.put(manifest.name, manifest.bytes);
    keepObject(this.#store.cache, manifest.name, manifest.bytes);
    const { manifestNames } = loadMemory(this.#store.state);
    changeMemory(this.#store.state, { manifestNames: [...manifestNames, manifest.name].sort() });
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

// A number that can't be counted on from is none: the objects in the store say more.
function rememberedNumber({ state }: Store, kind: "segmentNumber" | "manifestNumber"): number {
  const number = loadMemory(state)[kind];
  return number < NUMBER_MAX ? number : 0;
}

function setPack(records: Bytes, number: number): void {
  for (let at = ID_BYTES; at < records.length; at += RECORD_BYTES) storeU32(records, at, number);
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
