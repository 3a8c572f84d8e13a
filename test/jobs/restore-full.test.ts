// Restores to disks that are full, or fail in the middle of a file.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { mountSmallDisk } from "../support/disk.ts";
import { failureOf } from "../support/failure.ts";
import { meddledFiles, writeTree } from "../support/files.ts";
import { backUp, restoreTo } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const KIB = 1024;

/** A file of several chunks between small ones, backed up. */
async function stored(largeBytes: number): Promise<{ storage: Storage; client: Client }> {
  using temp = tempDir();
  const random = seededRandom(3);
  const tree: Record<string, Uint8Array> = { "m large": random.bytes(largeBytes) };
  for (let i = 0; i < 10; i++) {
    tree[`a small ${i}`] = random.bytes(10 * KIB);
    tree[`z small ${i}`] = random.bytes(10 * KIB);
  }
  writeTree(join(temp.path, "from"), tree);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [join(temp.path, "from")]);
  return { storage, client };
}

const names = (root: string): string[] => fs.readdirSync(root).sort();

test("what does not fit is left out, and the rest is restored", async () => {
  using disk = mountSmallDisk("3m");
  if (disk === undefined) return;
  const { storage, client } = await stored(6000 * KIB);
  // One range after the other: of several at once, a small file may meet the disk that the large one has filled.
  const store = await client.open(storage);
  const { counts, problems } = await restoreTo(store, disk.path, { fetchCount: 1 });
  expect(problems.map(({ subject }) => subject)).toEqual(["m large"]);
  expect(problems[0]!.message).toContain("ENOSPC");
  expect(counts).toMatchObject({ files: 20, problems: 1 });
  expect(names(disk.path).length).toBe(20);
});

test("where nothing fits any more it stops, and goes on when there is room", async () => {
  using disk = mountSmallDisk();
  if (disk === undefined) return;
  const { storage, client } = await stored(600 * KIB);
  const filler = join(disk.path, "filler");
  fs.writeFileSync(filler, new Uint8Array(980 * KIB));
  const mode = { overwrite: "if-changed" } as const;
  const failing = client.open(storage).then((store) => restoreTo(store, disk.path, { mode }));
  expect(await failureOf(failing)).toMatchObject({
    code: "io",
    message: "no room is left in the folder to restore into",
  });
  expect(names(disk.path).filter((name) => name.startsWith(".bunker"))).toEqual([]);
  fs.rmSync(filler);
  const { counts, problems } = await restoreTo(await client.open(storage), disk.path, { mode });
  expect(problems).toEqual([]);
  expect(counts.files + counts.left).toBe(21);
});

test("a file that fails in the middle is left out, its part removed, and the rest restored", async () => {
  using temp = tempDir();
  const { storage, client } = await stored(3000 * KIB);
  let nth = 0;
  const files = meddledFiles((real) => ({
    createFile(folder, name, mode) {
      const made = real.createFile(folder, name, mode);
      if (++nth % 7 !== 3) return made;
      real.close(made);
      return real.openFile(folder, name); // Every write to it fails.
    },
  }));
  const to = join(temp.path, "to");
  const { counts, problems } = await restoreTo(await client.open(storage), to, { files });
  expect(problems.length).toBe(3);
  expect(counts).toMatchObject({ files: 18, problems: 3 });
  expect(names(to).length).toBe(18);
});
