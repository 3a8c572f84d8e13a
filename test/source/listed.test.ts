// Listed: sources from a list of paths.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join, relative } from "node:path";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import { Patterns } from "../../src/base/patterns.ts";
import { type FolderSourceOptions, openFolderSource } from "../../src/source/folder.ts";
import type { Source } from "../../src/source/source.ts";
import type { Descriptor, FileSystem } from "../../src/system/files.ts";
import { meddledFiles, writeTree } from "../support/files.ts";
import { tempDir, type TempDir } from "../support/temp.ts";
import { asUser, deepTempDir } from "../system/trees.ts";
import { type Heard, linesOf, listening, metadataOf } from "./walking.ts";

interface Scene extends Disposable {
  readonly at: (name: string) => string;
  /** The source of what is listed here, names with a slash in front being whole paths. */
  readonly open: (list: string, given?: string, options?: FolderSourceOptions) => Source;
  readonly heard: Heard;
  /** A source's paths below the scene. */
  readonly pathsOf: (source: Source) => string;
  readonly problems: () => string;
}

function scene(files: string, temp: TempDir = tempDir()): Scene {
  const at = (name: string): string => join(temp.path, name);
  writeTree(temp.path, Object.fromEntries(files.split(" ").map((name) => [name, name])));
  const heard = listening();
  const below = (path: string): string => relative(temp.path, path) || ".";
  // A slash at the end counts.
  const wordsOf = (text: string): string[] =>
    text.split(" ").flatMap((name) => (name === "" ? [] : `${temp.path}/${name}`));
  return {
    at,
    heard,
    open: (list, given = "", options = {}) =>
      openFolderSource(wordsOf(given), {
        listed: wordsOf(list).map(utf8),
        monitor: heard.monitor,
        ...options,
      }),
    pathsOf: (source) => source.describe().paths.map(below).join(" "),
    problems: () => heard.problems.map(({ subject }) => below(subject)).join(" "),
    [Symbol.dispose]: () => temp[Symbol.dispose](),
  };
}

const linesIn = (source: Source): string => linesOf(source).join(" ");

describe("a list", () => {
  test("is the folder that holds all of it, in the order of a walk, each once", () => {
    using at = scene("b/x a.txt a/y a/other c/d/other");
    const source = at.open("b a.txt a/y b a/y");
    expect(at.pathsOf(source)).toBe(".");
    expect(linesIn(source)).toBe("root 0 + +a y - a.txt +b x - -");
    expect(at.heard.problems).toEqual([]);
    expect(at.heard.notices).toEqual([]);
  });

  test("leaves what lies in another of its paths to that, as in a list that find makes", () => {
    using at = scene("a/b/c a/b-c a/bc x/y");
    const source = at.open("a/b a/b/c a/b-c a/bc x/y", "x");
    expect(at.pathsOf(source)).toBe("x a");
    expect(linesIn(source)).toBe("root 0 + y - root 1 + +b c - b-c bc -");
    expect(at.pathsOf(at.open("a/b/c a a/bc"))).toBe("a");
  });

  test("of one path is a source of its own", () => {
    using at = scene("a/b c/d");
    fs.symlinkSync("c", at.at("way"));
    expect(at.pathsOf(at.open("a/b"))).toBe("a/b");
    expect(linesIn(at.open("a/b"))).toBe("root 0 b");
    expect(at.pathsOf(at.open("a"))).toBe("a");
    expect(linesIn(at.open("way"))).toBe("root 0 + d -");
    expect(at.heard.notices).toEqual([`${at.at("way")}: is a link, what it leads to is backed up`]);
  });

  test("keeps what folders on the way are", () => {
    using at = scene("a/b/c a/d/e");
    fs.chmodSync(at.at("a"), 0o751);
    fs.chmodSync(at.at("a/b"), 0o710);
    fs.utimesSync(at.at("a/b"), 1_000_000, 2_000_000);
    const found = metadataOf(at.open("a/b/c a/d/e"));
    expect(found.get("")).toMatchObject({ type: "folder", mode: 0o751 });
    expect(found.get("b")).toMatchObject({ mode: 0o710, modified: { seconds: 2_000_000 } });
  });

  test("may name the top of all, and whole paths and those from the working folder", () => {
    const listed = ["test/tidy.test.ts", join(process.cwd(), "package.json"), "./test/../bun.lock"];
    const source = openFolderSource([], { listed: listed.map(utf8) });
    expect(source.describe().paths).toEqual([process.cwd()]);
    expect(linesIn(source)).toBe("root 0 + bun.lock package.json +test tidy.test.ts - -");
    const top = openFolderSource([], { listed: ["/", "/etc", "/dev/null"].map(utf8) });
    expect(top.describe().paths).toEqual(["/"]);
    const apart = openFolderSource([], { listed: ["/dev/null", process.cwd()].map(utf8) });
    expect(apart.describe().paths).toEqual(["/"]);
    expect(linesIn(openFolderSource([], { listed: ["/dev/null", "/etc/passwd"].map(utf8) }))).toBe(
      "root 0 + +dev null - +etc passwd - -",
    );
  });

  test("names the folder that its file states are of, however it changes", () => {
    using at = scene("a/b/x a/c/y");
    const key = [["root", true, `list\0${at.at("a").slice(1)}`]];
    const keysOf = (list: string): unknown[] =>
      [...at.open(list).walk()].flatMap((event) =>
        event.kind === "root"
          ? [[event.kind, event.isListed, Buffer.from(event.statesAs ?? []).toString()]]
          : [],
      );
    expect(keysOf("a/b a/c")).toEqual(key);
    expect(keysOf("a/b/x a/c/y")).toEqual(key);
    expect(keysOf("a/b")).toEqual(key);
  });
});

describe("what is not there", () => {
  test("is a problem, and the others are walked", () => {
    using at = scene("a b");
    const source = at.open("a gone b/in gone/too b");
    expect(at.problems()).toBe("b/in gone gone/too");
    expect(linesIn(source)).toBe("root 0 + a b -");
    expect(at.pathsOf(at.open("far/away a b"))).toBe(".");
  });

  test("at all is an error", () => {
    using at = scene("a");
    const none = expect.objectContaining({ code: "not-found" }) as Error;
    expect(() => at.open("gone")).toThrow(none);
    expect(() => at.open("gone away")).toThrow(none);
    expect(at.heard.problems.length).toBe(3);
    expect(() => at.open("")).toThrow(none);
    expect(() => openFolderSource([], { listed: [utf8("a\0b")] })).toThrow(none);
    expect(() => openFolderSource([], { listed: [utf8("a\0b"), utf8("c\0d")] })).toThrow(none);
  });

  test("when the walk comes there is a problem too, and so is what was replaced", () => {
    using at = scene("a/b/c a/d/e a/f a/g");
    const source = at.open("a/b/c a/d/e a/f a/g");
    fs.rmSync(at.at("a/b"), { recursive: true });
    fs.rmSync(at.at("a/d"), { recursive: true });
    fs.symlinkSync("/", at.at("a/d"));
    fs.rmSync(at.at("a/f"));
    expect(linesIn(source)).toBe("root 0 + g -");
    expect(at.problems()).toBe("a/b a/d a/f");
    fs.rmSync(at.at("a"), { recursive: true });
    fs.writeFileSync(at.at("a"), "");
    expect(linesIn(source)).toBe("root 0");
    expect(at.problems()).toBe("a/b a/d a/f a");
  });
});

describe("links", () => {
  test("that are listed are kept, also those to folders, of which one notice tells", () => {
    using at = scene("folder/in x");
    const odd = Buffer.concat([utf8(at.at("")), Uint8Array.of(0x2f, 0xff, 0x0a)]);
    fs.writeFileSync(odd, "content");
    fs.symlinkSync("nowhere", at.at("link"));
    for (const name of ["way", "way2"]) fs.symlinkSync("folder", at.at(name));
    const listed = [odd, ...["link", "way", "way2"].map((name) => utf8(at.at(name)))];
    const events = [...openFolderSource([], { listed, monitor: at.heard.monitor }).walk()];
    const names = events.flatMap((event) => (event.kind === "entry" ? [event.metadata.name] : []));
    expect(names).toEqual([...["link", "way", "way2"].map(utf8), Uint8Array.of(0xff, 0x0a)]);
    const notice = `${at.at("way")}, and 1 more: a listed link to a folder, kept as a link`;
    expect(at.heard.notices).toEqual([notice]);
    // Also where nothing else of the list is there.
    expect(linesIn(at.open("way gone"))).toBe("root 0 way");
  });

  test("on the way are seen through, so that no file has two places", () => {
    using at = scene("real/x real/y other");
    fs.symlinkSync("real", at.at("way"));
    fs.symlinkSync("way", at.at("way2"));
    const source = at.open("way/x real/x way2/x way/y other");
    expect(linesIn(source)).toBe("root 0 + other +real x y - -");
    const notice = `${at.at("way/x")}, and 2 more: listed, and saved where it is behind a link`;
    expect(at.heard.notices).toEqual([notice]);
    expect(at.pathsOf(at.open("way/x real/x"))).toBe("real/x");
    // A list of find: the link, and what is behind it.
    expect(linesIn(at.open("way way/x"))).toBe("root 0 + +real x - way -");
  });

  test("with a slash behind them are what they lead to", () => {
    using at = scene("real/x real/y other");
    fs.symlinkSync("real", at.at("way"));
    expect(linesIn(at.open("way/ other"))).toBe("root 0 + other +real x y - -");
    expect(at.heard.notices.length).toBe(1);
    expect(linesIn(at.open("way/. real/../other"))).toBe("root 0 + other +real x y - -");
  });

  test("to what is given leave their paths to that", () => {
    using at = scene("real/x real/y other/z");
    fs.symlinkSync("real", at.at("way"));
    expect(at.pathsOf(at.open("real/x other/z other", "way"))).toBe("way other");
    expect(at.pathsOf(at.open("way/x", "real"))).toBe("real");
    expect(at.pathsOf(at.open("way/x way/y", "real"))).toBe("real");
  });
});

describe("beside sources", () => {
  test("that lie among its paths it is several, of which none holds another", () => {
    using at = scene("a/x/1 a/x/2 a/y b/1 b/2 c d/e/f d/g");
    const source = at.open("a/x/1 a/x/2 a/y b/1 b/2 c", "d/e");
    expect(at.pathsOf(source)).toBe("d/e a b c");
    expect(linesIn(source)).toBe("root 0 + f - root 1 + +x 1 2 - y - root 2 + 1 2 - root 3 c");
    // In a listed folder it is there with it, or can't be had.
    expect(at.pathsOf(at.open("a d", "d/e"))).toBe(".");
    expect(at.pathsOf(at.open("d", "d/e"))).toBe("d");
    const patterns = new Patterns(["/e"]);
    for (const list of ["a d", "d"]) {
      expect(() => at.open(list, "d/e", { choice: { patterns } })).toThrow(/does not take it in/);
    }
    expect(at.pathsOf(at.open("a/x d/g", "d/e", { choice: { patterns } }))).toBe("d/e a/x d/g");
    expect(at.pathsOf(at.open("a/x d/g", "d/e"))).toBe("d/e a/x d/g");
  });

  test("that are named by a link which is listed leaves none of them hidden", () => {
    using at = scene("real/in/x other/y");
    fs.symlinkSync("real", at.at("way"));
    expect(at.pathsOf(at.open("way other", "way/in"))).toBe("real/in other way");
    expect(at.pathsOf(at.open("way real", "way/in"))).toBe(".");
    fs.symlinkSync("../real", at.at("other/to"));
    expect(at.pathsOf(at.open("other/to/in", "other"))).toBe("other real/in");
    expect(at.pathsOf(at.open("other/to/in real/in/x", "other"))).toBe("other real/in");
  });

  test("only so many parts fit", () => {
    using at = scene("given/x any");
    // Each name is there, without 20,000 files.
    const any = (real: FileSystem) => ({
      stat: (folder: Descriptor) => real.stat(folder, utf8("any")),
    });
    const names = Array.from({ length: 20_001 }, (_, i) => `${i}`);
    const open = (given: string, list: readonly string[]): Source =>
      at.open(list.join(" "), given, { files: meddledFiles(any) });
    expect(() => open("given", names)).toThrow(/has more than 20000 parts$/);
    expect(open("given", names.slice(1)).describe().paths.length).toBe(20_001);
    expect(open("", names).describe().paths).toEqual([at.at("")]);
  });
});

test("what is listed is left out by nothing, and what is in it as in any source", () => {
  using at = scene("a/x.tmp a/b/y.tmp a/b/c/z a/b/d/e a/b/keep a/big a/node/z");
  writeTree(at.at("a"), { ".bunkerignore": "*", "b/large": "12345678901", big: "12345678901" });
  const source = at.open("a/x.tmp a/b a/big a/node", "", {
    choice: {
      patterns: new Patterns(["*.tmp", "/c", "b", "node", "/a"]),
      ignoreFiles: true,
      ifPresent: [utf8("big")],
      fileBytesMax: 10,
      oneFileSystem: true,
    },
    exclude: (path) => /(?:\/keep|\.tmp|\/b)$/.test(textOf(path)),
  });
  expect(linesIn(source)).toBe("root 0 + +b +d e - - big +node z - x.tmp -");
});

test("folders that nothing is taken of are left out, and told where they lie in what is listed", () => {
  using at = scene("own/x a/own/y a/z b far/own/z far/c");
  const found: string[] = [];
  const folders = ["own", "a/own", "far/own"].map((name) => utf8(at.at(name)));
  const onFound = (path: Uint8Array): void => {
    found.push(relative(at.at(""), textOf(path)));
  };
  const apart = { folders, onFound };
  expect(linesIn(at.open("own own/x a b far/own/z far/c", "", { apart }))).toBe(
    "root 0 + +a z - b +far c - -",
  );
  expect(found).toEqual(["a/own"]);
  fs.symlinkSync("a", at.at("way"));
  expect(linesIn(at.open("way", "", { apart }))).toBe("root 0 + z -");
  expect(found).toEqual(["a/own", "way/own"]);
  expect(() => at.open("own/x", "", { apart })).toThrow();
});

test("a folder on the way that can be passed and not be read divides the list", () => {
  using at = scene("a/closed/b/x a/closed/b/y a/closed/c a/d", deepTempDir());
  for (const name of ["", "a", "a/closed/b"]) fs.chmodSync(at.at(name), 0o755);
  fs.chmodSync(at.at("a/closed"), 0o711);
  if (process.getuid?.() !== 0) fs.chmodSync(at.at("a/closed"), 0o311);
  const { lines, paths } = asUser(() => {
    const source = at.open("a/closed/b/x a/closed/b/y a/d");
    return { lines: linesIn(source), paths: at.pathsOf(source) };
  });
  expect(paths).toBe("a/closed/b a/d");
  expect(lines).toBe("root 0 + x y - root 1 d");
  const { monitor, problems } = at.heard;
  expect(problems).toEqual([]);
  // What lies in it can't be reached, as ever.
  const listed = ["a/closed/c", "a/d"].map((name) => utf8(at.at(name)));
  asUser(() => openFolderSource([], { listed, monitor }));
  expect(problems.map(({ error }) => isBunkerError(error, "denied"))).toEqual([true]);
});

test("many folders on the way need few open ones", () => {
  const deep = (name: string): string => `${"d/".repeat(90)}${name}`;
  using at = scene(`${deep("x")} ${deep("y/z")} d/d/e`, deepTempDir());
  const lines = linesIn(at.open(`${deep("x")} ${deep("y")} d/d/e`, "", { openFoldersMax: 6 }));
  expect(lines).toBe(`root 0 + ${"+d ".repeat(88)}x +y z - ${"- ".repeat(88)}e -`);
});
