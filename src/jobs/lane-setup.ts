// Lane set-up: what a lane in a Worker is given, and what it is not.

import type { Catalog } from "../store/catalog.ts";
import type { Store } from "../store/store.ts";
import type { LaneSetup, SharedRun } from "./lanes.ts";

/** The runs that lanes may map: those of trusted signers that are files. */
export function sharedRuns(catalog: Catalog, cachePath: (file: string) => string): SharedRun[] {
  return catalog.runs.flatMap(({ file, trusted, marks }) =>
    file !== undefined && trusted ? [{ path: cachePath(file), marks }] : [],
  );
}

/** A lane gets what it needs and no more: neither the owner's private key nor the secret. */
export function publicKeys(keys: Store["keys"]): Store["keys"] {
  const { storeId, agreementPublic, signingPublic, indexKey } = keys;
  return { storeId, agreementPublic, signingPublic, indexKey };
}

export function sharedKeys(shared: NonNullable<Store["keyring"]["shared"]>): LaneSetup["shared"] {
  const { dataIdKey, treeIdKey, cutKey, indexKey } = shared;
  return { dataIdKey, treeIdKey, cutKey, indexKey };
}
