// Snapshots: which are offered, and which one a person means.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { hexId } from "../../src/base/ids.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { findSnapshot, loadManifests, loadSnapshot } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import { failureOf } from "../support/failure.ts";
import { certify, Client, makeStore, namesIn, objectsIn, writerBundle } from "../support/store.ts";
import { snap } from "./snap.ts";

async function threeSnapshots() {
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const ids: string[] = [];
  for (const tags of [["old"], ["work", "old"], ["new"]]) {
    const store = await client.open(storage);
    const { manifest } = await snap(client, store, [utf8(`chunk ${ids.length}`)], { tags });
    ids.push(hexId(manifest!.id));
  }
  return { storage, client, ids };
}

async function find(store: Store, id: string, tag?: string): Promise<string> {
  const wanted = tag === undefined ? { id } : { id, tag };
  const found = await findSnapshot(store, await loadManifests(store), wanted);
  return hexId(found.manifest.id);
}

test("latest, latest of a tag, and the beginning of an id", async () => {
  const { storage, client, ids } = await threeSnapshots();
  const store = await client.open(storage);
  expect(await find(store, "latest")).toBe(ids[2]!);
  expect(await find(store, "latest", "old")).toBe(ids[1]!);
  expect(await find(store, "latest", "work")).toBe(ids[1]!);
  for (const id of ids) expect(await find(store, id.slice(0, 16))).toBe(id);
  expect(await failureOf(find(store, "latest", "none"))).toMatchObject({ code: "not-found" });
  expect(await failureOf(find(store, "f".repeat(64)))).toMatchObject({ code: "not-found" });
  // The beginning that all have.
  expect(await failureOf(find(store, ""))).toMatchObject({ code: "invalid-argument" });
});

test("latest says what it passed over: what is damaged or gone, and may be newer", async () => {
  const { storage, client, ids } = await threeSnapshots();
  // Another machine: this one has copies.
  const passedOver = async (tag?: string, machine = new Client()) => {
    const store = await machine.open(storage);
    const wanted = tag === undefined ? { id: "latest" } : { id: "latest", tag };
    const found = await findSnapshot(store, await loadManifests(store), wanted);
    return [hexId(found.manifest.id), ...(found.passedOver ?? [])];
  };
  const names = await namesIn(storage, "snapshots/");
  const [first = "", second = "", third = ""] = names;
  expect(await passedOver()).toEqual([ids[2]!]);
  const spoil = async (name: string) => {
    const bytes = (await storage.get(name))!;
    bytes[bytes.length - 1]! ^= 1;
    storage.plant(name, bytes);
  };
  await spoil(first);
  expect(await passedOver()).toEqual([ids[2]!]);
  await spoil(third);
  expect(await passedOver()).toEqual([ids[1]!, third]);
  expect(await passedOver("work")).toEqual([ids[1]!, third]);
  await storage.delete(third);
  expect(await passedOver(undefined, client)).toEqual([ids[1]!, third]);
  await spoil(second);
  const store = await new Client().open(storage);
  expect(await failureOf(find(store, "latest"))).toMatchObject({ code: "not-found" });
});

test("latest does not speak of one that was removed", async () => {
  const { storage, client, ids } = await threeSnapshots();
  const store = await client.open(storage);
  const manifests = await loadManifests(store);
  const { signer, number, id } = manifests.byId.get(ids[2]!)!;
  const act = { time: 1, locationId: store.log.locationId!, manifests: [{ signer, number, id }] };
  await store.log.append({ kind: "removal", ...act });
  await storage.delete((await namesIn(storage, "snapshots/")).at(-1)!);
  const after = await client.open(storage);
  const found = await findSnapshot(after, await loadManifests(after), { id: "latest" });
  expect(found).toMatchObject({ passedOver: [] });
});

test("a store without snapshots has no latest one", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const store = await new Client().open(storage);
  expect(await failureOf(find(store, "latest"))).toMatchObject({ code: "not-found" });
});

test("a removed snapshot is not offered, an undone removal brings it back", async () => {
  const { storage, client, ids } = await threeSnapshots();
  const store = await client.open(storage);
  const { byId } = await loadManifests(store);
  const { signer, number, id } = byId.get(ids[2]!)!;
  const act = { time: 1, locationId: store.log.locationId!, manifests: [{ signer, number, id }] };
  await store.log.append({ kind: "removal", ...act });
  expect(await find(store, "latest")).toBe(ids[1]!);
  const fresh = await new Client().open(storage);
  expect(await find(fresh, "latest")).toBe(ids[1]!);
  expect(fresh.findings.all).toEqual([]);
  await fresh.log.append({ kind: "undo", ...act });
  expect(await find(await client.open(storage), "latest")).toBe(ids[2]!);
});

test("a removal for another place means nothing here", async () => {
  const { storage, client, ids } = await threeSnapshots();
  const store = await client.open(storage);
  const { signer, number, id } = (await loadManifests(store)).byId.get(ids[2]!)!;
  const manifests = [{ signer, number, id }];
  await store.log.append({ kind: "removal", time: 1, locationId: new Uint8Array(16), manifests });
  expect(await find(await client.open(storage), "latest")).toBe(ids[2]!);
});

test("a revoked writer's snapshots are foreign but for those that are accepted, or trusted", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const owner = new Client();
  const bundle = await writerBundle("server");
  await certify(await owner.open(storage), bundle);
  const server = new Client({ label: "server", secret: { kind: "bundle", bundle } });
  const made: string[] = [];
  for (const text of ["a", "b"]) {
    const store = await server.open(storage);
    made.push((await snap(server, store, [utf8(text)])).manifest!.name);
  }
  const store = await owner.open(storage);
  const manifests = await loadManifests(store);
  expect(manifests.offered.length).toBe(2);
  const [first] = manifests.offered;
  const publicKey = first!.signer;
  await store.log.append({ kind: "revocation", time: 1, publicKey, accepted: [first!.id] });
  const after = await new Client().open(storage);
  const offered = (await loadManifests(after)).offered;
  expect(offered.map(({ id }) => hexId(id))).toEqual([hexId(first!.id)]);
  expect(after.findings.all.map(({ subject }) => subject)).toEqual([made[1]!]);
  const trusting = await new Client().open(storage, { trust: [hexId(publicKey)] });
  expect((await loadManifests(trusting)).offered.length).toBe(2);
  expect(trusting.findings.all).toEqual([]);
});

test("a manifest by a key that was never certified is a finding, and stops nothing", async () => {
  const { storage, ids } = await threeSnapshots();
  const bundle = await writerBundle("intruder");
  const intruder = new Client({ label: "intruder", secret: { kind: "bundle", bundle } });
  const theirs = await intruder.open(storage);
  expect(await failureOf(snap(intruder, theirs, [utf8("x")]))).toMatchObject({ code: "denied" });
  // With a log of its own making it would go on: what counts is that nobody takes it.
  const second = memoryStorage();
  await makeStore(second);
  await certify(await new Client().open(second), bundle);
  await snap(
    intruder,
    await new Client({ label: "intruder", secret: { kind: "bundle", bundle } }).open(second),
    [utf8("x")],
  );
  for (const [name, bytes] of await objectsIn(second)) {
    if (/^(?:snapshots|index)\//.test(name)) storage.plant(name, bytes);
  }
  const store = await new Client().open(storage);
  const manifests = await loadManifests(store);
  expect(manifests.offered.length).toBe(3);
  expect(await find(store, "latest")).toBe(ids[2]!);
  await store.catalog();
  const foreign = (await namesIn(storage)).filter((name) =>
    name.includes(hexId(theirs.keyring.signer.publicKey)),
  );
  // Its own try left a segment, before the log said no.
  expect(foreign.length).toBe(3);
  expect(store.findings.all.map(({ subject }) => subject).sort()).toEqual(foreign.sort());
});

test("a writer's key adds snapshots and reads none", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const bundle = await writerBundle("server");
  await certify(await new Client().open(storage), bundle);
  const server = new Client({ label: "server", secret: { kind: "bundle", bundle } });
  const store = await server.open(storage);
  await snap(server, store, [utf8("secret")]);
  const manifests = await loadManifests(store);
  expect(manifests.offered.length).toBe(1);
  expect(await failureOf(loadSnapshot(store, manifests.offered[0]!))).toMatchObject({
    code: "wrong-key",
  });
  const owner = await new Client().open(storage);
  const { snapshot } = await findSnapshot(owner, await loadManifests(owner), { id: "latest" });
  expect(snapshot.host).toBe("host");
});

test("a head that was seen and is gone is a finding, unless the owner removed it", async () => {
  const { storage, client, ids } = await threeSnapshots();
  const newest = (await namesIn(storage, "snapshots/")).at(-1)!;
  await loadManifests(await client.open(storage));
  storage.vanish(newest);
  const store = await client.open(storage);
  await loadManifests(store);
  expect(store.findings.all.map(({ subject }) => subject)).toEqual([newest]);
  await store.log.append({ kind: "setAside", time: 1, ids: [Buffer.from(ids[2]!, "hex")] });
  const again = await client.open(storage);
  await loadManifests(again);
  expect(again.findings.all).toEqual([]);
});
