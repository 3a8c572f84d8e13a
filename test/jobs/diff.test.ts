// Diff: every change once, in the order of the paths, between two snapshots and with a live folder.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { textOf } from "../../src/base/bytes.ts";
import { storedBranch } from "../../src/jobs/branch.ts";
import { type Change, diff } from "../../src/jobs/diff.ts";
import { type Field, hasSameContent } from "../../src/jobs/diff-fields.ts";
import { diffWithFolder } from "../../src/jobs/diff-folder.ts";
import { SameContent } from "../../src/jobs/same-content.ts";
import { openFolderSource } from "../../src/source/folder.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import { topOf } from "../../src/store/paths.ts";
import type { Store } from "../../src/store/store.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { meddledFiles, writeTree } from "../support/files.ts";
import { backUp, type Heard, listening } from "../support/jobs.ts";
import { countingReader, snapshotsIn } from "../support/looking.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const breathe = (): undefined => undefined;

function told(changes: readonly Change[]): string[] {
  return changes.map(({ kind, path, fields }) =>
    [kind, textOf(path) || ".", ...fields].join(" ").trim(),
  );
}

class Rig {
  readonly client = new Client();
  readonly storage = memoryStorage();
  readonly from: string;

  constructor(folder: string) {
    this.from = join(folder, "from");
  }

  async backUp(paths: readonly string[] = [this.from]): Promise<void> {
    if ((await namesIn(this.storage)).length === 0) await makeStore(this.storage);
    await backUp(this.client, await this.client.open(this.storage), paths);
  }

  open(): Promise<Store> {
    return this.client.open(this.storage);
  }

  /** From the last but one to the last, and how many trees were read. */
  async changes(ignored: readonly Field[] = []): Promise<{ told: string[]; treesRead: number }> {
    const store = await this.open();
    const [before, after] = (await snapshotsIn(store)).slice(-2);
    const { reader, counts } = countingReader(store);
    const branchOf = (found: typeof before) => storedBranch(reader, topOf(found!.snapshot));
    const changes = await Array.fromAsync(
      diff(branchOf(before), branchOf(after), {
        sameContent: (entry, { node }) => hasSameContent(entry, node.entry),
        ignored: new Set(ignored),
        onDamage: (path, error) => store.findings.add(textOf(path), error),
        breathe,
      }),
    );
    return { told: told(changes), treesRead: counts.tree };
  }

  /** From the last snapshot to what is there now. */
  async since(
    options: {
      readonly content?: boolean;
      readonly files?: FileSystem;
      readonly at?: string;
      readonly ignored?: readonly Field[];
    } = {},
  ): Promise<Heard & { readonly told: string[]; readonly damaged: string[] }> {
    const { content = false, files = openFileSystem(), at = this.from, ignored = [] } = options;
    const store = await this.open();
    const last = (await snapshotsIn(store)).at(-1)!;
    const reader = new BlobReader(store);
    const heard = listening();
    const changes = await Array.fromAsync(
      diffWithFolder(storedBranch(reader, topOf(last.snapshot)), {
        files,
        monitor: heard.monitor,
        open: (monitor) => openFolderSource([at], { files, monitor }),
        ignored: new Set(ignored),
        onDamage: (path, error) => store.findings.add(textOf(path), error),
        breathe,
        content: new SameContent({ store, reader, files, breathe }),
        readsAll: content,
      }),
    );
    const { problems, notices } = heard;
    const damaged = store.findings.all.map(({ subject }) => subject);
    return { told: told(changes), problems, notices, damaged };
  }
}

/** A rig over a small tree with one snapshot of it. */
async function smallRig(folder: string): Promise<Rig> {
  const rig = new Rig(folder);
  writeTree(rig.from, { "a/one": "1", "a/two": "2", "b/three": "3", "still/four": "4", top: "5" });
  fs.symlinkSync("a", join(rig.from, "link"));
  await rig.backUp();
  return rig;
}

/** Changes of all kinds; those of times are left to themselves. */
function changeAll(from: string): void {
  fs.appendFileSync(join(from, "a/one"), "more");
  fs.chmodSync(join(from, "a/two"), 0o600);
  fs.rmSync(join(from, "b"), { recursive: true });
  fs.writeFileSync(join(from, "b"), "a file by now");
  writeTree(from, { "new/sub/file": "6" });
  fs.rmSync(join(from, "link"));
  fs.symlinkSync("b", join(from, "link"));
  fs.rmSync(join(from, "top"));
  fs.mkdirSync(join(from, "top"));
}

const ALL_CHANGES = [
  "metadata . modified",
  "content a/one modified",
  "metadata a/two mode",
  "type b",
  "removed b/three",
  "metadata link modified target",
  "added new",
  "added new/sub",
  "added new/sub/file",
  "type top",
];

describe("between two snapshots", () => {
  test("each change is told once, in the order of the paths", async () => {
    using temp = tempDir();
    const rig = await smallRig(temp.path);
    changeAll(rig.from);
    await rig.backUp();
    expect((await rig.changes()).told).toEqual(ALL_CHANGES);
    const timeless = await rig.changes(["modified"]);
    expect(timeless.told).toEqual(
      ALL_CHANGES.filter((line) => line !== "metadata . modified").map((line) =>
        line.replace(" modified", ""),
      ),
    );
  });

  test("nothing is read of what is the same", async () => {
    using temp = tempDir();
    const rig = await smallRig(temp.path);
    await rig.backUp();
    expect(await rig.changes()).toEqual({ told: [], treesRead: 0 });
    fs.appendFileSync(join(rig.from, "a/one"), "more");
    await rig.backUp();
    // The tops and a, before and after.
    expect(await rig.changes()).toEqual({ told: ["content a/one modified"], treesRead: 4 });
  });

  test("times to the nanosecond and special bits count", async () => {
    using temp = tempDir();
    const rig = await smallRig(temp.path);
    const touch = (time: string) =>
      Bun.spawnSync(["touch", "-d", `2020-01-01 00:00:00.${time}`, join(rig.from, "top")]);
    touch("000000001");
    await rig.backUp();
    touch("000000002");
    fs.chmodSync(join(rig.from, "still"), 0o1755);
    await rig.backUp();
    expect((await rig.changes()).told).toEqual(["metadata still mode", "metadata top modified"]);
  });

  test("a folder alone and the same among others are compared by their paths", async () => {
    using temp = tempDir();
    const rig = new Rig(temp.path);
    const other = join(temp.path, "other");
    writeTree(rig.from, { x: "1" });
    writeTree(other, { y: "2" });
    await rig.backUp([rig.from, other]);
    fs.rmSync(join(rig.from, "x"));
    await rig.backUp([rig.from, other]);
    const at = rig.from.slice(1);
    expect((await rig.changes()).told).toEqual([`metadata ${at} modified`, `removed ${at}/x`]);
  });

  test("random trees differ by what two lists of them differ by", async () => {
    using temp = tempDir();
    const random = seededRandom();
    const rig = new Rig(temp.path);
    fs.mkdirSync(rig.from);
    for (let round = 0; round < 6; round++) {
      const before = listOf(rig.from);
      meddle(rig.from, random);
      await rig.backUp();
      const after = listOf(rig.from);
      if (round === 0) continue;
      const { told: lines } = await rig.changes(["modified", "mode"]);
      expect({ seed: random.seed, lines: lines.toSorted() }).toEqual({
        seed: random.seed,
        lines: expected(before, after),
      });
    }
  });
});

/** Each path with its content, `undefined` for a folder. */
function listOf(from: string): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const name of fs.readdirSync(from, { recursive: true, encoding: "utf8" })) {
    const path = join(from, name);
    found.set(name, fs.statSync(path).isDirectory() ? undefined : fs.readFileSync(path, "utf8"));
  }
  return found;
}

function expected(
  before: Map<string, string | undefined>,
  after: Map<string, string | undefined>,
): string[] {
  const lines: string[] = [];
  for (const [path, content] of before) {
    if (!after.has(path)) lines.push(`removed ${path}`);
    else if ((content === undefined) !== (after.get(path) === undefined))
      lines.push(`type ${path}`);
    else if (content !== after.get(path)) lines.push(`content ${path}`);
  }
  for (const path of after.keys()) if (!before.has(path)) lines.push(`added ${path}`);
  return lines.sort();
}

function meddle(from: string, random: ReturnType<typeof seededRandom>): void {
  for (let i = 0; i < 40; i++) {
    const names = Array.from({ length: 1 + random.int(3) }, () => "abcd"[random.int(4)]!);
    const path = join(from, ...names);
    for (let at = 1; at < names.length; at++) {
      const above = join(from, ...names.slice(0, at));
      if (fs.existsSync(above) && !fs.statSync(above).isDirectory()) fs.rmSync(above);
    }
    fs.rmSync(path, { recursive: true, force: true });
    if (random.int(3) === 0) continue;
    fs.mkdirSync(join(path, ".."), { recursive: true });
    if (random.int(4) === 0) fs.mkdirSync(path);
    else fs.writeFileSync(path, `content ${random.int(1000)}`);
  }
}

describe("with a folder", () => {
  test("nothing differs right after a backup, also when all is read", async () => {
    using temp = tempDir();
    const rig = await smallRig(temp.path);
    expect((await rig.since()).told).toEqual([]);
    expect((await rig.since({ content: true })).told).toEqual([]);
  });

  test("it tells what another snapshot would", async () => {
    using temp = tempDir();
    const rig = await smallRig(temp.path);
    changeAll(rig.from);
    expect((await rig.since()).told).toEqual(ALL_CHANGES);
    expect((await rig.since({ content: true })).told).toEqual(ALL_CHANGES);
  });

  test("content is taken for the same by size and time, or all is read", async () => {
    using temp = tempDir();
    const rig = await smallRig(temp.path);
    const at = (name: string) => join(rig.from, name);
    const { atime, mtime } = fs.statSync(at("top"));
    fs.utimesSync(at("top"), atime, new Date(mtime.getTime() + 5000));
    const stat = fs.statSync(at("a/one"), { bigint: true });
    fs.writeFileSync(at("a/one"), "X");
    const when = `@${stat.mtimeNs / 1_000_000_000n}.${String(stat.mtimeNs % 1_000_000_000n).padStart(9, "0")}`;
    Bun.spawnSync(["touch", "-d", when, at("a/one")]);
    expect((await rig.since()).told).toEqual(["metadata top modified"]);
    expect((await rig.since({ content: true })).told).toEqual([
      "content a/one",
      "metadata top modified",
    ]);
  });

  test("a file of another time is read, so that other content never passes for a time", async () => {
    using temp = tempDir();
    const rig = await smallRig(temp.path);
    fs.writeFileSync(join(rig.from, "top"), "X");
    expect((await rig.since()).told).toEqual(["content top modified"]);
    expect((await rig.since({ ignored: ["modified"] })).told).toEqual(["content top"]);
  });

  test("long and sparse files are compared whole", async () => {
    using temp = tempDir();
    const rig = new Rig(temp.path);
    const path = join(rig.from, "long");
    writeTree(rig.from, { long: seededRandom(3).bytes(9_000_000) });
    fs.truncateSync(path, 30_000_000);
    const file = fs.openSync(path, "r+");
    fs.writeSync(file, "in the middle", 20_000_000);
    fs.closeSync(file);
    await rig.backUp();
    expect((await rig.since({ content: true })).told).toEqual([]);
    for (const place of [4_567_890, 15_000_000, 20_000_003, 29_999_999]) {
      const before = Buffer.alloc(1);
      const changed = fs.openSync(path, "r+");
      fs.readSync(changed, before, 0, 1, place);
      fs.writeSync(changed, Uint8Array.of(before[0]! ^ 1), 0, 1, place);
      const found = (await rig.since({ content: true })).told;
      expect([place, found]).toEqual([place, ["content long modified"]]);
      fs.writeSync(changed, before, 0, 1, place);
      fs.closeSync(changed);
    }
    expect((await rig.since({ content: true })).told).toEqual(["metadata long modified"]);
  });

  test("a folder that the store has lost is a finding, and what follows is compared", async () => {
    using temp = tempDir();
    const rig = new Rig(temp.path);
    writeTree(rig.from, { "lost/b": "1", "lost/sub/sub/c": "2" });
    await rig.backUp();
    const early = await namesIn(rig.storage, "packs/");
    writeTree(rig.from, { "m/file": "3", z: "4" });
    await rig.backUp();
    for (const name of early) rig.storage.vanish(name);
    fs.chmodSync(join(rig.from, "z"), 0o600);
    writeTree(rig.from, { "m/new": "5" });
    const { told: lines, damaged } = await rig.since();
    expect(lines).toEqual(["metadata m modified", "added m/new", "metadata z mode"]);
    expect(damaged).toContain("lost");
  });

  test("what can't be read is a problem, and neither removed nor changed", async () => {
    using temp = tempDir();
    const rig = await smallRig(temp.path);
    const refused = Object.assign(new Error("no"), { code: "EACCES" });
    const files = meddledFiles((real) => ({
      openFolder(parent, name, options) {
        if (textOf(name) === "b") throw refused;
        return real.openFolder(parent, name, options);
      },
      openFile(folder, name, options) {
        if (textOf(name) === "two") throw refused;
        return real.openFile(folder, name, options);
      },
    }));
    fs.rmSync(join(rig.from, "top"));
    fs.rmSync(join(rig.from, "still"), { recursive: true });
    const { told: lines, problems } = await rig.since({ files, content: true });
    const found = ["metadata . modified", "removed still", "removed still/four", "removed top"];
    expect(lines).toEqual(found);
    expect(problems.map(({ subject }) => subject)).toEqual([
      join(rig.from, "a/two"),
      join(rig.from, "b"),
    ]);
  });

  test("a file where the folder was is of another type", async () => {
    using temp = tempDir();
    const rig = new Rig(temp.path);
    writeTree(rig.from, { x: "1" });
    await rig.backUp();
    expect((await rig.since({ at: join(rig.from, "x") })).told).toEqual(["type .", "removed x"]);
  });
});
