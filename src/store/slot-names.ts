// Slot names: which key slots of a place are worth reading, and in which order they are tried.
//
// Whoever may write to the storage can plant any number of them. The oldest come first, by the first
// version of each: in a bucket nobody puts one before what was there, nor makes an old one look new by
// putting another version over it.

import type { LocalFolder } from "../base/local.ts";
import { SLOT_PREFIX } from "../format/names.ts";
import type { Storage } from "../storage/storage.ts";
import type { Findings } from "./findings.ts";
import { loadMemory } from "./memory.ts";

/** So many are read, and those that this machine has seen before; of the rest is one finding. */
export const SLOT_COUNT_MAX = 64;

/** Names under `keys/`, the oldest first; `kept` is the memory of a machine that knows the store. */
export async function slotNamesByAge(
  storage: Storage,
  findings: Findings,
  kept: LocalFolder | undefined,
): Promise<string[]> {
  const since = new Map<string, number>();
  const hasVersions = storage.abilities.versions;
  const listing = hasVersions ? storage.listVersions(SLOT_PREFIX) : storage.list(SLOT_PREFIX);
  for await (const { name, modified } of listing) {
    since.set(name, Math.min(since.get(name) ?? modified, modified));
  }
  const names = [...since].sort(([, a], [, b]) => a - b).map(([name]) => name);
  if (names.length <= SLOT_COUNT_MAX) return names;
  const seen = new Set(kept === undefined ? [] : loadMemory(kept).slotNames);
  const taken = names.filter((name, index) => index < SLOT_COUNT_MAX || seen.has(name));
  const omitted = names.length - taken.length;
  if (omitted > 0) {
    const message = `${omitted} more key slots were not looked at: the store is flooded`;
    findings.add(SLOT_PREFIX, message);
  }
  return taken;
}
