// Lane: the Worker's entry. It stands beside main.ts, since a compiled Worker is found only there.

import { assert, present } from "./base/assert.ts";
import { copyBytes } from "./base/bytes.ts";
import { instantiateCore } from "./core/core.ts";
import { joinFolderDestination } from "./destination/open.ts";
import { Lane } from "./jobs/lane.ts";
import { failureOf, type LaneAnswer, type LaneRequest } from "./jobs/lane-client.ts";
import type { LaneSetup, SharedRun } from "./jobs/lanes.ts";
import { Spares } from "./jobs/spares.ts";
import { RestoreLane, type RestoreSetup } from "./jobs/restore-lane.ts";
import { decodeTasks, encodeOutcomes } from "./jobs/wire.ts";
import { Catalog } from "./store/catalog.ts";
import { Claims } from "./store/claims.ts";
import type { FinishedPack } from "./store/pack-writer.ts";
import { mapFile } from "./system/local.ts";
import { openFileSystem } from "./system/open.ts";
import { nativePlatform } from "./system/platform.ts";
import { systemWorld } from "./system/world.ts";

const scope = self as unknown as {
  onmessage: ((event: { data: LaneRequest }) => void) | null;
  addEventListener(kind: "messageerror", listener: () => void): void;
  postMessage(message: LaneAnswer, transfer?: Transferable[]): void;
};

let lane: Lane | undefined;
let catalog: Catalog | undefined;
let restoreLane: RestoreLane | undefined;
let spares: Spares | undefined;
let packTaken: (() => void) | undefined;
let queue: Promise<void> = Promise.resolve();

// Set before anything is awaited, or messages that are there already are lost.
scope.onmessage = ({ data }) => {
  if (data.kind === "taken") {
    present(packTaken, "a pack waits to be taken")();
    return;
  }
  if (data.kind === "spent") {
    present(spares, "a lane is set up first").give(data.buffer);
    return;
  }
  queue = queue.then(() => answer(data)).catch(fail);
};
scope.addEventListener("messageerror", () => fail(new Error("a request cannot be read")));
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

async function answer(request: Exclude<LaneRequest, { kind: "taken" | "spent" }>): Promise<void> {
  switch (request.kind) {
    case "backup":
      lane = openLane(request.setup);
      return;
    case "catalog":
      present(catalog, "a lane is set up first").runs.length = 0;
      mapRuns(present(catalog, "a lane is set up first"), request.runs);
      return;
    case "process": {
      const tasks = decodeTasks(request.tasks);
      const outcomes = await present(lane, "a lane is set up first").process(tasks);
      const packed = encodeOutcomes(outcomes);
      reply(packed, [packed.bytes.buffer]);
      return;
    }
    case "drain": {
      const drained = present(lane, "a lane is set up first").drain();
      reply(drained, [drained.bytes.buffer, drained.records.buffer]);
      return;
    }
    case "restore":
      restoreLane = openRestoreLane(request.setup);
      return;
    case "write":
      reply(await present(restoreLane, "a lane is set up first").write(request.task));
  }
}

function openLane(setup: LaneSetup): Lane {
  const core = instantiateCore(setup.core);
  core.setKeys(setup.shared);
  catalog = new Catalog();
  mapRuns(catalog, setup.runs);
  spares = new Spares(setup.packBytes, 1);
  return new Lane({
    core,
    platform: nativePlatform,
    files: openFileSystem(),
    keys: setup.keys,
    catalog,
    claims: new Claims(setup.claims),
    packBytes: setup.packBytes,
    withMd5: setup.withMd5,
    levels: setup.levels,
    pooledCount: setup.pooledCount,
    putPack,
    spares,
    now: () => systemWorld.now(),
    onRead: (name, bytes) => scope.postMessage({ kind: "read", name: copyBytes(name), bytes }),
  });
}

function openRestoreLane(setup: RestoreSetup): RestoreLane {
  const core = instantiateCore(setup.core);
  core.setKeys(setup.shared);
  const destination = joinFolderDestination(setup.destination, openFileSystem());
  return new RestoreLane(nativePlatform, core, destination);
}

function mapRuns(target: Catalog, runs: readonly SharedRun[]): void {
  for (const { path, marks } of runs) {
    const bytes = mapFile(path);
    if (bytes !== undefined) target.add(bytes, { file: path, trusted: true, marks });
  }
}

// Hands a pack to main and waits until there is room for the next.
function putPack(pack: FinishedPack): Promise<void> {
  const { buffer } = pack.bytes;
  assert(buffer instanceof ArrayBuffer, "a pack that is handed over has memory of its own");
  scope.postMessage({ kind: "pack", pack }, [buffer]);
  // A good moment: what one pack left behind is gone before the next one's memory is asked for.
  Bun.gc(true);
  return new Promise((resolve) => (packTaken = resolve));
}

function reply(value: unknown, transfer: Transferable[] = []): void {
  scope.postMessage({ kind: "answer", value }, transfer);
}

function fail(error: unknown): void {
  scope.postMessage({ kind: "failed", failure: failureOf(error) });
}
