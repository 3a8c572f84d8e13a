// Order: which record of the owner log is before which (docs/format.md §9), checkpoints included.

import { type HexId, hexId } from "../base/ids.ts";
import { decodeRecordSection } from "./acts.ts";
import type { Reference } from "./context.ts";
import { compareReferences } from "./fields.ts";
import type { LogEntry } from "./record.ts";

interface Checkpoint {
  readonly id: HexId;
  readonly covered: ReadonlySet<HexId>;
  readonly inForce: ReadonlySet<HexId>;
}

/** Every record once; those that only a checkpoint tells of have no heads. */
export function entriesOf(entries: readonly LogEntry[]): {
  readonly all: readonly LogEntry[];
  readonly checkpoints: readonly Checkpoint[];
} {
  const all = new Map(entries.map((entry) => [hexId(entry.id), entry]));
  const checkpoints: Checkpoint[] = [];
  for (const { id, record } of entries) {
    if (record.kind !== "checkpoint") continue;
    const inForce = record.inForce.map((kept) => hexId(kept.id));
    const covered = record.covered.map((reference) => hexId(reference.id));
    checkpoints.push({ id: hexId(id), covered: new Set(covered), inForce: new Set(inForce) });
    for (const { number, id: keptId, kindNumber, section } of record.inForce) {
      if (all.has(hexId(keptId))) continue;
      const kept = decodeRecordSection(kindNumber, section);
      all.set(hexId(keptId), { number, id: keptId, heads: [], record: kept, section });
    }
  }
  return { all: [...all.values()].sort(compareReferences), checkpoints };
}

export class Order {
  readonly #entries: ReadonlyMap<HexId, LogEntry>;
  readonly #checkpoints: ReadonlyMap<HexId, Checkpoint>;
  readonly #before = new Map<HexId, ReadonlySet<HexId>>();

  constructor(entries: readonly LogEntry[], checkpoints: readonly Checkpoint[]) {
    this.#entries = new Map(entries.map((entry) => [hexId(entry.id), entry]));
    this.#checkpoints = new Map(checkpoints.map((checkpoint) => [checkpoint.id, checkpoint]));
  }

  isBefore(a: LogEntry, b: LogEntry): boolean {
    return a.number < b.number && this.#ancestorsOf(b).has(hexId(a.id));
  }

  /**
   * Whether `act` takes back `target`: it is after it or concurrent. Records that one checkpoint
   * calls in force together do not take each other back, whatever their lost heads said.
   */
  undoes(act: LogEntry, target: LogEntry): boolean {
    const [actId, targetId] = [hexId(act.id), hexId(target.id)];
    for (const { inForce } of this.#checkpoints.values()) {
      if (inForce.has(actId) && inForce.has(targetId)) return false;
    }
    return !this.isBefore(act, target);
  }

  /** Those of the entries that are before none of the others. */
  latest<E extends LogEntry>(entries: readonly E[]): readonly E[] {
    return entries.filter((entry) => !entries.some((other) => this.isBefore(entry, other)));
  }

  /** Whether a checkpoint that covers the record no longer calls it in force. */
  isSuperseded(entry: LogEntry): boolean {
    const id = hexId(entry.id);
    for (const { covered, inForce } of this.#checkpoints.values()) {
      if (covered.has(id) && !inForce.has(id)) return true;
    }
    return false;
  }

  heads(): readonly Reference[] {
    const named = this.#named();
    const heads = [...this.#entries.values()].filter(({ id }) => !named.has(hexId(id)));
    return heads.map(({ number, id }) => ({ number, id })).sort(compareReferences);
  }

  missing(): readonly Reference[] {
    const covered = this.#covered();
    const missing = new Map<HexId, Reference>();
    for (const { heads } of this.#entries.values()) {
      for (const head of heads) {
        const id = hexId(head.id);
        if (!this.#entries.has(id) && !covered.has(id)) missing.set(id, head);
      }
    }
    return [...missing.values()].sort(compareReferences);
  }

  #named(): ReadonlySet<HexId> {
    const named = new Set(this.#covered());
    for (const { heads } of this.#entries.values()) {
      for (const { id } of heads) named.add(hexId(id));
    }
    return named;
  }

  #covered(): ReadonlySet<HexId> {
    const covered = new Set<HexId>();
    for (const checkpoint of this.#checkpoints.values()) {
      for (const id of checkpoint.covered) covered.add(id);
      for (const id of checkpoint.inForce) covered.add(id);
    }
    return covered;
  }

  #ancestorsOf(entry: LogEntry): ReadonlySet<HexId> {
    const start = hexId(entry.id);
    const known = this.#before.get(start);
    if (known !== undefined) return known;
    const before = new Set<HexId>();
    const waiting = [start];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const covered = this.#checkpoints.get(id)?.covered ?? [];
      const heads = (this.#entries.get(id)?.heads ?? []).map((head) => hexId(head.id));
      for (const next of [...heads, ...covered]) {
        if (before.has(next)) continue;
        before.add(next);
        waiting.push(next);
      }
    }
    this.#before.set(start, before);
    return before;
  }
}
