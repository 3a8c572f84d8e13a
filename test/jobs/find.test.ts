// Find: every match of every snapshot, and each tree read once, however many snapshots have it.

import { expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { textOf } from "../../src/base/bytes.ts";
import { PathPatterns } from "../../src/base/path-patterns.ts";
import { Find } from "../../src/jobs/find.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { Node } from "../../src/store/paths.ts";
import type { Store } from "../../src/store/store.ts";
import { writeTree } from "../support/files.ts";
import { backUp } from "../support/jobs.ts";
import { countingReader, snapshotsIn } from "../support/looking.ts";
import { Client, makeStore, namesIn } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const all = (): boolean => true;

/** The matches of each snapshot, and how many trees were read for them. */
async function findIn(
  store: Store,
  patterns: readonly string[],
  accepts: (node: Node) => boolean = all,
): Promise<{ readonly found: string[][]; readonly treesRead: number[] }> {
  const { reader, counts } = countingReader(store);
  const breathe = (): undefined => undefined;
  const job = new Find(store, reader, { patterns: new PathPatterns(patterns), accepts, breathe });
  const found: string[][] = [];
  const treesRead: number[] = [];
  for (const snapshot of await snapshotsIn(store)) {
    const before = counts.tree;
    const paths: string[] = [];
    await job.search(snapshot, ({ path }) => {
      paths.push(textOf(path));
      return Promise.resolve();
    });
    found.push(paths);
    treesRead.push(counts.tree - before);
  }
  expect(counts.data).toBe(0);
  return { found, treesRead };
}

const TREE = {
  "a/x.txt": "1",
  "a/deep/y.txt": "2",
  "b/z.txt": "3",
  "c/none": "4",
  "still/none": "5",
};

async function threeSnapshots(from: string): Promise<{ client: Client; store: Store }> {
  writeTree(from, TREE);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from]);
  writeTree(from, { "c/more.txt": "6" });
  await backUp(client, await client.open(storage), [from]);
  await backUp(client, await client.open(storage), [from]);
  return { client, store: await client.open(storage) };
}

test("every snapshot's matches come in the order of the paths, and no tree is read twice", async () => {
  using temp = tempDir();
  const { store } = await threeSnapshots(join(temp.path, "from"));
  const { found, treesRead } = await findIn(store, ["*.txt"]);
  const first = ["a/deep/y.txt", "a/x.txt", "b/z.txt"];
  expect(found).toEqual([first, [...first, "c/more.txt"], [...first, "c/more.txt"]]);
  // The top, a, a/deep, b, c and still; then the top and c, which changed; then nothing.
  expect(treesRead).toEqual([6, 2, 0]);
});

test("a folder with one content at two paths is read once, where the pattern is one of names", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, { "one/sub/x": "1", "two/sub/x": "1" });
  // The same times: then both are one tree.
  const touch = ["one/sub/x", "two/sub/x", "one/sub", "two/sub", "one", "two"];
  Bun.spawnSync(["touch", "-d", "2020-01-01", ...touch.map((name) => join(from, name))]);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [from]);
  const store = await client.open(storage);
  const named = await findIn(store, ["x"]);
  expect(named).toEqual({ found: [["one/sub/x", "two/sub/x"]], treesRead: [3] });
  // What a path says depends on where the folder is.
  expect((await findIn(store, ["/two/sub/x"])).found).toEqual([["two/sub/x"]]);
  expect((await findIn(store, ["/one/**/x", "/two/sub"])).found).toEqual([
    ["one/sub/x", "two/sub"],
  ]);
});

test("folders that no pattern leads to are not read", async () => {
  using temp = tempDir();
  const { store } = await threeSnapshots(join(temp.path, "from"));
  const { found, treesRead } = await findIn(store, ["/b/*"]);
  expect(found).toEqual([["b/z.txt"], ["b/z.txt"], ["b/z.txt"]]);
  expect(treesRead).toEqual([2, 1, 0]);
});

test("what matches and is not wanted is left out, what is in it is not", async () => {
  using temp = tempDir();
  const { store } = await threeSnapshots(join(temp.path, "from"));
  const isFile = (node: Node): boolean => node.kind === "entry" && node.entry.type === "file";
  const { found } = await findIn(store, ["a/**", "c"], isFile);
  expect(found[0]).toEqual(["a/deep/y.txt", "a/x.txt"]);
  expect(found[2]).toEqual(found[0]!);
});

test("a snapshot of several roots is searched by their absolute paths", async () => {
  using temp = tempDir();
  const [one, two] = [join(temp.path, "one"), join(temp.path, "two")];
  writeTree(one, { x: "1" });
  mkdirSync(two);
  writeTree(two, { x: "2", y: "3" });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [one, two]);
  const store = await client.open(storage);
  const below = (path: string) => path.slice(1);
  expect((await findIn(store, ["x"])).found).toEqual([[below(`${one}/x`), below(`${two}/x`)]]);
  expect((await findIn(store, [`${two}/*`])).found[0]).toEqual([
    below(`${two}/x`),
    below(`${two}/y`),
  ]);
});

test("a folder that can't be read is a finding of each snapshot, and the rest is searched", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  writeTree(from, { "lost/x": "1" });
  await backUp(client, await client.open(storage), [from]);
  const early = await namesIn(storage, "packs/");
  writeTree(from, { "new/x": "2" });
  await backUp(client, await client.open(storage), [from]);
  rmSync(join(from, "new"), { recursive: true });
  for (const name of early) storage.vanish(name);
  const store = await new Client().open(storage);
  const { found } = await findIn(store, ["x"]);
  expect(found).toEqual([[], ["new/x"]]);
  const [first, second] = (await snapshotsIn(store)).map(({ manifest }) =>
    Buffer.from(manifest.id).toString("hex").slice(0, 10),
  );
  const subjects = store.findings.all.map(({ subject }) => subject);
  expect(subjects).toContain(`${first}:/`);
  expect(subjects).toContain(`${second}:/lost`);
});
