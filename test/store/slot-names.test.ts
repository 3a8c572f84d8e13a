// Slot names: floods of planted slots are bounded, and the true ones keep their place as the oldest.

import { expect, test } from "bun:test";

import { utf8 } from "../../src/base/bytes.ts";
import { ARGON_RUNS_MAX } from "../../src/base/limits.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import { SLOT_COUNT_MAX } from "../../src/store/slot-names.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore, namesIn, PASSPHRASE, putSlot, SECRET } from "../support/store.ts";

const PLANTED_COUNT = SLOT_COUNT_MAX + 100;
const secret = { kind: "passphrase", passphrase: () => Promise.resolve(PASSPHRASE) } as const;

async function newBucket() {
  const bucketPlace = { endpoint: "https://s3.example", bucket: "bucket", prefix: "" };
  const storage = memoryStorage(undefined, { versions: true, dear: true, bucketPlace });
  await makeStore(storage);
  return storage;
}

function plant(storage: Awaited<ReturnType<typeof newBucket>>): void {
  const random = seededRandom(1);
  for (let i = 0; i < PLANTED_COUNT; i++) {
    const name = Array.from(random.bytes(32), (byte) => byte.toString(16).padStart(2, "0")).join(
      "",
    );
    storage.plant(`keys/${name}`, utf8(`planted ${i}`));
  }
}

test("a flood of slots costs a bounded number of requests, and one finding for the rest", async () => {
  const storage = await newBucket();
  plant(storage);
  for (const client of [new Client({ secret }), new Client()]) {
    for (let run = 0; run < 2; run++) {
      const recording = recordStorage(storage);
      const store = await client.open(recording.storage);
      // To find the one that opens, and to keep copies; each by its name and by its version.
      expect(recording.count("get", "keys/")).toBeLessThanOrEqual(4 * SLOT_COUNT_MAX);
      const rest = store.findings.all.filter(({ subject }) => subject === "keys/");
      expect(rest.map(({ message }) => message)).toEqual([
        `${PLANTED_COUNT + 1 - SLOT_COUNT_MAX} more key slots were not looked at: the store is flooded`,
      ]);
    }
  }
});

test("a slot that this machine has seen is looked at, however many older ones there are", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const [name = ""] = await namesIn(storage, "keys/");
  const client = new Client({ secret });
  await client.open(storage);
  const slot = (await storage.get(name))!;
  storage.vanish(name);
  plant(storage as Awaited<ReturnType<typeof newBucket>>);
  storage.plant(name, slot);
  const store = await client.open(storage);
  expect(store.findings.all.some(({ subject }) => subject === name)).toBe(false);
});

test("another version over a slot does not make it young: a new machine tries it first", async () => {
  const storage = await newBucket();
  const [name = ""] = await namesIn(storage, "keys/");
  const context = new Client().contextOf(storage);
  for (let i = 0; i <= ARGON_RUNS_MAX; i++) {
    await putSlot(context, { passphrase: `planted ${i}`, secret: SECRET });
  }
  storage.plant(name, utf8("newer"));
  const store = await new Client({ secret }).open(storage);
  expect(store.keyring.slotName).toBe(name);
});
