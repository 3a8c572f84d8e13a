// Totals: what a backup is expected to find, for the progress line.

import { textOf } from "../base/bytes.ts";
import { isDamage } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import type { Source } from "../source/source.ts";
import { loadSnapshot, type Manifests } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";

export type Totals = {
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
};

/** What the last snapshot of the same paths held is what this one is expected to hold. */
export async function expectedTotals(
  store: Store,
  manifests: Manifests,
  source: Source,
): Promise<Totals> {
  const own = manifests.heads.get(hexId(store.keyring.signer.publicKey));
  if (own === undefined || store.keyring.owner === undefined) return {};
  try {
    const { roots, counts } = await loadSnapshot(store, own);
    const paths = roots.map((root) => textOf(root.path));
    if (paths.join("\0") !== source.describe().paths.join("\0")) return {};
    return { totals: { filesTotal: counts.files, bytesTotal: counts.contentBytes } };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return {}; // It is only for the progress line; whoever reads that snapshot hears of it.
  }
}
