// A check beside a backup: what another run stores meanwhile is no damage.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { snap } from "../store/snap.ts";
import { runCheck } from "../support/jobs.ts";
import { Client, makeStore } from "../support/store.ts";
import { testWorld } from "../support/world.ts";

// Calls `act` once, when something below `prefix` is listed the next time.
function onListing(inner: Storage, prefix: string, when: "before" | "after", act: () => unknown) {
  let isDone = false;
  async function* around(name: string, list: AsyncIterable<unknown>) {
    const isNow = name === prefix && !isDone;
    if (isNow) isDone = true;
    if (isNow && when === "before") await act();
    yield* list;
    if (isNow && when === "after") await act();
  }
  return new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      const call = value.bind(target) as (name: string) => AsyncIterable<unknown>;
      const isListing = key === "list" || key === "listVersions";
      return isListing ? (name: string) => around(name, call(name)) : call;
    },
  });
}

test("check finds nothing wrong while another machine makes a snapshot", async () => {
  const inner = memoryStorage(testWorld());
  await makeStore(inner);
  const other = new Client();
  await snap(other, await other.open(inner), [utf8("one")]);
  const storage = onListing(inner, "snapshots/", "before", async () => {
    await snap(other, await other.open(inner), [utf8("two")]);
  });
  const store = await new Client().open(storage);
  const result = await runCheck(store);
  expect(store.findings.all).toEqual([]);
  expect(result.snapshots).toBe(2);
});

test("a snapshot that this machine makes meanwhile is not missed", async () => {
  const inner = memoryStorage(testWorld());
  await makeStore(inner);
  const client = new Client();
  await snap(client, await client.open(inner), [utf8("one")]);
  const storage = onListing(inner, "snapshots/", "after", async () => {
    await snap(client, await client.open(inner), [utf8("two")]);
  });
  const store = await client.open(storage);
  await loadManifests(store);
  expect(store.findings.all).toEqual([]);
});
