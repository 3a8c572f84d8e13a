// Choice on the command line: what is left out, lists of files, dry runs, and what is unchanged.

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Place, placeWithStore } from "../support/bunker.ts";

function plant(place: Place, names: string): void {
  for (const name of names.split(" ")) place.write(`things/${name}`);
}

function shown(place: Place): string {
  return place.lines(["ls", "-R", "latest"]).join(" ");
}

/** All files below a folder, with their bytes and times. */
function stateOf(path: string): unknown {
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { mtimeMs } = statSync(join(path, name));
      const isFile = statSync(join(path, name)).isFile();
      return [name, mtimeMs, isFile ? readFileSync(join(path, name), "latin1") : ""];
    });
}

describe("patterns", () => {
  const NAMES = "a/b/x a/b.log A.LOG keep.log large x.log";

  test.each([
    ["--exclude /a/b --exclude large", "A.LOG a/ a/b.log keep.log x.log"],
    ["--exclude *.log", "A.LOG a/ a/b/ a/b/x large"],
    ["--iexclude *.log", "a/ a/b/ a/b/x large"],
    ["--exclude *.log --include keep.log", "A.LOG a/ a/b/ a/b/x keep.log large"],
    ["--exclude=*.log --exclude=!keep.log --iexclude=KEEP*", "A.LOG a/ a/b/ a/b/x large"],
    ["--exclude-file rules --include x.log", "A.LOG a/ a/b/ a/b/x x.log"],
    ["--include x.log --exclude-file rules", undefined],
    ["--exclude a --include a/b/x", "A.LOG keep.log large x.log"],
    ["--exclude-larger-than 4", "a/ a/b/ a/b/x"],
    ["--exclude-larger-than 12 --exclude /a", "A.LOG large x.log"],
  ])("%s", (words, want) => {
    using place = placeWithStore();
    plant(place, NAMES);
    place.write("things/a/b/x", "x");
    place.write("rules", "# What is written again and again.\n\n*.log\r\n/large  \n");
    const outcome = place.run(["backup", "things", ...words.split(" ")]);
    expect([outcome.status, want === undefined ? undefined : shown(place)]).toEqual(
      want === undefined ? [2, undefined] : [0, want],
    );
  });

  test("a bad line in a file of patterns is named, and nothing is done", () => {
    using place = placeWithStore();
    plant(place, "a");
    place.write("rules", "*.log\n\n[a\n");
    const { stderr, status } = place.run(["backup", "things", "--exclude-file", "rules"]);
    expect(stderr).toContain(
      "--exclude-file rules, line 3: [a: expected a pattern, but a [ has no ]",
    );
    expect(status).toBe(2);
    expect(place.json(["snapshots"])).toEqual([]);
  });

  test("a whole path where one below the source is meant is told", () => {
    using place = placeWithStore();
    plant(place, "a/b c");
    const things = place.at("work/things");
    const { stderr, status } = place.run(["backup", "things", "--exclude", `${things}/a`]);
    expect(stderr).toBe(
      `bunker: --exclude ${things}/a is a path below ${things}, not a whole one; meant may be /a\n`,
    );
    expect(status).toBe(0);
    expect(shown(place)).toBe("a/ a/b c");
  });
});

describe("what folders say", () => {
  test(".bunkerignore, unless it is not to be looked for", () => {
    using place = placeWithStore();
    plant(place, "a/x.tmp a/y x.tmp");
    place.write("things/a/.bunkerignore", "*.tmp\n");
    place.lines(["backup", "things"]);
    expect(shown(place)).toBe("a/ a/.bunkerignore a/y x.tmp");
    place.lines(["backup", "things", "--no-ignore-files"]);
    expect(shown(place)).toBe("a/ a/.bunkerignore a/x.tmp a/y x.tmp");
  });

  test("caches and marked folders are kept, and what is in them is not", () => {
    using place = placeWithStore();
    plant(place, "cache/x marked/.nobackup marked/y z");
    place.write("things/cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
    place.lines(["backup", "things", "--exclude-caches", "--exclude-if-present", ".nobackup"]);
    expect(shown(place)).toBe("cache/ cache/CACHEDIR.TAG marked/ marked/.nobackup z");
  });

  test.skipIf(process.getuid?.() !== 0)("what is mounted is left out (as root)", () => {
    using place = placeWithStore();
    plant(place, "mount/below z");
    const script = (words: string) =>
      "mount -t tmpfs none things/mount || exit 99; touch things/mount/file; " +
      `$BUNKER backup things ${words}; status=$?; umount things/mount; exit $status`;
    const { status } = place.shell(script("--one-file-system"));
    if (status === 99) return; // Nothing may be mounted here.
    expect([status, shown(place)]).toEqual([0, "mount/ z"]);
    expect(place.shell(script("")).status).toBe(0);
    expect(shown(place)).toBe("mount/ mount/file z");
  });
});

describe("lists of files", () => {
  test("are sources, by lines or by NULs, from a file or from stdin", () => {
    using place = placeWithStore();
    plant(place, "a/x a/y b c");
    place.write("list", "things/a\nthings/b\n\nthings/a/x\n");
    place.lines(["backup", "--files-from", "list"]);
    expect(shown(place)).toBe("a/ a/x a/y b");
    writeFileSync(place.at("work/things/two\nlines"), "2");
    const { status } = place.shell("find things -type f -print0 | $BUNKER backup --files-from0 -");
    expect(status).toBe(0);
    const names = place.json(["ls", "-R", "latest"]).map(({ path }) => path as string);
    expect(names.some((name) => name.endsWith("two\nlines"))).toBe(true);
  });

  test("are one source, which is restored as the folder that holds them", () => {
    using place = placeWithStore();
    plant(place, "a/b/x a/b/other a/c/y d/z other");
    chmodSync(place.at("work/things/a/b"), 0o750);
    utimesSync(place.at("work/things/a"), 1_000_000, 2_000_000);
    place.write("list", "things/a/b/x\nthings/a/c\nthings/d/z\n");
    expect(place.json(["backup", "--files-from", "list"])).toMatchObject([{ files: 3 }]);
    expect(place.json(["snapshots"])).toMatchObject([
      { roots: [{ path: place.at("work/things") }] },
    ]);
    place.lines(["restore", "latest", "--to", "back"]);
    const found = place.shell("cd back && find . | LC_ALL=C sort | xargs").stdout.trim();
    expect(found).toBe(". ./a ./a/b ./a/b/x ./a/c ./a/c/y ./d ./d/z");
    expect(statSync(place.at("work/back/a/b")).mode & 0o777).toBe(0o750);
    expect(statSync(place.at("work/back/a")).mtimeMs).toBe(2_000_000_000);
    place.write("list", "things/d/z\nthings/a/c\nthings/a/b/other\n");
    const [json] = place.json(["backup", "--files-from", "list"]);
    expect(json).toMatchObject({ files: 3, unchangedFiles: 2 });
    place.write("list", "things/d\nthings/a/b/other\n");
    place.lines(["backup", "--files-from", "list", "things/a/c"]);
    const things = place.at("work/things").slice(1);
    expect(
      shown(place)
        .split(" ")
        .filter((name) => !name.endsWith("/")),
    ).toEqual(["a/b/other", "a/c/y", "d/z"].map((name) => `${things}/${name}`));
  });

  test("what is not there is a problem, and the rest is saved", () => {
    using place = placeWithStore();
    plant(place, "a b");
    place.write("list", "things/a\nthings/gone\nthings/b\n");
    const { stderr, status } = place.run(["backup", "--files-from", "list"]);
    expect(stderr).toContain("things/gone");
    expect(status).toBe(3);
    expect(place.json(["snapshots"])).toMatchObject([{ counts: { files: 2, problems: 1 } }]);
    place.write("list", "things/gone\n");
    expect(place.run(["backup", "--files-from", "list"]).status).toBe(1);
    expect(place.run(["backup", "things/a", "things/gone"]).status).toBe(3);
    expect(place.json(["snapshots"]).length).toBe(2);
  });

  test("of all that is there leave out bunker's own", () => {
    using place = placeWithStore();
    plant(place, "a");
    const { status } = place.shell(`find .. | $BUNKER backup --files-from -`);
    expect(status).toBe(0);
    const paths = place.json(["ls", "-R", "latest"]).map(({ path }) => path as string);
    expect(paths.some((path) => path.endsWith("work/things/a"))).toBe(true);
    expect(paths.filter((path) => /(?:^|\/)store(?:\/|$)/.test(path))).toEqual([]);
  });
});

describe("a dry run", () => {
  test("says what would be read, and changes nothing", () => {
    using place = placeWithStore();
    plant(place, "a/x b");
    place.lines(["backup", "things"]);
    place.write("things/b", "changed");
    place.write("things/new");
    const states = () => [stateOf(place.at("store")), stateOf(place.at("home/.local/state"))];
    const before = states();
    const [b, added, line] = place.lines(["backup", "things", "--dry-run", "--list"]);
    expect([b, added]).toEqual(["b", "new"].map((name) => place.at("work/things", name)));
    expect(line).toMatch(
      /^dry run: 3 files and 2 folders, \d+ B; would read 2 files, \d+ B, and store [\d.]+ KiB anew$/,
    );
    const json = place.json(["backup", "things", "--dry-run", "--list"]);
    expect(json.map(({ path }) => path)).toEqual([b, added, undefined]);
    expect(json[2]).toMatchObject({ dryRun: true, files: 3, unchangedFiles: 1, readFiles: 2 });
    expect(json[2]!["snapshot"]).toBeUndefined();
    expect(states()).toEqual(before);
    expect(place.json(["snapshots"]).length).toBe(1);
    const [made] = place.json(["backup", "things"]);
    const { newBlobs, storedBytes, readFiles, readBytes } = json[2]!;
    expect(made).toMatchObject({ newBlobs, storedBytes, readFiles, readBytes });
  });

  test("tells what can't be read", () => {
    using place = placeWithStore();
    plant(place, "a");
    place.write("list", "things/a\nthings/gone\n");
    expect(place.run(["backup", "--files-from", "list", "--dry-run"]).status).toBe(3);
    expect(place.json(["snapshots"])).toEqual([]);
  });
});

test("nothing changed, and no snapshot is made where that is asked for", () => {
  using place = placeWithStore();
  plant(place, "a b");
  const words = ["backup", "things", "--tag", "t", "--host", "web", "--skip-if-unchanged"];
  const [first] = place.json(words);
  const [second] = place.json(words);
  expect(first).toMatchObject({ skipped: false });
  expect(second).toMatchObject({ skipped: true, snapshot: first!["snapshot"], files: 2 });
  expect(place.lines(words)).toEqual([
    expect.stringMatching(/^no snapshot: nothing has changed since snapshot [0-9a-f]{10}: /),
  ]);
  place.write("things/c");
  place.lines(words);
  const snapshots = place.json(["snapshots"]);
  expect(snapshots.length).toBe(2);
  expect(snapshots[1]).toMatchObject({ host: "web", tags: ["t"], counts: { files: 3 } });
});

test("a link to a folder is followed as a source, and kept as a link below one", () => {
  using place = placeWithStore();
  plant(place, "a/x");
  symlinkSync("a", place.at("work/things/link"));
  place.lines(["backup", "things"]);
  expect(shown(place)).toBe("a/ a/x link");
  place.lines(["backup", "things/link"]);
  expect(shown(place)).toBe("x");
});
