// Removed key slots where there are versions: all versions go, or, where a lock or the key forbids
// that, the slot is hidden, and how long it opens the store is told.

import { expect, test } from "bun:test";

import { BunkerError } from "../../src/base/errors.ts";
import { interceptStorage } from "../../src/storage/intercept.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { createStore } from "../../src/store/create.ts";
import { dropSlot, listSlots } from "../../src/store/slots.ts";
import { hasStore } from "../../src/store/unlock.ts";
import { failureOf } from "../support/failure.ts";
import { Client, makeStore, namesIn, putSlot, SECRET } from "../support/store.ts";

const PLACE = { endpoint: "https://s3.example", bucket: "bucket", prefix: "" };
const FAR = Date.UTC(2126, 0, 1);
const NEW = {
  passphrase: "words",
  label: "machine",
  policy: { mode: "none", period: 0, floor: 0, grace: 0 },
} as const;

async function bucketWithSlots() {
  const storage = memoryStorage(undefined, { versions: true, locks: true, bucketPlace: PLACE });
  await makeStore(storage);
  const client = new Client();
  const [first = ""] = await namesIn(storage, "keys/");
  await putSlot(client.contextOf(storage), { passphrase: "second", secret: SECRET });
  return { storage, client, first, store: await client.open(storage) };
}

const versionsOf = (storage: Storage, name: string) => Array.fromAsync(storage.listVersions(name));

test("all versions of a removed slot are deleted, marks that hide it too", async () => {
  const { storage, client, first, store } = await bucketWithSlots();
  await storage.delete(first);
  storage.plant(first, (await storage.get(first, { versionId: await oldestOf(storage, first) }))!);
  expect(await versionsOf(storage, first)).toHaveLength(3);
  expect(await dropSlot(store, first)).toEqual({ gone: true });
  expect(await versionsOf(storage, first)).toEqual([]);
  const again = await client.open(storage);
  expect(again.findings.all).toEqual([]);
  expect(await listSlots(again)).toHaveLength(1);
});

async function oldestOf(storage: Storage, name: string): Promise<string> {
  return (await versionsOf(storage, name)).at(-1)!.versionId;
}

test("a locked one is hidden, its end is told, and it is no finding on any machine", async () => {
  const { storage, client, first, store } = await bucketWithSlots();
  const lock = { mode: "compliance", until: FAR } as const;
  await storage.setLock(first, lock, await oldestOf(storage, first));
  expect(await dropSlot(store, first)).toEqual({ gone: false, lockedUntil: FAR });
  const versions = await versionsOf(storage, first);
  expect(versions.map(({ hidden }) => hidden)).toEqual([true, false]);
  for (const machine of [client, new Client({ label: "another" })]) {
    const opened = await machine.open(storage);
    expect(opened.findings.all).toEqual([]);
    expect((await listSlots(opened)).map(({ name }) => name)).not.toContain(first);
  }
  expect(await versionsOf(storage, first)).toHaveLength(2); // And nobody put it back.
});

test("one that is hidden already gets no second mark", async () => {
  const { storage, first, store } = await bucketWithSlots();
  const lock = { mode: "compliance", until: FAR } as const;
  await storage.setLock(first, lock, await oldestOf(storage, first));
  await storage.delete(first);
  expect(await dropSlot(store, first)).toEqual({ gone: false, lockedUntil: FAR });
  expect(await versionsOf(storage, first)).toHaveLength(2);
});

test("a key that may not delete hides it, and no end is known", async () => {
  const { storage, client, first } = await bucketWithSlots();
  const limited = interceptStorage(storage, {
    call(call, run) {
      if (call.kind !== "delete" || call.versionId === undefined) return run();
      return Promise.reject(new BunkerError("denied", "this key deletes nothing"));
    },
    listing: (_call, run) => run(),
  });
  expect(await dropSlot(await client.open(limited), first)).toEqual({ gone: false });
  expect(await namesIn(storage, "keys/")).not.toContain(first);
  expect(await versionsOf(storage, first)).toHaveLength(2);
});

test("a key that may see no locks removes a slot all the same", async () => {
  const { storage, client, first } = await bucketWithSlots();
  const lock = { mode: "compliance", until: FAR } as const;
  await storage.setLock(first, lock, await oldestOf(storage, first));
  const limited = interceptStorage(storage, {
    call(call, run) {
      if (call.kind !== "lockOf") return run();
      return Promise.reject(new BunkerError("denied", "this key sees no locks"));
    },
    listing: (_call, run) => run(),
  });
  expect(await dropSlot(await client.open(limited), first)).toEqual({ gone: false });
  expect(await namesIn(storage, "keys/")).not.toContain(first);
});

test("a store whose objects are all hidden is there: no other one is made in its place", async () => {
  const { storage } = await bucketWithSlots();
  for (const name of await namesIn(storage)) await storage.delete(name);
  expect(await namesIn(storage)).toEqual([]);
  const context = new Client().contextOf(storage);
  expect(await hasStore(context)).toBe(true);
  expect(await failureOf(createStore(context, NEW))).toMatchObject({ code: "exists" });
});

test("one version left of a key slot or of the owner's log is a store", async () => {
  for (const prefix of ["keys/", "owner/"]) {
    const { storage } = await bucketWithSlots();
    const [kept] = await namesIn(storage, prefix);
    for (const name of await namesIn(storage)) {
      if (name === kept) await storage.delete(name);
      else storage.vanish(name);
    }
    expect(await hasStore(new Client().contextOf(storage))).toBe(true);
  }
});
