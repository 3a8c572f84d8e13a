// Check: what it counts, over several snapshots that have most of their files in common.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { memoryStorage } from "../../src/storage/memory.ts";
import { writeTree } from "../support/files.ts";
import { backUp, runCheck } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

test("files and folders count once, in however many snapshots with changes they are", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, { one: "1", two: "2", "sub/three": "3", "sub/four": "4", "still/five": "5" });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  for (let round = 0; round < 4; round++) {
    writeTree(from, { [`sub/new ${round}`]: `new ${round}` });
    await backUp(client, await client.open(storage), [from]);
  }
  const checked = await runCheck(await new Client().open(storage));
  expect(checked.findings).toEqual([]);
  // "sub" and the top are others in each snapshot, "still" is the same.
  expect(checked).toMatchObject({
    snapshots: 4,
    files: 5 + 4,
    folders: 4 + 4 + 1,
    damagedFiles: 0,
  });
});

test("a damaged file counts once, and is named in each snapshot", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  const random = seededRandom(5);
  writeTree(from, { "sub/lost": random.bytes(50_000) });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from]);
  const packs = new Set(await namesIn(storage, "packs/"));
  const large = await Promise.all(
    [...packs].map(async (name) => ((await storage.get(name))!.length > 40_000 ? [name] : [])),
  );
  for (let round = 0; round < 3; round++) {
    writeTree(from, { [`sub/new ${round}`]: `new ${round}` });
    await backUp(client, await client.open(storage), [from]);
  }
  for (const name of large.flat()) storage.vanish(name);
  const checked = await runCheck(await new Client().open(storage));
  expect(checked).toMatchObject({ snapshots: 4, files: 4, damagedFiles: 1 });
  const named = checked.findings.filter(({ subject }) => subject.endsWith(":/sub/lost"));
  expect(named.length).toBe(4);
});
