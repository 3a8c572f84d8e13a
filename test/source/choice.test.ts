// Choice: what a walk leaves out, by patterns, by files in the folders, by size and by file system.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import { Patterns } from "../../src/base/patterns.ts";
import { Choice, type ChoiceOptions } from "../../src/source/choice.ts";
import { openFolderSource } from "../../src/source/folder.ts";
import type { FileSystem } from "../../src/system/files.ts";
import { meddledFiles, watchedFiles, writeTree } from "../support/files.ts";
import { tempDir } from "../support/temp.ts";
import { linesOf, listening } from "./walking.ts";

const SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55";

/** What is left of a tree: its lines, and what was told. */
function walked(
  tree: Record<string, string>,
  choice: ChoiceOptions,
  files?: (path: string) => FileSystem,
): { readonly lines: string; readonly notices: string[]; readonly problems: number } {
  using temp = tempDir();
  writeTree(temp.path, tree);
  const heard = listening();
  const source = openFolderSource([temp.path], {
    choice,
    monitor: heard.monitor,
    ...(files === undefined ? {} : { files: files(temp.path) }),
  });
  const lines = linesOf(source).slice(2, -1).join(" ");
  const notices = heard.notices.map((notice) => notice.replace(temp.path, ""));
  return { lines, notices, problems: heard.problems.length };
}

const linesWith = (tree: Record<string, string>, choice: ChoiceOptions) =>
  walked(tree, choice).lines;
const matching = (...lines: string[]): ChoiceOptions => ({ patterns: new Patterns(lines) });
const tree = (names: string) => Object.fromEntries(names.split(" ").map((name) => [name, name]));

describe("patterns", () => {
  const TREE = tree("a/keep.log a/x.log build/x src/build/y src/z x.log");

  test.each([
    [[], "+a keep.log x.log - +build x - +src +build y - z - x.log"],
    [["*.log"], "+a - +build x - +src +build y - z -"],
    [["*.log", "!keep.log"], "+a keep.log - +build x - +src +build y - z -"],
    [["/build"], "+a keep.log x.log - +src +build y - z - x.log"],
    [["build/", "!/src/build"], "+a keep.log x.log - +src +build y - z - x.log"],
    [["/*", "!/src", "/src/build"], "+src z -"],
    [["src/", "!src/z"], "+a keep.log x.log - +build x - x.log"],
    [["a/*.log"], "+a - +build x - +src +build y - z - x.log"],
  ])("%j", (lines, want) => {
    expect(linesWith(TREE, matching(...lines))).toBe(want);
  });

  test("are about each source by itself", () => {
    using temp = tempDir();
    writeTree(temp.path, tree("1/a/x 1/b 2/a/x 2/b"));
    const sources = ["1", "2"].map((name) => join(temp.path, name));
    const lines = linesOf(openFolderSource(sources, { choice: matching("/a") })).join(" ");
    expect(lines).toBe("root 0 + b - root 1 + b -");
  });

  test("leave a source alone that is itself a file, or has such a name", () => {
    using temp = tempDir();
    writeTree(temp.path, tree("build/x.log build/y z.log"));
    const sources = [join(temp.path, "build"), join(temp.path, "z.log")];
    const source = openFolderSource(sources, { choice: matching("build", "*.log") });
    expect(linesOf(source).join(" ")).toBe("root 0 + y - root 1 z.log");
  });

  test("a folder that is left out is not opened", () => {
    const opened: string[] = [];
    const { lines } = walked(tree("a/x b/x c"), matching("a"), () =>
      meddledFiles((real) => ({
        openFolder(parent, path, options) {
          if (parent !== undefined) opened.push(Buffer.from(path).toString());
          return real.openFolder(parent, path, options);
        },
      })),
    );
    expect(lines).toBe("+b x - c");
    expect(opened).not.toContain("a");
    expect(opened).toContain("b");
  });

  test("no scope is kept, and so no text made, where there are none", () => {
    const choice = new Choice({ ignoreFiles: true, caches: true });
    expect(choice.top()).toBeUndefined();
    expect(choice.below(choice.top(), utf8("name"))).toBeUndefined();
    expect(new Choice({ patterns: new Patterns(["# remark"]) }).top()).toBeUndefined();
  });
});

describe("own folders", () => {
  test("are left out whatever patterns say; their names elsewhere are not", () => {
    using temp = tempDir();
    writeTree(temp.path, tree("a/store/x b/store/y store"));
    const choice = { ...matching("!store"), ownFolders: [utf8(join(temp.path, "a/store"))] };
    const lines = linesOf(openFolderSource([temp.path], { choice })).join(" ");
    expect(lines).toBe("root 0 + +a - +b +store y - - store -");
  });
});

describe(".bunkerignore", () => {
  const all = { ignoreFiles: true };

  test("is about its folder and what is below it", () => {
    const files = {
      ...tree("a/x.log a/b/x.log a/b/y a/c x.log"),
      "a/.bunkerignore": "*.log\n/c\n",
    };
    expect(linesWith(files, all)).toBe("+a .bunkerignore +b y - - x.log");
    expect(linesWith(files, {})).toBe("+a .bunkerignore +b x.log y - c x.log - x.log");
  });

  test("a deeper one counts before an upper one, and the command before all", () => {
    const files = {
      ...tree("a/build/x a/x.log a/y.tmp build/x x.log y.tmp"),
      ".bunkerignore": "build/\n*.log\n",
      "a/.bunkerignore": "!build/\n!*.log\n!*.tmp\n",
    };
    const a = ".bunkerignore +a .bunkerignore +build x - x.log";
    expect(linesWith(files, all)).toBe(`${a} y.tmp - y.tmp`);
    expect(linesWith(files, { ...all, ...matching("*.tmp") })).toBe(`${a} -`);
    const back = linesWith(files, { ...all, ...matching("!/x.log") });
    expect(back).toBe(`${a} y.tmp - x.log y.tmp`);
  });

  test("its anchored patterns begin at its folder", () => {
    const files = { ...tree("a/b/x a/a/b/x a/b.txt"), "a/.bunkerignore": "a/b\n/b.txt" };
    expect(linesWith(files, { ...all, ...matching("/never") })).toBe(
      "+a .bunkerignore +a - +b x - -",
    );
  });

  test("a pattern in it that could never match is told, and the others count", () => {
    const files = { ...tree("a b"), ".bunkerignore": "[x\na\n" };
    const { lines, notices, problems } = walked(files, all);
    expect(lines).toBe(".bunkerignore b");
    expect(notices).toEqual(["/.bunkerignore: pattern [x: a [ has no ]: it is passed over"]);
    expect(problems).toBe(0);
  });

  test("a link of this name, a folder, or one that is far too long is not read", () => {
    using temp = tempDir();
    writeTree(temp.path, { ...tree("1/.bunkerignore/x 1/a 2/a 3/a other"), other: "a\n" });
    fs.symlinkSync("../other", join(temp.path, "2/.bunkerignore"));
    fs.writeFileSync(join(temp.path, "3/.bunkerignore"), `${"a\n".repeat(600_000)}`);
    const heard = listening();
    const lines = linesOf(openFolderSource([temp.path], { choice: all, monitor: heard.monitor }));
    expect(lines.filter((line) => line === "a").length).toBe(3);
    expect(heard.notices.filter((notice) => notice.includes("passed over")).length).toBe(2);
  });
});

describe("folders that say so themselves", () => {
  test("a CACHEDIR.TAG with its signature leaves all but itself", () => {
    const files = {
      ...tree("a/x a/sub/y b/x c/x"),
      "a/CACHEDIR.TAG": `${SIGNATURE}\n# made by a test\n`,
      "b/CACHEDIR.TAG": SIGNATURE.replace("8a", "8b"),
      "c/CACHEDIR.TAG": "",
    };
    const rest = "+b CACHEDIR.TAG x - +c CACHEDIR.TAG x -";
    expect(linesWith(files, { caches: true })).toBe(`+a CACHEDIR.TAG - ${rest}`);
    expect(linesWith(files, {})).toBe(`+a CACHEDIR.TAG +sub y - x - ${rest}`);
  });

  test("a link or a folder of that name is no tag", () => {
    using temp = tempDir();
    writeTree(temp.path, { ...tree("a/x b/CACHEDIR.TAG/y"), tag: SIGNATURE });
    fs.symlinkSync("../tag", join(temp.path, "a/CACHEDIR.TAG"));
    const lines = linesOf(openFolderSource([temp.path], { choice: { caches: true } })).join(" ");
    expect(lines).toBe("root 0 + +a CACHEDIR.TAG x - +b +CACHEDIR.TAG y - - tag -");
  });

  test("a name that was given leaves all but itself, whatever it is", () => {
    const files = tree("a/.nobackup a/x b/.skip/y b/x c/x");
    const ifPresent = [utf8(".nobackup"), utf8(".skip")];
    expect(linesWith(files, { ifPresent })).toBe("+a .nobackup - +b +.skip y - - +c x -");
    expect(linesWith(files, { ifPresent, ...matching(".skip") })).toBe(
      "+a .nobackup - +b - +c x -",
    );
  });

  test("a source that is left out itself is told", () => {
    const { lines, notices } = walked(tree(".nobackup a"), { ifPresent: [utf8(".nobackup")] });
    expect(lines).toBe(".nobackup");
    expect(notices).toEqual([": holds .nobackup: the rest is left out"]);
  });
});

test("larger files are left out, of files alone", () => {
  const files = { "a/large": "1234567", "a/small": "123456", large: "1234567" };
  expect(linesWith(files, { fileBytesMax: 6 })).toBe("+a small -");
  expect(linesWith(files, { fileBytesMax: 7 })).toBe("+a large small - large");
});

test("a folder of another file system is kept without what is in it", () => {
  const mounted = (): FileSystem => {
    let inMount: number | undefined;
    return meddledFiles((real) => ({
      openFolder(parent, path, options) {
        const descriptor = real.openFolder(parent, path, options);
        if (Buffer.from(path).toString() === "mount") inMount = descriptor;
        else if (inMount === descriptor) inMount = undefined;
        return descriptor;
      },
      statDescriptor(descriptor) {
        const stat = real.statDescriptor(descriptor);
        return descriptor === inMount ? { ...stat, deviceId: stat.deviceId + 1 } : stat;
      },
    }));
  };
  const files = tree("a/x mount/y mount/sub/z z");
  expect(walked(files, { oneFileSystem: true }, mounted).lines).toBe("+a x - +mount - z");
  expect(walked(files, {}, mounted).lines).toBe("+a x - +mount +sub z - y - z");
});

test("nothing is opened to find out what is not asked for", () => {
  const { files, opened } = watchedFiles();
  walked({ ...tree("a/x"), "a/CACHEDIR.TAG": SIGNATURE, ".bunkerignore": "x" }, {}, () => files);
  expect(opened).toEqual([]);
});
