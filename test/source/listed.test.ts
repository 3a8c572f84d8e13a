// Listed: sources from a list of paths.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import { openFolderSource } from "../../src/source/folder.ts";
import { writeTree } from "../support/files.ts";
import { tempDir } from "../support/temp.ts";
import { linesOf, listening } from "./walking.ts";

/** Walks what a list names below a folder with these files. */
function walkedList(
  files: string,
  list: string,
  given: readonly string[] = [],
): { readonly lines: string; readonly problems: string[]; readonly paths: readonly string[] } {
  using temp = tempDir();
  writeTree(temp.path, Object.fromEntries(files.split(" ").map((name) => [name, name])));
  const at = (name: string): string => join(temp.path, name);
  const heard = listening();
  const listed = list.split(" ").map((name) => utf8(at(name)));
  const source = openFolderSource(given.map(at), { listed, monitor: heard.monitor });
  return {
    lines: linesOf(source).join(" "),
    problems: heard.problems.map(({ subject }) => subject.slice(temp.path.length + 1)),
    paths: source.describe().paths.map((path) => path.slice(temp.path.length + 1)),
  };
}

test("they come in the order of a walk, each once", () => {
  const { paths, lines } = walkedList("b/x a.txt a/y", "b a.txt a/y b a/y");
  expect(paths).toEqual(["a/y", "a.txt", "b"]);
  expect(lines).toBe("root 0 y root 1 a.txt root 2 + x -");
});

test("what lies in another one is left to it, as in a list that find makes", () => {
  const { paths } = walkedList("a/b/c a/b-c a/bc x/y", "a/b a/b/c a/b-c a/bc x/y", ["x"]);
  expect(paths).toEqual(["x", "a/b", "a/b-c", "a/bc"]);
});

test("one that is not there is a problem, and the others are walked", () => {
  const { paths, problems } = walkedList("a b", "a gone b/in gone/too b");
  expect(paths).toEqual(["a", "b"]);
  expect(problems).toEqual(["gone", "b/in", "gone/too"]);
});

test("none that is there is an error", () => {
  using temp = tempDir();
  const { monitor, problems } = listening();
  const listed = [utf8(join(temp.path, "gone"))];
  const open = (paths: readonly Uint8Array[]) =>
    openFolderSource([], { listed: [...paths], monitor });
  expect(() => open(listed)).toThrow(expect.objectContaining({ code: "not-found" }));
  expect(problems.length).toBe(1);
  expect(() => open([])).toThrow(expect.objectContaining({ code: "not-found" }));
  expect(() => open([utf8("a\0b")])).toThrow(expect.objectContaining({ code: "not-found" }));
});

test("names of any bytes, and links, are listed as they are", () => {
  using temp = tempDir();
  const path = Buffer.concat([utf8(`${temp.path}/`), Uint8Array.of(0xff, 0x0a)]);
  fs.writeFileSync(path, "content");
  fs.symlinkSync("nowhere", join(temp.path, "link"));
  fs.mkdirSync(join(temp.path, "folder"));
  fs.symlinkSync("folder", join(temp.path, "way"));
  const { monitor, notices } = listening();
  const listed = [path, utf8(join(temp.path, "link")), utf8(join(temp.path, "way"))];
  const events = [...openFolderSource([], { listed, monitor }).walk()];
  const names = events.flatMap((event) => (event.kind === "entry" ? [event.metadata.name] : []));
  expect(names).toEqual([utf8("link"), Uint8Array.of(0xff, 0x0a)]);
  expect(notices).toEqual([`${temp.path}/way: is a link, what it leads to is backed up`]);
});

test("all roots of a list say that they are of one list", () => {
  using temp = tempDir();
  writeTree(temp.path, { "a/b/x": "", "a/c/y": "" });
  const keysOf = (...names: string[]) => {
    const listed = names.map((name) => utf8(join(temp.path, name)));
    return [...openFolderSource([], { listed }).walk()].flatMap((event) =>
      event.kind === "root" ? [[event.isListed, Buffer.from(event.statesAs ?? []).toString()]] : [],
    );
  };
  const key = [true, `list\0${temp.path.slice(1)}/a`];
  expect(keysOf("a/b", "a/c")).toEqual([key, key]);
  // The list has changed, and what it is about has not.
  expect(keysOf("a/b/x", "a/c/y")).toEqual([key, key]);
});
