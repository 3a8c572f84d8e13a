// Restores over what is there: which files are replaced, left, skipped and deleted, and how much of
// them is fetched.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { Selection } from "../../src/base/selection.ts";
import type { Overwrite } from "../../src/jobs/restore-choice.ts";
import type { RestoreMode } from "../../src/jobs/restore.ts";
import { HEADER_BYTES } from "../../src/format/header.ts";
import { decodePackHeader } from "../../src/format/pack.ts";
import { interceptStorage } from "../../src/storage/intercept.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { recordStorage } from "../../src/storage/record.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { compareFolders } from "../support/compare.ts";
import { writeTree } from "../support/files.ts";
import { backUp, restoreTo } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const MIB = 1024 * 1024;
const LARGE_BYTES = 12 * MIB;
const OLD = new Date("2001-02-03T04:05:06Z");
const FUTURE = new Date("2055-02-03T04:05:06Z");
const DELETING = { spared: [] };

interface Trial extends Disposable {
  readonly from: string;
  readonly to: string;
  readonly storage: Storage;
  readonly client: Client;
  restore(mode: RestoreMode): ReturnType<typeof restoreTo>;
  expectEqual(): void;
}

/** A tree that was backed up and restored once. */
async function trial(): Promise<Trial> {
  const temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  const random = seededRandom(5);
  writeTree(from, {
    "a/one": "the first",
    "a/deep/two": "the second",
    "b/three": "the third",
    empty: "",
    large: random.bytes(LARGE_BYTES),
  });
  fs.symlinkSync("a/one", join(from, "link"));
  fs.linkSync(join(from, "a/one"), join(from, "b/hard"));
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from]);
  const restore = async (mode: RestoreMode) => restoreTo(await client.open(storage), to, { mode });
  await restore({});
  return {
    from,
    to,
    storage,
    client,
    restore,
    expectEqual: () => expect(compareFolders(from, to).differences).toEqual([]),
    [Symbol.dispose]: () => temp[Symbol.dispose](),
  };
}

function changeByte(path: string, at: number): void {
  const file = fs.openSync(path, "r+");
  const byte = Buffer.alloc(1);
  fs.readSync(file, byte, 0, 1, at);
  byte[0]! ^= 1;
  fs.writeSync(file, byte, 0, 1, at);
  fs.closeSync(file);
}

describe("what is the same already", () => {
  test.each<Overwrite>(["always", "if-changed"])("is left untouched (%s)", async (overwrite) => {
    using it = await trial();
    const before = fs.lstatSync(join(it.to, "large"), { bigint: true });
    const { counts, problems } = await it.restore({ overwrite });
    expect(problems).toEqual([]);
    expect(counts).toMatchObject({ files: 0, others: 0, left: 7, replaced: 0, fetchedBytes: 0 });
    const after = fs.lstatSync(join(it.to, "large"), { bigint: true });
    // Not even its time of change is another.
    expect([after.ino, after.ctimeNs]).toEqual([before.ino, before.ctimeNs]);
    it.expectEqual();
  });

  test("with other metadata gets that, and its content stays", async () => {
    using it = await trial();
    fs.chmodSync(join(it.to, "large"), 0o751);
    fs.utimesSync(join(it.to, "a/deep/two"), FUTURE, FUTURE);
    fs.chmodSync(join(it.to, "a/deep"), 0o711);
    const { counts } = await it.restore({ overwrite: "always" });
    expect(counts).toMatchObject({ files: 0, left: 7, fetchedBytes: 0 });
    it.expectEqual();
  });
});

describe("what differs", () => {
  test("is fetched by the chunks that differ", async () => {
    using it = await trial();
    changeByte(join(it.to, "large"), LARGE_BYTES / 2);
    const inode = fs.statSync(join(it.to, "large")).ino;
    const { counts } = await it.restore({ overwrite: "always" });
    expect(counts).toMatchObject({ files: 1, replaced: 1, left: 6 });
    expect(counts.fetchedBytes).toBeLessThanOrEqual(4 * MIB);
    expect(counts.fetchedBytes).toBeGreaterThan(0);
    expect(fs.statSync(join(it.to, "large")).ino).not.toBe(inode);
    it.expectEqual();
  });

  test("in place: the same file, by the chunks that differ", async () => {
    using it = await trial();
    const path = join(it.to, "large");
    changeByte(path, 10);
    fs.appendFileSync(path, "and more");
    const inode = fs.statSync(path).ino;
    const { counts, problems } = await it.restore({ overwrite: "if-changed", inPlace: true });
    expect(problems).toEqual([]);
    expect(counts.fetchedBytes).toBeLessThanOrEqual(4 * MIB);
    expect(fs.statSync(path).ino).toBe(inode);
    it.expectEqual();
  });

  test("in place: a file with a second name outside of the restore is not written through", async () => {
    using it = await trial();
    const path = join(it.to, "large");
    const other = `${it.to}-other`;
    changeByte(path, 10);
    fs.linkSync(path, other);
    const before = fs.readFileSync(other);
    const { counts } = await it.restore({ overwrite: "always", inPlace: true });
    expect(fs.readFileSync(other).equals(before)).toBe(true);
    expect(counts.fetchedBytes).toBeLessThanOrEqual(4 * MIB);
    it.expectEqual();
    fs.rmSync(other);
  });

  test("metadata of a file with a second name outside is not written through either", async () => {
    using it = await trial();
    const other = `${it.to}-other`;
    fs.linkSync(join(it.to, "large"), other);
    fs.chmodSync(other, 0o600);
    const { counts } = await it.restore({ overwrite: "always" });
    expect(counts).toMatchObject({ replaced: 1, fetchedBytes: 0 });
    expect(fs.statSync(other).mode & 0o7777).toBe(0o600);
    expect(fs.statSync(other).nlink).toBe(1);
    it.expectEqual();
    fs.rmSync(other);
  });

  test("if-changed takes the same length and time for the same", async () => {
    using it = await trial();
    const path = join(it.to, "a/deep/two");
    const { mtime } = fs.statSync(join(it.from, "a/deep/two"));
    fs.writeFileSync(path, "THE SECOND");
    const times = fs.statSync(join(it.from, "a/deep/two"), { bigint: true }).mtimeNs;
    Bun.spawnSync([
      "touch",
      "-d",
      `@${times / 1_000_000_000n}.${String(times % 1_000_000_000n).padStart(9, "0")}`,
      path,
    ]);
    expect(fs.statSync(path).mtime).toEqual(mtime);
    expect((await it.restore({ overwrite: "if-changed" })).counts).toMatchObject({ left: 7 });
    expect(fs.readFileSync(path, "utf8")).toBe("THE SECOND");
    expect((await it.restore({ overwrite: "always" })).counts).toMatchObject({ replaced: 1 });
    it.expectEqual();
  });

  test("if-newer replaces what is older, never replaces nothing", async () => {
    using it = await trial();
    for (const [name, time] of [
      ["a/deep/two", OLD],
      ["b/three", FUTURE],
    ] as const) {
      fs.writeFileSync(join(it.to, name), "other");
      fs.utimesSync(join(it.to, name), time, time);
    }
    fs.rmSync(join(it.to, "empty"));
    fs.rmSync(join(it.to, "link"));
    const first = await it.restore({ overwrite: "never" });
    expect(first.counts).toMatchObject({ files: 1, others: 1, skipped: 5, replaced: 0 });
    const second = await it.restore({ overwrite: "if-newer" });
    expect(second.counts).toMatchObject({ files: 1, skipped: 6, replaced: 1 });
    expect(fs.readFileSync(join(it.to, "a/deep/two"), "utf8")).toBe("the second");
    expect(fs.readFileSync(join(it.to, "b/three"), "utf8")).toBe("other");
  });

  test("hard links come back: of files that were split, and of names that are another's", async () => {
    using it = await trial();
    fs.rmSync(join(it.to, "b/hard"));
    fs.writeFileSync(join(it.to, "b/hard"), "the first");
    const { counts } = await it.restore({ overwrite: "always" });
    expect(counts).toMatchObject({ replaced: 1, left: 6, fetchedBytes: 0 });
    it.expectEqual();
  });
});

describe("things of another kind", () => {
  function swap(it: Trial): void {
    fs.rmSync(join(it.to, "a"), { recursive: true });
    fs.symlinkSync("b", join(it.to, "a"));
    fs.rmSync(join(it.to, "empty"));
    fs.mkdirSync(join(it.to, "empty/with/more"), { recursive: true });
    fs.writeFileSync(join(it.to, "empty/with/file"), "in the way");
    fs.rmSync(join(it.to, "link"));
    fs.writeFileSync(join(it.to, "link"), "a file");
  }

  test("a folder and what is none stay; files and links make way for each other", async () => {
    using it = await trial();
    swap(it);
    const { counts, problems } = await it.restore({ overwrite: "always" });
    expect(problems.map(({ subject }) => subject).sort()).toEqual(["a", "empty"]);
    expect(counts).toMatchObject({ problems: 2 });
    expect(fs.readlinkSync(join(it.to, "link"))).toBe("a/one");
    expect(fs.readFileSync(join(it.to, "empty/with/file"), "utf8")).toBe("in the way");
    expect(fs.readdirSync(join(it.to, "b")).sort()).toEqual(["hard", "three"]);
  });

  test("they make way where what the snapshot has not is deleted", async () => {
    using it = await trial();
    swap(it);
    const { problems } = await it.restore({ overwrite: "if-changed", deleting: DELETING });
    expect(problems).toEqual([]);
    it.expectEqual();
  });
});

describe("things of another kind stay, also where is deleted,", () => {
  test.each<Overwrite>(["if-newer", "never"])("with %s", async (overwrite) => {
    using it = await trial();
    fs.rmSync(join(it.to, "a"), { recursive: true });
    fs.writeFileSync(join(it.to, "a"), "a file");
    fs.rmSync(join(it.to, "empty"));
    writeTree(it.to, { "empty/file": "newer than its folder" });
    fs.utimesSync(join(it.to, "empty"), OLD, OLD);
    await it.restore({ overwrite, deleting: DELETING });
    expect(fs.readFileSync(join(it.to, "a"), "utf8")).toBe("a file");
    expect(fs.readdirSync(join(it.to, "empty"))).toEqual(["file"]);
  });

  test("where something is excluded, which they may hold", async () => {
    using it = await trial();
    fs.rmSync(join(it.to, "empty"));
    writeTree(it.to, { "empty/keep.me": "excluded" });
    const selection = new Selection([], ["*.me"]);
    const { problems } = await it.restore({
      overwrite: "always",
      deleting: DELETING,
      selection,
    });
    expect(problems.map(({ subject }) => subject)).toEqual(["empty"]);
    expect(fs.readdirSync(join(it.to, "empty"))).toEqual(["keep.me"]);
  });
});

describe.skipIf(process.geteuid?.() !== 0)("what someone else may have open", () => {
  test.each<RestoreMode>([
    { overwrite: "always" },
    { overwrite: "if-changed" },
    { overwrite: "always", inPlace: true },
  ])("a stranger's file is replaced, whatever it holds (%j)", async (mode) => {
    using it = await trial();
    const paths = ["a/deep/two", "large"].map((name) => join(it.to, name));
    for (const path of paths) {
      fs.chmodSync(path, 0o666);
      fs.chownSync(path, 12345, 12345);
    }
    changeByte(paths[1]!, 3);
    const held = paths.map((path) => fs.openSync(path, "r+"));
    await it.restore(mode);
    for (const file of held) {
      fs.writeSync(file, "planted");
      fs.closeSync(file);
    }
    it.expectEqual();
    for (const path of paths) expect(fs.statSync(path).uid).toBe(0);
  });

  test("what gets setuid bits is a new file", async () => {
    using it = await trial();
    const path = join(it.from, "b/three");
    fs.chmodSync(path, 0o4755);
    await backUp(it.client, await it.client.open(it.storage), [it.from]);
    const before = fs.statSync(join(it.to, "b/three")).ino;
    await it.restore({ overwrite: "always" });
    it.expectEqual();
    const after = fs.statSync(join(it.to, "b/three")).ino;
    expect(after).not.toBe(before);
    await it.restore({ overwrite: "always" });
    expect(fs.statSync(join(it.to, "b/three")).ino).toBe(after);
  });
});

describe("deleting", () => {
  test("what the snapshot has not goes, and no link is followed", async () => {
    using it = await trial();
    const outside = `${it.to}-outside`;
    writeTree(outside, { "kept/file": "kept" });
    writeTree(it.to, { "a/extra/deep/file": "x", "a/extra/other": "y", "b/zzz": "z", aaa: "a" });
    fs.symlinkSync(outside, join(it.to, "a/extra/link"));
    fs.symlinkSync(outside, join(it.to, "b/link"));
    const { counts, problems } = await it.restore({ overwrite: "always", deleting: DELETING });
    expect(problems).toEqual([]);
    expect(counts.deleted).toBe(8);
    it.expectEqual();
    expect(fs.readFileSync(join(outside, "kept/file"), "utf8")).toBe("kept");
    fs.rmSync(outside, { recursive: true });
  });

  test("excluded things are not deleted, nor what holds them; only included things are", async () => {
    using it = await trial();
    writeTree(it.to, { "new/keep.me": "1", "new/other": "2", "b/keep.me": "3", "b/gone": "4" });
    const excluding = new Selection([], ["*.me", "/a"]);
    fs.writeFileSync(join(it.to, "a/extra"), "5");
    const first = await it.restore({
      overwrite: "always",
      deleting: DELETING,
      selection: excluding,
    });
    expect(first.counts.deleted).toBe(2);
    expect(fs.readdirSync(join(it.to, "new"))).toEqual(["keep.me"]);
    expect(fs.readdirSync(join(it.to, "b")).sort()).toEqual(["hard", "keep.me", "three"]);
    expect(fs.readFileSync(join(it.to, "a/extra"), "utf8")).toBe("5");
    const including = new Selection(["/new"], []);
    await it.restore({ overwrite: "always", deleting: DELETING, selection: including });
    expect(fs.existsSync(join(it.to, "new"))).toBe(false);
    expect(fs.readFileSync(join(it.to, "a/extra"), "utf8")).toBe("5");
  });

  test("what is bunker's own stays, and is a problem", async () => {
    using it = await trial();
    writeTree(it.to, { "mine/store/pack": "1", "mine/other": "2" });
    const { dev, ino } = fs.statSync(join(it.to, "mine/store"), { bigint: true });
    const deviceId = Number((dev >> 8n) & 0xfffn) * 2 ** 32 + Number(dev & 0xffn);
    const deleting = { spared: [{ deviceId, inode: Number(ino) }] };
    const { counts, problems } = await it.restore({ overwrite: "always", deleting });
    expect(problems).toEqual([{ subject: "mine/store", message: "it stays: it is bunker's own" }]);
    expect(counts.deleted).toBe(1);
    expect(fs.readFileSync(join(it.to, "mine/store/pack"), "utf8")).toBe("1");
  });

  test("nothing goes from a folder in which something was not restored", async () => {
    using it = await trial();
    writeTree(it.to, { "a/extra": "x", "b/extra": "y", extra: "z" });
    fs.rmSync(join(it.to, "a/deep/two"));
    const store = await it.client.open(await withoutData(it.storage));
    const mode = { overwrite: "if-changed", deleting: DELETING } as const;
    const { problems, notices } = await restoreTo(store, it.to, { mode });
    expect(problems.map(({ subject }) => subject)).toContain("a/deep/two");
    expect(notices.filter((notice) => notice.includes("stays there")).length).toBe(1);
    expect(fs.existsSync(join(it.to, "a/extra"))).toBe(true);
    expect(fs.existsSync(join(it.to, "extra"))).toBe(true);
    expect(fs.existsSync(join(it.to, "b/extra"))).toBe(false);
  });
});

/** The same storage, but for its data packs: they are missing. */
async function withoutData(storage: Storage): Promise<Storage> {
  const missing = new Set<string>();
  for (const name of await namesIn(storage, "packs/")) {
    const bytes = await storage.get(name);
    if (decodePackHeader(bytes!.slice(0, HEADER_BYTES)).kind === "data") missing.add(name);
  }
  return interceptStorage(storage, {
    call: (call, run) => (missing.has(call.name) ? Promise.resolve(undefined as never) : run()),
    listing: (_, run) => run(),
  });
}

describe("selection", () => {
  test("excluded folders are not read", async () => {
    using it = await trial();
    const to = `${it.to}-2`;
    const record = recordStorage(it.storage);
    const selection = new Selection([], ["/large", "deep/", "b"]);
    const { counts } = await restoreTo(await it.client.open(record.storage), to, {
      mode: { selection },
    });
    expect(counts).toMatchObject({ files: 2, folders: 2, problems: 0 });
    expect(fs.readdirSync(to).sort()).toEqual(["a", "empty", "link"]);
    expect(fs.readdirSync(join(to, "a"))).toEqual(["one"]);
    fs.rmSync(to, { recursive: true });
  });

  test("only the folders that lead to something are made, and they get their times", async () => {
    using it = await trial();
    const to = `${it.to}-2`;
    fs.utimesSync(join(it.from, "a"), OLD, OLD);
    await backUp(it.client, await it.client.open(it.storage), [it.from]);
    const mode = { selection: new Selection(["two"], []) };
    const { counts } = await restoreTo(await it.client.open(it.storage), to, { mode });
    expect(counts).toMatchObject({ files: 1, folders: 3 });
    expect(fs.readdirSync(to)).toEqual(["a"]);
    expect(fs.readdirSync(join(to, "a"))).toEqual(["deep"]);
    expect(fs.statSync(join(to, "a")).mtime).toEqual(OLD);
    fs.rmSync(to, { recursive: true });
  });
});
