// Lanes: sharing a backup's files out among the cores.
//
// The first files go through a lane in main: a small run needs no Worker, and a Worker's core is
// cold at first. When there is more, Workers are started, and main keeps to walking, trees and
// uploads. At the end the Workers hand over what is left in their packs, and main joins it.

import type { Bytes } from "../base/bytes.ts";
import type { SharedKeys } from "../crypto/derive.ts";
import type { StoreKeys } from "../format/context.ts";
import type { DrainedBlobs } from "../store/pack-writer.ts";
import type { Lane, PutPack } from "./lane.ts";
import type { FileOutcome, FileTask } from "./tasks.ts";
import { decodeOutcomes, encodeTasks, type PackedOutcomes } from "./wire.ts";
import type { Levels } from "./effort.ts";
import { freeClient, LaneClient, type SpawnLane } from "./lane-client.ts";

/** A run of the catalog, for a lane to map. */
export interface SharedRun {
  readonly path: string;
  readonly marks: Uint8Array;
}

/** All that a lane in a Worker needs to begin. */
export interface LaneSetup {
  /** The compiled core: compiled once for all. */
  readonly core: WebAssembly.Module;
  readonly keys: StoreKeys;
  readonly shared: SharedKeys;
  readonly claims: SharedArrayBuffer;
  readonly runs: readonly SharedRun[];
  readonly packBytes: number;
  readonly withMd5: boolean;
  readonly levels: Levels;
  readonly pooledCount: number;
}

export interface LanePoolParts {
  readonly local: Lane;
  /** Absent: everything goes through the lane in main. */
  readonly spawn?: SpawnLane | undefined;
  readonly count: number;
  readonly setup: LaneSetup;
  readonly putPack: PutPack;
  readonly onRead?: (name: Bytes, bytes: number) => void;
}

const LOCAL_FILE_COUNT = 512;
const LOCAL_BYTES = 8 * 1024 * 1024;
/** Batches that a lane may have before it: one at work, one waiting. */
const BATCHES_PER_LANE = 2;

export class LanePool {
  readonly #parts: LanePoolParts;
  readonly #workers: LaneClient[] = [];
  #runs: readonly SharedRun[];
  #filesSeen = 0;
  #bytesSeen = 0;

  constructor(parts: LanePoolParts) {
    this.#parts = parts;
    this.#runs = parts.setup.runs;
  }

  /** Waits until a lane can take the files; the outcomes come later, in the order of the tasks. */
  async submit(
    tasks: readonly FileTask[],
    bytes: number,
  ): Promise<{ readonly outcomes: Promise<readonly FileOutcome[]> }> {
    const isSmall = this.#filesSeen < LOCAL_FILE_COUNT && this.#bytesSeen < LOCAL_BYTES;
    this.#filesSeen += tasks.length;
    this.#bytesSeen += bytes;
    const { spawn, local, count } = this.#parts;
    const isLocal = spawn === undefined || tasks.some((task) => task.stream !== undefined);
    if (isLocal || count < 2 || (isSmall && bytes < LOCAL_BYTES)) {
      const outcomes = await local.process(tasks);
      return { outcomes: Promise.resolve(outcomes) };
    }
    if (this.#workers.length === 0) this.#start(spawn);
    const worker = await this.#freeWorker();
    const packed = encodeTasks(tasks);
    const outcomes = worker
      .ask<PackedOutcomes>({ kind: "process", tasks: packed }, [packed.buffer])
      .then(decodeOutcomes);
    outcomes.catch(() => undefined); // Whoever awaits it hears of it; nobody else needs to.
    return { outcomes };
  }

  /** Tells the lanes of runs that came up. Only while no lane works. */
  setRuns(runs: readonly SharedRun[]): void {
    this.#runs = runs;
    for (const worker of this.#workers) worker.post({ kind: "catalog", runs });
  }

  /** Joins what the lanes have left, and finishes the last pack. */
  async finish(): Promise<void> {
    for (const worker of this.#workers) {
      await this.#parts.local.adopt(await worker.ask<DrainedBlobs>({ kind: "drain" }));
    }
    await this.#parts.local.flush();
  }

  close(): void {
    for (const worker of this.#workers) worker.end();
    this.#workers.length = 0;
  }

  #start(spawn: SpawnLane): void {
    for (let i = 0; i < this.#parts.count; i++) {
      const worker = new LaneClient(spawn(), {
        putPack: this.#parts.putPack,
        onRead: this.#parts.onRead,
      });
      worker.post({ kind: "backup", setup: { ...this.#parts.setup, runs: this.#runs } });
      this.#workers.push(worker);
    }
  }

  #freeWorker(): Promise<LaneClient> {
    return freeClient(this.#workers, BATCHES_PER_LANE);
  }
}
