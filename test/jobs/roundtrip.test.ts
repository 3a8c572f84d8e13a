// Backup and restore: what comes back is what was there, byte by byte, with all its metadata.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import { TREE_PAGE_BYTES } from "../../src/base/limits.ts";
import { endsPage } from "../../src/format/tree.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { compareFolders } from "../support/compare.ts";
import { backUp, restoreTo, runCheck } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore } from "../support/store.ts";
import { deepTempDir, IS_ROOT, ODD_NAMES } from "../system/trees.ts";

const random = seededRandom(11);

function makeEverything(path: string): void {
  const at = (name: Uint8Array) => Buffer.concat([Buffer.from(`${path}/`), name]);
  for (const name of ODD_NAMES) fs.writeFileSync(at(name), Buffer.from(name));
  fs.mkdirSync(join(path, "empty"), { mode: 0o1733 });
  fs.mkdirSync(join(path, "sub/sub"), { recursive: true });
  fs.writeFileSync(join(path, "sub/text"), Buffer.alloc(1_234_567, "text "));
  fs.writeFileSync(join(path, "sub/noise"), random.bytes(3_000_001));
  fs.writeFileSync(join(path, "sub/none"), "");
  fs.writeFileSync(join(path, "sub/once"), "one byte of", { mode: 0o4711 });
  fs.linkSync(join(path, "sub/noise"), join(path, "sub/sub/noise too"));
  fs.linkSync(join(path, "sub/none"), join(path, "sub/sub/none too"));
  fs.symlinkSync("sub/text", join(path, "link"));
  fs.linkSync(join(path, "link"), join(path, "link too"));
  fs.symlinkSync("nowhere at all", join(path, "dangling"));
  Bun.spawnSync(["mkfifo", "-m", "602", join(path, "pipe")]);
  if (IS_ROOT) {
    Bun.spawnSync(["mknod", join(path, "null"), "c", "1", "3"]);
    fs.chownSync(join(path, "sub/once"), 1234, 4321);
  }
  const touch = (date: string, ...names: string[]) =>
    Bun.spawnSync(["touch", "-h", "-d", date, ...names.map((name) => join(path, name))]);
  touch("1965-03-04 05:06:07.000000008", "link", "sub/text");
  touch("2100-03-04 05:06:07.999999999", "sub/none");
  fs.chmodSync(join(path, "sub/sub"), 0o555);
  touch("2001-02-03 04:05:06.7", "sub/sub", "sub", "empty", ".");
}

test("everything comes back as it was", async () => {
  using temp = deepTempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  fs.mkdirSync(from);
  makeEverything(from);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const store = await client.open(storage);
  const made = await backUp(client, store, [from]);
  expect(made.problems).toEqual([]);
  const restored = await restoreTo(await new Client().open(storage), to);
  expect(restored.problems).toEqual([]);
  expect(restored.notices).toEqual([]);
  expect(compareFolders(from, to).differences).toEqual([]);
  const checked = await runCheck(await new Client().open(storage), 1);
  expect(checked.findings).toEqual([]);
  const { files, folders, others } = made.counts;
  expect(restored.counts).toMatchObject({ files, folders, others, problems: 0 });
});

test("a folder of 3,000 long names is split into pages and comes back", async () => {
  using temp = deepTempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  fs.mkdirSync(from);
  const names = Array.from({ length: 3000 }, (_, i) => `${i}${"-".repeat(240)}`);
  // A name that ends a page once the page is long enough.
  const last = names.length;
  const ending = Array.from({ length: 100_000 }, (_, i) => `8${"-".repeat(240)}${last + i}`).find(
    (name) => endsPage(TREE_PAGE_BYTES, utf8(name)),
  );
  for (const [i, name] of [...names, ending!].entries()) {
    fs.writeFileSync(join(from, name), i % 7 === 0 ? "" : `${i % 50}`);
  }
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const made = await backUp(client, await client.open(storage), [from]);
  expect(made.counts.files).toBe(names.length + 1);
  const contents = 50;
  const pagesAtLeast = 2;
  expect(made.written.blobs).toBeGreaterThanOrEqual(contents + pagesAtLeast + 1);
  const restored = await restoreTo(await client.open(storage), to);
  expect(restored.problems).toEqual([]);
  expect(compareFolders(from, to).differences).toEqual([]);
});

test("a path far longer than the system takes at once comes back", async () => {
  using temp = deepTempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  fs.mkdirSync(from);
  const depth = 60;
  const name = "n".repeat(200);
  const goDown = `for i in $(seq ${depth}); do cd -P ${name} || exit 1; done`;
  const made = Bun.spawnSync([
    "sh",
    "-c",
    `cd "$1" && for i in $(seq ${depth}); do mkdir ${name} && cd -P ${name} || exit 1; done; echo deep > file`,
    "sh",
    from,
  ]);
  expect(made.exitCode).toBe(0);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const result = await backUp(client, await client.open(storage), [from]);
  expect(result.problems).toEqual([]);
  expect(result.counts.folders).toBe(depth + 1);
  const restored = await restoreTo(await client.open(storage), to);
  expect(restored.problems).toEqual([]);
  expect(restored.counts).toMatchObject({ files: 1, folders: depth + 1, problems: 0 });
  const same = Bun.spawnSync(["sh", "-c", `cd "$1" && ${goDown} && cat file`, "sh", to]);
  expect(same.stdout.toString()).toBe("deep\n");
});

test("a single file and several roots are snapshots too", async () => {
  using temp = deepTempDir();
  const at = (name: string) => join(temp.path, name);
  fs.mkdirSync(at("one/inner"), { recursive: true });
  fs.mkdirSync(at("two"));
  fs.writeFileSync(at("one/inner/a"), "a");
  fs.writeFileSync(at("two/b"), "b");
  fs.writeFileSync(at("three"), "c");
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  await backUp(client, await client.open(storage), [at("three")]);
  await restoreTo(await client.open(storage), at("alone"));
  expect(fs.readFileSync(at("alone/three"), "utf8")).toBe("c");
  await backUp(client, await client.open(storage), [at("one"), at("two"), at("three")]);
  await restoreTo(await client.open(storage), at("all"));
  const all = join(at("all"), temp.path);
  expect(compareFolders(at("one"), join(all, "one")).differences).toEqual([]);
  expect(compareFolders(at("two"), join(all, "two")).differences).toEqual([]);
  expect(fs.readFileSync(join(all, "three"), "utf8")).toBe("c");
});
