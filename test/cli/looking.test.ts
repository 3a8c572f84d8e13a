// Looking, end to end: find, diff, stats, and what ls and cat show of it.

import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";

import { type Place, placeWithStore } from "../support/bunker.ts";

const TIME = new Date("2020-03-04T05:06:07Z");

/** Two snapshots; returns the beginnings of their ids. */
function plantTwo(place: Place): [string, string] {
  place.write("things/docs/letter.txt", "hello\n");
  place.write("things/docs/Report.TXT", "report");
  place.write("things/large", Buffer.alloc(3_000_000, "0123456789abcdef"));
  symlinkSync("large", place.at("work/things/link"));
  utimesSync(place.at("work/things/docs/letter.txt"), TIME, TIME);
  const [first] = place.json(["backup", "things"]);
  appendFileSync(place.at("work/things/docs/Report.TXT"), ", and more");
  chmodSync(place.at("work/things/large"), 0o600);
  rmSync(place.at("work/things/link"));
  place.write("things/new/file", "new");
  const [second] = place.json(["backup", "things"]);
  const idOf = (saved: typeof first) => String(saved!["snapshot"]).slice(0, 10);
  return [idOf(first), idOf(second)];
}

describe("find", () => {
  test("shows the snapshot and the path, as cat takes them", () => {
    using place = placeWithStore();
    const [first, second] = plantTwo(place);
    const lines = place.lines(["find", "*.txt", "docs/"]);
    expect(lines).toEqual([
      `${first}:/docs/`,
      `${first}:/docs/letter.txt`,
      `${second}:/docs/`,
      `${second}:/docs/letter.txt`,
    ]);
    expect(place.lines(["cat", lines[3]!])).toEqual(["hello"]);
  });

  test("names that can't be shown as they are can be typed as they are shown", () => {
    using place = placeWithStore();
    const names = ["a\nb", "back\\x41", "back\\\\x41", "backA", Buffer.of(0xff, 0x5c)];
    for (const name of names) {
      const path = Buffer.concat([Buffer.from(`${place.at("work")}/`), Buffer.from(name)]);
      writeFileSync(path, Buffer.from(name));
    }
    place.lines(["backup", place.at("work")]);
    const lines = place.lines(["find", "--type", "f"]);
    expect(lines.length).toBe(names.length);
    const shown = new Set(names.map((name) => Buffer.from(name).toString("hex")));
    for (const line of lines) {
      const out = place.shell('$BUNKER cat "$LINE" | od -An -tx1 -v', { LINE: line });
      shown.delete(out.stdout.replaceAll(/\s/g, ""));
    }
    expect([...shown]).toEqual([]);
  });

  test("filters by case, type, size, time and snapshot", () => {
    using place = placeWithStore();
    const [first, second] = plantTwo(place);
    const find = (...words: string[]): string[] => place.lines(["find", ...words]);
    expect(find("-i", "*.txt", "--latest")).toEqual([
      `${second}:/docs/Report.TXT`,
      `${second}:/docs/letter.txt`,
    ]);
    expect(find("--type", "l")).toEqual([`${first}:/link`]);
    expect(find("--type", "folder,l", "--snapshot", first)).toEqual([
      `${first}:/docs/`,
      `${first}:/link`,
    ]);
    expect(find("--larger", "2.8M")).toEqual([`${first}:/large`, `${second}:/large`]);
    expect(find("--larger", "2.9M")).toEqual([]);
    expect(find("--smaller", "4", "--type", "f")).toEqual([`${second}:/new/file`]);
    expect(find("--older", "2020-03-05", "--latest")).toEqual([`${second}:/docs/letter.txt`]);
    expect(find("*.txt", "--newer", "2020-03-04T05:06:07Z")).toEqual([]);
    expect(find("*.txt", "--newer", "2020-03-04T05:06:06Z").length).toBe(2);
    expect(find(`${place.at("work/things")}/*/file`)).toEqual([`${second}:/new/file`]);
    expect(find("--long", "--human", "large", "--latest")[0]).toMatch(
      /^-rw------- \S+:\S+ +2\.9 MiB \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [0-9a-f]{10}:\/large$/,
    );
  });

  test("nothing found is no failure", () => {
    using place = placeWithStore();
    place.write("things/a");
    place.lines(["backup", "things"]);
    expect(place.run(["find", "nothing"])).toMatchObject({ status: 0, stdout: "" });
  });
});

describe("diff", () => {
  test("shows one line a change, and the sums", () => {
    using place = placeWithStore();
    const [first, second] = plantTwo(place);
    const changes = ["M  docs/Report.TXT", "U  large  (mode)", "-  link", "+  new/", "+  new/file"];
    const sums = [
      "added: 1 file, 1 folder (3 B)",
      "removed: 1 other (0 B)",
      "other content: 1 file (16 B)",
      "other metadata: 1 file",
    ];
    const diff = ["diff", first, second, "--ignore-times"];
    expect(place.lines(diff)).toEqual([...changes, ...sums]);
    expect(place.lines([...diff, "--summary"])).toEqual(sums);
    expect(place.lines(["diff", second, second])).toEqual(["no differences"]);
    expect(place.lines(["diff", `${first}:/docs`, `${second}:docs`])).toEqual([
      "M  Report.TXT",
      "other content: 1 file (16 B)",
    ]);
    const one = ["diff", `${first}:/docs/Report.TXT`, `${second}:/docs/Report.TXT`];
    expect(place.lines(one)[0]).toBe("M  .");
    const types = place.lines(["diff", `${first}:/docs`, `${first}:/large`]);
    expect(types[0]).toBe("T  .  (folder -> file)");
  });

  test("a folder is one by its beginning, or by --with", () => {
    using place = placeWithStore();
    const [first] = plantTwo(place);
    const same = ["no differences"];
    expect(place.lines(["diff", "latest", "./things"])).toEqual(same);
    expect(place.lines(["diff", "latest", place.at("work/things"), "--content"])).toEqual(same);
    expect(place.lines(["diff", "latest", "--with", "things"])).toEqual(same);
    expect(place.lines(["diff", "latest:/docs", "--with", "things/docs"])).toEqual(same);
    expect(place.lines(["diff", first, "--with", "things"])).toContain("M  docs/Report.TXT");
    place.write("things/docs/letter.txt", "HELLO\n");
    utimesSync(place.at("work/things/docs/letter.txt"), TIME, TIME);
    expect(place.lines(["diff", "latest", "./things"])).toEqual(same);
    expect(place.lines(["diff", "latest", "./things", "--content"])[0]).toBe("M  docs/letter.txt");
  });

  test("what a backup leaves out of a folder is no difference", () => {
    using place = placeWithStore();
    place.write("things/keep", "1");
    place.write("things/a.tmp");
    place.write("things/sub/.bunkerignore", "*.log\n");
    place.write("things/sub/b.log");
    place.lines(["backup", "things", "--exclude", "*.tmp"]);
    const same = ["no differences"];
    expect(place.lines(["diff", "latest", "./things", "--exclude", "*.tmp"])).toEqual(same);
    expect(place.lines(["diff", "latest", "./things"])[0]).toBe("+  a.tmp");
    const bare = place.lines(["diff", "latest", "./things", "--no-ignore-files"]);
    expect(bare).toContain("+  sub/b.log");
    expect(place.lines(["diff", "latest", "./things", "--iexclude", "KEEP"])).toContain("-  keep");
  });

  test("with several sources, what lies beside them is no difference, and neither is the store", () => {
    using place = placeWithStore();
    place.write("one/a");
    place.write("two/b");
    place.write("beside/c");
    place.lines(["backup", "one", "two"]);
    place.write("two/new");
    expect(place.lines(["diff", "latest", "--with", "/", "--ignore-times"])).toEqual([
      `+  ${place.at("work/two/new").slice(1)}`,
      "added: 1 file (7 B)",
    ]);
    place.lines(["backup", place.at()]);
    expect(place.lines(["diff", "latest", place.at(), "--ignore-times"])).toEqual([
      "no differences",
    ]);
  });
});

test("stats shows what each snapshot holds, adds and would free, and the store", () => {
  using place = placeWithStore();
  const [first, second] = plantTwo(place);
  const lines = place.lines(["stats"]);
  expect(lines[0]).toMatch(/^SNAPSHOT +TIME +FILES +FOLDERS +OTHERS +CONTENT +ADDS +FREES$/);
  const sums = " +2\\.9 MiB +[\\d.]+ (?:Ki)?B +[\\d.]+ (?:Ki)?B$";
  expect(lines[1]).toMatch(new RegExp(`^${first} .* 3 +2 +1${sums}`));
  expect(lines[2]).toMatch(new RegExp(`^${second} .* 4 +3 +0${sums}`));
  expect(lines[3]).toMatch(/^the store: 4 packs, [\d.]+ KiB$/);
  expect(lines.at(-1)).toMatch(/^compression [\d.]+, deduplication 2$/);
  const [last, store] = place.json(["stats", "latest"]);
  expect(last).toMatchObject({ holds: { files: 4, folders: 3, links: 0, others: 0 } });
  expect(last!["adds"]).toEqual(last!["frees"]);
  expect(store).toMatchObject({ store: { snapshots: 2, packs: 4, unneeded: { blobs: 0 } } });
});

test("holes are not what deduplication has saved", () => {
  using place = placeWithStore();
  place.write("things/letter", "0123456789");
  truncateSync(place.write("things/disk", ""), 5_000_000);
  place.lines(["backup", "things"]);
  expect(place.lines(["stats"]).at(-1)).toMatch(/, deduplication 1$/);
});

test("snapshots chooses by tag and host, and says that there is none", () => {
  using place = placeWithStore();
  place.write("things/a");
  place.lines(["backup", "things", "--host", "laptop", "--description", "before the move"]);
  place.lines(["backup", "things", "--host", "server", "--tag", "daily"]);
  const [first, second] = place.lines(["snapshots"]);
  expect(first).toEndWith("/things  (before the move)");
  expect(place.lines(["snapshots", "--host", "laptop"])).toEqual([first!]);
  expect(place.lines(["snapshots", "--host", "server", "--tag", "daily"])).toEqual([second!]);
  const none = place.run(["snapshots", "--host", "laptop", "--tag", "daily"]);
  expect(none).toMatchObject({ status: 0, stdout: "" });
  expect(none.stderr).toBe("bunker: no snapshot has what was asked for\n");
});

test("ls and cat know holes and attributes", () => {
  using place = placeWithStore();
  const path = place.write("things/sparse", "begin");
  truncateSync(path, 5_000_000);
  appendFileSync(path, "end");
  mkdirSync(place.at("work/things/plain"));
  const set = place.execute(["setfattr", "-n", "user.colour", "-v", "red", path]);
  place.lines(["backup", "things"]);
  const cat = place.shell("$BUNKER cat latest:/sparse | cmp - things/sparse && echo same");
  expect(cat.stdout).toBe("same\n");
  const [plain, sparse] = place.json(["ls", "latest"]);
  expect(plain).not.toHaveProperty("holes");
  const holes = sparse!["holes"] as { offset: number; length: number }[];
  expect(holes.length).toBe(1);
  if (set.status !== 0) return; // This file system has no attributes, or setfattr is not there.
  const value = Buffer.from("red").toString("base64");
  expect(sparse).toMatchObject({ attributes: [{ name: "user.colour", valueBase64: value }] });
  const lines = place.lines(["ls", "-l", "latest"]);
  expect(lines[0]).toStartWith("drwxr-xr-x ");
  expect(lines[1]).toStartWith("-rw-r--r--@ ");
  expect(place.lines(["diff", "latest", "./things", "--content"])).toEqual(["no differences"]);
  place.execute(["setfattr", "-n", "user.colour", "-v", "blue", path]);
  expect(place.lines(["diff", "latest", "./things"])[0]).toBe("U  sparse  (attributes)");
});

test("a folder that is lost is named, and the rest is shown", () => {
  using place = placeWithStore();
  place.write("things/lost/a");
  const [first] = place.json(["backup", "things"]);
  const packs = place.shell("find ../store/packs -type f").stdout.trim().split("\n");
  place.write("things/new/b");
  const [second] = place.json(["backup", "things"]);
  for (const pack of packs) rmSync(place.at("work", pack));
  const lists = (words: string, wanted: string): void => {
    const { stdout, stderr, status } = place.run(words.split(" "));
    expect({ words, status }).toEqual({ words, status: 13 });
    expect(stdout).toContain(wanted);
    expect(stderr).toContain("this folder can't be read: ");
  };
  lists("ls -R latest", "lost/\nnew/\nnew/b\n");
  lists("find b", `${String(second!["snapshot"]).slice(0, 10)}:/new/b\n`);
  lists("diff latest ./things", "no differences in what could be compared\n");
  expect(place.run(["stats"]).status).toBe(13);
  const bare = place.run(["diff", String(first!["snapshot"]).slice(0, 10), "latest"]);
  expect(bare.status).toBe(13);
});

const wrong: readonly [string, string][] = [
  ["expected a pattern, or what to look for", "find"],
  ["pattern [a: [ has no ]", "find [a"],
  ["--larger: expected a size", "find --larger much"],
  ["--newer: expected a date", "find --newer soon"],
  ["--type: expected one of f, d, l, p, s, c, b, o, found x", "find --type x"],
  ["--snapshot: expected a snapshot without a path", "find a --snapshot latest:/b"],
  ["expected a second snapshot, or a folder, found one", "diff latest"],
  [
    "expected a second snapshot, or a folder, found latest and --with",
    "diff latest latest --with a",
  ],
  ["a: expected 4 or more digits", "diff a latest"],
  ["a folder begins with / or ./, or is named by --with things", "diff latest things"],
  ["--content: expected a folder, found two snapshots", "diff latest latest --content"],
  ["--exclude: expected a folder, found two snapshots", "diff latest latest --exclude a"],
  ["--exclude [: expected a pattern", "diff latest ./a --exclude ["],
  ["expected a snapshot without a path, found latest:/a", "stats latest:/a"],
];

test.each(wrong)("wrong usage: %s", (message, words) => {
  using place = placeWithStore();
  const { stderr, stdout, status } = place.run(words.split(" "));
  expect({ stdout, status }).toEqual({ stdout: "", status: 2 });
  expect(stderr).toContain(message);
});

test("a folder that is not there is a failure", () => {
  using place = placeWithStore();
  place.write("things/a/b");
  place.lines(["backup", "things"]);
  const missing = place.run(["diff", "latest", "./nothing"]);
  expect(missing.status).toBe(1);
  expect(missing.stderr).toContain("no such file or folder");
});

test.each(["find *", "diff latest ./things", "stats", "ls -R latest"])(
  "%s ends quietly where nobody reads",
  (words) => {
    using place = placeWithStore();
    for (let i = 0; i < 30; i++) place.write(`things/${"n".repeat(200)} ${i}`);
    place.lines(["backup", "things"]);
    place.write("things/new");
    const { stdout, stderr } = place.shell(
      `set -f; { $BUNKER ${words}; echo $? >&2; } | true; echo done`,
    );
    expect(stdout).toBe("done\n");
    expect(["141\n", "0\n"]).toContain(stderr);
    const full = place.shell(`set -f; $BUNKER ${words} >/dev/full`);
    expect(full.status).toBe(1);
    expect(full.stderr).toContain("cannot write the output");
  },
);
