// Restore lanes: Workers that open and write, or a lane in main where one core is all there is.

import type { FolderDestination } from "../destination/folder.ts";
import { requireOwner } from "../store/keyring.ts";
import type { Store } from "../store/store.ts";
import { freeClient, LaneClient, type SpawnLane } from "./lane-client.ts";
import { RestoreLane, type RestoreAnswer, type RestoreTask } from "./restore-lane.ts";

export interface RestoreLanes {
  /** Gives a task to a lane; its bytes are given away. */
  write(task: RestoreTask): Promise<RestoreAnswer>;
  close(): void;
}

/** Tasks that a lane may have before it. */
const TASKS_PER_LANE = 2;
/** Ranges that main's own lane takes before Workers are started. */
const LOCAL_TASK_COUNT = 4;

export function openRestoreLanes(
  store: Store,
  destination: FolderDestination,
  options: {
    readonly spawn: SpawnLane;
    readonly count: number;
    readonly coreModule: WebAssembly.Module;
  },
): RestoreLanes {
  const local = new RestoreLane(store.platform, store.core, destination);
  const workers: LaneClient[] = [];
  let taskCount = 0;
  const start = () => {
    const { dataIdKey } = requireOwner(store.keyring, "a restore");
    // A lane checks the ids of file content, and is given no other key.
    const none = new Uint8Array(dataIdKey.length);
    const shared = { dataIdKey, treeIdKey: none, cutKey: none, indexKey: none };
    const setup = { core: options.coreModule, shared, destination: destination.share() };
    for (let i = 0; i < options.count; i++) {
      const worker = new LaneClient(options.spawn());
      worker.post({ kind: "restore", setup });
      workers.push(worker);
    }
  };
  return {
    async write(task) {
      taskCount += 1;
      if (options.count < 2 || taskCount <= LOCAL_TASK_COUNT) return local.write(task);
      if (workers.length === 0) start();
      const worker = await freeClient(workers, TASKS_PER_LANE);
      const { buffer } = task.bytes;
      return worker.ask<RestoreAnswer>(
        { kind: "write", task },
        buffer instanceof ArrayBuffer ? [buffer] : [],
      );
    },
    close() {
      for (const worker of workers) worker.end();
    },
  };
}
