// The owner log as a client keeps it: what was seen once is not lost, and its loss is seen.

import { expect, test } from "bun:test";
import { hexId } from "../../src/base/ids.ts";
import { parseName } from "../../src/format/names.ts";
import { memoryStorage, type MemoryStorage } from "../../src/storage/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { MemoryFolder, memoryRoot } from "../support/local.ts";
import { certify, Client, makeStore, namesIn, writerBundle } from "../support/store.ts";

async function storeWithPolicy(): Promise<{ storage: MemoryStorage; client: Client }> {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await setGrace(await client.open(storage), 1000);
  await client.open(storage); // Remembers the last record too.
  return { storage, client };
}

async function setGrace(store: Store, grace: number): Promise<void> {
  await store.log.append({ kind: "policy", time: 1, mode: "none", period: 0, floor: 0, grace });
  store.log.remember();
}

const subjects = (store: Store) => store.findings.all.map(({ subject }) => subject);

test("a record that was seen and is gone is a finding, and is still in force", async () => {
  const { storage, client } = await storeWithPolicy();
  const last = (await namesIn(storage, "owner/")).at(-1)!;
  storage.vanish(last);
  const store = await client.open(storage);
  expect(subjects(store)).toEqual([last]);
  expect(store.log.state.policy?.grace).toBe(1000);
  // Whoever never saw it sees nothing amiss: the end of a log proves nothing.
  const fresh = await new Client().open(storage);
  expect(subjects(fresh)).toEqual([]);
  expect(fresh.log.state.policy?.grace).toBe(0);
});

test("the whole log gone: all of it is in force from the kept copies, and each is named", async () => {
  const { storage, client } = await storeWithPolicy();
  const names = await namesIn(storage, "owner/");
  for (const name of names) storage.vanish(name);
  const store = await client.open(storage);
  expect(subjects(store)).toEqual(names);
  expect(store.log.state.policy?.grace).toBe(1000);
  expect(store.log.locationId).toBeDefined();
});

test("a damaged record is a finding; its kept copy counts", async () => {
  const { storage, client } = await storeWithPolicy();
  const last = (await namesIn(storage, "owner/")).at(-1)!;
  const bytes = (await storage.get(last))!;
  bytes[200]! ^= 1;
  storage.plant(last, bytes);
  const store = await client.open(storage);
  expect(subjects(store)).toEqual([last]);
  expect(store.log.state.policy?.grace).toBe(1000);
  const fresh = await new Client().open(storage);
  expect(subjects(fresh)).toEqual([last]);
  expect(fresh.log.state.policy?.grace).toBe(0);
});

test("a record in the middle that is gone is seen by everybody", async () => {
  const { storage } = await storeWithPolicy();
  const second = (await namesIn(storage, "owner/"))[1]!;
  storage.vanish(second);
  const fresh = await new Client().open(storage);
  expect(subjects(fresh)).toEqual(["owner log record 2"]);
});

test("a spoilt kept copy is not taken for the record", async () => {
  const { storage, client } = await storeWithPolicy();
  const store = await client.open(storage);
  const last = (await namesIn(storage, "owner/")).at(-1)!;
  const { state } = store;
  expect(state).toBeInstanceOf(MemoryFolder);
  state.write(`${hexId(parseName(last)!.id)}.object`, [new Uint8Array(4096)]);
  storage.vanish(last);
  const again = await client.open(storage);
  expect(subjects(again)).toEqual([last]);
  expect(again.log.state.policy?.grace).toBe(0);
});

test("what another machine adds is read, and a refresh tells of it", async () => {
  const { storage, client } = await storeWithPolicy();
  const store = await client.open(storage);
  expect(await store.log.refresh()).toBe(false);
  await setGrace(await new Client({ label: "other" }).open(storage), 2000);
  expect(await store.log.refresh()).toBe(true);
  expect(store.log.state.policy?.grace).toBe(2000);
});

test("records that two machines add at once are both in force", async () => {
  const { storage, client } = await storeWithPolicy();
  const [one, two] = [await client.open(storage), await new Client().open(storage)];
  await setGrace(one, 3000);
  await certify(two, await writerBundle("server"));
  const store = await new Client().open(storage);
  expect(subjects(store)).toEqual([]);
  expect(store.log.state.heads.length).toBe(2);
  expect(store.log.state.policy?.grace).toBe(3000);
  expect([...store.log.state.signers.values()].map(({ label }) => label)).toContain("server");
  await setGrace(store, 5);
  expect(store.log.state.heads.length).toBe(1);
});

test("names that are none are findings", async () => {
  const { storage } = await storeWithPolicy();
  const strange = `owner/x-${"0".repeat(64)}`;
  storage.plant(strange, new Uint8Array(10));
  expect(subjects(await new Client().open(storage))).toEqual([strange]);
});

test("the records of one store mean nothing to the keys of another", async () => {
  const { storage } = await storeWithPolicy();
  const other = memoryStorage();
  await makeStore(other, { secret: new Uint8Array(32).fill(9) });
  const foreign = (await namesIn(other, "owner/"))[1]!;
  storage.plant(foreign, (await other.get(foreign))!);
  const store = await new Client().open(storage);
  expect(subjects(store)).toEqual([foreign]);
  expect(store.log.state.policy?.grace).toBe(1000);
});

test("lost state is first use again", async () => {
  const { storage } = await storeWithPolicy();
  const local = memoryRoot();
  const store = await new Client({ local }).open(storage);
  for (const name of store.state.list()) store.state.delete(name);
  const again = await new Client({ local }).open(storage);
  expect(subjects(again)).toEqual([]);
  expect(again.log.state.policy?.grace).toBe(1000);
});
