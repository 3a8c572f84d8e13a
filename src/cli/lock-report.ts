// Lock report: what a new store in a bucket promises of its locks, and what was seen of them.

import { SLOT_PREFIX } from "../format/names.ts";
import type { LockPolicy } from "../format/record.ts";
import type { Lock, Storage } from "../storage/storage.ts";
import { DAY_SECONDS } from "./lock-choice.ts";
import type { Messages } from "./messages.ts";

/** What JSON says of the locks of a new store. */
export type LockFields = Readonly<Record<string, string | number>>;

/** Says what is promised, and what is seen of it on what was just stored. */
export async function tellLock(
  messages: Messages,
  storage: Storage,
  policy: LockPolicy,
): Promise<LockFields> {
  const { mode, period } = policy;
  messages.notice(promiseOf(policy));
  if (mode === "none") return { lock: mode };
  const fields = { lock: mode, lockSeconds: period };
  const lock = await measuredLock(storage);
  messages.notice("bunker does not make locks longer yet: what is older than that is not locked");
  if (lock === undefined) {
    messages.warning("no lock is seen on what was just stored: bunker store test tells more");
    return fields;
  }
  const lockedUntil = new Date(lock.until).toISOString();
  messages.notice(`what was just stored is locked until ${lockedUntil.slice(0, 10)}, as seen now`);
  messages.hint("whether the key can do more than it should, tells: bunker store test");
  return { ...fields, lockedUntil };
}

async function measuredLock(storage: Storage): Promise<Lock | undefined> {
  for await (const { name, versionId, hidden } of storage.listVersions(SLOT_PREFIX)) {
    if (!hidden) return storage.lockOf(name, versionId);
  }
  return undefined;
}

/** What a policy promises, in one sentence. */
function promiseOf({ mode, period }: LockPolicy): string {
  if (mode === "none")
    return "no locks are promised: who has a key that deletes can delete the store";
  const days = `${period / DAY_SECONDS} days`;
  const who =
    mode === "compliance"
      ? "nobody can delete it before, with any key"
      : "only who has a key with bypassGovernance can delete it before";
  return `what is stored is locked for ${days} in ${mode.toUpperCase()} mode: ${who}`;
}
