// Hard links and several roots: what one name says of another, and what it must not say.

import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { openFileSystem } from "../../src/system/open.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { backUp, restoreTo } from "../support/jobs.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const OLD = new Date(1_600_000_000_000);

async function scene() {
  const temp = tempDir();
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const from = join(temp.path, "from");
  fs.mkdirSync(from);
  return { temp, storage, client, from, store: () => client.open(storage) };
}

test("a file whose first name goes away is stored under its second", async () => {
  const { temp, client, from, store } = await scene();
  using _ = temp;
  fs.writeFileSync(join(from, "a"), "content");
  fs.linkSync(join(from, "a"), join(from, "b"));
  const files = openFileSystem();
  const real = files.openFile.bind(files);
  files.openFile = (folder, name, options) => {
    if (name[0] === 0x61) fs.rmSync(join(from, "a"), { force: true });
    return real(folder, name, options);
  };
  const result = await backUp(client, await store(), [from], { files });
  expect(result.counts.files).toBe(1);
  const to = join(temp.path, "to");
  await restoreTo(await store(), to);
  expect(fs.readFileSync(join(to, "b"), "utf8")).toBe("content");
});

test("a second name that the walk meets after a change gets the content as it is then", async () => {
  const { temp, client, from, store } = await scene();
  using _ = temp;
  fs.writeFileSync(join(from, "a"), "before");
  fs.linkSync(join(from, "a"), join(from, "z"));
  const files = openFileSystem();
  const real = files.stat.bind(files);
  files.stat = (folder, name) => {
    if (name[0] === 0x7a) fs.writeFileSync(join(from, "z"), "afterwards, and longer");
    return real(folder, name);
  };
  await backUp(client, await store(), [from], { files });
  const to = join(temp.path, "to");
  await restoreTo(await store(), to);
  expect(fs.readFileSync(join(to, "z"), "utf8")).toBe("afterwards, and longer");
});

test("unchanged files of several roots are not read again", async () => {
  const { temp, client, from, store } = await scene();
  using _ = temp;
  const other = join(temp.path, "other");
  fs.mkdirSync(other);
  for (const path of [join(from, "one"), join(other, "two")]) {
    fs.writeFileSync(path, path);
    fs.utimesSync(path, OLD, OLD);
  }
  await backUp(client, await store(), [from, other]);
  const again = await backUp(client, await store(), [from, other]);
  expect(again.unchangedFiles).toBe(2);
});
