// Inspect: every small object in the storage, read again and compared with its name.
//
// Opening a store takes what it has in its caches, which were verified once; what has become of the
// objects in the storage since then is seen only here. Packs are not read.

import { isDamage } from "../base/errors.ts";
import {
  HEARTBEAT_PREFIX,
  LOG_PREFIX,
  MANIFEST_PREFIX,
  parseName,
  SEGMENT_PREFIX,
  SLOT_PREFIX,
} from "../format/names.ts";
import { readSlot } from "../format/slot.ts";
import { listNames, loadFromStorage } from "../store/objects.ts";
import type { Store } from "../store/store.ts";

const PREFIXES = [LOG_PREFIX, SLOT_PREFIX, SEGMENT_PREFIX, MANIFEST_PREFIX, HEARTBEAT_PREFIX];

/** What does not fit its name becomes a finding, and so does a store that no passphrase opens. */
export async function inspectObjects(
  store: Store,
  breathe: () => Promise<void> | undefined,
): Promise<void> {
  for (const prefix of PREFIXES) {
    for (const name of await listNames(store.storage, prefix)) {
      await inspect(store, name);
      await breathe();
    }
  }
  if ((await listNames(store.storage, SLOT_PREFIX)).length > 0) return;
  store.findings.add("keys/", "no key slot is there: only the recovery phrase opens this store");
}

async function inspect(store: Store, name: string): Promise<void> {
  const parsed = parseName(name);
  if (parsed === undefined) {
    store.findings.add(name, "this is no name of an object of a store");
    return;
  }
  try {
    const bytes = await loadFromStorage(store.platform, store.storage, name);
    // Whoever opened the store with a phrase has read no slot.
    if (parsed.kind === "slot") await readSlot(store.platform, name, bytes);
  } catch (error) {
    if (!isDamage(error)) throw error;
    store.findings.add(name, error);
  }
}
