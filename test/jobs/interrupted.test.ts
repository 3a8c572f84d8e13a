// Backups that end before their time, and several at once.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Fault, faultStorage } from "../../src/storage/faults.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import { compareFolders } from "../support/compare.ts";
import { failureOf } from "../support/failure.ts";
import { writeTree } from "../support/files.ts";
import { backUp, restoreTo, runCheck, SMALL_PACK_BYTES } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { certify, Client, makeStore, namesIn, writerBundle } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

/** Files that fill a pack each. */
function writeFiles(from: string, count: number, seed = 1): void {
  const random = seededRandom(seed);
  const tree: Record<string, Uint8Array> = {};
  for (let i = 0; i < count; i++) {
    tree[`file ${String(i).padStart(3, "0")}`] = random.bytes(Math.floor(SMALL_PACK_BYTES * 0.6));
  }
  writeTree(from, tree);
}

const packFault = (nth: number, more: Partial<Fault> = {}): Fault => ({
  kind: "put",
  prefix: "packs/",
  nth,
  what: "before",
  ...more,
});

test("an upload that fails: the next run stores the rest only", async () => {
  using temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  const [files, failing] = [12, 9];
  writeFiles(from, files);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const faulty = faultStorage(storage, [packFault(failing)]);
  const first = backUp(client, await client.open(faulty.storage), [from]);
  expect(await failureOf(first)).toMatchObject({ code: "unavailable" });
  faulty.assertAllFired();
  const stored = (await namesIn(storage, "packs/")).length;
  expect(stored).toBeGreaterThanOrEqual(failing - 1);
  expect((await namesIn(storage, "snapshots/")).length).toBe(0);
  const second = await backUp(client, await client.open(storage), [from]);
  // All data packs, and that of the trees; nothing twice.
  expect(second.written.packs).toBe(files + 1 - stored);
  expect((await namesIn(storage, "packs/")).length).toBe(files + 1);
  await restoreTo(await client.open(storage), to);
  expect(compareFolders(from, to).differences).toEqual([]);
  expect((await runCheck(await new Client().open(storage), 1)).findings).toEqual([]);
});

test("a crash after more than one segment's packs: what the segment lists is not stored again", async () => {
  using temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  const [files, crashing, listed] = [45, 40, 32];
  writeFiles(from, files);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const faulty = faultStorage(storage, [packFault(crashing, { crash: true })]);
  expect(await failureOf(backUp(client, await client.open(faulty.storage), [from]))).toBeInstanceOf(
    Error,
  );
  expect((await namesIn(storage, "index/")).length).toBe(1);
  const second = await backUp(client, await client.open(storage), [from]);
  expect(second.written.packs).toBeLessThanOrEqual(files + 1 - listed);
  await restoreTo(await client.open(storage), to);
  expect(compareFolders(from, to).differences).toEqual([]);
});

test("a full storage stops the run, and it goes on when there is room", async () => {
  using temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  writeFiles(from, 6);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const faulty = faultStorage(storage, [packFault(4, { what: "full" })]);
  const first = backUp(client, await client.open(faulty.storage), [from]);
  expect(await failureOf(first)).toMatchObject({ code: "full" });
  await backUp(client, await client.open(storage), [from]);
  await restoreTo(await client.open(storage), to);
  expect(compareFolders(from, to).differences).toEqual([]);
});

test("a cap on what is stored: what was put is listed at once, and is not put again", async () => {
  using temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  const files = 12;
  writeFiles(from, files);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const faulty = faultStorage(storage, [packFault(7, { what: "full" })]);
  const first = backUp(client, await client.open(faulty.storage), [from]);
  expect(await failureOf(first)).toMatchObject({ code: "full" });
  faulty.assertAllFired();
  const stored = (await namesIn(storage, "packs/")).length;
  expect(stored).toBeGreaterThanOrEqual(6);
  // A segment is small: it may still have found room. Another machine, too, knows by it what is there.
  expect((await namesIn(storage, "index/")).length).toBe(1);
  const other = new Client({ label: "another" });
  const second = await backUp(other, await other.open(storage), [from]);
  expect(second.written.packs).toBe(files + 1 - stored);
  await restoreTo(await client.open(storage), to);
  expect(compareFolders(from, to).differences).toEqual([]);
});

for (const listingReuseMs of [0, 86_400_000]) {
  test(`a cap that leaves no room for a segment either: the journal knows (a list is good for ${listingReuseMs} ms)`, async () => {
    using temp = tempDir();
    const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
    const files = 12;
    writeFiles(from, 1);
    const storage = memoryStorage(undefined, { listingReuseMs });
    await makeStore(storage);
    const client = new Client();
    await backUp(client, await client.open(storage), [from]); // Lists the packs, and remembers them.
    const before = (await namesIn(storage, "packs/")).length;
    writeFiles(from, files, 2);
    const full = { kind: "put", prefix: "index/", nth: 1, what: "full" } as const;
    const faulty = faultStorage(storage, [packFault(7, { what: "full" }), full]);
    const first = backUp(client, await client.open(faulty.storage), [from]);
    expect(await failureOf(first)).toMatchObject({ code: "full" });
    faulty.assertAllFired();
    const stored = (await namesIn(storage, "packs/")).length - before;
    expect(stored).toBeGreaterThanOrEqual(6);
    const second = await backUp(client, await client.open(storage), [from]);
    expect(second.written.packs).toBe(files + 1 - stored);
    await restoreTo(await client.open(storage), to);
    expect(compareFolders(from, to).differences).toEqual([]);
    expect((await runCheck(await new Client().open(storage), 1)).findings).toEqual([]);
  });
}

test("no room for the segment or the manifest of a backup: the next one puts no pack", async () => {
  for (const prefix of ["index/", "snapshots/"]) {
    using temp = tempDir();
    const from = join(temp.path, "from");
    writeFiles(from, 3);
    const storage = memoryStorage();
    await makeStore(storage);
    const client = new Client();
    const fault = { kind: "put", prefix, nth: 1, what: "full" } as const;
    const faulty = faultStorage(storage, [fault]);
    const first = backUp(client, await client.open(faulty.storage), [from]);
    expect(await failureOf(first)).toMatchObject({ code: "full" });
    const second = await backUp(client, await client.open(storage), [from]);
    expect(second.written.packs).toBe(0);
  }
});

test("after a run that failed the lock is free and files are not taken for known", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeFiles(from, 4);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const faulty = faultStorage(storage, [
    { kind: "put", prefix: "snapshots/", nth: 1, what: "before" },
  ]);
  expect(await failureOf(backUp(client, await client.open(faulty.storage), [from]))).toBeInstanceOf(
    Error,
  );
  const second = await backUp(client, await client.open(storage), [from]);
  expect(second.unchangedFiles).toBe(0);
  expect(second.written.packs).toBe(0);
});

test("one client runs one backup at a time", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeFiles(from, 3);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const store = await client.open(storage);
  const lock = store.state.lock();
  expect(await failureOf(backUp(client, store, [from]))).toMatchObject({ code: "busy" });
  lock.release();
  expect((await backUp(client, store, [from])).problems).toEqual([]);
});

test("two writers at once: both snapshots are whole, and each restores what its writer saw", async () => {
  using temp = tempDir();
  const storage = memoryStorage();
  await makeStore(storage);
  const bundle = await writerBundle("server");
  await certify(await new Client().open(storage), bundle);
  const clients = [
    new Client(),
    new Client({ label: "laptop" }),
    new Client({ label: "server", secret: { kind: "bundle", bundle } }),
  ];
  const froms = clients.map((_, i) => join(temp.path, `from ${i}`));
  // Half of the files are the same for all.
  for (const [i, from] of froms.entries()) {
    writeFiles(join(from, "same"), 5, 1);
    writeFiles(join(from, "own"), 5, 100 + i);
  }
  for (let round = 0; round < 2; round++) {
    await Promise.all(
      clients.map(async (client, i) => backUp(client, await client.open(storage), [froms[i]!])),
    );
  }
  const owner = await new Client().open(storage);
  const { offered } = await loadManifests(owner);
  expect(offered.length).toBe(6);
  for (const [i, from] of froms.entries()) {
    const signer = (await clients[i]!.open(storage)).keyring.signer.publicKey;
    const own = offered.filter((manifest) => Buffer.from(manifest.signer).equals(signer));
    expect(own.length).toBe(2);
    for (const { id } of own) {
      const hex = Buffer.from(id).toString("hex");
      const to = join(temp.path, hex);
      expect((await restoreTo(owner, to, { id: hex })).problems).toEqual([]);
      expect(compareFolders(from, to).differences).toEqual([]);
    }
  }
  expect((await runCheck(await new Client().open(storage), 1)).findings).toEqual([]);
});

test("a keeper's key backs nothing up", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeFiles(from, 1);
  const storage = memoryStorage();
  await makeStore(storage);
  const { agreementPublic, signingPublic, indexKey, signerSeed } = await writerBundle("keeper");
  const keys = { agreementPublic, signingPublic, indexKey, signerSeed };
  const bundle = { role: "keeper", label: "keeper", ...keys } as const;
  const keeper = new Client({ secret: { kind: "bundle", bundle } });
  const store = await keeper.open(storage);
  expect(await failureOf(backUp(keeper, store, [from]))).toMatchObject({ code: "wrong-key" });
  expect(await namesIn(storage, "packs/")).toEqual([]);
  // It sees the structure, and checks it.
  const client = new Client();
  await backUp(client, await client.open(storage), [from]);
  const checked = await runCheck(await keeper.open(storage), 1);
  expect(checked.findings).toEqual([]);
  expect(checked).toMatchObject({ snapshots: 1, packsRead: 2 });
});
