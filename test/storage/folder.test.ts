// Folder storage: the contract with and without hard links, then what only a filesystem can do:
// planted links, leftovers of crashes, a full disk, other processes.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join, relative } from "node:path";

import { type Bytes, hexOf } from "../../src/base/bytes.ts";
import { throughFolder } from "../../src/storage/files.ts";
import { type FolderOptions, openFolderStorage } from "../../src/storage/folder.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { mountSmallDisk } from "../support/disk.ts";
import { seededRandom } from "../support/random.ts";
import { type TempDir, tempDir } from "../support/temp.ts";
import { nameFor } from "./naming.ts";
import { failureOf, namesOf, numbered, storageSuite } from "./suite.ts";

// Every put waits for the disk three times, and other tests may keep the disk busy.
setDefaultTimeout(60_000);

for (const options of [{}, { hardLinks: false }]) {
  storageSuite(`folder ${JSON.stringify(options)}`, async () => {
    const { storage, root, temp } = await openFresh(options);
    return {
      storage,
      plant: async (name, bytes) => plant(root, name, bytes),
      [Symbol.asyncDispose]: async () => temp[Symbol.dispose](),
    };
  });
}

interface Fresh extends Disposable {
  readonly temp: TempDir;
  readonly root: string;
  readonly storage: Storage;
}

async function openFresh(options: FolderOptions = {}): Promise<Fresh> {
  const temp = tempDir();
  const root = join(temp.path, "store");
  const storage = await openFolderStorage(root, { create: true, ...options });
  return { temp, root, storage, [Symbol.dispose]: () => temp[Symbol.dispose]() };
}

function plant(root: string, name: string, bytes: Bytes): void {
  const path = join(root, name);
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.rmSync(path, { force: true });
  fs.writeFileSync(path, bytes);
}

function filesIn(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}

/** Names of all objects, each of which must have the bytes that its name says. */
async function soundNames(storage: Storage): Promise<string[]> {
  const names = await namesOf(storage);
  for (const name of names) {
    const bytes = (await storage.get(name))!;
    expect(name).toEndWith(createHash("sha256").update(bytes).digest("hex"));
  }
  return names;
}

const BYTES = numbered(1, 1000)[0]!;
const NAME = nameFor(BYTES);

describe("folder: opening", () => {
  test("says where there is no store, and makes folders when asked", async () => {
    using temp = tempDir();
    const root = join(temp.path, "a", "b", "c");
    const error = await failureOf("no-store", openFolderStorage(root));
    expect(error.message).toContain(root);
    expect(filesIn(temp.path)).toEqual([]);
    await openFolderStorage(root, { create: true });
    await openFolderStorage(root, { create: true });
    expect(fs.statSync(root).mode & 0o777).toBe(0o700);
    expect((await openFolderStorage(root)).location).toBe(root);
    expect(filesIn(root)).toEqual([]);
  });

  test("refuses a file", async () => {
    using temp = tempDir();
    const path = join(temp.path, "file");
    fs.writeFileSync(path, "");
    await failureOf("no-store", openFolderStorage(path));
    await failureOf("invalid-argument", openFolderStorage(path, { create: true }));
    await failureOf("not-found", openFolderStorage(join(path, "below")));
  });

  test("makes a relative path absolute, and takes a link to a folder", async () => {
    using temp = tempDir();
    fs.mkdirSync(join(temp.path, "real"));
    fs.symlinkSync("real", join(temp.path, "link"));
    const path = join(temp.path, "link");
    const storage = await openFolderStorage(relative(process.cwd(), path));
    expect(storage.location).toBe(path);
    await storage.put(NAME, BYTES);
    expect(fs.existsSync(join(temp.path, "real", NAME))).toBe(true);
  });

  test("a folder that goes away is unavailable, never empty", async () => {
    using fresh = await openFresh();
    const { root, storage } = fresh;
    await storage.put(NAME, BYTES);
    fs.rmSync(root, { recursive: true });
    await failureOf("unavailable", storage.get(NAME));
    await failureOf("unavailable", namesOf(storage));
    await failureOf("unavailable", namesOf(storage, "packs/00/"));
    await failureOf("unavailable", storage.put(NAME, BYTES));
    await failureOf("unavailable", storage.serverTime());
    await failureOf("unavailable", storage.locationId(false));
    await failureOf("unavailable", storage.locationId(true));
    fs.mkdirSync(root);
    await storage.put(NAME, BYTES);
    expect(await soundNames(storage)).toEqual([NAME]);
  });
});

describe("folder: files", () => {
  test("writes them so that nobody changes them by mistake, and leaves nothing else", async () => {
    using fresh = await openFresh();
    const { root, storage } = fresh;
    await storage.put(NAME, BYTES);
    await storage.locationId(true);
    await storage.serverTime();
    expect(filesIn(root).sort()).toEqual(["location", "packs", "tmp"]);
    expect(filesIn(join(root, "tmp"))).toEqual([]);
    expect(fs.statSync(join(root, NAME)).mode & 0o777).toBe(0o400);
    expect(fs.statSync(join(root, NAME)).nlink).toBe(1);
    for (const folder of ["packs", "packs/00", "tmp"]) {
      expect(fs.statSync(join(root, folder)).mode & 0o777).toBe(0o700);
    }
    expect(fs.readFileSync(join(root, "location"), "latin1")).toMatch(/^[0-9a-f]{32}\n$/);
  });

  test("leaves a matching object as it is", async () => {
    using fresh = await openFresh();
    const { root, storage } = fresh;
    await storage.put(NAME, BYTES);
    const before = fs.statSync(join(root, NAME), { bigint: true });
    await storage.put(NAME, BYTES);
    const after = fs.statSync(join(root, NAME), { bigint: true });
    expect([after.ino, after.mtimeNs, after.ctimeNs]).toEqual([
      before.ino,
      before.mtimeNs,
      before.ctimeNs,
    ]);
  });

  for (const hardLinks of [true, false]) {
    test(`keeps wrong bytes aside (hard links: ${hardLinks})`, async () => {
      using fresh = await openFresh({ hardLinks });
      const { root, storage } = fresh;
      for (const wrong of ["first", "second"]) {
        plant(root, NAME, Buffer.from(wrong));
        await storage.put(NAME, BYTES);
      }
      const kept = filesIn(join(root, "aside")).map((name) =>
        fs.readFileSync(join(root, "aside", name), "latin1"),
      );
      expect(kept.sort()).toEqual(["first", "second"]);
      expect(filesIn(join(root, "tmp"))).toEqual([]);
      expect(await soundNames(storage)).toEqual([NAME]);
    });
  }

  test("makes folders again that were removed under it", async () => {
    using fresh = await openFresh();
    const { root, storage } = fresh;
    await storage.put(NAME, BYTES);
    for (const folder of ["packs", "tmp"]) fs.rmSync(join(root, folder), { recursive: true });
    await storage.put(NAME, BYTES);
    expect(await soundNames(storage)).toEqual([NAME]);
  });

  test("passes over what is no object", async () => {
    using fresh = await openFresh();
    const { root, storage } = fresh;
    await storage.put(NAME, BYTES);
    plant(root, "packs/00/readme", BYTES);
    plant(root, `packs/00/.${"A".repeat(64)}`, BYTES);
    plant(root, `tmp/${"a".repeat(64)}`, BYTES);
    plant(root, `aside/${"a".repeat(64)}`, BYTES);
    plant(root, `Packs/${"a".repeat(64)}`, BYTES);
    fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/packs/`), Buffer.from([0xff, 0xfe])]), "");
    expect(await namesOf(storage)).toEqual([NAME]);
  });

  test("refuses a location file that is none", async () => {
    using fresh = await openFresh();
    for (const text of ["", "abc\n", "0".repeat(32), `${"0".repeat(32)}\nx`, "x".repeat(1000)]) {
      fs.writeFileSync(join(fresh.root, "location"), text);
      await failureOf("corrupt", fresh.storage.locationId(false));
      await failureOf("corrupt", fresh.storage.locationId(true));
    }
  });

  test("refuses to read more than any object has", async () => {
    using fresh = await openFresh();
    plant(fresh.root, NAME, new Uint8Array(0));
    fs.truncateSync(join(fresh.root, NAME), 2 ** 40);
    await failureOf("corrupt", fresh.storage.get(NAME));
    const range = { offset: 2 ** 39, length: 3 };
    expect(hexOf((await fresh.storage.get(NAME, { range }))!)).toBe("000000");
  });
});

describe("folder: what is planted", () => {
  const plants: Record<string, (path: string, elsewhere: string) => void> = {
    "a link": (path, elsewhere) => fs.symlinkSync(elsewhere, path),
    "a dangling link": (path, elsewhere) => fs.symlinkSync(`${elsewhere}-none`, path),
    "a pipe": (path) => expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0),
  };
  for (const [what, plantAt] of Object.entries(plants)) {
    test(`${what} is neither read nor listed, and is put aside`, async () => {
      using fresh = await openFresh();
      const { temp, root, storage } = fresh;
      const elsewhere = join(temp.path, "elsewhere");
      fs.writeFileSync(elsewhere, BYTES);
      fs.mkdirSync(join(root, "packs/00"), { recursive: true });
      plantAt(join(root, NAME), elsewhere);
      expect((await failureOf("corrupt", storage.get(NAME))).subject).toBe(join(root, NAME));
      expect(await namesOf(storage)).toEqual([]);
      await storage.put(NAME, BYTES);
      expect(fs.lstatSync(join(root, NAME)).isFile()).toBe(true);
      expect(filesIn(join(root, "aside"))).toHaveLength(1);
      expect(await soundNames(storage)).toEqual([NAME]);
      expect(hexOf(fs.readFileSync(elsewhere))).toBe(hexOf(BYTES));
      expect(fs.existsSync(`${elsewhere}-none`)).toBe(false);
    });
  }

  test("a link in place of a folder leads nowhere", async () => {
    using fresh = await openFresh();
    const { temp, root, storage } = fresh;
    const elsewhere = join(temp.path, "elsewhere");
    plant(elsewhere, NAME, BYTES);
    fs.symlinkSync(join(elsewhere, "packs"), join(root, "packs"));
    await failureOf("corrupt", storage.get(NAME));
    await failureOf("corrupt", storage.put(NAME, BYTES));
    await failureOf("corrupt", storage.delete(NAME));
    await failureOf("corrupt", namesOf(storage, "packs/00/"));
    expect(await namesOf(storage)).toEqual([]);
    expect(fs.existsSync(join(elsewhere, NAME))).toBe(true);
  });

  test("a folder in place of an object is told and left alone", async () => {
    using fresh = await openFresh();
    const { root, storage } = fresh;
    fs.mkdirSync(join(root, NAME), { recursive: true });
    await failureOf("corrupt", storage.get(NAME));
    await failureOf("corrupt", storage.put(NAME, BYTES));
    expect(filesIn(join(root, "tmp"))).toEqual([]);
    expect(fs.statSync(join(root, NAME)).isDirectory()).toBe(true);
  });

  test("a link in place of tmp is neither written nor swept through", async () => {
    using fresh = await openFresh();
    const { temp, root, storage } = fresh;
    const elsewhere = join(temp.path, "elsewhere");
    const gone = Bun.spawn(["true"]);
    await gone.exited;
    const old = join(elsewhere, `${gone.pid}-0123456789abcdef`);
    plant(elsewhere, `${gone.pid}-0123456789abcdef`, BYTES);
    fs.utimesSync(old, 1, 1);
    // Also where this very storage had a true one before.
    await storage.serverTime();
    fs.rmdirSync(join(root, "tmp"));
    fs.symlinkSync(elsewhere, join(root, "tmp"));
    const before = fs.statSync(elsewhere).mtimeMs;
    for (const each of [storage, await openFolderStorage(root)]) {
      const error = await failureOf("corrupt", each.put(NAME, BYTES));
      expect(error.message).toContain(join(root, "tmp"));
      await failureOf("corrupt", each.serverTime());
      await failureOf("corrupt", each.locationId(true));
    }
    expect(filesIn(elsewhere)).toEqual([`${gone.pid}-0123456789abcdef`]);
    expect(fs.statSync(elsewhere).mtimeMs).toBe(before);
    expect(await namesOf(storage)).toEqual([]);
  });

  test("a link that takes the place of tmp meanwhile is not followed", async () => {
    using temp = tempDir();
    const [folder, elsewhere] = [join(temp.path, "tmp"), join(temp.path, "elsewhere")];
    fs.mkdirSync(folder);
    fs.mkdirSync(elsewhere);
    await throughFolder(folder, async (opened) => {
      fs.renameSync(folder, join(temp.path, "moved"));
      fs.symlinkSync(elsewhere, folder);
      fs.writeFileSync(join(opened, "file"), "");
    });
    expect(filesIn(elsewhere)).toEqual([]);
    expect(filesIn(join(temp.path, "moved"))).toEqual(["file"]);
  });

  test("errors in an opened folder name it as people do", async () => {
    using temp = tempDir();
    const failing = throughFolder(temp.path, (opened) => fs.promises.open(join(opened, "none")));
    await expect(failing).rejects.toThrow(`'${join(temp.path, "none")}'`);
  });

  test("a link in place of the location file is refused", async () => {
    using fresh = await openFresh();
    const { temp, root, storage } = fresh;
    fs.writeFileSync(join(temp.path, "id"), `${"0".repeat(32)}\n`);
    fs.symlinkSync(join(temp.path, "id"), join(root, "location"));
    await failureOf("corrupt", storage.locationId(false));
  });
});

describe("folder: leftovers", () => {
  const HEX = "0123456789abcdef";

  test("removes old ones of dead runs and nothing else", async () => {
    using fresh = await openFresh();
    const { root } = fresh;
    const gone = Bun.spawn(["true"]);
    await gone.exited;
    const now = await fresh.storage.serverTime();
    const hours = (count: number) => new Date(now - count * 60 * 60 * 1000);
    const keep = [`${gone.pid}-young${HEX}`, `${process.pid}-${HEX}`, `${gone.pid}-${HEX}`];
    plant(root, `tmp/${keep[0]}`, BYTES);
    for (const name of keep) plant(root, `tmp/${name}`, BYTES);
    fs.utimesSync(join(root, "tmp", keep[0]!), hours(1000), hours(1000));
    fs.utimesSync(join(root, "tmp", keep[1]!), hours(1000), hours(1000));
    fs.utimesSync(join(root, "tmp", keep[2]!), hours(23), hours(23));
    const old = join(root, "tmp", `${gone.pid}-${HEX.replace("0", "f")}`);
    fs.writeFileSync(old, "");
    fs.utimesSync(old, hours(25), hours(25));
    await openFolderStorage(root);
    expect(filesIn(join(root, "tmp")).sort()).toEqual(keep.sort());
  });

  test("a folder that can't be swept is opened all the same", async () => {
    using fresh = await openFresh();
    fs.writeFileSync(join(fresh.root, "tmp"), "not a folder");
    const storage = await openFolderStorage(fresh.root);
    expect(await namesOf(storage)).toEqual([]);
    await failureOf("corrupt", storage.put(NAME, BYTES));
  });

  test("a run that is killed leaves whole objects, and all that it has told", async () => {
    using fresh = await openFresh();
    const { root, storage } = fresh;
    const child = startPutter(root, 0, 100_000, 20_000);
    const told = await readLines(child, 20);
    child.kill("SIGKILL");
    await child.exited;
    const names = await soundNames(storage);
    for (const name of told) expect(names).toContain(name);
    for (const name of told) await storage.delete(name);
    expect((await soundNames(storage)).length).toBe(names.length - told.length);
  });
});

type Putter = ReturnType<typeof startPutter>;

function startPutter(root: string, first: number, count: number, byteCount: number) {
  const script = new URL("putter.ts", import.meta.url).pathname;
  const args = [root, first, count, byteCount].map(String);
  return Bun.spawn([process.execPath, script, ...args], { stdout: "pipe", stderr: "inherit" });
}

async function readLines(child: Putter, lineCount: number): Promise<string[]> {
  let text = "";
  for await (const part of child.stdout) {
    text += new TextDecoder().decode(part);
    if (text.split("\n").length > lineCount) break;
  }
  return text.split("\n").slice(0, -1);
}

test("folder: two processes put the same and different objects at once", async () => {
  using fresh = await openFresh();
  const { root, storage } = fresh;
  // The first half of the second process's objects is the second half of the first's.
  const children = [startPutter(root, 0, 120, 5000), startPutter(root, 60, 120, 5000)];
  for (const i of [60, 61, 62]) {
    plant(root, nameFor(seededRandom(i).bytes(5000)), Buffer.from(`wrong ${i}`));
  }
  const ids = await Promise.all([storage.locationId(true), openAndAskId(root)]);
  expect(hexOf(ids[0]!)).toBe(hexOf(ids[1]!));
  for (const child of children) {
    await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
  }
  // What was planted after a put is repaired by the next one.
  for (const i of [60, 61, 62]) {
    const bytes = seededRandom(i).bytes(5000);
    await storage.put(nameFor(bytes), bytes);
  }
  const wanted = Array.from({ length: 180 }, (_, i) => nameFor(seededRandom(i).bytes(5000)));
  expect(await soundNames(storage)).toEqual(wanted.sort());
  expect(filesIn(join(root, "tmp"))).toEqual([]);
});

async function openAndAskId(root: string) {
  return (await openFolderStorage(root)).locationId(true);
}

describe("folder: a small disk", () => {
  test("a full disk is told, leaves no half objects, and works again with room", async () => {
    using disk = mountSmallDisk();
    if (disk === undefined) return;
    const storage = await openFolderStorage(disk.path);
    const small = numbered(4, 100_000);
    for (const bytes of small) await storage.put(nameFor(bytes), bytes);
    const large = seededRandom(99).bytes(900_000);
    const error = await failureOf("full", storage.put(nameFor(large), large));
    expect(error.message).toContain(disk.path);
    const several = await Promise.allSettled(
      numbered(16, 90_000).map((bytes) => storage.put(nameFor(bytes), bytes)),
    );
    expect(several.some(({ status }) => status === "rejected")).toBe(true);
    expect(filesIn(join(disk.path, "tmp"))).toEqual([]);
    for (const name of await soundNames(storage)) await storage.delete(name);
    await storage.put(nameFor(large), large);
    expect(await soundNames(storage)).toEqual([nameFor(large)]);
  });

  test("a disk that can only be read is read, and refuses the rest", async () => {
    using disk = mountSmallDisk();
    if (disk === undefined) return;
    await (await openFolderStorage(disk.path)).put(NAME, BYTES);
    plant(disk.path, "tmp/4194303-0123456789abcdef", BYTES);
    expect(Bun.spawnSync(["mount", "-o", "remount,ro", disk.path]).exitCode).toBe(0);
    const storage = await openFolderStorage(disk.path);
    expect(await soundNames(storage)).toEqual([NAME]);
    const other = numbered(2)[1]!;
    await failureOf("denied", storage.put(nameFor(other), other));
    await failureOf("denied", storage.delete(NAME));
    await failureOf("denied", storage.serverTime());
    await expect(storage.serverTime()).rejects.toThrow(
      `the store at ${disk.path} can't be written to`,
    );
    await failureOf("denied", storage.locationId(true));
  });
});
