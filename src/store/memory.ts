// Memory: the few facts that a client remembers of a store, as JSON in its state folder.

import { strictTextOf, utf8 } from "../base/bytes.ts";
import type { LocalFolder } from "../base/local.ts";

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

/** Written durably: a number that was used must not be used again. */
export function saveMemory(state: LocalFolder, memory: Memory): void {
  state.write(FILE, [utf8(`${JSON.stringify(memory, undefined, 1)}\n`)], { durable: true });
}

export function changeMemory(state: LocalFolder, change: Partial<Memory>): void {
  const before = loadMemory(state);
  const after = { ...before, ...change };
  if (JSON.stringify(after) !== JSON.stringify(before)) saveMemory(state, after);
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
