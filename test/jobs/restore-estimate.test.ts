// Estimates against what is really asked for: of a restore, and of all that a storage holds.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { BunkerError } from "../../src/base/errors.ts";
import { silentMonitor } from "../../src/base/monitor.ts";
import { estimateRestore, type Fetching } from "../../src/jobs/restore-estimate.ts";
import { measureStore } from "../../src/jobs/store-size.ts";
import { interceptStorage } from "../../src/storage/intercept.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import { Numbering } from "../../src/store/numbering.ts";
import type { Store } from "../../src/store/store.ts";
import { failureOf } from "../support/failure.ts";
import { writeTree } from "../support/files.ts";
import { backUp, restoreTo } from "../support/jobs.ts";
import { snapshotsIn } from "../support/looking.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const MIB = 1024 * 1024;
const breathe = (): undefined => undefined;

async function estimates(store: Store): Promise<Fetching[]> {
  const catalog = await store.catalog();
  const parts = {
    store,
    catalog,
    monitor: silentMonitor,
    breathe,
    numbering: new Numbering(catalog),
    reader: new BlobReader(store),
  };
  const all: Fetching[] = [];
  for (const found of await snapshotsIn(store)) all.push(await estimateRestore(parts, found));
  return all;
}

/** Requests for packs and their bytes in a restore of the latest snapshot. */
async function fetched(storage: Storage, to: string): Promise<Fetching> {
  const { storage: recorded, calls } = recordStorage(storage);
  const store = await new Client().open(recorded);
  calls.length = 0;
  expect((await restoreTo(store, to)).problems).toEqual([]);
  const gets = calls.filter(({ kind, name }) => kind === "get" && name.startsWith("packs/"));
  return { gets: gets.length, bytes: gets.reduce((sum, { bytes }) => sum + bytes, 0) };
}

for (const packBytes of [256 * 1024, 16 * MIB]) {
  test(`a restore fetches what is estimated, with packs of ${packBytes} bytes`, async () => {
    using temp = tempDir();
    const from = join(temp.path, "from");
    const random = seededRandom(packBytes);
    const tree: Record<string, Uint8Array> = { large: random.bytes(9 * MIB) };
    for (let i = 0; i < 400; i++) tree[`${i % 20}/${i}`] = random.bytes(1 + random.int(30_000));
    writeTree(from, tree);
    const storage = memoryStorage();
    await makeStore(storage);
    const client = new Client();
    await backUp(client, await client.open(storage), [from], { packBytes });
    // The second one needs less of the packs, so that there are gaps; and shares the rest.
    for (let i = 0; i < 400; i += 3) writeTree(from, { [`${i % 20}/${i}`]: random.bytes(100) });
    writeTree(from, { large: "no longer large" });
    await backUp(client, await client.open(storage), [from], { packBytes });
    const [first, second] = await estimates(await client.open(storage));
    expect(second!.bytes).toBeLessThan(first!.bytes);
    const real = await fetched(storage, join(temp.path, "to"));
    expect(second).toEqual(real);
  });
}

test("all versions count for what is stored, and the newest for what is there", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, { file: seededRandom(1).bytes(1000) });
  const storage = memoryStorage(undefined, { versions: true });
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from]);
  const before = await measureStore(storage, breathe);
  const names = await namesIn(storage);
  expect(before.all.objects).toBe(names.length);
  expect(before).toMatchObject({
    packs: { objects: 2 },
    segments: { objects: 1 },
    manifests: { objects: 1 },
    others: { objects: names.length - 4 },
  });
  const pack = (await namesIn(storage, "packs/"))[0]!;
  const bytes = (await storage.get(pack))!;
  storage.plant(pack, bytes);
  await storage.delete(pack);
  const after = await measureStore(storage, breathe);
  expect(after.all.bytes).toBe(before.all.bytes + bytes.length);
  expect(after.packs).toEqual({
    objects: 1,
    bytes: before.packs.bytes - bytes.length,
  });
});

test("a restore that the storage ends keeps the files that are whole", async () => {
  using temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  const random = seededRandom(5);
  const tree: Record<string, Uint8Array> = {};
  for (let i = 0; i < 6; i++) tree[`file ${i}`] = random.bytes(3 * MIB);
  writeTree(from, tree);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from], { packBytes: 4 * MIB });
  const { getCount } = await fullAfter(storage, Number.POSITIVE_INFINITY, join(temp.path, "all"));
  let wholeCount = 0;
  for (let count = 1; count < getCount; count += 2) {
    const target = join(to, String(count));
    const { failure } = await fullAfter(storage, count, target);
    expect(failure).toMatchObject({ code: "full" });
    const whole = [...new Bun.Glob("**").scanSync({ cwd: target, dot: true, onlyFiles: true })];
    for (const name of whole) {
      expect(await Bun.file(join(target, name)).bytes()).toEqual(
        await Bun.file(join(from, name)).bytes(),
      );
    }
    wholeCount = whole.length;
  }
  expect(wholeCount).toBeGreaterThanOrEqual(4);
});

/** Restores from a storage that gives nothing after so many reads of packs. */
async function fullAfter(
  storage: Storage,
  count: number,
  to: string,
): Promise<{ readonly getCount: number; readonly failure: unknown }> {
  let getCount = 0;
  const capped = interceptStorage(storage, {
    call(call, run) {
      const isPack = call.kind === "get" && call.name.startsWith("packs/");
      if (isPack && ++getCount > count)
        throw new BunkerError("full", "the download cap is reached");
      return run();
    },
    listing: (_call, run) => run(),
  });
  const restoring = restoreTo(await new Client().open(capped), to);
  if (count === Number.POSITIVE_INFINITY) await restoring;
  return { getCount, failure: Number.isFinite(count) ? await failureOf(restoring) : undefined };
}
