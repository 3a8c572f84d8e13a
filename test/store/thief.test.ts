// A thief of the access to the storage, and trust that is for one run.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { hexId } from "../../src/base/ids.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { loadMemory } from "../../src/store/memory.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import { listSlots, removeSlot } from "../../src/store/slots.ts";
import type { Store } from "../../src/store/store.ts";
import { failureOf } from "../support/failure.ts";
import { writeTree } from "../support/files.ts";
import { backUp } from "../support/jobs.ts";
import { memoryRoot } from "../support/local.ts";
import * as stores from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const { Client, makeStore, namesIn, PASSPHRASE, putSlot, SECRET } = stores;
const by = (text: string) => ({ kind: "passphrase", passphrase: async () => text }) as const;
const subjects = (store: Store) => store.findings.all.map(({ subject }) => subject);

test("a removed key slot that a thief puts back opens nothing: the owner's word counts", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const [first] = await namesIn(storage, "keys/");
  const stolen = (await storage.get(first!))!;
  const mine = memoryRoot();
  const owner = new Client({ local: mine });
  await putSlot(owner.contextOf(storage), { passphrase: "second", secret: SECRET });
  await removeSlot(await owner.open(storage), first!.slice("keys/".length));
  storage.plant(first!, stolen);
  // On a machine that never saw the store, and on that of the owner.
  for (const local of [memoryRoot(), mine]) {
    const opening = new Client({ local, secret: by(PASSPHRASE) }).open(storage);
    expect(await failureOf(opening)).toMatchObject({ code: "wrong-key", subject: first! });
    const store = await new Client({ local, secret: by("second") }).open(storage);
    expect(subjects(store)).toEqual([first!]);
    expect((await listSlots(store)).map(({ name }) => name)).not.toContain(first!);
    expect(loadMemory(store.state).slotNames).not.toContain(first!);
    expect(store.state.list()).not.toContain(`${first!.slice("keys/".length)}.object`);
  }
});

test("--trust is for one run: what a foreign signer's segment lists is stored again in the next", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, { file: "the same for both" });
  const storage = memoryStorage();
  await makeStore(storage);
  const bundle = await stores.writerBundle("server");
  await stores.certify(await new Client().open(storage), bundle);
  const server = new Client({ label: "server", secret: { kind: "bundle", bundle } });
  await backUp(server, await server.open(storage), [from]);
  const signer = hexId((await server.open(storage)).keyring.signer.publicKey);
  const client = new Client({ label: "laptop" });
  const trusting = await backUp(client, await client.open(storage, { trust: [signer] }), [from]);
  const next = await backUp(client, await client.open(storage), [from], { force: true });
  const fresh = new Client({ label: "another", local: memoryRoot() });
  const without = await backUp(fresh, await fresh.open(storage), [from]);
  expect(trusting.written.blobs).toBe(0);
  expect(next.written.blobs).toBeGreaterThan(0);
  // Then the laptop, an owner's machine, has said itself what is there.
  expect(without.written.blobs).toBe(0);
});

test("a planted slot of another store stops no backup of a machine that knows the store", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, { file: "text" });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await client.open(storage);
  const secret = new Uint8Array(32).fill(9);
  const planted = await putSlot(client.contextOf(storage), { passphrase: "x", secret });
  const store = await client.open(storage);
  await backUp(client, store, [from]);
  expect(subjects(store)).toEqual([planted]);
  expect((await loadManifests(store)).offered.length).toBe(1);
  // One that sees it for the first time can't know which of the two is right.
  const stranger = new Client({ label: "new" });
  const refused = backUp(stranger, await stranger.open(storage), [from]);
  expect(await failureOf(refused)).toMatchObject({ code: "corrupt", subject: planted });
});
