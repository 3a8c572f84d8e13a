// Check: what it counts, over several snapshots that have most of their files in common.

import { expect, test } from "bun:test";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { BunkerError, type ErrorCode } from "../../src/base/errors.ts";
import { faultStorage } from "../../src/storage/faults.ts";
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

test("a store counts the same files whole and damaged, wherever its trees are", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  const large = seededRandom(6).bytes(50_000);
  // One tree in two places, then one more folder with the same file.
  for (const folder of ["a", "b"]) {
    writeTree(from, { [`${folder}/lost`]: large, [`${folder}/x`]: "" });
    for (const name of ["lost", "x"]) utimesSync(join(from, folder, name), 1, 1);
  }
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from]);
  const packs = await namesIn(storage, "packs/");
  writeTree(from, { "c/lost": large, "c/x": "", "c/y": "y" });
  await backUp(client, await client.open(storage), [from]);
  const whole = await runCheck(await new Client().open(storage));
  // What is in "b" is in "a".
  expect(whole).toMatchObject({ files: 2 + 3, damagedFiles: 0 });
  for (const name of packs) {
    if ((await storage.get(name))!.length > 40_000) storage.vanish(name);
  }
  const damaged = await runCheck(await new Client().open(storage));
  expect(damaged).toMatchObject({ files: whole.files, folders: whole.folders, damagedFiles: 3 });
});

test("a pack that has lost its end is read and counted once", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, { file: seededRandom(7).bytes(50_000) });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from]);
  const [pack] = await namesIn(storage, "packs/");
  const bytes = (await storage.get(pack!))!;
  storage.plant(pack!, bytes.subarray(0, bytes.length - 1));
  const { packs, packsRead } = await runCheck(await new Client().open(storage), 1);
  expect({ packs, packsRead }).toEqual({ packs: 2, packsRead: 2 });
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

// A cap, a service that is away, a key that was taken away: none of them says anything of an object.
for (const code of ["full", "unavailable", "denied"] satisfies ErrorCode[]) {
  test(`in a bucket ${code} is no damage: a check ends with it, whichever request meets it`, async () => {
    using temp = tempDir();
    const from = join(temp.path, "from");
    writeTree(from, { "a/one": seededRandom(7).bytes(20_000), two: "2" });
    const bucketPlace = { endpoint: "https://service", bucket: "bucket", prefix: "" };
    const storage = memoryStorage(undefined, { versions: true, bucketPlace });
    await makeStore(storage);
    const client = new Client();
    await backUp(client, await client.open(storage), [from]);
    const error = new BunkerError(code, "planned");
    let nth = 1;
    for (let isOver = false; !isOver; nth++) {
      const { storage: faulty, callCount } = faultStorage(storage, [
        { kind: "any", nth, what: "before", error },
      ]);
      // A machine that knows the store, so that it has copies of some objects.
      const heard: unknown[] = [];
      const checking = client.open(faulty).then((store) => {
        store.findings.listen((finding) => heard.push(finding));
        return runCheck(store, 1);
      });
      const ending = await checking.then(
        () => "done",
        (failure: unknown) => failure,
      );
      expect([nth, heard]).toEqual([nth, []]);
      isOver = callCount() < nth;
      expect(ending).toBe(isOver ? "done" : error);
    }
    expect(nth).toBeGreaterThan(10);
  });
}
