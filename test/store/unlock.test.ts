// Unlocking: from what somebody has to the keys, whatever stands in the place of the key slots.

import { expect, test } from "bun:test";
import { hexId } from "../../src/base/ids.ts";
import { memoryStorage, type MemoryStorage } from "../../src/storage/memory.ts";
import { addSlot } from "../../src/store/create.ts";
import { listSlots, removeSlot } from "../../src/store/slots.ts";
import type { Store } from "../../src/store/store.ts";
import { knownStore } from "../../src/store/known.ts";
import type { Secret } from "../../src/store/unlock.ts";
import { failureOf } from "../support/failure.ts";
import { memoryRoot, type MemoryRoot } from "../support/local.ts";
import { Client, makeStore, namesIn, PASSPHRASE, putSlot, SECRET } from "../support/store.ts";

const OTHER_SECRET = new Uint8Array(32).fill(9);
const by = (text: string): Secret => ({ kind: "passphrase", passphrase: async () => text });

function user(local: MemoryRoot = memoryRoot()): Client {
  return new Client({ local, secret: by(PASSPHRASE) });
}

async function newStorage(): Promise<MemoryStorage> {
  const storage = memoryStorage();
  await makeStore(storage);
  return storage;
}

const subjects = (store: Store) => store.findings.all.map(({ subject }) => subject);

test("the passphrase opens the store, another one does not", async () => {
  const storage = await newStorage();
  const store = await user().open(storage);
  const [slot] = await namesIn(storage, "keys/");
  expect(store.keyring.slotName).toBe(slot!);
  expect(store.keyring.role).toBe("owner");
  expect(await failureOf(user().open(storage, { secret: by("another") }))).toMatchObject({
    code: "wrong-key",
  });
});

test("where nothing is, there is no store, and nobody is asked for a passphrase", async () => {
  let asked = 0;
  const secret: Secret = { kind: "passphrase", passphrase: async () => `${++asked}` };
  for (const one of [secret, { kind: "phrase", secret: SECRET } as const]) {
    const opening = new Client({ secret: one }).open(memoryStorage());
    expect(await failureOf(opening)).toMatchObject({ code: "no-store" });
  }
  expect(asked).toBe(0);
});

test("of several slots the passphrase finds its own", async () => {
  const storage = await newStorage();
  const context = user().contextOf(storage);
  for (const passphrase of ["second", "third"])
    await putSlot(context, { passphrase, secret: SECRET });
  for (const text of [PASSPHRASE, "second", "third"]) {
    expect((await user().open(storage, { secret: by(text) })).keyring.role).toBe("owner");
  }
  expect((await listSlots(await user().open(storage))).length).toBe(3);
});

test("two stores in one place: first contact takes the one that opens, and remembers it", async () => {
  const storage = await newStorage();
  const local = memoryRoot();
  const context = user().contextOf(storage);
  await putSlot(context, { passphrase: "other", secret: OTHER_SECRET });
  const store = await user(local).open(storage);
  expect(knownStore(store.context)).toBe(hexId(store.keys.storeId));
  // Remembered: the other store's passphrase is not even tried.
  expect(await failureOf(user(local).open(storage, { secret: by("other") }))).toMatchObject({
    code: "wrong-key",
  });
});

test("a store that another one has taken the place of is not opened in its stead", async () => {
  const storage = await newStorage();
  const local = memoryRoot();
  const store = await user(local).open(storage);
  for (const name of await namesIn(storage)) storage.vanish(name);
  await makeStore(storage, { secret: OTHER_SECRET });
  for (const name of store.state.list()) store.state.delete(name);
  expect(await failureOf(user(local).open(storage))).toMatchObject({ code: "corrupt" });
  local.root.delete("known.json");
  expect(hexId((await user(local).open(storage)).keys.storeId)).not.toBe(hexId(store.keys.storeId));
});

test("a phrase of another store opens nothing here", async () => {
  const storage = await newStorage();
  const secret = { kind: "phrase", secret: OTHER_SECRET } as const;
  expect(await failureOf(new Client({ secret }).open(storage))).toMatchObject({
    code: "wrong-key",
  });
});

for (const how of ["gone", "damaged"] as const) {
  test(`a slot that is ${how} opens from the kept copy, and is put back if it is gone`, async () => {
    const storage = await newStorage();
    const local = memoryRoot();
    await user(local).open(storage);
    const [slot] = await namesIn(storage, "keys/");
    const good = (await storage.get(slot!))!;
    if (how === "gone") storage.vanish(slot!);
    else
      storage.plant(
        slot!,
        good.map((byte, i) => (i === 300 ? byte ^ 1 : byte)),
      );
    const store = await user(local).open(storage);
    expect(subjects(store)).toEqual([slot!]);
    if (how === "gone") expect(await storage.get(slot!)).toEqual(good);
    if (how === "gone") expect(subjects(await user(local).open(storage))).toEqual([]);
    // Who has no copy has the phrase.
    if (how === "damaged") {
      expect(await failureOf(user().open(storage))).toMatchObject({ code: "corrupt" });
      expect((await new Client().open(storage)).keyring.role).toBe("owner");
    }
  });
}

/** Puts in an object's place one that says that a newer version made it. */
async function forge(storage: MemoryStorage, name: string): Promise<string> {
  const bytes = (await storage.get(name))!.slice();
  bytes[4] = 2;
  const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  const forged = name.slice(0, -hash.length) + hash;
  storage.vanish(name);
  storage.plant(forged, bytes);
  return forged;
}

test("a forged newer record in place of the first is a finding, as one that is gone", async () => {
  const storage = await newStorage();
  const local = memoryRoot();
  await user(local).open(storage);
  const [first] = await namesIn(storage, "owner/");
  const forged = await forge(storage, first!);
  for (const client of [user(), user(local), new Client()]) {
    const store = await client.open(storage);
    expect(subjects(store)).toContain(forged);
    expect(store.log.state.signers.size).toBe(1);
  }
});

test("where every record says that a newer version made it, the store does", async () => {
  const storage = await newStorage();
  for (const name of await namesIn(storage, "owner/")) await forge(storage, name);
  expect(await failureOf(user().open(storage))).toMatchObject({
    code: "unsupported-version",
    message: expect.stringContaining("was made by a newer version of bunker, or forged") as string,
  });
});

test("a forged newer slot: the kept copy, the phrase and a key file open the store", async () => {
  const storage = await newStorage();
  const local = memoryRoot();
  await user(local).open(storage);
  const [slot] = await namesIn(storage, "keys/");
  const forged = await forge(storage, slot!);
  expect(await failureOf(user().open(storage))).toMatchObject({
    code: "unsupported-version",
    hint: expect.stringContaining("BUNKER_PHRASE_FILE") as string,
  });
  expect(subjects(await user(local).open(storage))).toContain(forged);
  expect(subjects(await new Client().open(storage))).toContain(forged);
});

test("a wrong passphrase is followed by another one, as long as there is one", async () => {
  const storage = await newStorage();
  const answers = ["wrong", "wrong again", PASSPHRASE, "never asked for"];
  const secret: Secret = {
    kind: "passphrase",
    passphrase: async () => answers.shift()!,
    another: async () => answers.shift(),
  };
  expect((await user().open(storage, { secret })).keyring.role).toBe("owner");
  expect(answers).toEqual(["never asked for"]);
  expect(await failureOf(user().open(storage, { secret }))).toMatchObject({ code: "wrong-key" });
  expect(answers).toEqual([]);
});

test("a spoilt kept copy of a slot is not put back", async () => {
  const storage = await newStorage();
  const local = memoryRoot();
  const store = await new Client({ local }).open(storage);
  const [slot] = await namesIn(storage, "keys/");
  store.state.write(`${slot!.slice("keys/".length)}.object`, [new Uint8Array(4096)]);
  storage.vanish(slot!);
  await new Client({ local }).open(storage);
  expect(await namesIn(storage, "keys/")).toEqual([]);
});

test("rubbish with a right name is a finding, and locks nobody out", async () => {
  const storage = await newStorage();
  const local = memoryRoot();
  const rubbish = new Uint8Array(4096).fill(1);
  const name = `keys/${new Bun.CryptoHasher("sha256").update(rubbish).digest("hex")}`;
  storage.plant(name, rubbish);
  for (let time = 0; time < 3; time++) {
    expect(subjects(await user(local).open(storage))).toEqual([name]);
  }
  storage.vanish(name);
  expect(subjects(await user(local).open(storage))).toEqual([]);
  expect(await storage.get(name)).toBeUndefined();
});

test("another store's slot is neither kept nor put back", async () => {
  const storage = await newStorage();
  const local = memoryRoot();
  await user(local).open(storage);
  const name = await putSlot(user().contextOf(storage), { passphrase: "x", secret: OTHER_SECRET });
  await user(local).open(storage);
  storage.vanish(name);
  const store = await user(local).open(storage);
  expect(subjects(store)).toEqual([]);
  expect(await storage.get(name)).toBeUndefined();
});

test("a removed slot opens nothing any more, and no machine puts it back", async () => {
  const storage = await newStorage();
  const [mine, theirs] = [memoryRoot(), memoryRoot()];
  const [first] = await namesIn(storage, "keys/");
  await user(theirs).open(storage);
  const store = await user(mine).open(storage);
  expect(await failureOf(removeSlot(store, ""))).toMatchObject({ code: "invalid-argument" });
  const context = user(mine).contextOf(storage);
  await putSlot(context, { passphrase: "second", secret: SECRET });
  await removeSlot(store, first!.slice("keys/".length, -40));
  expect(await failureOf(user(mine).open(storage))).toMatchObject({ code: "wrong-key" });
  const other = await user(theirs).open(storage, { secret: by("second") });
  expect(subjects(other)).toEqual([]);
  expect(await namesIn(storage, "keys/")).not.toContain(first!);
});

test("addSlot makes one that its passphrase opens", async () => {
  const storage = await newStorage();
  const store = await user().open(storage);
  const name = await addSlot(store.context, store.keyring, "of full strength", "laptop");
  const opened = await user().open(storage, { secret: by("of full strength") });
  expect(opened.keyring.slotName).toBe(name);
  expect((await listSlots(opened)).map(({ label }) => label).sort()).toEqual(["laptop", "test"]);
});
