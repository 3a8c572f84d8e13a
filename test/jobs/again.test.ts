// The second backup: what is as it was is not read, and whatever the store lost is stored again.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { hexId } from "../../src/base/ids.ts";
import { memoryStorage, type MemoryStorage } from "../../src/storage/memory.ts";
import { findSnapshot, loadManifests } from "../../src/store/snapshots.ts";
import { compareFolders } from "../support/compare.ts";
import { watchedFiles, writeTree } from "../support/files.ts";
import { backUp, restoreTo, runCheck, SMALL_PACK_BYTES } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { tempDir, type TempDir } from "../support/temp.ts";

const NAMES = ["a", "b/one", "b/two", "c/d/deep", "empty", "z"];

class Scene implements Disposable {
  readonly temp: TempDir = tempDir();
  readonly from = join(this.temp.path, "from");
  readonly storage: MemoryStorage = memoryStorage();
  readonly client = new Client();
  #restores = 0;

  static async open(): Promise<Scene> {
    const scene = new Scene();
    await makeStore(scene.storage);
    const random = seededRandom(3);
    // Noise of two thirds of a pack: each file has a pack of its own.
    const content = NAMES.map((name) => {
      const bytes = random.bytes(name === "empty" ? 0 : Math.floor((SMALL_PACK_BYTES * 2) / 3));
      return [name, bytes] as const;
    });
    writeTree(scene.from, Object.fromEntries(content));
    return scene;
  }

  /** Backs up and says what was read of it. */
  async backUp(options: { readonly client?: Client; readonly force?: boolean } = {}) {
    const client = options.client ?? this.client;
    const { files, opened } = watchedFiles();
    const store = await client.open(this.storage);
    const force = options.force ?? false;
    const result = await backUp(client, store, [this.from], { files, force });
    return { ...result, opened: opened.sort(), findings: store.findings.all };
  }

  async restoresExactly(): Promise<void> {
    const to = join(this.temp.path, `to ${++this.#restores}`);
    const restored = await restoreTo(await new Client().open(this.storage), to);
    expect(restored.problems).toEqual([]);
    expect(compareFolders(this.from, to).differences).toEqual([]);
  }

  [Symbol.dispose](): void {
    this.temp[Symbol.dispose]();
  }
}

const FILES = NAMES.map((name) => name.split("/").at(-1)!).sort();

test("a second run reads no file and stores no blob", async () => {
  using scene = await Scene.open();
  const first = await scene.backUp();
  expect(first.opened).toEqual(FILES);
  const second = await scene.backUp();
  expect(second.opened).toEqual([]);
  expect(second.unchangedFiles).toBe(NAMES.length);
  expect(second.written).toMatchObject({ packs: 0, segments: 0, blobs: 0, storedBytes: 0 });
  expect(second.counts).toMatchObject({ files: 6, contentBytes: first.counts.contentBytes });
  await scene.restoresExactly();
});

test("a fresh machine reads everything and stores nothing", async () => {
  using scene = await Scene.open();
  await scene.backUp();
  const second = await scene.backUp({ client: new Client({ label: "other" }) });
  expect(second.opened).toEqual(FILES);
  expect(second.written).toMatchObject({ packs: 0, blobs: 0 });
  await scene.restoresExactly();
});

test("with force everything is read, and stored once all the same", async () => {
  using scene = await Scene.open();
  await scene.backUp();
  const second = await scene.backUp({ force: true });
  expect(second.opened).toEqual(FILES);
  expect(second.unchangedFiles).toBe(0);
  expect(second.written.blobs).toBe(0);
});

test("a file with another time is read, and stored only if it is another", async () => {
  using scene = await Scene.open();
  await scene.backUp();
  fs.utimesSync(join(scene.from, "a"), 1, 1);
  fs.writeFileSync(join(scene.from, "b/one"), "changed");
  const second = await scene.backUp();
  expect(second.opened).toEqual(["a", "one"]);
  // The changed file, and the trees of its folder and of the top.
  expect(second.written.blobs).toBe(3);
  await scene.restoresExactly();
  expect((await scene.backUp()).opened).toEqual([]);
});

test("a change of content that keeps size and time is seen by the time of change", async () => {
  using scene = await Scene.open();
  const path = join(scene.from, "a");
  fs.utimesSync(path, 5, 5);
  await scene.backUp();
  const bytes = fs.readFileSync(path);
  bytes[100]! ^= 1;
  fs.writeFileSync(path, bytes);
  fs.utimesSync(path, 5, 5);
  expect((await scene.backUp()).opened).toEqual(["a"]);
  await scene.restoresExactly();
});

test("files that come, go and move are right in the next snapshot", async () => {
  using scene = await Scene.open();
  await scene.backUp();
  fs.rmSync(join(scene.from, "b/one"));
  fs.renameSync(join(scene.from, "c"), join(scene.from, "a folder"));
  fs.writeFileSync(join(scene.from, "b/three"), "new");
  const second = await scene.backUp();
  expect(second.opened).toEqual(["deep", "three"]);
  await scene.restoresExactly();
});

test("a pack that is gone: its files are read again, stored anew, and all is whole", async () => {
  using scene = await Scene.open();
  await scene.backUp();
  const store = await scene.client.open(scene.storage);
  const { snapshot } = await findSnapshot(store, await loadManifests(store), { id: "latest" });
  expect(snapshot.counts.files).toBe(6);
  const packs = await namesIn(scene.storage, "packs/");
  for (const name of packs) {
    const bytes = (await scene.storage.get(name))!;
    scene.storage.vanish(name);
    const second = await scene.backUp();
    // A data pack held one file, the tree pack none.
    expect(second.opened.length).toBe(bytes[5] === 3 ? 1 : 0);
    expect(second.written.packs).toBe(1);
    await scene.restoresExactly();
  }
});

test("all packs gone: a backup is whole again", async () => {
  using scene = await Scene.open();
  await scene.backUp();
  for (const name of await namesIn(scene.storage, "packs/")) scene.storage.vanish(name);
  expect((await scene.backUp()).opened.length).toBe(FILES.length - 1);
  await scene.restoresExactly();
});

test("a store that was removed and made anew gets everything", async () => {
  using scene = await Scene.open();
  await scene.backUp();
  for (const name of await namesIn(scene.storage)) {
    if (!/^(?:owner|keys)\//.test(name)) scene.storage.vanish(name);
  }
  const second = await scene.backUp();
  expect(second.counts.newBlobs).toBeGreaterThan(5);
  await scene.restoresExactly();
});

test("the cache may be spoilt or deleted at any time", async () => {
  using scene = await Scene.open();
  await scene.backUp();
  const { cache } = await scene.client.open(scene.storage);
  const names = cache.list();
  expect(names.some((name) => name.startsWith("states-"))).toBe(true);
  for (const spoil of [
    (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1),
    (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x55),
    () => undefined,
  ]) {
    for (const name of names) {
      const spoilt = spoil(cache.read(name) ?? new Uint8Array(0));
      if (spoilt === undefined) cache.delete(name);
      else cache.write(name, [spoilt]);
    }
    const again = await scene.backUp();
    expect(again.problems).toEqual([]);
    expect(again.written.packs).toBe(0);
    await scene.restoresExactly();
  }
  expect((await runCheck(await new Client().open(scene.storage), 1)).findings).toEqual([]);
});

test("snapshots have their counts, tags and ids", async () => {
  using scene = await Scene.open();
  const store = await scene.client.open(scene.storage);
  const made = await backUp(scene.client, store, [scene.from], { tags: ["b", "a", "b"] });
  const fresh = await new Client().open(scene.storage);
  const id = hexId(made.id).slice(0, 12);
  const { snapshot } = await findSnapshot(fresh, await loadManifests(fresh), { id });
  expect(snapshot.tags).toEqual(["a", "b"]);
  expect(snapshot.counts).toEqual(made.counts);
  expect(snapshot.counts).toMatchObject({ files: 6, folders: 4, others: 0, problems: 0 });
  expect(snapshot.counts.storedBytes).toBe(made.written.storedBytes);
});
