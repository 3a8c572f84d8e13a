// Files that do not hold still: they change, vanish, are replaced or can't be read while a backup
// runs. Whatever is stored is what the files held; whatever is left out is said.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { memoryStorage } from "../../src/storage/memory.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { meddledFiles, writeTree } from "../support/files.ts";
import { backUp, restoreTo, runCheck } from "../support/jobs.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const TREE = { "a first": "first", "b moving": "state 1", "c last": "last" };

/** Backs up the tree while it is meddled with, and restores what was stored. */
async function backUpMoving(
  meddle: (path: string, real: FileSystem) => Partial<FileSystem>,
): Promise<{
  readonly made: Awaited<ReturnType<typeof backUp>>;
  readonly names: string[];
  readonly moving: string | undefined;
}> {
  using temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  writeTree(from, TREE);
  const path = join(from, "b moving");
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const files = meddledFiles((real) => meddle(path, real));
  const made = await backUp(client, await client.open(storage), [from], { files });
  const restored = await restoreTo(await new Client().open(storage), to);
  expect(restored.problems).toEqual([]);
  expect(fs.readFileSync(join(to, "a first"), "utf8")).toBe("first");
  expect(fs.readFileSync(join(to, "c last"), "utf8")).toBe("last");
  expect((await runCheck(await new Client().open(storage), 1)).findings).toEqual([]);
  const names = fs.readdirSync(to).sort();
  const moving = names.includes("b moving")
    ? fs.readFileSync(join(to, "b moving"), "utf8")
    : undefined;
  return { made, names, moving };
}

const isMoving = (name: Uint8Array) => Buffer.from(name).toString() === "b moving";

/** Does something whenever the moving file is about to be opened. */
function onOpen(act: (path: string, time: number) => void) {
  let time = 0;
  return (path: string, real: FileSystem): Partial<FileSystem> => ({
    openFile(folder, name, options) {
      if (isMoving(name)) act(path, ++time);
      return real.openFile(folder, name, options);
    },
  });
}

/** Does something whenever the open moving file is looked at: before and after each reading. */
function onLook(act: (path: string, look: number) => void) {
  let look = 0;
  let moving: number | undefined;
  return (path: string, real: FileSystem): Partial<FileSystem> => ({
    openFile(folder, name, options) {
      const descriptor = real.openFile(folder, name, options);
      if (isMoving(name)) moving = descriptor;
      else if (moving === descriptor) moving = undefined;
      return descriptor;
    },
    statDescriptor(descriptor) {
      if (descriptor === moving) act(path, ++look);
      return real.statDescriptor(descriptor);
    },
  });
}

test("a file that changes once while it is read is read again", async () => {
  const { made, moving } = await backUpMoving(
    onLook((path, look) => {
      if (look === 1) fs.writeFileSync(path, "state 2, longer");
    }),
  );
  expect(moving).toBe("state 2, longer");
  expect(made.problems).toEqual([]);
  expect(made.counts.files).toBe(3);
});

test("a file that never holds still is stored as it was read, and that is a problem", async () => {
  const { made, moving } = await backUpMoving(
    onLook((path, look) => fs.appendFileSync(path, ` ${look}`)),
  );
  expect(moving).toStartWith("state 1");
  expect(made.problems.map(({ subject }) => subject.endsWith("b moving"))).toEqual([true]);
  expect(made.problems[0]!.message).toContain("changed while it was read");
  expect(made.counts).toMatchObject({ files: 3, problems: 1 });
});

test("a file that shrinks while it is read is stored with the length that was read", async () => {
  const { made, moving } = await backUpMoving(
    onLook((path, look) => fs.truncateSync(path, 7 - look)),
  );
  expect("state 1").toStartWith(moving!);
  expect(made.problems.length).toBe(1);
});

test("a sparse file that is cut while it is read keeps no hole behind its end", async () => {
  const holes = new Map<string, number>();
  const { made, moving } = await backUpMoving((path, real) => ({
    openFile(folder, name, options) {
      if (!isMoving(name)) return real.openFile(folder, name, options);
      // Data, 1 MiB of nothing, data.
      fs.writeFileSync(path, "x".repeat(65_536));
      fs.truncateSync(path, 2 ** 20);
      fs.appendFileSync(path, "end");
      return real.openFile(folder, name, options);
    },
    dataFrom(descriptor, at) {
      const data = real.dataFrom(descriptor, at);
      if (data === undefined || data <= at) return data;
      holes.set(path, data - at);
      fs.truncateSync(path, 10);
      return data;
    },
  }));
  expect(holes.size).toBe(1);
  expect(moving).toBe("xxxxxxxxxx");
  expect(made.problems.length).toBe(1);
});

test("a file that is gone when its turn comes is a notice", async () => {
  const { made, names } = await backUpMoving(onOpen((path) => fs.rmSync(path, { force: true })));
  expect(names).toEqual(["a first", "c last"]);
  expect(made.problems).toEqual([]);
  expect(made.notices.length).toBe(1);
  expect(made.notices[0]).toContain("b moving");
  expect(made.counts.files).toBe(2);
});

test("a file that another one was renamed over is stored as that one", async () => {
  const { made, moving } = await backUpMoving(
    onOpen((path, time) => {
      if (time > 1) return;
      fs.writeFileSync(`${path}.new`, "another file");
      fs.renameSync(`${path}.new`, path);
    }),
  );
  expect(moving).toBe("another file");
  expect(made.problems).toEqual([]);
});

test("a file that is replaced each time it is looked for is a problem", async () => {
  const { made, names } = await backUpMoving(
    onOpen((path, time) => {
      // Kept alive elsewhere, or its number would be given to the next one.
      fs.linkSync(path, join(path, `../../kept ${time}`));
      fs.writeFileSync(`${path}.new`, `another file ${time}`);
      fs.renameSync(`${path}.new`, path);
    }),
  );
  expect(names).toEqual(["a first", "c last"]);
  expect(made.problems.length).toBe(1);
  expect(made.counts.problems).toBe(1);
});

for (const what of ["link", "folder"] as const) {
  test(`a file that a ${what} took the place of is a problem, and is not followed`, async () => {
    const { made, names } = await backUpMoving(
      onOpen((path, time) => {
        if (time > 1) return;
        fs.rmSync(path);
        if (what === "link") fs.symlinkSync("/etc/passwd", path);
        else fs.mkdirSync(path);
      }),
    );
    expect(names).toEqual(["a first", "c last"]);
    expect(made.problems.length).toBe(1);
  });
}

for (const code of ["EACCES", "EIO"]) {
  test(`a file that gives ${code} is a problem, and the rest is stored`, async () => {
    const { made, names } = await backUpMoving((_path, real) => ({
      openFile(folder, name, options) {
        if (isMoving(name)) throw Object.assign(new Error(`${code}: planned`), { code });
        return real.openFile(folder, name, options);
      },
    }));
    expect(names).toEqual(["a first", "c last"]);
    expect(made.problems.length).toBe(1);
    expect(made.problems[0]!.message).toContain(code);
    expect(made.counts).toMatchObject({ files: 2, problems: 1 });
  });
}

test("a folder that can't be read is a problem, and the rest is stored", async () => {
  using temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  writeTree(from, { "a/file": "1", "closed/file": "2", "z/file": "3" });
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const files = meddledFiles((real) => ({
    openFolder(parent, path, options) {
      if (Buffer.from(path).toString() === "closed") {
        throw Object.assign(new Error("EACCES: planned"), { code: "EACCES" });
      }
      return real.openFolder(parent, path, options);
    },
  }));
  const made = await backUp(client, await client.open(storage), [from], { files });
  expect(made.problems.map(({ subject }) => subject)).toEqual([join(from, "closed")]);
  await restoreTo(await client.open(storage), to);
  expect(fs.readdirSync(to).sort()).toEqual(["a", "z"]);
});

test("an unstable file is not taken for known the next time", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  writeTree(from, TREE);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const files = meddledFiles((real) =>
    onLook((path, look) => fs.appendFileSync(path, ` ${look}`))(join(from, "b moving"), real),
  );
  await backUp(client, await client.open(storage), [from], { files });
  const second = await backUp(client, await client.open(storage), [from]);
  expect(second.unchangedFiles).toBe(2);
  expect(second.problems).toEqual([]);
});
