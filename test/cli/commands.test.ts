// The commands, end to end: what a person gets when all is well.

import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";

import { compareFolders } from "../support/compare.ts";
import {
  BINARY,
  BY_PASSPHRASE,
  emptyPlace,
  type Place,
  placeWithStore,
} from "../support/bunker.ts";

const TIME = new Date("2026-03-04T05:06:07Z");

/** A few files of all common kinds, in `work/things`. */
function plantThings(place: Place): string {
  place.write("things/a/hello.txt", "hello\n");
  place.write("things/a/b/deep.txt", "deep\n");
  place.write("things/empty", "");
  place.write("things/large", Buffer.alloc(3_000_000, "0123456789abcdef"));
  symlinkSync("a/hello.txt", place.at("work/things/link"));
  utimesSync(place.at("work/things/a/hello.txt"), TIME, TIME);
  return place.at("work/things");
}

function expectSame(original: string, copy: string): void {
  expect(compareFolders(original, copy).differences).toEqual([]);
}

describe("a backup and its restore", () => {
  test("give everything back, from a plain init to a check", () => {
    using place = emptyPlace();
    const things = plantThings(place);
    const made = place.run(["init", "--phrase-file", "phrase.txt"], BY_PASSPHRASE);
    expect(made.stdout).toMatch(/^made store [0-9a-f]{10} at \/.*\/store\n$/);
    expect(made.stderr).toBe(
      "bunker: a folder has no locks and no versions: whoever can write to it can delete this store\n",
    );
    const [saved = ""] = place.lines(["backup", "things"], BY_PASSPHRASE);
    expect(saved).toMatch(
      /^snapshot [0-9a-f]{10}: 4 files and 3 folders, 2\.9 MiB; stored [\d.]+ KiB anew in \d+\.\d s$/,
    );
    const [restored = ""] = place.lines(["restore", "latest", "--to", "copy"], BY_PASSPHRASE);
    expect(restored).toMatch(/^restored 4 files and 3 folders, 2\.9 MiB, to copy in \d+\.\d s$/);
    expectSame(things, place.at("work/copy"));
    expect(place.lines(["check", "--read-data"], BY_PASSPHRASE)).toEqual([
      expect.stringMatching(
        /^checked 1 snapshot, 2 packs, 4 files, 2 packs read \([\d.]+ KiB\): no errors$/,
      ),
    ]);
  });

  test("a second one stores nothing anew, and says how many files were unchanged", () => {
    using place = placeWithStore();
    plantThings(place);
    place.lines(["backup", "things"]);
    const [again] = place.json(["backup", "things"]);
    expect(again).toMatchObject({ files: 4, newBlobs: 0, storedBytes: 0, packs: 0 });
    const [forced] = place.json(["backup", "things", "--force"]);
    expect(forced).toMatchObject({ unchangedFiles: 0, newBlobs: 0 });
  });

  test("a dash begins a source after --", () => {
    using place = placeWithStore();
    place.write("-n/file");
    place.lines(["backup", "--", "-n"]);
    expect(place.lines(["ls", "latest"])).toEqual(["file"]);
  });

  test("into a folder that is not empty only when it is said", () => {
    using place = placeWithStore();
    const things = plantThings(place);
    place.lines(["backup", "things"]);
    place.write("copy/empty", "in the way");
    expect(place.run(["restore", "latest", "--to", "copy"])).toMatchObject({
      status: 1,
      stdout: "",
      stderr:
        "bunker: error: copy is not empty\n" +
        "bunker: hint: choose another folder, or give --overwrite\n",
    });
    expect(place.read("work/copy/empty")).toBe("in the way");
    place.lines(["restore", "latest", "--to", "copy", "--overwrite"]);
    expectSame(things, place.at("work/copy"));
  });
});

describe("sources", () => {
  test("several stand under their whole paths", () => {
    using place = placeWithStore();
    const things = plantThings(place);
    const other = place.write("other/x");
    place.lines(["backup", "things", other]);
    const shown = place.lines(["ls", "-R", "latest"]);
    expect(shown).toContain(`${things.slice(1)}/a/hello.txt`);
    expect(shown).toContain(other.slice(1));
    place.lines(["restore", "latest", "--to", "copy"]);
    expectSame(things, place.at("work/copy", things));
    expect(place.run(["cat", `latest:${other}`]).stdout).toBe("other/x");
  });

  test("one may be a single file", () => {
    using place = placeWithStore();
    plantThings(place);
    place.lines(["backup", "things/a/hello.txt"]);
    expect(place.lines(["ls", "latest"])).toEqual(["hello.txt"]);
    expect(place.lines(["cat", "latest:/hello.txt"])).toEqual(["hello"]);
  });

  test("a link to a folder is followed, and that is told", () => {
    using place = placeWithStore();
    const things = plantThings(place);
    symlinkSync("things", place.at("work/way"));
    const { stderr, status } = place.run(["backup", "way"]);
    expect(stderr).toContain(`${place.at("work/way")}: is a link, what it leads to is backed up\n`);
    expect(status).toBe(0);
    place.lines(["restore", "latest", "--to", "copy"]);
    expectSame(things, place.at("work/copy"));
  });

  test("the root folder is one like others", () => {
    using place = placeWithStore();
    const file = place.write("kept");
    const [top = "", ...below] = file.split("/").slice(1);
    // Everything is left out but the way to one file.
    const excludes: string[] = [];
    let at = "";
    for (const name of [top, ...below]) {
      for (const other of readdirSync(at === "" ? "/" : at)) {
        if (other !== name) excludes.push("--exclude", `${at}/${other}`);
      }
      at += `/${name}`;
    }
    place.lines(["backup", "/", ...excludes]);
    expect(place.run(["cat", `latest:${file}`]).stdout).toBe("kept");
    expect(place.lines(["ls", "latest:/"])).toEqual([`${top}/`]);
    expect(place.lines(["snapshots"])[0]).toEndWith("  /");
  });

  test("bunker's own folders are left out, wherever they are reached from", () => {
    using place = placeWithStore();
    place.write("file");
    symlinkSync(place.at(), place.at("work/around"));
    const once = place.run(["backup", place.at()]);
    expect(once.stderr).toContain(`bunker: ${place.at("store")} is bunker's own: it is left out\n`);
    expect(once.status).toBe(0);
    const twice = place.run(["backup", "around"]);
    expect(twice.status).toBe(0);
    for (const own of ["store", "home/.local/state/bunker", "home/.cache/bunker"]) {
      expect(twice.stderr).toContain(
        `${place.at("work/around", own)} is bunker's own: it is left out\n`,
      );
    }
    const names = place.lines(["ls", "-R", "latest"]);
    expect(names).toContain("work/file");
    expect(names).toContain("home/.cache/");
    expect(names.filter((name) => /^store|bunker/.test(name))).toEqual([]);
  });

  test("bunker's own folders are left out by the first backup, and behind a link and back", () => {
    using place = placeWithStore();
    for (const path of ["home/.cache", "store/packs"]) {
      mkdirSync(place.at(path), { recursive: true });
    }
    symlinkSync(place.at("home/.cache"), place.at("work/deep"));
    symlinkSync(place.at("store/packs"), place.at("work/packs"));
    const { stderr, status } = place.run(["backup", "deep/.."]);
    expect(status).toBe(0);
    const own = place.at("home/.cache/bunker");
    expect(stderr).toContain(`bunker: ${own} is bunker's own: it is left out\n`);
    const names = place.lines(["ls", "-R", "latest"]);
    expect(names).toContain(".cache/");
    expect(names.filter((name) => name.includes("bunker"))).toEqual([]);
    expect(place.run(["backup", "packs/.."]).status).toBe(2);
  });

  test("the store itself is no source", () => {
    using place = placeWithStore();
    for (const source of ["../store", "../store/packs/.."]) {
      mkdirSync(place.at("store/packs"), { recursive: true });
      const { stderr, status } = place.run(["backup", source]);
      expect(stderr).toContain("expected a source outside the store");
      expect(status).toBe(2);
    }
    expect(place.lines(["snapshots"])).toEqual([]);
  });

  test("one that is not there ends it before anything is stored", () => {
    using place = placeWithStore();
    plantThings(place);
    const { stderr, status } = place.run(["backup", "nothing"]);
    expect(stderr).toBe(`bunker: error: ${place.at("work/nothing")}: no such file or folder\n`);
    expect(status).toBe(1);
    expect(place.run(["backup", "nothing", "nowhere"]).status).toBe(1);
    expect(readdirSync(place.at("store")).sort()).toEqual(["keys", "location", "owner"]);
  });

  test("one of several that is not there is named, and the others are saved", () => {
    using place = placeWithStore();
    plantThings(place);
    const { stderr, status } = place.run(["backup", "nothing", "things"]);
    expect(stderr).toContain(`${place.at("work/nothing")}: no such file or folder`);
    expect(status).toBe(3);
    expect(place.run(["restore", "latest", "--to", "back"]).status).toBe(0);
    expect(readdirSync(place.at("work/back")).sort()).toEqual(
      readdirSync(place.at("work/things")).sort(),
    );
  });

  test("one in another one is saved as a part of it, or nothing is", () => {
    using place = placeWithStore();
    const inner = place.write("things/a/file");
    linkSync(inner, place.at("work/things/again"));
    const found = place.run(["backup", "things", "things/a", "--json"]);
    const things = place.at("work/things");
    expect(found.stderr).toBe(`bunker: ${things}/a: is saved as a part of ${things}\n`);
    expect(JSON.parse(found.stdout)).toMatchObject({ files: 2, folders: 2 });
    expect(place.lines(["ls", "-R", "latest"])).toEqual(["a/", "a/file", "again"]);
    place.lines(["restore", "latest", "--to", "copy"]);
    expect(statSync(place.at("work/copy/again")).nlink).toBe(2);
    const refused = place.run(["backup", "things", "things/a", "--exclude", "a"]);
    expect(refused.stderr).toContain(
      `bunker: error: ${things}/a: lies in ${things}, which does not take it in as it is\n`,
    );
    expect(refused).toMatchObject({ stdout: "", status: 2 });
  });

  test("one that is named twice is saved once", () => {
    using place = placeWithStore();
    plantThings(place);
    const once = place.run(["backup", "things", "--json"]);
    const twice = place.run(["backup", "things", "things/.", "things", "--json"]);
    expect(twice.stderr).toContain("named twice, and saved once");
    expect(JSON.parse(twice.stdout).files).toBe(JSON.parse(once.stdout).files);
  });
});

describe("naming what is in a snapshot", () => {
  test("snapshots are found by id, by latest and by tag", () => {
    using place = placeWithStore();
    place.write("one/first");
    place.write("two/second");
    const [first] = place.json(["backup", "one", "--tag", "daily", "--tag", "x"]);
    place.lines(["backup", "two", "--description", "the second"]);
    const id = String(first!["snapshot"]);
    for (const word of [id, id.slice(0, 4), "latest:daily", "latest:x", "latest:x:"]) {
      expect(place.lines(["ls", word])).toEqual(["first"]);
    }
    expect(place.lines(["ls", "latest"])).toEqual(["second"]);
    expect(place.run(["cat", "latest:daily:first"]).stdout).toBe("one/first");
    expect(place.lines(["snapshots", "--tag", "daily"])).toEqual([
      expect.stringMatching(
        new RegExp(
          `^${id.slice(0, 10)}  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d  \\S+  1 file  9 B  .*/one  \\[daily x\\]$`,
        ),
      ),
    ]);
    expect(place.lines(["snapshots"])).toHaveLength(2);
  });

  test("paths are below the source, or whole", () => {
    using place = placeWithStore();
    const things = plantThings(place);
    place.lines(["backup", "things"]);
    for (const path of [
      "./a/hello.txt",
      "/a/hello.txt",
      `${things}/a/hello.txt`,
      "/a//./hello.txt",
    ]) {
      expect(place.run(["cat", `latest:${path}`])).toMatchObject({ stdout: "hello\n", status: 0 });
    }
    place.lines(["restore", "latest:/a", "--to", "folder"]);
    expectSame(place.at("work/things/a"), place.at("work/folder"));
    place.lines(["restore", `latest:${things}/a/hello.txt`, "--to", "file"]);
    expect(place.read("work/file/hello.txt")).toBe("hello\n");
    place.lines(["restore", "latest:/a/b", "latest:./link", "--to", "both"]);
    expect(readdirSync(place.at("work/both")).sort()).toEqual(["b", "link"]);
    expect(readlinkSync(place.at("work/both/link"))).toBe("a/hello.txt");
  });

  test("a path that looks like a tag says how a path is written", () => {
    using place = placeWithStore();
    place.write("things/a");
    place.lines(["backup", "things"]);
    expect(place.run(["cat", "latest:things/a"])).toMatchObject({
      status: 1,
      stderr:
        "bunker: error: no snapshot has tag things/a\n" +
        "bunker: hint: a path begins with / or ./, as in latest:/home and latest:./file\n",
    });
  });

  test("a long listing shows type, mode, owner, size, time and target", () => {
    using place = placeWithStore();
    plantThings(place);
    place.lines(["backup", "things"]);
    const lines = place.lines(["ls", "-lR", "latest"]);
    expect(lines.map((line) => line.split(" ")[0]![0]).join("")).toBe("dd----l");
    expect(lines[3]).toMatch(/^-rw-r--r-- \S+:\S+ +6 2026-03-04 05:06:07 a\/hello\.txt$/);
    expect(lines.at(-1)).toEndWith(" link -> a/hello.txt");
  });

  test("names can't steer the terminal", () => {
    using place = placeWithStore();
    place.write("things/two\nlines");
    place.write("things/red\u001b[31m\\");
    place.lines(["backup", "things", "--tag", "\u001b[2J"]);
    expect(place.lines(["ls", "latest"])).toEqual(["red\\x1b[31m\\\\", "two\\x0alines"]);
    expect(place.lines(["snapshots"])[0]).toEndWith("[\\x1b[2J]");
    const missing = place.run(["ls", "latest:/\u001b[31mnothing"]);
    expect(missing.stderr).toStartWith("bunker: error: /\\x1b[31mnothing is not in the snapshot\n");
    expect(place.run(["\u001b[31m"]).stderr).not.toContain("\u001b");
  });
});

describe("where things are", () => {
  test("a store may be named relative to the working folder", () => {
    using place = placeWithStore();
    place.write("things/a");
    const unnamed = { BUNKER_STORE: undefined };
    place.lines(["backup", "things", "--store", "../store"], unnamed);
    expect(place.lines(["snapshots", "--store", "../store/"], unnamed)).toHaveLength(1);
    expect(place.lines(["snapshots"], { BUNKER_STORE: "../store" })).toHaveLength(1);
    const option = place.run(["snapshots", "--store", "../store"], { BUNKER_STORE: "/nothing" });
    expect(option.status).toBe(0);
  });

  test("XDG folders are used and are private", () => {
    using place = placeWithStore();
    place.write("things/a");
    const folders = {
      HOME: "/nowhere",
      XDG_STATE_HOME: place.at("state"),
      XDG_CACHE_HOME: place.at("cache"),
    };
    place.lines(["backup", "things"], folders);
    for (const name of ["state/bunker", "cache/bunker"]) {
      expect(lstatSync(place.at(name)).mode & 0o777).toBe(0o700);
    }
  });

  test("machines of other labels are writers of their own", () => {
    using place = placeWithStore();
    place.write("things/a");
    place.lines(["backup", "things"], { BUNKER_LABEL: "one" });
    place.lines(["backup", "things", "--label", "two"], { BUNKER_LABEL: "one" });
    place.lines(["backup", "things"], { BUNKER_LABEL: "one" });
    const writers = place.json(["snapshots"]).map((snapshot) => snapshot["writer"]);
    expect(writers[0]).toBe(writers[2]);
    expect(writers[1]).not.toBe(writers[0]);
  });

  test("the binary alone in an empty folder is all that is needed", () => {
    using place = emptyPlace();
    copyFileSync(BINARY, place.at("alone"));
    place.write("things/a", "alone");
    const run = (...words: string[]) =>
      place.execute([place.at("alone"), ...words], {
        ...BY_PASSPHRASE,
        PATH: "/nothing",
        TMPDIR: undefined,
        BUNKER_STORE: "store",
      });
    expect(run("init")).toMatchObject({ status: 0 });
    expect(run("backup", "things", "--lanes", "2")).toMatchObject({ status: 0, stderr: "" });
    expect(run("restore", "latest", "--to", "copy")).toMatchObject({ status: 0, stderr: "" });
    expect(place.read("work/copy/a")).toBe("alone");
  });
});

describe("keys", () => {
  test("passphrases come and go", () => {
    using place = placeWithStore();
    const second = { ...BY_PASSPHRASE, BUNKER_PASSPHRASE: "second" };
    const third = { ...BY_PASSPHRASE, BUNKER_PASSPHRASE: "third" };
    const [added = ""] = place.lines(["key", "add", "--name", "for the desk"], {
      BUNKER_NEW_PASSPHRASE: "second",
    });
    expect(added).toMatch(/^added key slot [0-9a-f]{10}$/);
    expect(place.lines(["key", "list"], second)).toEqual([
      expect.stringMatching(/^ {2}[0-9a-f]{10} {2}\d{4}-.* {2}init$/),
      expect.stringMatching(/^\* [0-9a-f]{10} {2}\d{4}-.* {2}for the desk$/),
    ]);
    const changed = place.run(["key", "passphrase"], { ...second, BUNKER_NEW_PASSPHRASE: "third" });
    expect(changed.stdout).toMatch(/^changed the passphrase: key slot [0-9a-f]{10}\n$/);
    expect(changed.stderr).toContain("whoever kept a copy of the old key slot");
    expect(place.run(["snapshots"], second).status).toBe(12);
    expect(place.run(["snapshots"], third).status).toBe(0);
    const first = place.lines(["key", "list"])[0]!.slice(2, 12);
    place.lines(["key", "remove", first]);
    expect(place.run(["snapshots"], BY_PASSPHRASE).status).toBe(12);
    const last = place.lines(["key", "list"])[0]!.slice(2, 12);
    const refused = place.run(["key", "remove", last]);
    expect(refused.stderr).toContain("this is the last key slot: it stays");
    expect(refused.status).toBe(2);
  });

  test("the phrase opens the store, and is written to new files only", () => {
    using place = placeWithStore();
    place.lines(["key", "phrase", "--phrase-file", "again"]);
    expect(place.read("work/again")).toBe(place.read("phrase"));
    expect(lstatSync(place.at("work/again")).mode & 0o777).toBe(0o600);
    const twice = place.run(["key", "phrase", "--phrase-file", "again"]);
    expect(twice.stderr).toContain("error: again is there already");
    expect(twice.status).toBe(1);
    const set = place.run(["key", "passphrase"], { BUNKER_NEW_PASSPHRASE: "new" });
    expect(set.stdout).toStartWith("set a new passphrase: key slot ");
    expect(place.run(["snapshots"], { ...BY_PASSPHRASE, BUNKER_PASSPHRASE: "new" }).status).toBe(0);
  });

  test("a writer's key adds snapshots and reads none", () => {
    using place = placeWithStore();
    place.write("things/a", "written");
    place.lines(["key", "writer", "web", "--key-file", "web.key"]);
    expect(lstatSync(place.at("work/web.key")).mode & 0o777).toBe(0o600);
    const asWriter = {
      BUNKER_PHRASE_FILE: undefined,
      BUNKER_KEY_FILE: "web.key",
      HOME: place.at(),
    };
    expect(place.run(["backup", "things"], asWriter)).toMatchObject({ status: 0, stderr: "" });
    for (const words of [
      ["snapshots"],
      ["ls", "latest"],
      ["cat", "latest:/a"],
      ["restore", "latest", "--to", "copy"],
      ["key", "list"],
      ["key", "phrase", "--phrase-file", "stolen"],
    ]) {
      const { stderr, stdout, status } = place.run(words, asWriter);
      expect(stderr).toContain("needs the owner's key, this one is a writer's");
      expect(stdout).toBe("");
      expect(status).toBe(12);
    }
    expect(readdirSync(place.at("work")).sort()).toEqual(["things", "web.key"]);
    const checked = place.run(["check"], asWriter);
    expect(checked.stderr).toContain("their files were not checked");
    expect(checked.status).toBe(0);
    expect(place.run(["cat", "latest:/a"]).stdout).toBe("written");
  });
});

describe("help", () => {
  test("of all: the commands on stdout", () => {
    using place = emptyPlace();
    const asked = place.run(["--help"]);
    expect(asked.stdout).toStartWith("bunker: encrypted, deduplicated, immutable snapshots\n");
    expect(asked.status).toBe(0);
    for (const words of [["help"], ["-h"]]) expect(place.run(words)).toEqual(asked);
    // Without a command it is an answer to a wrong use.
    expect(place.run([])).toEqual({ stdout: "", stderr: asked.stdout, status: 2 });
  });

  test("is no wider than 100 columns", () => {
    using place = emptyPlace();
    const names = [...place.run(["help"]).stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(
      ([, n]) => n!,
    );
    for (const words of [["help"], ...names.map((name) => ["help", name])]) {
      for (const line of place.lines(words)) expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  test("of each command: what it does, its words, all options, without colours", () => {
    using place = emptyPlace();
    const names = [...place.run(["help"]).stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)];
    expect(names.length).toBeGreaterThan(8);
    for (const [, name = ""] of names) {
      const { stdout, stderr, status } = place.run(["help", name]);
      expect(stdout).toContain(`\nUSAGE bunker ${name}`);
      expect(stdout).toContain("-h, --help");
      expect(stdout).not.toContain("\u001b");
      expect(stdout).not.toContain("(bunker");
      expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
      expect(place.run([name, "--help"]).stdout).toBe(stdout);
    }
  });

  test("the version", () => {
    using place = emptyPlace();
    const version = (
      JSON.parse(readFileSync(join(import.meta.dir, "../../package.json"), "utf8")) as {
        version: string;
      }
    ).version;
    expect(place.lines(["--version"])).toEqual([`bunker ${version}`]);
    expect(place.lines(["version"])[0]).toStartWith(`bunker ${version} (bun `);
  });
});
