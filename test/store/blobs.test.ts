// Blobs: a failure of the storage that passes is not kept in mind, a lost pack is.

import { expect, test } from "bun:test";
import { BunkerError } from "../../src/base/errors.ts";
import { faultStorage } from "../../src/storage/faults.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import { failureOf } from "../support/failure.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { seededRandom } from "../support/random.ts";
import { snap } from "./snap.ts";

const chunk = seededRandom(4).bytes(5000);

async function storedChunk() {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await snap(client, await client.open(storage), [chunk]);
  return storage;
}

for (const [what, nth] of [
  ["key", 1],
  ["block", 2],
] as const) {
  test(`after a failure to get a ${what} that passes, the next read succeeds`, async () => {
    const storage = await storedChunk();
    for (const code of ["unavailable", "io"] as const) {
      const error = new BunkerError(code, "for a moment");
      const fault = { kind: "get", prefix: "packs/", nth, what: "before", error } as const;
      const faulty = faultStorage(storage, [fault]);
      const store = await new Client().open(faulty.storage);
      const reader = new BlobReader(store);
      const id = store.core.idOf("data", chunk);
      expect(await failureOf(reader.read("data", id))).toBeInstanceOf(BunkerError);
      expect(await reader.read("data", id)).toEqual(chunk);
      faulty.assertAllFired();
    }
  });
}

test("after a failure to list what no segment lists, the next read finds it", async () => {
  const storage = await storedChunk();
  for (const name of await namesIn(storage, "index/")) storage.vanish(name);
  const faulty = faultStorage(storage, [
    { kind: "list", prefix: "packs/", nth: 1, what: "before" },
  ]);
  const store = await new Client().open(faulty.storage);
  const reader = new BlobReader(store);
  const id = store.core.idOf("data", chunk);
  expect(await failureOf(reader.read("data", id))).toMatchObject({ code: "unavailable" });
  expect(await reader.read("data", id)).toEqual(chunk);
  faulty.assertAllFired();
});

test("a pack that is gone is asked for once", async () => {
  const storage = await storedChunk();
  for (const name of await namesIn(storage, "packs/")) storage.vanish(name);
  const recording = recordStorage(storage);
  const store = await new Client().open(recording.storage);
  const reader = new BlobReader(store);
  const id = store.core.idOf("data", chunk);
  for (let time = 0; time < 3; time++) {
    expect(await failureOf(reader.read("data", id))).toMatchObject({ code: "not-found" });
  }
  expect(recording.count("get", "packs/")).toBe(1);
});
