// Memory: the few facts that a client remembers of a store, as JSON in its state folder.
//
// Several runs may write it at once, as a restore beside a backup. So a change is made to what the
// file says at that moment, under a lock: what was seen is added to, and numbers only grow.

import { strictTextOf, utf8 } from "../base/bytes.ts";
import type { LocalFolder } from "../base/local.ts";
import { NUMBER_MAX } from "../format/names.ts";

const FILE = "memory.json";

export interface Memory {
  /** Every record of the owner log that was seen. */
  readonly logNames: readonly string[];
  /** Every manifest that was seen. */
  readonly manifestNames: readonly string[];
  /** Key slots that were seen, and are put back if they vanish. */
  readonly slotNames: readonly string[];
  /** Hexadecimal ids of packs that were found damaged: what they hold is stored again. */
  readonly badPacks: readonly string[];
  /** The last numbers that this machine used. */
  readonly manifestNumber: number;
  readonly segmentNumber: number;
}

const EMPTY: Memory = {
  logNames: [],
  manifestNames: [],
  slotNames: [],
  badPacks: [],
  manifestNumber: 0,
  segmentNumber: 0,
};

/** What is remembered; a lost or broken file is first use again. */
export function loadMemory(state: LocalFolder): Memory {
  const bytes = state.read(FILE);
  const text = bytes === undefined ? undefined : strictTextOf(bytes);
  if (text === undefined) return EMPTY;
  try {
    const value: unknown = JSON.parse(text);
    return isMemory(value) ? value : EMPTY;
  } catch {
    return EMPTY; // Not JSON: a broken file, which is no loss beyond what it remembered.
  }
}

/** What has changed, or what makes it from the facts of this moment. */
export type MemoryChange = Partial<Memory> | ((now: Memory) => Partial<Memory>);

/**
 * Remembers more. Seen names are joined with those that are there, and of numbers the greater counts;
 * `slotNames` and `badPacks` also lose members, so they are made from what is there.
 */
export function changeMemory(state: LocalFolder, change: MemoryChange): void {
  // What is remembered already needs no lock, and no folder that can be written.
  if (changed(loadMemory(state), change) === undefined) return;
  state.exclusively(FILE, () => {
    const after = changed(loadMemory(state), change);
    if (after !== undefined) saveMemory(state, after);
  });
}

function changed(before: Memory, change: MemoryChange): Memory | undefined {
  const after = merge(before, typeof change === "function" ? change(before) : change);
  return JSON.stringify(after) === JSON.stringify(before) ? undefined : after;
}

function merge(before: Memory, change: Partial<Memory>): Memory {
  return {
    ...before,
    ...change,
    logNames: union(before.logNames, change.logNames),
    manifestNames: union(before.manifestNames, change.manifestNames),
    manifestNumber: greater(before.manifestNumber, change.manifestNumber),
    segmentNumber: greater(before.segmentNumber, change.segmentNumber),
  };
}

function union(before: readonly string[], added: readonly string[] = []): readonly string[] {
  return added.length === 0 ? before : [...new Set([...before, ...added])].sort();
}

// A number that can't be counted on from is none, as for whoever asks for the next.
function greater(before: number, now: number | undefined): number {
  return now === undefined ? before : Math.max(now, before < NUMBER_MAX ? before : 0);
}

// Written durably: a number that was used must not be used again.
function saveMemory(state: LocalFolder, memory: Memory): void {
  state.write(FILE, [utf8(`${JSON.stringify(memory, undefined, 1)}\n`)], { durable: true });
}

function isMemory(value: unknown): value is Memory {
  const memory = value as Memory | null;
  return (
    typeof memory === "object" &&
    memory !== null &&
    isTexts(memory.logNames) &&
    isTexts(memory.slotNames) &&
    isTexts(memory.manifestNames) &&
    isTexts(memory.badPacks) &&
    isNumber(memory.manifestNumber) &&
    isNumber(memory.segmentNumber)
  );
}

function isNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
