// Last snapshot: whether a snapshot would be the same as the last one of the same host and sources.
//
// In the cache, a file for each host and list of sources: the snapshot's id and the digest of what
// it says, without times, counts and who made it. Where it is gone, whoever may read snapshots
// looks through the latest ones; a writer makes one snapshot more.

import { type Bytes, equalBytes, hexOf, utf8 } from "../base/bytes.ts";
import type { NativePlatform } from "../base/platform.ts";
import { hexId, type ObjectId } from "../base/ids.ts";
import type { Manifest } from "../format/manifest.ts";
import { encodeSnapshot, type Snapshot } from "../format/snapshot.ts";
import { type Manifests, readSnapshot } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";

const DIGEST_BYTES = 32;
/** So many of a machine's own snapshots are looked at, from the latest back. */
const LOOK_COUNT_MAX = 100;

export interface Client {
  readonly store: Store;
  readonly platform: NativePlatform;
}

/** The last snapshot of this machine that says the same, if it is the last of its sources. */
export async function findSame(
  { store, platform }: Client,
  manifests: Manifests,
  snapshot: Snapshot,
): Promise<Manifest | undefined> {
  const wanted = digestOf(platform, snapshot);
  const noted = store.cache.read(fileOf(platform, snapshot));
  if (noted?.length === 2 * DIGEST_BYTES) {
    const id = hexOf(noted.subarray(0, DIGEST_BYTES));
    if (!equalBytes(noted.subarray(DIGEST_BYTES), wanted)) return undefined;
    return manifests.offered.find((manifest) => hexId(manifest.id) === id);
  }
  if (store.keyring.owner === undefined) return undefined;
  const own = hexId(store.keyring.signer.publicKey);
  const latest = manifests.offered.filter(({ signer }) => hexId(signer) === own).toReversed();
  for (const manifest of latest.slice(0, LOOK_COUNT_MAX)) {
    const last = await readSnapshot(store, manifest);
    if (last === undefined || sourcesOf(last) !== sourcesOf(snapshot)) continue;
    return equalBytes(digestOf(platform, last), wanted) ? manifest : undefined;
  }
  return undefined;
}

/** Notes a snapshot that was just made, for the next time. */
export function noteLast({ store, platform }: Client, id: ObjectId, snapshot: Snapshot): void {
  store.cache.write(fileOf(platform, snapshot), [id, digestOf(platform, snapshot)]);
}

function fileOf(platform: NativePlatform, snapshot: Snapshot): string {
  return `last-${hexOf(platform.sha256(utf8(sourcesOf(snapshot))).subarray(0, 16))}`;
}

function sourcesOf({ host, roots }: Snapshot): string {
  return [host, ...roots.map(({ path }) => hexOf(path))].join("\0");
}

const NO_COUNTS = {
  files: 0,
  folders: 0,
  others: 0,
  contentBytes: 0,
  newBlobs: 0,
  storedBytes: 0,
  problems: 0,
};

// Tags and description count: who gives others wants them to be found.
function digestOf(platform: NativePlatform, snapshot: Snapshot): Bytes {
  const lasting = { ...snapshot, user: "", program: "", start: 0, end: 0, counts: NO_COUNTS };
  return platform.sha256(encodeSnapshot(lasting));
}
