// Unchanged: what counts as a change of a file, and what of a whole snapshot.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import { hexId } from "../../src/base/ids.ts";
import { type MemoryStorage, memoryStorage } from "../../src/storage/memory.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import { watchedFiles, writeTree } from "../support/files.ts";
import { backUp, type BackupChoices, restoreTo } from "../support/jobs.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir, type TempDir } from "../support/temp.ts";

class Scene implements Disposable {
  readonly temp: TempDir = tempDir();
  readonly storage: MemoryStorage = memoryStorage();
  client = new Client();

  static async open(): Promise<Scene> {
    const scene = new Scene();
    await makeStore(scene.storage);
    writeTree(scene.at("from"), { "a/one": "1", "a/two": "22", b: "333" });
    return scene;
  }

  at(...names: string[]): string {
    return join(this.temp.path, ...names);
  }

  async backUp(choices: BackupChoices = {}, paths: readonly string[] = [this.at("from")]) {
    const { files, opened } = watchedFiles();
    const store = await this.client.open(this.storage);
    const result = await backUp(this.client, store, paths, { files, ...choices });
    return { ...result, opened: opened.sort() };
  }

  skipping(options: BackupChoices["options"] = {}, paths?: readonly string[]) {
    return this.backUp({ options: { skipIfUnchanged: true, ...options } }, paths);
  }

  async snapshotCount(): Promise<number> {
    return (await loadManifests(await this.client.open(this.storage))).offered.length;
  }

  [Symbol.dispose](): void {
    this.temp[Symbol.dispose]();
  }
}

/** The same content and time under another inode, as a copy or another mount has it. */
function replaceByCopy(path: string): void {
  const { mtime } = fs.statSync(path);
  fs.copyFileSync(path, `${path}.new`);
  fs.utimesSync(`${path}.new`, mtime, mtime);
  fs.renameSync(`${path}.new`, path);
}

describe("a file", () => {
  test("whose ctime alone is another is read, unless that is to be overlooked", async () => {
    using scene = await Scene.open();
    const path = scene.at("from/a/one");
    // Of an exact millisecond: this is what the calls for setting times can say.
    fs.utimesSync(path, 1_700_000_000, 1_700_000_000);
    await scene.backUp();
    fs.chmodSync(path, 0o600);
    expect((await scene.backUp({ options: { ignoreCtime: true } })).opened).toEqual([]);
    fs.chmodSync(path, 0o640);
    expect((await scene.backUp()).opened).toEqual(["one"]);
    await restoreTo(await scene.client.open(scene.storage), scene.at("to"));
    expect(fs.statSync(scene.at("to/a/one")).mode & 0o777).toBe(0o640);
  });

  test("whose inode is another is read, unless both are to be overlooked", async () => {
    using scene = await Scene.open();
    const path = scene.at("from/a/two");
    fs.linkSync(path, scene.at("kept")); // Its inode is for no other file.
    fs.utimesSync(path, 1_700_000_000, 1_700_000_000);
    await scene.backUp();
    replaceByCopy(path);
    const both = { ignoreCtime: true, ignoreInode: true };
    expect((await scene.backUp({ options: both })).opened).toEqual([]);
    replaceByCopy(path);
    expect((await scene.backUp({ options: { ignoreCtime: true } })).opened).toEqual(["two"]);
  });

  test.each([
    ["ctime", { ignoreCtime: true }],
    ["ctime and inode", { ignoreCtime: true, ignoreInode: true }],
  ])("whose change of %s was overlooked is read when it is not", async (what, options) => {
    using scene = await Scene.open();
    const path = scene.at("from/a/two");
    fs.linkSync(path, scene.at("from/c"));
    fs.utimesSync(path, 1_700_000_000, 1_700_000_000);
    await scene.backUp();
    // Other content of the same length and time.
    if (what === "ctime") fs.writeFileSync(path, "zz");
    else {
      fs.linkSync(path, scene.at("kept"));
      for (const name of ["a/two", "c"]) fs.rmSync(scene.at("from", name));
      fs.writeFileSync(path, "zz");
      fs.linkSync(path, scene.at("from/c"));
    }
    fs.utimesSync(path, 1_700_000_000, 1_700_000_000);
    for (let run = 0; run < 2; run++) expect((await scene.backUp({ options })).opened).toEqual([]);
    expect((await scene.backUp()).opened).toEqual(["two"]);
    expect((await scene.backUp()).opened).toEqual([]);
    await restoreTo(await scene.client.open(scene.storage), scene.at("to"));
    for (const name of ["a/two", "c"]) {
      expect(fs.readFileSync(scene.at("to", name), "utf8")).toBe("zz");
    }
  });

  test("of another size or mtime is read whatever is overlooked", async () => {
    using scene = await Scene.open();
    await scene.backUp();
    fs.appendFileSync(scene.at("from/a/one"), "more");
    fs.utimesSync(scene.at("from/b"), 1_700_000_000, 1_700_000_001);
    const both = { ignoreCtime: true, ignoreInode: true };
    expect((await scene.backUp({ options: both })).opened).toEqual(["b", "one"]);
  });

  test("of a list is not read again, nor when the list has changed", async () => {
    using scene = await Scene.open();
    const list = (...names: string[]): BackupChoices => ({
      source: { listed: names.map((name) => utf8(scene.at("from", name))) },
    });
    expect((await scene.backUp(list("a/one", "a/two", "b"), [])).opened).toEqual([
      "b",
      "one",
      "two",
    ]);
    expect((await scene.backUp(list("b", "a/two", "a/one"), [])).opened).toEqual([]);
    writeTree(scene.at("from"), { "a/three": "333", c: "c" });
    expect((await scene.backUp(list("a", "b", "c"), [])).opened).toEqual(["c", "three"]);
    const last = await scene.backUp(list("a", "b", "c"), []);
    expect(last).toMatchObject({ opened: [], unchangedFiles: 5, problems: [] });
    const caches = scene.client.local.cache(
      hexId((await scene.client.open(scene.storage)).keys.storeId),
    );
    expect(caches.list().filter((name) => name.startsWith("states-")).length).toBe(1);
  });
});

describe("a snapshot that would say the same", () => {
  test("is not made", async () => {
    using scene = await Scene.open();
    const first = await scene.skipping();
    expect(first.skipped).toBe(false);
    const second = await scene.skipping();
    expect(second).toMatchObject({ skipped: true, id: first.id, name: first.name });
    expect(second.counts.files).toBe(3);
    expect(await scene.snapshotCount()).toBe(1);
  });

  test("is made where that is not asked for, and counts as the last one then", async () => {
    using scene = await Scene.open();
    await scene.backUp();
    const second = await scene.backUp();
    expect(second.skipped).toBe(false);
    expect((await scene.skipping()).id).toEqual(second.id);
    expect(await scene.snapshotCount()).toBe(2);
  });

  test("but for its tags, its description, its host or its sources is another", async () => {
    using scene = await Scene.open();
    const made = { tags: ["x"], description: "d", host: "h" };
    await scene.skipping(made);
    expect((await scene.skipping({ ...made, user: "somebody else" })).skipped).toBe(true);
    expect((await scene.skipping({ ...made, tags: ["x", "y"] })).skipped).toBe(false);
    expect((await scene.skipping({ ...made, description: "e" })).skipped).toBe(false);
    expect((await scene.skipping({ ...made, host: "i" })).skipped).toBe(false);
    expect((await scene.skipping(made, [scene.at("from/a")])).skipped).toBe(false);
    // Each host and list of sources has a last one of its own.
    expect((await scene.skipping({ ...made, host: "i" })).skipped).toBe(true);
    expect((await scene.skipping(made, [scene.at("from/a")])).skipped).toBe(true);
    expect((await scene.skipping(made)).skipped).toBe(false);
  });

  test.each([
    ["content", (at: string) => fs.appendFileSync(join(at, "a/one"), "x")],
    ["a mode", (at: string) => fs.chmodSync(join(at, "b"), 0o611)],
    ["the mode of the source itself", (at: string) => fs.chmodSync(at, 0o711)],
    ["a time", (at: string) => fs.utimesSync(join(at, "a"), 1, 1)],
    ["a name", (at: string) => fs.renameSync(join(at, "b"), join(at, "c"))],
  ])("is made where %s has changed", async (_what, change) => {
    using scene = await Scene.open();
    await scene.skipping();
    change(scene.at("from"));
    expect((await scene.skipping()).skipped).toBe(false);
    expect((await scene.skipping()).skipped).toBe(true);
  });

  test("is known to an owner whose cache is gone", async () => {
    using scene = await Scene.open();
    const first = await scene.backUp();
    await scene.backUp({ options: { host: "other" } });
    const { local } = scene.client;
    const id = hexId((await scene.client.open(scene.storage)).keys.storeId);
    for (const name of local.cache(id).list()) local.cache(id).delete(name);
    expect(await scene.skipping()).toMatchObject({ skipped: true, id: first.id });
  });

  test("is made where the store had lost some of it", async () => {
    using scene = await Scene.open();
    await scene.skipping();
    for await (const { name } of scene.storage.list("packs/")) await scene.storage.delete(name);
    const second = await scene.skipping();
    expect(second.skipped).toBe(false);
    expect(second.written.packs).toBeGreaterThan(0);
  });
});
