// Creating a store: once in a place, and never over another one.

import { expect, test } from "bun:test";
import { hexId } from "../../src/base/ids.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { createStore } from "../../src/store/create.ts";
import { failureOf } from "../support/failure.ts";
import { Client, namesIn } from "../support/store.ts";

const NEW = {
  passphrase: "words",
  label: "machine",
  policy: { mode: "none", period: 0, floor: 0, grace: 86_400 },
} as const;

test("a new store opens by passphrase and by phrase, and its log says what it is", async () => {
  const storage = memoryStorage();
  const client = new Client();
  const { keyring, secret } = await createStore(client.contextOf(storage), NEW);
  const passphrase = async () => "words";
  const store = await client.open(storage, { secret: { kind: "passphrase", passphrase } });
  expect(hexId(store.keys.storeId)).toBe(hexId(keyring.keys.storeId));
  const fresh = await new Client().open(storage, { secret: { kind: "phrase", secret } });
  expect(fresh.log.state.genesis?.kind).toBe("genesis");
  expect(fresh.log.state.policy?.grace).toBe(86_400);
  expect(fresh.log.locationId).toEqual((await storage.locationId(false))!);
  expect([...fresh.log.state.signers.values()]).toMatchObject([
    { label: "machine", certified: true },
  ]);
  expect([...store.findings.all, ...fresh.findings.all]).toEqual([]);
});

test("a second one in the same place is refused, and changes nothing", async () => {
  const storage = memoryStorage();
  await createStore(new Client().contextOf(storage), NEW);
  const before = await namesIn(storage);
  const again = createStore(new Client().contextOf(storage), NEW);
  expect(await failureOf(again)).toMatchObject({ code: "exists" });
  expect(await namesIn(storage)).toEqual(before);
});

for (const prefix of ["owner/", "keys/"]) {
  test(`what is left of a store under ${prefix} is enough to refuse, even if it is hidden`, async () => {
    const storage = memoryStorage(undefined, { versions: true });
    await createStore(new Client().contextOf(storage), NEW);
    for (const name of await namesIn(storage)) {
      if (name.startsWith(prefix)) await storage.delete(name);
      else storage.vanish(name);
    }
    expect(await namesIn(storage)).toEqual([]);
    const again = createStore(new Client().contextOf(storage), NEW);
    expect(await failureOf(again)).toMatchObject({ code: "exists" });
  });
}

test("of two at once at most one succeeds", async () => {
  const storage = memoryStorage();
  const results = await Promise.allSettled(
    ["one", "two"].map((label) =>
      createStore(new Client({ label }).contextOf(storage), { ...NEW, label }),
    ),
  );
  const failures = results.filter(({ status }) => status === "rejected");
  expect(failures.length).toBeGreaterThanOrEqual(1);
  for (const failure of failures) expect(failure).toMatchObject({ reason: { code: "exists" } });
});
