// The folder source: order, metadata, roots, what is left out and what is told.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { compareBytes, textOf, utf8 } from "../../src/base/bytes.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import { openFolderSource } from "../../src/source/folder.ts";
import { type Source, pathIn } from "../../src/source/source.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { PortableFileSystem } from "../../src/system/portable.ts";
import { IS_ROOT, ODD_NAMES, asUser, deepTempDir, openBelow } from "../system/trees.ts";
import { tempDir } from "../support/temp.ts";
import { linesOf, listening, metadataOf } from "./walking.ts";

function write(path: string, ...names: string[]): void {
  for (const name of names) {
    fs.mkdirSync(join(path, name, ".."), { recursive: true });
    if (name.endsWith("/")) fs.mkdirSync(join(path, name), { recursive: true });
    else fs.writeFileSync(join(path, name), name);
  }
}

describe("order", () => {
  test("goes depth first, by the bytes of names, component by component", () => {
    using temp = tempDir();
    write(temp.path, "a/z", "a/b/c", "a-b", "a.txt", "b", "a/b/", "empty/", "B");
    const want = "root 0|+|B|+a|+b|c|-|z|-|a-b|a.txt|b|+empty|-|-".split("|");
    expect(linesOf(openFolderSource([temp.path]))).toEqual(want);
    const portable = new PortableFileSystem({ byPath: true });
    expect(linesOf(openFolderSource([temp.path], { files: portable }))).toEqual(want);
  });

  test("keeps names of any bytes", () => {
    using temp = deepTempDir();
    for (const name of ODD_NAMES) {
      fs.mkdirSync(Buffer.concat([Buffer.from(`${temp.path}/`), name]));
      fs.writeFileSync(
        Buffer.concat([Buffer.from(`${temp.path}/`), name, Buffer.from("/"), name]),
        "",
      );
    }
    const heard = listening();
    const names: Uint8Array[] = [];
    for (const event of openFolderSource([temp.path], heard).walk()) {
      if (event.kind !== "entry") continue;
      names.push(new Uint8Array(event.metadata.name));
      const path = Buffer.from(pathIn(event.folder, event.metadata.name));
      expect(fs.existsSync(path)).toBe(true);
    }
    expect(names).toEqual([...ODD_NAMES].sort(compareBytes));
    expect(heard.problems).toEqual([]);
  });

  test("20,000 files in one folder come in order and leave nothing open", () => {
    using temp = deepTempDir();
    const files = openFileSystem();
    const folder = files.openFolder(undefined, utf8(temp.path));
    for (let i = 0; i < 20_000; i++) files.close(files.createFile(folder, utf8(`f${i}`), 0o600));
    files.close(folder);
    const before = openBelow(temp.path);
    const lines = linesOf(openFolderSource([temp.path]));
    expect(lines.length).toBe(20_003);
    const names = lines.slice(2, -1);
    expect(names).toEqual([...names].sort());
    expect(openBelow(temp.path)).toBe(before);
  }, 60_000);

  test("a walk that is given up closes what it opened", () => {
    using temp = tempDir();
    write(temp.path, "a/b/c/d");
    const before = openBelow(temp.path);
    for (const event of openFolderSource([temp.path]).walk()) {
      if (event.kind === "entry") break;
    }
    expect(openBelow(temp.path)).toBe(before);
  });
});

describe("metadata", () => {
  test("says what node:fs says", () => {
    using temp = tempDir();
    write(temp.path, "file", "folder/");
    fs.chmodSync(join(temp.path, "file"), 0o4640);
    fs.chmodSync(join(temp.path, "folder"), 0o1777);
    fs.symlinkSync("\u00e4/../nowhere", join(temp.path, "link"));
    Bun.spawnSync(["mkfifo", "-m", "640", join(temp.path, "pipe")]);
    const all = metadataOf(openFolderSource([temp.path]));
    const want = fs.lstatSync(join(temp.path, "file"), { bigint: true });
    const file = all.get("file")!;
    expect(file).toMatchObject({ type: "file", mode: 0o4640, size: 4, userId: Number(want.uid) });
    expect(BigInt(file.modified.seconds) * 10n ** 9n + BigInt(file.modified.nanoseconds)).toBe(
      want.mtimeNs,
    );
    expect(all.get("folder")).toMatchObject({ type: "folder", mode: 0o1777, size: 0 });
    expect(textOf(all.get("link")!.target!)).toBe("\u00e4/../nowhere");
    expect(all.get("link")).toMatchObject({ type: "link", size: 0 });
    expect(all.get("pipe")).toMatchObject({ type: "fifo", mode: 0o640, size: 0 });
    expect(file.hardLink).toBeUndefined();
    expect(file.device).toBeUndefined();
  });

  test("names users and groups where they have names", () => {
    using temp = tempDir();
    write(temp.path, "file");
    const { uid, gid } = fs.statSync(join(temp.path, "file"));
    const accounts = {
      userName: (id: number) => (id === uid ? "ann" : undefined),
      groupName: (id: number) => (id === gid ? "staff" : undefined),
    };
    const named = metadataOf(openFolderSource([temp.path], { accounts }));
    expect(named.get("file")).toMatchObject({ userName: "ann", groupName: "staff" });
    const nobody = { userName: () => undefined, groupName: () => undefined };
    const unnamed = metadataOf(openFolderSource([temp.path], { accounts: nobody })).get("file")!;
    expect("userName" in unnamed || "groupName" in unnamed).toBe(false);
  });

  test("groups hard links in the order of the walk, across roots", () => {
    using temp = tempDir();
    write(temp.path, "x/a", "x/b", "y/single");
    const link = (from: string, to: string) =>
      fs.linkSync(join(temp.path, from), join(temp.path, to));
    link("x/b", "x/c");
    link("x/a", "y/d");
    link("x/a", "y/e");
    fs.symlinkSync("t", join(temp.path, "x/l"));
    link("x/l", "y/m");
    const all = metadataOf(openFolderSource([join(temp.path, "x"), join(temp.path, "y")]));
    const groups = Object.fromEntries(
      [...all].map(([name, metadata]) => [name, metadata.hardLink]),
    );
    expect(groups).toMatchObject({
      a: 1,
      b: 2,
      c: 2,
      d: 1,
      e: 1,
      l: 3,
      m: 3,
      single: undefined,
      "": undefined,
    });
  });

  test.skipIf(!IS_ROOT)("gives devices their numbers (as root)", () => {
    using temp = tempDir();
    Bun.spawnSync(["mknod", join(temp.path, "device"), "c", "10", "300"]);
    const all = metadataOf(openFolderSource([temp.path]));
    expect(all.get("device")).toMatchObject({ type: "char", device: { major: 10, minor: 300 } });
  });

  test.each([
    "1901-12-20T00:00:00.000000001Z",
    "1969-12-31T23:59:59.999999999Z",
    "1970-01-01T00:00:00.000000000Z",
    "2038-01-19T03:14:08.123456789Z",
    "2400-02-29T12:00:00.987654321Z",
  ])("the time %s is exact", (stamp) => {
    using temp = tempDir();
    write(temp.path, "file");
    expect(Bun.spawnSync(["touch", "-d", stamp, join(temp.path, "file")]).exitCode).toBe(0);
    const { modified } = metadataOf(openFolderSource([temp.path])).get("file")!;
    const seconds = Date.parse(`${stamp.slice(0, 19)}Z`) / 1000;
    expect(modified).toEqual({ seconds, nanoseconds: Number(stamp.slice(20, 29)) });
  });
});

describe("roots", () => {
  test("a file, a link and a folder, each by itself and in the order given", () => {
    using temp = tempDir();
    write(temp.path, "file", "folder/inner");
    fs.symlinkSync("file", join(temp.path, "link"));
    const heard = listening();
    const source = openFolderSource(
      ["link", "folder", "file"].map((name) => join(temp.path, name)),
      heard,
    );
    expect(linesOf(source)).toEqual([
      "root 0",
      "link",
      "root 1",
      "+",
      "inner",
      "-",
      "root 2",
      "file",
    ]);
    expect(source.describe().paths).toEqual(
      ["link", "folder", "file"].map((name) => join(temp.path, name)),
    );
    expect(heard.notices).toEqual([]);
  });

  test("a link to a folder is followed, and told; links inside are not", () => {
    using temp = tempDir();
    write(temp.path, "real/inner");
    fs.symlinkSync("..", join(temp.path, "real", "up"));
    fs.symlinkSync("real", join(temp.path, "link"));
    const heard = listening();
    expect(linesOf(openFolderSource([join(temp.path, "link")], heard))).toEqual([
      "root 0",
      "+",
      "inner",
      "up",
      "-",
    ]);
    expect(heard.notices).toEqual([
      `${join(temp.path, "link")}: is a link, what it leads to is backed up`,
    ]);
  });

  test("behind a link, .. leads where the system says, and the path is named so", () => {
    using temp = tempDir();
    write(temp.path, "there/deep/", "there/x", "x", "a/");
    fs.symlinkSync("there/deep", join(temp.path, "link"));
    fs.symlinkSync("a", join(temp.path, "way"));
    const pathsOf = (path: string) => openFolderSource([`${temp.path}/${path}`]).describe().paths;
    expect(pathsOf("link/../x")).toEqual([join(fs.realpathSync(temp.path), "there/x")]);
    expect(pathsOf("link/..")).toEqual([join(fs.realpathSync(temp.path), "there")]);
    expect(pathsOf("way/../x")).toEqual([join(temp.path, "x")]);
    expect(pathsOf("link/../deep/.")).toEqual([join(fs.realpathSync(temp.path), "there/deep")]);
    expect(pathsOf("a/../link/.")).toEqual([join(temp.path, "link")]);
  });

  test("paths are told absolute, and entries have theirs", () => {
    using temp = tempDir();
    write(temp.path, "a/b");
    const source = openFolderSource([`${temp.path}//x/../a/./`.replace("x/../", "")]);
    expect(source.describe().paths).toEqual([join(temp.path, "a")]);
    const paths: string[] = [];
    for (const event of source.walk()) {
      if (event.kind === "root") paths.push(textOf(event.path));
      else if (event.kind === "entry")
        paths.push(textOf(pathIn(event.folder, event.metadata.name)));
    }
    expect(paths).toEqual([join(temp.path, "a"), join(temp.path, "a", "b")]);
  });

  test("the root of the file system has proper paths", () => {
    const paths: string[] = [];
    const exclude = (path: Uint8Array) =>
      textOf(path) !== "/etc" && !textOf(path).startsWith("/etc/pass");
    for (const event of openFolderSource(["/"], { exclude }).walk()) {
      if (event.kind === "enter") paths.push(textOf(event.folder.path()));
      if (event.kind === "entry") paths.push(textOf(pathIn(event.folder, event.metadata.name)));
    }
    expect(paths.slice(0, 3)).toEqual(["/", "/etc", "/etc/passwd"]);
  });

  test("a link that leads nowhere is an entry", () => {
    using temp = tempDir();
    fs.symlinkSync("nowhere", join(temp.path, "link"));
    expect(linesOf(openFolderSource([join(temp.path, "link")]))).toEqual(["root 0", "link"]);
  });

  test("refuses what is not there", () => {
    using temp = tempDir();
    for (const path of [join(temp.path, "nothing"), join(temp.path, "no", "thing")]) {
      expect(() => openFolderSource([path])).toThrow(
        expect.objectContaining({ code: "not-found", subject: path }),
      );
      const heard = listening();
      openFolderSource([temp.path, path], { monitor: heard.monitor });
      expect(heard.problems.map(({ subject }) => subject)).toEqual([path]);
    }
    expect(() => openFolderSource([""])).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
  });

  test("a root that vanished since is a problem, and the others are walked", () => {
    using temp = tempDir();
    write(temp.path, "a", "b");
    const heard = listening();
    const source = openFolderSource([join(temp.path, "a"), join(temp.path, "b")], heard);
    fs.unlinkSync(join(temp.path, "a"));
    expect(linesOf(source)).toEqual(["root 0", "root 1", "b"]);
    expect(heard.problems.map(({ subject }) => subject)).toEqual([join(temp.path, "a")]);
  });
});

describe("what is left out", () => {
  test("what the predicate excludes, folders with all they hold", () => {
    using temp = tempDir();
    write(temp.path, "keep/a", "keep/no", "drop/a", "no", "yes");
    const asked: string[] = [];
    const exclude = (path: Uint8Array, isFolder: boolean) => {
      const text = textOf(path).slice(temp.path.length);
      asked.push(isFolder ? `${text}/` : text);
      return text.endsWith("no") || text === "/drop";
    };
    const want = "root 0|+|+keep|a|-|yes|-".split("|");
    expect(linesOf(openFolderSource([temp.path], { exclude }))).toEqual(want);
    expect(asked).toEqual(["/drop/", "/keep/", "/keep/a", "/keep/no", "/no", "/yes"]);
  });

  test("a folder that can't be read is a problem; the rest goes on", () => {
    using temp = deepTempDir();
    write(temp.path, "closed/secret", "listed/inner", "open/file");
    fs.chmodSync(temp.path, 0o755);
    fs.chmodSync(join(temp.path, "closed"), 0);
    fs.chmodSync(join(temp.path, "listed"), 0o744);
    if (!IS_ROOT) fs.chmodSync(join(temp.path, "listed"), 0o444);
    fs.chmodSync(join(temp.path, "open"), 0o555);
    const heard = listening();
    const lines = asUser(() => linesOf(openFolderSource([temp.path], heard)));
    expect(lines).toEqual("root 0|+|+listed|-|+open|file|-|-".split("|"));
    expect(heard.problems.map(({ subject }) => subject.slice(temp.path.length))).toEqual([
      "/closed",
      "/listed/inner",
    ]);
    for (const { error } of heard.problems) expect(isBunkerError(error, "denied")).toBe(true);
  });

  test("what vanishes between listing and reading is a notice, no problem", () => {
    using temp = tempDir();
    write(temp.path, "a", "b", "c/");
    const heard = listening();
    const lines: string[] = [];
    for (const event of openFolderSource([temp.path], heard).walk()) {
      if (event.kind === "entry") lines.push(textOf(event.metadata.name));
      if (lines.length !== 1) continue;
      fs.rmSync(join(temp.path, "b"), { force: true });
      fs.rmSync(join(temp.path, "c"), { recursive: true, force: true });
    }
    expect(lines).toEqual(["a"]);
    expect(heard.problems).toEqual([]);
    const vanished = ["b", "c"].map(
      (name) => `${join(temp.path, name)}: vanished before it was read`,
    );
    expect(heard.notices).toEqual(vanished);
  });

  test("a folder that became a link is an entry, and not followed", () => {
    using temp = tempDir();
    write(temp.path, "a", "folder/inner");
    const lines: string[] = [];
    for (const event of openFolderSource([temp.path]).walk()) {
      if (event.kind !== "entry") continue;
      lines.push(`${event.metadata.type} ${textOf(event.metadata.name)}`);
      if (lines.length > 1) continue;
      fs.rmSync(join(temp.path, "folder"), { recursive: true });
      fs.symlinkSync("/etc", join(temp.path, "folder"));
    }
    expect(lines).toEqual(["file a", "link folder"]);
  });
});

test("limits are those of the file system", () => {
  const files = new PortableFileSystem({ byPath: true });
  const source: Source = openFolderSource(["/etc"], { files });
  expect(source.limits).toEqual(files.limits);
  expect(source.limits.length).toBeGreaterThan(0);
  expect(source.describe().host).toBeTruthy();
});
