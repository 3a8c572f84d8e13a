// Assembly parts: what an assembly is made of.

import type { Monitor } from "../base/monitor.ts";
import type { Claims } from "../store/claims.ts";
import type { Store } from "../store/store.ts";
import type { StoreWriter } from "../store/writer.ts";
import type { BackupParts } from "./backup.ts";
import type { LanePool } from "./lanes.ts";

export interface AssemblyParts {
  readonly store: Store;
  readonly parts: BackupParts;
  readonly lanes: LanePool;
  readonly claims: Claims;
  readonly writer: StoreWriter;
  readonly monitor: Monitor;
  readonly force: boolean;
  /** Makes room for more new blobs; called while no lane works. */
  readonly renewClaims: () => Promise<void>;
  readonly totals?: { readonly filesTotal: number; readonly bytesTotal: number };
}
