// Assembly parts: what an assembly is made of.

import type { Monitor } from "../base/monitor.ts";
import type { Claims } from "../store/claims.ts";
import type { Store } from "../store/store.ts";
import type { BackupProgress } from "./backup-progress.ts";
import type { BackupParts } from "./backup.ts";
import type { LanePool } from "./lanes.ts";
import type { ChangeOptions } from "./planner.ts";
import type { PackSink } from "./sink.ts";

export interface AssemblyParts {
  readonly store: Store;
  readonly parts: BackupParts;
  readonly lanes: LanePool;
  readonly claims: Claims;
  readonly writer: PackSink;
  readonly monitor: Monitor;
  readonly changes: ChangeOptions;
  /** Makes room for more new blobs; called while no lane works. */
  readonly renewClaims: () => Promise<void>;
  readonly progress: BackupProgress;
}
