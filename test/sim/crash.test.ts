// The crash sweep: a backup and a restore die at their first call to the storage, at their second,
// and so on, before and after its effect. Whatever was left behind, the store has no fault, and the
// next backup and restore are complete.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Fault, faultStorage } from "../../src/storage/faults.ts";
import { memoryStorage, type MemoryStorage } from "../../src/storage/memory.ts";
import { compareFolders } from "../support/compare.ts";
import { writeTree } from "../support/files.ts";
import { backUp, restoreTo, runCheck, SMALL_PACK_BYTES } from "../support/jobs.ts";
import { memoryRoot, type MemoryRoot } from "../support/local.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore, objectsIn } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";
import { testWorld } from "../support/world.ts";

/** No sweep needs so many: it ends when a run is so short that the fault never comes. */
const CALLS_MAX = 400;
const CRASHED: unknown = expect.stringMatching(/^(?:unavailable|interrupted)$/);

function writeFiles(from: string): void {
  const random = seededRandom(8);
  const noise = () => random.bytes(Math.floor(SMALL_PACK_BYTES * 0.6));
  writeTree(from, { a: noise(), b: noise(), "c/d": noise(), "c/empty": "", "c/e/text": "text" });
}

/** A store with one snapshot, to begin each turn from. */
async function makeStart(
  from: string,
): Promise<() => Promise<{ storage: MemoryStorage; local: MemoryRoot }>> {
  const first = memoryStorage();
  await makeStore(first);
  const local = memoryRoot();
  const client = new Client({ local });
  await backUp(client, await client.open(first), [from]);
  const objects = await objectsIn(first);
  const locationId = (await first.locationId(false))!;
  return async () => {
    const world = { ...testWorld(), random: () => locationId.slice() };
    const storage = memoryStorage(world);
    await storage.locationId(true);
    for (const [name, bytes] of objects) storage.plant(name, bytes);
    return { storage, local: local.copy() };
  };
}

for (const what of ["before", "after"] as const) {
  test(`a backup that crashes ${what} the n-th call`, async () => {
    using temp = tempDir();
    const from = join(temp.path, "from");
    writeFiles(from);
    const start = await makeStart(from);
    writeTree(from, { "c/new": seededRandom(9).bytes(50_000), b: "changed" });
    const world = testWorld();
    let n = 1;
    for (let finished = false; !finished; n++) {
      expect(n).toBeLessThan(CALLS_MAX);
      const { storage, local } = await start();
      const fault: Fault = { kind: "any", nth: n, what, crash: true };
      const faulty = faultStorage(storage, [fault]);
      const client = new Client({ local, world });
      try {
        await backUp(client, await client.open(faulty.storage), [from]);
        finished = faulty.callCount() < n;
      } catch (error) {
        expect(error).toMatchObject({ code: CRASHED });
      }
      // By a machine that knows nothing, and by the one that crashed.
      const checking = await new Client().open(storage);
      expect({ n, findings: (await runCheck(checking, 1)).findings }).toEqual({ n, findings: [] });
      const again = new Client({ local, world });
      const made = await backUp(again, await again.open(storage), [from]);
      expect(made.problems).toEqual([]);
      const to = join(temp.path, `to ${n}`);
      const store = await again.open(storage);
      const restored = await restoreTo(store, to);
      expect(restored.problems).toEqual([]);
      expect(compareFolders(from, to).differences).toEqual([]);
      expect({ n, findings: (await runCheck(store, 1)).findings }).toEqual({ n, findings: [] });
    }
    expect(n).toBeGreaterThan(10);
  }, 120_000);

  test(`a restore that crashes ${what} the n-th call`, async () => {
    using temp = tempDir();
    const from = join(temp.path, "from");
    writeFiles(from);
    const start = await makeStart(from);
    const { storage, local } = await start();
    const before = await objectsIn(storage);
    let n = 1;
    for (let finished = false; !finished; n++) {
      expect(n).toBeLessThan(CALLS_MAX);
      const faulty = faultStorage(storage, [{ kind: "any", nth: n, what, crash: true }]);
      const to = join(temp.path, `to ${n}`);
      const client = new Client({ local: memoryRoot() });
      try {
        await restoreTo(await client.open(faulty.storage), to);
        finished = faulty.callCount() < n;
      } catch (error) {
        expect(error).toMatchObject({ code: CRASHED });
      }
      const restored = await restoreTo(await client.open(storage), to, { existing: "replace" });
      expect(restored.problems).toEqual([]);
      const { differences } = compareFolders(from, to);
      // What was under way at the crash may lie there under a name of its own.
      expect(differences.filter((text) => !text.includes(".bunker-"))).toEqual([]);
    }
    expect(n).toBeGreaterThan(5);
    expect(await objectsIn(storage)).toEqual(before);
    expect(local.root.list()).toContain("known.json");
  }, 120_000);
}
