// Segment writer: this machine's own index segments.
//
// When there are many small ones, the run's own last segment repeats them whole and says so; they
// stay where they are, and whoever reads the new one need not read them. A run puts no more segments
// because of that, and a crash leaves the old ones, or both.

import { type Bytes, compareBytes, joinBytes, storeU32 } from "../base/bytes.ts";
import { isDamage } from "../base/errors.ts";
import { ID_BYTES } from "../base/ids.ts";
import { SEGMENT_PREFIX, segmentName } from "../format/names.ts";
import { type SegmentBody, sortedBody } from "../format/records.ts";
import { encodeSegment, mergeSegmentBodies, readSegment, type Segment } from "../format/segment.ts";
import { type Catalog, PACK_USABLE } from "./catalog.ts";
import type { JournalEntry } from "./journal.ts";
import type { OwnNumbers } from "./numbers.ts";
import { dropKept, keepObject, loadObject } from "./objects.ts";
import { RECORD_BYTES } from "./run.ts";
import { writeRun } from "./run-files.ts";
import type { SegmentFact } from "./run-segments.ts";
import { joinRun, ownSegments, SMALL_SEGMENT_BYTES } from "./segments.ts";
import type { Store } from "./store.ts";

/** A writer merges its small segments when there would be more than so many. */
export const SMALL_SEGMENT_COUNT_MAX = 64;
/** What is merged at once has no more than this: it is all in memory. */
const MERGED_BYTES_MAX = 16 * 1024 * 1024;

export class SegmentWriter {
  readonly #store: Store;
  readonly #catalog: Catalog;
  readonly #numbers: OwnNumbers;
  #hasMerged = false;

  constructor(store: Store, catalog: Catalog, numbers: OwnNumbers) {
    this.#store = store;
    this.#catalog = catalog;
    this.#numbers = numbers;
  }

  /** Lists packs that are stored, whose blobs the catalog knows from then on. */
  async put(entries: readonly JournalEntry[], options: { readonly mayMerge: boolean }) {
    const body = bodyOf(entries);
    const small = options.mayMerge ? await this.#loadSmall() : [];
    const bodies = [body, ...small.map((segment) => segment.body)];
    const whole = small.length === 0 ? body : mergeSegmentBodies(bodies);
    const { publicKey: signer } = this.#store.keyring.signer;
    const number = await this.#nextNumber();
    const replaces = replacedBy(small);
    const time = this.#store.world.now();
    const context = this.#store.writeContext();
    const { name, id, bytes } = await encodeSegment(context, {
      number,
      time,
      replaces,
      body: whole,
    });
    await this.#store.storage.put(name, bytes);
    this.#keepSmall(name, bytes, small);
    const fact = { signer, id, number, bytes: bytes.length, replaces };
    const file = writeRun(this.#store.cache, "trusted", fact, whole);
    if (small.length > 0) this.#learn(joinRun(undefined, body));
    else this.#learn(this.#store.cache.map(file) ?? joinRun(fact, body), file);
  }

  // Only of what this run stored is it known that it is there: of a merged segment the new part.
  #learn(run: Bytes, file?: string): void {
    const options = { trusted: true, ...(file === undefined ? {} : { file }) };
    this.#catalog.add(run, options).marks.fill(PACK_USABLE);
  }

  #nextNumber(): Promise<number> {
    const last = ownSegments(this.#store, this.#catalog.runs).at(-1);
    return this.#numbers.next("segmentNumber", SEGMENT_PREFIX, last?.number ?? 0);
  }

  // The old ones are read again from the storage or from kept copies, never taken from the runs:
  // those hold what others say too, and this machine signs for all that it repeats.
  async #loadSmall(): Promise<Segment[]> {
    const chosen = this.#hasMerged ? [] : this.#chooseSmall();
    this.#hasMerged = true;
    const loaded: Segment[] = [];
    for (const { signer, number, id } of chosen) {
      const segment = await this.#load(segmentName(signer, number, id));
      if (segment !== undefined) loaded.push(segment);
    }
    return loaded;
  }

  #chooseSmall(): SegmentFact[] {
    const own = ownSegments(this.#store, this.#catalog.runs);
    const small = own.filter(({ bytes }) => bytes <= SMALL_SEGMENT_BYTES);
    if (small.length < SMALL_SEGMENT_COUNT_MAX) return [];
    let total = 0;
    return small.filter(({ bytes }) => (total += bytes) <= MERGED_BYTES_MAX);
  }

  async #load(name: string): Promise<Segment | undefined> {
    const { platform, storage, cache, findings } = this.#store;
    try {
      return await readSegment(this.#store, name, await loadObject(platform, storage, cache, name));
    } catch (error) {
      if (!isDamage(error)) throw error;
      findings.add(name, error);
      return undefined;
    }
  }

  // Copies of what will be merged one day, so that nothing has to be fetched for it.
  #keepSmall(name: string, bytes: Bytes, merged: readonly Segment[]): void {
    if (bytes.length <= SMALL_SEGMENT_BYTES) keepObject(this.#store.cache, name, bytes);
    for (const { signer, number, id } of merged) {
      dropKept(this.#store.cache, segmentName(signer, number, id));
    }
  }
}

function bodyOf(entries: readonly JournalEntry[]): SegmentBody {
  entries.forEach(({ records }, number) => setPack(records, number));
  const packs = joinBytes(entries.map(({ pack }) => pack));
  return sortedBody(packs, joinBytes(entries.map(({ records }) => records)));
}

function setPack(records: Bytes, number: number): void {
  for (let at = ID_BYTES; at < records.length; at += RECORD_BYTES) storeU32(records, at, number);
}

// With what they replaced themselves: so a reader of the newest alone knows all that it need not read.
function replacedBy(segments: readonly Segment[]): Bytes[] {
  const ids = segments.flatMap(({ id, replaces }) => [id, ...replaces]).sort(compareBytes);
  return ids.filter((id, i) => i === 0 || compareBytes(ids[i - 1]!, id) !== 0);
}
