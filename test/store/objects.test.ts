// Objects read through what a thief puts over them: however many versions he adds, and however long.

import { expect, test } from "bun:test";

import { utf8 } from "../../src/base/bytes.ts";
import { SLOT_BYTES_MAX } from "../../src/base/limits.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import { loadFromStorage } from "../../src/store/objects.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import { failureOf } from "../support/failure.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { snap } from "./snap.ts";

const PLANTED_COUNT = 450;
const SMALL = ["keys/", "owner/", "index/", "snapshots/"];

async function bucketWithSnapshot() {
  const bucketPlace = { endpoint: "https://s3.example", bucket: "bucket", prefix: "" };
  const storage = memoryStorage(undefined, { versions: true, dear: true, bucketPlace });
  await makeStore(storage);
  const client = new Client();
  await snap(client, await client.open(storage), [utf8("content".repeat(50))]);
  return { storage, client };
}

test("hundreds of versions over each object cost a new machine three requests for it", async () => {
  const { storage } = await bucketWithSnapshot();
  const names = (await Promise.all(SMALL.map((prefix) => namesIn(storage, prefix)))).flat();
  for (const name of names) {
    for (let i = 0; i < PLANTED_COUNT; i++) storage.plant(name, utf8(`planted ${i}`));
  }
  const recording = recordStorage(storage);
  const store = await new Client().open(recording.storage);
  expect((await loadManifests(store)).offered).toHaveLength(1);
  expect((await store.catalog()).blobCount).toBeGreaterThan(0);
  expect(store.findings.all).toEqual([]);
  for (const name of names) {
    expect(recording.count("get", name)).toBe(2);
    expect(recording.count("listVersions", name)).toBe(1);
  }
});

test("what is too long for its kind is not read, and hides nothing", async () => {
  const { storage, client } = await bucketWithSnapshot();
  const { platform } = client.contextOf(storage);
  const [name = ""] = await namesIn(storage, "keys/");
  const slot = (await storage.get(name))!;
  storage.plant(name, new Uint8Array(SLOT_BYTES_MAX + 1));
  const recording = recordStorage(storage);
  expect(await loadFromStorage(platform, recording.storage, name)).toEqual(slot);
  const gets = recording.calls.filter(({ kind }) => kind === "get");
  expect(gets.map(({ bytes }) => bytes)).toEqual([0, slot.length]);

  storage.vanish(name);
  for (let i = 0; i < 3; i++) storage.plant(name, new Uint8Array(SLOT_BYTES_MAX + 1));
  recording.calls.length = 0;
  const failure = await failureOf(loadFromStorage(platform, recording.storage, name));
  expect(failure).toMatchObject({ code: "corrupt" });
  expect(recording.count("get")).toBe(1);
});
