// Attributes and holes from end to end: what was there comes back, and what has not changed is not
// asked for again.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { memoryStorage } from "../../src/storage/memory.ts";
import { systemErrorOf } from "../../src/system/failure.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { countedAttributes, HAS_ATTRIBUTES, HAS_TRUSTED, tool } from "../support/attributes.ts";
import { meddledFiles, watchedFiles, writeTree } from "../support/files.ts";
import { backUp, restoreTo, workerLanes } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir, type TempDir } from "../support/temp.ts";

const MIB = 1024 * 1024;

class Scene implements Disposable {
  readonly temp: TempDir = tempDir();
  readonly from = join(this.temp.path, "from");
  readonly storage = memoryStorage();
  readonly client = new Client();
  #restores = 0;

  static async open(): Promise<Scene> {
    const scene = new Scene();
    await makeStore(scene.storage);
    fs.mkdirSync(scene.from);
    return scene;
  }

  at(...names: string[]): string {
    return join(this.from, ...names);
  }

  async backUp(files?: FileSystem, options: { readonly force?: boolean } = {}) {
    const store = await this.client.open(this.storage);
    return backUp(this.client, store, [this.from], {
      ...options,
      ...(files === undefined ? {} : { files }),
    });
  }

  async restore(): Promise<string> {
    const to = join(this.temp.path, `to ${++this.#restores}`);
    const restored = await restoreTo(await new Client().open(this.storage), to);
    expect(restored.problems).toEqual([]);
    expect(restored.notices).toEqual([]);
    return to;
  }

  [Symbol.dispose](): void {
    this.temp[Symbol.dispose]();
  }
}

function set(path: string, name: string, value: string): void {
  tool("setfattr", "-h", "-n", name, "-v", value, path);
}

/** All extended attributes below a folder, as getfattr says them. */
function seen(path: string): string {
  const { stdout } = Bun.spawnSync(["getfattr", "-R", "-P", "-h", "-d", "-m", "-", "."], {
    cwd: path,
  });
  return stdout.toString();
}

function makeTree(scene: Scene): void {
  const random = seededRandom(11);
  writeTree(scene.from, {
    "a/plain": "1",
    "b/marked": random.bytes(100_000),
    "b/empty": "",
    "c/other": "2",
  });
  fs.symlinkSync("nowhere", scene.at("link"));
  tool("mkfifo", scene.at("pipe"));
  fs.linkSync(scene.at("b/marked"), scene.at("c/second"));
}

describe.skipIf(!HAS_ATTRIBUTES || Bun.which("setfattr") === null)("attributes", () => {
  function mark(scene: Scene): void {
    set(scene.from, "user.root", "0");
    for (const name of ["b", "b/marked", "b/empty"]) set(scene.at(name), "user.name", name);
    if (!HAS_TRUSTED) return;
    for (const name of ["link", "pipe", "c"]) set(scene.at(name), "trusted.name", name);
  }

  test("of everything come back", async () => {
    using scene = await Scene.open();
    makeTree(scene);
    mark(scene);
    expect((await scene.backUp()).problems).toEqual([]);
    const expected = seen(scene.from);
    expect(expected).toMatch(/user\.root/);
    expect(seen(await scene.restore())).toBe(expected);
    // A second backup takes them from what it remembers.
    await scene.backUp();
    expect(seen(await scene.restore())).toBe(expected);
  });

  test("come through Workers", async () => {
    using scene = await Scene.open();
    writeTree(
      scene.from,
      Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`f${i}`, `${i}`])),
    );
    for (const name of ["f3", "f400", "f699"]) set(scene.at(name), "user.name", name);
    const lanes = workerLanes(2);
    const store = await scene.client.open(scene.storage);
    const result = await backUp(scene.client, store, [scene.from], { lanes });
    expect(result.problems).toEqual([]);
    expect(lanes.spawned()).toBe(2);
    expect(seen(await scene.restore())).toBe(seen(scene.from));
  });

  test("of an unchanged tree are not asked for", async () => {
    using scene = await Scene.open();
    makeTree(scene);
    mark(scene);
    const first = countedAttributes();
    await scene.backUp(first.files);
    expect(first.asked.filter((call) => call.startsWith("list")).length).toBeGreaterThan(8);
    const second = countedAttributes();
    await scene.backUp(second.files);
    expect(second.asked).toEqual([]);
    const forced = countedAttributes();
    await scene.backUp(forced.files, { force: true });
    expect(forced.asked.length).toBe(first.asked.length);
  });

  test("that changed are asked for, and nothing else", async () => {
    using scene = await Scene.open();
    makeTree(scene);
    mark(scene);
    await scene.backUp();
    set(scene.at("a"), "user.later", "folder");
    set(scene.at("c/other"), "user.later", "file");
    const { files, asked } = countedAttributes();
    await scene.backUp(files);
    expect(asked).toEqual(["list open", "get user.later", "list open", "get user.later"]);
    expect(seen(await scene.restore())).toBe(seen(scene.from));
    tool("setfattr", "-x", "user.later", scene.at("a"));
    await scene.backUp();
    expect(seen(await scene.restore())).toBe(seen(scene.from));
  });

  test("that can't be read are a problem each time, and cost nothing else", async () => {
    using scene = await Scene.open();
    makeTree(scene);
    mark(scene);
    const files = meddledFiles(({ attributes }) => ({
      attributes: {
        list: (of, deviceId) => attributes.list(of, deviceId),
        get() {
          throw systemErrorOf("EIO", "getxattr");
        },
        set: (of, name, value) => attributes.set(of, name, value),
        remove: (of, name) => attributes.remove(of, name),
      },
    }));
    for (const files_ of [files, files]) {
      const { problems, counts } = await scene.backUp(files_);
      const subjects = problems.map(({ subject }) => subject.slice(scene.from.length)).sort();
      const marked = ["", "/b", "/b/empty", "/b/marked", "/c/second"];
      const trusted = HAS_TRUSTED ? ["/c", "/link", "/pipe"] : [];
      expect(subjects).toEqual([...marked, ...trusted].sort());
      expect(problems[0]!.message).toMatch(
        /without some of its extended attributes: \S+: .*\(EIO\)/,
      );
      expect(counts.files).toBe(5);
    }
    // Once they can be read they are in, though nothing has changed.
    expect((await scene.backUp()).problems).toEqual([]);
    expect(seen(await scene.restore())).toBe(seen(scene.from));
  });

  test("have no place in a small destination: its files are whole but for them", async () => {
    using scene = await Scene.open();
    makeTree(scene);
    mark(scene);
    await scene.backUp();
    const to = join(scene.temp.path, "small");
    const store = await new Client().open(scene.storage);
    const restored = await restoreTo(store, to, { files: meddledAttributes() });
    const subjects = restored.problems.map(({ subject }) => subject).sort();
    expect(subjects.filter((name) => name.startsWith("b"))).toEqual(["b", "b/empty", "b/marked"]);
    expect(restored.problems[0]!.message).toMatch(/does not fit in here \(ENOSPC\)/);
    expect(restored.counts.files).toBe(5);
    expect(
      fs.readFileSync(join(to, "c/second")).equals(fs.readFileSync(scene.at("b/marked"))),
    ).toBe(true);
  });

  function meddledAttributes(): FileSystem {
    return meddledFiles(({ attributes }) => ({
      attributes: {
        list: (of, deviceId) => attributes.list(of, deviceId),
        get: (of, name) => attributes.get(of, name),
        set() {
          throw systemErrorOf("ENOSPC", "setxattr");
        },
        remove: (of, name) => attributes.remove(of, name),
      },
    }));
  }
});

describe.skipIf(process.platform !== "linux")("holes", () => {
  /** Makes a file with data only at these offsets, and gives what it holds. */
  function makeSparse(
    path: string,
    size: number,
    data: Readonly<Record<number, Uint8Array>>,
  ): void {
    const descriptor = fs.openSync(path, "w");
    fs.ftruncateSync(descriptor, size);
    for (const [offset, bytes] of Object.entries(data)) {
      fs.writeSync(descriptor, bytes, 0, bytes.length, Number(offset));
    }
    fs.closeSync(descriptor);
  }

  function makeAll(scene: Scene): void {
    const random = seededRandom(13);
    makeSparse(scene.at("all"), 5 * MIB, {});
    makeSparse(scene.at("tiny"), 100, {});
    makeSparse(scene.at("leading"), 3 * MIB + 5, { [3 * MIB]: random.bytes(5) });
    makeSparse(scene.at("trailing"), 3 * MIB, { 0: random.bytes(5000) });
    makeSparse(scene.at("middle"), 9 * MIB, {
      [MIB]: random.bytes(3 * MIB),
      [6 * MIB]: random.bytes(4096),
      [6 * MIB + 8192]: random.bytes(10),
    });
    makeSparse(scene.at("huge"), 2 ** 40, { [2 ** 39]: random.bytes(1000) });
  }

  const NAMES = ["all", "tiny", "leading", "trailing", "middle"];

  function endOf(path: string): Buffer {
    const descriptor = fs.openSync(path, "r");
    const bytes = Buffer.alloc(8192);
    fs.readSync(descriptor, bytes, 0, bytes.length, 2 ** 39 - 4096);
    fs.closeSync(descriptor);
    expect(bytes.includes(0)).toBe(true);
    expect(bytes.some((byte) => byte !== 0)).toBe(true);
    return bytes;
  }

  function expectSame(scene: Scene, to: string): void {
    for (const name of NAMES) {
      const [before, after] = [scene.at(name), join(to, name)];
      expect(fs.readFileSync(after).equals(fs.readFileSync(before))).toBe(true);
    }
    for (const name of [...NAMES, "huge"]) {
      const [before, after] = [fs.statSync(scene.at(name)), fs.statSync(join(to, name))];
      expect(after.size).toBe(before.size);
      expect(after.blocks).toBeLessThanOrEqual(before.blocks);
      expect(after.mtimeMs).toBe(before.mtimeMs);
    }
    expect(endOf(join(to, "huge")).equals(endOf(scene.at("huge")))).toBe(true);
  }

  test("are neither read nor stored, and come back", async () => {
    using scene = await Scene.open();
    makeAll(scene);
    const first = await scene.backUp();
    expect(first.problems).toEqual([]);
    expect(first.counts.storedBytes).toBeLessThan(4 * MIB);
    expectSame(scene, await scene.restore());
    const { files, opened } = watchedFiles();
    const second = await scene.backUp(files);
    expect(opened).toEqual([]);
    expect(second.unchangedFiles).toBe(6);
    expectSame(scene, await scene.restore());
  });

  test("are asked for only where a file takes less than its length", async () => {
    using scene = await Scene.open();
    writeTree(scene.from, { full: new Uint8Array(300_000).fill(7), small: "x", empty: "" });
    makeSparse(scene.at("sparse"), MIB, {});
    let asked = 0;
    const files = meddledFiles((real) => ({
      dataFrom(descriptor, offset) {
        asked += 1;
        return real.dataFrom(descriptor, offset);
      },
    }));
    await scene.backUp(files);
    expect(asked).toBe(1);
  });

  test("a hole that is filled while the file is read is data", async () => {
    using scene = await Scene.open();
    makeSparse(scene.at("file"), 4 * MIB, { 0: new Uint8Array(4096).fill(1) });
    let filled = false;
    const files = meddledFiles((real) => ({
      dataFrom(descriptor, offset) {
        const found = real.dataFrom(descriptor, offset);
        if (!filled && offset > 0) {
          filled = true;
          const own = fs.openSync(scene.at("file"), "r+");
          fs.writeSync(own, Buffer.alloc(4096, 2), 0, 4096, 2 * MIB);
          fs.closeSync(own);
        }
        return found;
      },
    }));
    expect((await scene.backUp(files)).problems).toEqual([]);
    expect(filled).toBe(true);
    const to = await scene.restore();
    expect(fs.readFileSync(join(to, "file")).equals(fs.readFileSync(scene.at("file")))).toBe(true);
  });
});
