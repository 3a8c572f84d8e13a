// Patterns: what git says of the same patterns and paths, and what is Bunker's own.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import { pathTextOf } from "../../src/base/path-text.ts";
import { faultOf, parsePattern } from "../../src/base/pattern.ts";
import { patternLinesOf, Patterns } from "../../src/base/patterns.ts";
import { seededRandom, seedOfRun } from "../support/random.ts";
import { tempDir } from "../support/temp.ts";

/** Lists of patterns, the lines of each parted by "|". */
const LISTS = [
  ..."a a/ /a /a/ *.log /*.log a/*.log foo/ foo/* foo/** **/foo **/foo/bar a/**/b /a/b a/b a/b/".split(
    " ",
  ),
  ..."* */ !a *|!a *|!a/ *.log|!x.log x.log|!*.log \\#hash #hash \\!bang !bang sp\\_ sp_ a_b".split(
    " ",
  ),
  ..."[x] \\[x\\] file[0-9] file[!0-9] file[^12] file? file* FILE1 .* star\\* star[*] q\\? ??".split(
    " ",
  ),
  ..."a*/b a?c ** /** a/** **/b b\\\\c []] []-] [a-c]b [[:alpha:]]b file[[:digit:]] doc/*.txt".split(
    " ",
  ),
  ..."doc/**/*.txt doc/**/ *.py[co] *.py[!co] /*|!/foo /*|!/foo|/foo/*|!/foo/bar".split(" "),
  ..."build/|!src/build/ *** f*1*0 *|!*/|!*.log foo/*|!foo/bar - [!a] \\a a\\/b *.l?g x.*".split(
    " ",
  ),
].map((list) => list.replaceAll("_", " ").split("|"));

/** What there is: files in one tree, and folders in another. */
const FILES =
  "a x.log d/x.log d/e/x.log foo e/foo e/foo2/x build #hash !bang sp_ sp a_b [x] x b c-d file1 file2 file10 filea FILE1 .hid d/.hid star* q? ab abc b\\c - ] doc/a.txt doc/x/a.txt doc/a.pdf p.pyc p.pyo p.py".replaceAll(
    "_",
    "\0",
  );
const FOLDERS =
  "a/b/c a/x/y/b a/x/b foo/bar/x d/foo/x build/x src/build/x x/b/b ab/c a-b/b file1/x q?/x .hid/x";

interface Tree {
  readonly path: string;
  readonly names: readonly { readonly name: string; readonly isFolder: boolean }[];
}

function makeTree(path: string, list: string): Tree {
  for (const file of list.split(" ").map((name) => name.replaceAll("\0", " "))) {
    fs.mkdirSync(join(path, file, ".."), { recursive: true });
    fs.writeFileSync(join(path, file), "");
  }
  const names = fs
    .readdirSync(path, { recursive: true, encoding: "utf8" })
    .map((name) => ({ name, isFolder: fs.statSync(join(path, name)).isDirectory() }));
  Bun.spawnSync(["git", "init", "--quiet", path]);
  return { path, names };
}

function excludedByGit({ path, names }: Tree, lines: readonly string[]): string[] {
  fs.writeFileSync(join(path, ".git/info/exclude"), `${lines.join("\n")}\n`);
  const { stdout, exitCode, stderr } = Bun.spawnSync(
    ["git", "-C", path, "check-ignore", "--no-index", "-z", "--stdin"],
    {
      stdin: Buffer.from(names.map(({ name }) => `${name}\0`).join("")),
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
    },
  );
  if (exitCode > 1) throw new Error(stderr.toString());
  return stdout.toString().split("\0").slice(0, -1).sort();
}

test.skipIf(Bun.which("git") === null)("all patterns mean what they mean to git", () => {
  using temp = tempDir();
  const trees = [makeTree(join(temp.path, "1"), FILES), makeTree(join(temp.path, "2"), FOLDERS)];
  expect(LISTS.length).toBeGreaterThan(60);
  for (const lines of LISTS) {
    const patterns = new Patterns(lines);
    for (const tree of trees) {
      const excluded = tree.names
        .filter(({ name, isFolder }) => patterns.excludes(utf8(name), isFolder))
        .map(({ name }) => name)
        .sort();
      expect({ lines, excluded }).toEqual({ lines, excluded: excludedByGit(tree, lines) });
    }
  }
});

describe("names that are not plain", () => {
  const raw = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));

  test("a byte that is no UTF-8 is one character", () => {
    const name = raw("a\xffb.log");
    for (const pattern of ["*.log", "a?b.log", "a*", "a[!c]b.log"]) {
      expect(new Patterns([pattern]).excludes(name, false)).toBe(true);
    }
    for (const pattern of ["a\ufffdb.log", "ab.log", "a??b.log"]) {
      expect(new Patterns([pattern]).excludes(name, false)).toBe(false);
    }
  });

  test("and so is a character of several bytes", () => {
    const patterns = new Patterns(["gr\u00fc?e", "[\u00e4-\u00fc]x"]);
    for (const name of ["gr\u00fc\u00dfe", "gr\u00fc\u00e4e", "\u00f6x"]) {
      expect(patterns.excludes(utf8(name), false)).toBe(true);
    }
    for (const name of ["gr\u00fce", "ax"]) {
      expect(patterns.excludes(utf8(name), false)).toBe(false);
    }
  });

  test("a file of patterns may hold such a byte, a mark at its beginning, and CR LF", () => {
    const lines = patternLinesOf(raw("\xff*\r\nplain\r\n\r\n# remark\r\n"));
    const patterns = new Patterns(lines);
    expect(patterns.excludes(raw("\xffx"), false)).toBe(true);
    expect(patterns.excludes(raw("\xfex"), false)).toBe(false);
    expect(patterns.excludes(utf8("plain"), false)).toBe(true);
    expect(patternLinesOf(utf8("\ufeffa\nb"))).toEqual(["a", "b"]);
  });

  test("no two names have one text", () => {
    const names = [
      "\xff",
      "\xc3\xbf",
      "\xed\xb3\xbf",
      "a\xc3",
      "a\xc3\xa4",
      "\xf0\x9f\x98\x80",
      "\xf0\x9f",
    ];
    expect(new Set(names.map((name) => pathTextOf(raw(name)))).size).toBe(names.length);
    expect(pathTextOf(utf8("gr\u00fcn/\u{1f600}"))).toBe("gr\u00fcn/\u{1f600}");
  });

  test("a newline is a character like others", () => {
    expect(new Patterns(["*.log"]).excludes(utf8("a\nb.log"), false)).toBe(true);
    expect(new Patterns(["a?b.log"]).excludes(utf8("a\nb.log"), false)).toBe(true);
  });
});

test("upper and lower case are told apart, or not, for each pattern", () => {
  const patterns = new Patterns([
    { text: "*.LOG", ignoreCase: true },
    { text: "Name", ignoreCase: false },
    { text: "\u00c4*", ignoreCase: true },
    { text: "!keep.log", ignoreCase: false },
  ]);
  const excluded = (name: string) => patterns.excludes(utf8(name), false);
  expect(["a.log", "a.Log", "Name", "\u00e4x"].map(excluded)).toEqual([true, true, true, true]);
  expect(["name", "keep.log", "axlog"].map(excluded)).toEqual([false, false, false]);
  expect(excluded("KEEP.log")).toBe(true);
  expect(new Patterns(["readme"], { ignoreCase: true }).excludes(utf8("README"), false)).toBe(true);
});

test("a pattern says something of the path itself, and nothing of what is in it", () => {
  const patterns = new Patterns(["build/", "!build/keep", "a/b"]);
  expect(patterns.judge("build", true)).toBe("excluded");
  expect(patterns.judge("build", false)).toBeUndefined();
  expect(patterns.judge("build/x", false)).toBeUndefined();
  expect(patterns.judge("build/keep", false)).toBe("included");
  expect(patterns.judge("a/b", false)).toBe("excluded");
  expect(patterns.judge("x/a/b", false)).toBeUndefined();
});

test("the quick look at a name never says no where a pattern matches", () => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random.int(list.length)]!;
  const bits = [
    "a",
    "b",
    ".",
    "*",
    "?",
    "[ab]",
    "[!a]",
    "\\*",
    "\u00e4",
    "**/",
    "/",
    "B",
    "[a-b]",
    "x",
  ];
  const letters = ["a", "b", ".", "*", "\u00e4", "A", "B", "x", "\u{1f600}"];
  const many = <T>(list: readonly T[], most: number) =>
    Array.from({ length: 1 + random.int(most) }, () => pick(list));
  let matched = 0;
  for (let i = 0; i < 4000; i++) {
    const text = many(bits, 5).join("");
    const pattern = parsePattern(text);
    if (pattern === undefined || faultOf(pattern) !== undefined) continue;
    const patterns = new Patterns([{ text, ignoreCase: i % 2 === 0 }]);
    for (let j = 0; j < 10; j++) {
      const names = [many(letters, 4).join(""), many(letters, 3).join("")].slice(j % 2);
      if (names.some((name) => name === "." || name === "..")) continue; // No such names are.
      if (patterns.judge(names.join("/"), j % 3 === 0) === undefined) continue;
      matched += 1;
      const name = names.at(-1)!;
      if (!patterns.mayMatch(utf8(name)))
        throw new Error(`seed ${seed}: ${text} ${names.join("/")}`);
    }
  }
  expect(matched).toBeGreaterThan(500);
});

test("common patterns are not asked for common names", () => {
  const patterns = new Patterns(
    "node_modules *.log *.py[co] *.sw? *~ /build target/ **/secret.txt .DS_Store *cache*".split(
      " ",
    ),
  );
  const common = "index.ts README.md main.rs photo.jpg letter.txt a 2026".split(" ");
  expect(common.filter((name) => patterns.mayMatch(utf8(name)))).toEqual([]);
});

describe("patterns that could never match", () => {
  test.each([
    ["", undefined],
    ["# remark", undefined],
    ["!", "it names nothing"],
    ["/", "it names nothing"],
    ["a[b", "a [ has no ]"],
    ["a[", "a [ has no ]"],
    ["[]", "a [ has no ]"],
    ["[a\\]", "a [ has no ]"],
    ["[[:alpa:]]", "[:alpa:] is no class of characters"],
    ["a\\", "it ends in a backslash"],
    ["a\\/", "it ends in a backslash"],
    ["./a", "no path has . or .. in it"],
    ["a/../b", "no path has . or .. in it"],
    ["a//b", "no path has // in it"],
    ["a\nb", "it holds a NUL or the end of a line"],
  ])("%j: %s", (line, fault) => {
    const pattern = parsePattern(line);
    expect(pattern === undefined ? undefined : faultOf(pattern)).toBe(fault);
    if (fault === undefined) {
      expect(new Patterns([line]).isEmpty).toBe(true);
      return;
    }
    expect(() => new Patterns([line])).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: `pattern ${line}: ${fault}` }),
    );
    const told: string[] = [];
    const patterns = new Patterns(["x", line], { onFault: (text) => void told.push(text) });
    expect(told).toEqual([line]);
    expect(patterns.excludes(utf8("x"), false)).toBe(true);
  });

  test.each([
    "[]]",
    "[!]]",
    "[[]",
    "a\\\\",
    "[[:alpha:]-]",
    ".a",
    "a.",
    "...",
    "a/.b",
    "\\[",
    "a/",
  ])("%s is none of them", (line) => {
    expect(faultOf(parsePattern(line)!)).toBeUndefined();
  });
});
