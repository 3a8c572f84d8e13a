// Folder probe: tries what a store needs of a folder, with canaries, and tells what it found.

import { createHash } from "node:crypto";
import { rmdir } from "node:fs/promises";

import { concatBytes, hexOf } from "../base/bytes.ts";
import { systemCodeOf } from "../base/errors.ts";
import type { World } from "../base/world.ts";
import { present } from "../base/assert.ts";
import {
  CANARY_BYTES,
  clockOutcome,
  LATENCY_COUNT,
  type Outcome,
  PROBE_FOLDER,
  Probing,
  type ProbeRow,
  readOutcome,
  SPEED_BYTES,
} from "./probe.ts";
import type { Storage } from "./storage.ts";

export interface FolderProbe {
  readonly storage: Storage;
  readonly world: World;
  readonly speed: boolean;
  tell(row: ProbeRow): Promise<void>;
}

interface Canary {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const SPEED_OBJECT_COUNT = 4;

/** Probes a folder; its canaries are deleted at the end. */
export async function probeFolder(probe: FolderProbe): Promise<Probing> {
  const { storage, world, speed } = probe;
  const probing = new Probing(world, (row) => probe.tell(row));
  const names: string[] = [];
  const newCanary = (byteCount: number): Canary => {
    const canary = canaryOf(world.random(byteCount));
    names.push(canary.name);
    return canary;
  };
  try {
    await tryObjects(storage, probing, newCanary);
    if (speed) await trySpeed(storage, probing, newCanary);
  } finally {
    await probing.step("left behind", () => cleanUp(storage, names));
  }
  const found = "none: whoever can write to the folder can delete the store";
  await probing.row({ what: "versions and locks", found, judgement: "warn" });
  return probing;
}

type NewCanary = (byteCount: number) => Canary;

async function tryObjects(storage: Storage, probing: Probing, newCanary: NewCanary): Promise<void> {
  await probing.step("list", async () => {
    const { ms } = await probing.timed(() => Array.fromAsync(storage.list(PROBE_FOLDER)));
    return { found: `answered in ${ms} ms`, judgement: "ok", milliseconds: ms };
  });
  await probing.step("clock", async () =>
    clockOutcome((await storage.serverTime()) - probing.world.now()),
  );
  const { name, bytes } = newCanary(CANARY_BYTES);
  const isPut = await probing.step("put", async () => {
    const { ms } = await probing.timed(() => storage.put(name, bytes));
    const found = `${CANARY_BYTES} bytes in ${ms} ms, down to the disk`;
    return { found, judgement: "ok", milliseconds: ms };
  });
  if (!isPut) return;
  await probing.step("get", async () => readOutcome(await storage.get(name), bytes));
  await probing.step("get a part", async () => {
    const got = await storage.get(name, { range: { offset: 100, length: 50 } });
    return readOutcome(got, bytes.subarray(100, 150));
  });
  await probing.step("list what is new", async () => {
    const listed = await Array.fromAsync(storage.list(PROBE_FOLDER));
    const isListed = listed.some((object) => object.name === name);
    return isListed
      ? { found: "it is listed at once", judgement: "ok" }
      : { found: "it is not listed", judgement: "bad" };
  });
  const others = Array.from({ length: LATENCY_COUNT }, () => newCanary(CANARY_BYTES));
  await probing.step("latency", () =>
    probing.latency((i) => {
      const canary = present(others[i], "one for each");
      return storage.put(canary.name, canary.bytes);
    }, "puts, down to the disk"),
  );
}

async function trySpeed(storage: Storage, probing: Probing, newCanary: NewCanary): Promise<void> {
  const bytes = SPEED_BYTES / SPEED_OBJECT_COUNT;
  const packs = Array.from({ length: SPEED_OBJECT_COUNT }, () => newCanary(bytes));
  const isIn = await probing.step("speed in", () =>
    probing.speed(SPEED_BYTES, async () => {
      for (const pack of packs) await storage.put(pack.name, pack.bytes);
    }),
  );
  if (!isIn) return;
  await probing.step("speed out", () =>
    probing.speed(SPEED_BYTES, async () => {
      for (const { name } of packs) await storage.get(name);
    }),
  );
}

async function cleanUp(storage: Storage, names: readonly string[]): Promise<Outcome> {
  for (const name of names) await storage.delete(name);
  try {
    await rmdir(`${storage.location}/${PROBE_FOLDER}`);
  } catch (error) {
    const code = systemCodeOf(error);
    // Another probe is at work in it, or it was never made.
    if (code !== "ENOTEMPTY" && code !== "ENOENT" && code !== "EEXIST") {
      return { found: "an empty folder", judgement: "warn" };
    }
  }
  return { found: "nothing", judgement: "ok" };
}

function canaryOf(random: Uint8Array<ArrayBuffer>): Canary {
  const bytes = concatBytes(random);
  const hash = hexOf(new Uint8Array(createHash("sha256").update(bytes).digest()));
  return { name: `${PROBE_FOLDER}${hash}`, bytes };
}
