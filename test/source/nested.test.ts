// Nested: sources that lie in another one.

import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { Patterns } from "../../src/base/patterns.ts";
import { utf8 } from "../../src/base/bytes.ts";
import type { ChoiceOptions } from "../../src/source/choice.ts";
import { openFolderSource } from "../../src/source/folder.ts";
import { meddledFiles, writeTree } from "../support/files.ts";
import { tempDir } from "../support/temp.ts";
import { linesOf, listening } from "./walking.ts";

const TREE = { "s/a/x": "x", "s/a/deep/y": "y", "s/b": "b", "s-a/z": "z" };

/** What is walked of these sources, and what is told. */
function walked(
  names: readonly string[],
  choice: ChoiceOptions = {},
  more: (root: string) => void = () => undefined,
) {
  using temp = tempDir();
  writeTree(temp.path, TREE);
  more(temp.path);
  const { monitor, notices, problems } = listening();
  const paths = names.map((name) => join(temp.path, name));
  // Below "a" is another file system.
  const files = meddledFiles((real) => ({
    statDescriptor(descriptor) {
      const stat = real.statDescriptor(descriptor);
      const isOther = fs.readlinkSync(`/proc/self/fd/${descriptor}`).endsWith("/s/a");
      return isOther ? { ...stat, deviceId: stat.deviceId + 1 } : stat;
    },
  }));
  const source = openFolderSource(paths, { monitor, choice, files });
  return {
    lines: linesOf(source).join(" "),
    paths: source.describe().paths.map((path) => path.slice(temp.path.length + 1)),
    notices: notices.map((notice) => notice.replaceAll(`${temp.path}/`, "")),
    problems,
  };
}

describe("a source in another one is saved once, as a part of it", () => {
  test.each([
    [["s", "s/a"], ["s/a: is saved as a part of s"]],
    [["s/a", "s"], ["s/a: is saved as a part of s"]],
    [["s/b", "s"], ["s/b: is saved as a part of s"]],
    [
      ["s/a/deep", "s", "s/a"],
      ["s/a/deep: is saved as a part of s", "s/a: is saved as a part of s"],
    ],
  ])("%j", (names, notices) => {
    const found = walked(names);
    expect(found.lines).toBe("root 0 + +a +deep y - x - b -");
    expect(found).toMatchObject({ paths: ["s"], notices, problems: [] });
  });

  test("but not one whose name only begins alike", () => {
    expect(walked(["s", "s-a"])).toMatchObject({ paths: ["s", "s-a"], notices: [] });
  });
});

const patterns = (...lines: string[]) => new Patterns(lines, { onFault: () => undefined });

describe("where the outer one does not take it in, nothing is saved", () => {
  test.each<readonly [string, string, ChoiceOptions, ((root: string) => void)?]>([
    ["a pattern", "s/a", { patterns: patterns("a") }],
    ["a pattern further up", "s/a/deep", { patterns: patterns("/a/") }],
    ["a pattern for files", "s/b", { patterns: patterns("b") }],
    [
      "an ignore file",
      "s/a/deep",
      { ignoreFiles: true },
      (root) => fs.writeFileSync(join(root, "s/a/.bunkerignore"), "deep\n"),
    ],
    ["a mark", "s/a/deep", { ifPresent: [utf8("x")] }],
    ["another file system", "s/a", { oneFileSystem: true }],
    ["another file system further up", "s/a/deep", { oneFileSystem: true }],
    ["its length", "s/b", { fileBytesMax: 0 }],
    ["being a link there", "s/way", {}, (root) => fs.symlinkSync("a", join(root, "s/way"))],
    ["a link on the way", "s/way/deep", {}, (root) => fs.symlinkSync("a", join(root, "s/way"))],
  ])("%s", (_what, inner, choice, more) => {
    const refused: unknown = expect.objectContaining({ code: "invalid-argument" });
    expect(() => walked(["s", inner], choice, more)).toThrow(refused);
    expect(() => walked([inner, "s"], choice, more)).toThrow("which does not take it in as it is");
  });

  test("what else is left out of it is no matter", () => {
    const choice = { patterns: patterns("x", "deep"), oneFileSystem: false };
    expect(walked(["s", "s/a"], choice).lines).toBe("root 0 + +a - b -");
  });
});
