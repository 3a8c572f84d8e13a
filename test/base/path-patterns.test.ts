// Path patterns: which paths they match, and which folders need not be read for them.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Bytes, utf8 } from "../../src/base/bytes.ts";
import { PathPatterns, type PatternState } from "../../src/base/path-patterns.ts";
import { seededRandom } from "../support/random.ts";

const namesOf = (path: string): Bytes[] =>
  path
    .split("/")
    .filter((name) => name !== "")
    .map(utf8);

/** Whether a path below the top matches, and how far its folders had to be read. */
function follow(
  patterns: readonly string[],
  path: string,
  { root = "", isFolder = false, ignoreCase = false } = {},
): { readonly isMatch: boolean; readonly state: PatternState; readonly read: number } {
  const job = new PathPatterns(patterns, { ignoreCase });
  let state = job.start(namesOf(root));
  let isMatch = false;
  let read = 0;
  const names = namesOf(path);
  for (const [i, name] of names.entries()) {
    if (!state.isAlive) return { isMatch: false, state, read };
    read += 1;
    ({ isMatch, state } = job.step(state, name, isFolder || i < names.length - 1));
  }
  return { isMatch, state, read };
}

const cases: readonly [string, readonly string[], readonly string[]][] = [
  ["x", ["x", "a/x", "a/b/x"], ["x/a", "xx"]],
  ["*.txt", ["a.txt", "a/b.txt"], ["a.txt/b"]],
  ["a/x", ["a/x", "b/a/x"], ["x", "a/b/x", "a/x/y"]],
  ["/a/x", ["a/x"], ["b/a/x", "x"]],
  ["/x", ["x"], ["a/x"]],
  ["./x", ["x", "a/x"], ["x/a"]],
  ["a/**", ["a/b", "a/b/c", "z/a/b"], ["a", "b/a"]],
  ["/a/**", ["a/b", "a/b/c"], ["a", "z/a/b"]],
  ["/a/**/x", ["a/x", "a/b/x", "a/b/c/x"], ["x", "a/b", "b/a/x"]],
  ["**/x", ["x", "a/x"], ["x/a"]],
  ["/**/**/x", ["x", "a/b/x"], ["x/a"]],
  ["/**", ["x", "a/x"], []],
  ["/*/x", ["a/x"], ["x", "a/b/x"]],
  ["a//x", ["a/x"], ["x"]],
];

test.each(cases)("%s", (pattern, good, bad) => {
  expect(good.filter((path) => !follow([pattern], path).isMatch)).toEqual([]);
  expect(bad.filter((path) => follow([pattern], path).isMatch)).toEqual([]);
});

test("a slash at the end is for folders alone", () => {
  expect(follow(["x/"], "a/x", { isFolder: true }).isMatch).toBe(true);
  expect(follow(["x/"], "a/x").isMatch).toBe(false);
});

test("of several patterns one is enough, and case may not count", () => {
  expect(follow(["b", "/a/x"], "a/x").isMatch).toBe(true);
  expect(follow(["A/*.TXT"], "a/b.txt", { ignoreCase: true }).isMatch).toBe(true);
});

describe("where the top goes by a path of its own", () => {
  const root = "/home/me/docs";

  test("patterns of whole paths are those of that path, or begin at the top", () => {
    const all = (pattern: string) => follow([pattern], "a/x", { root }).isMatch;
    for (const pattern of ["/home/me/docs/a/x", "/a/x", "docs/a/x", "/home/**/x", "/h*/*/*/a/x"]) {
      expect([pattern, all(pattern)]).toEqual([pattern, true]);
    }
    for (const pattern of ["/home/you/docs/a/x", "/docs/a/x", "/home/me/docs", "docs/x"]) {
      expect([pattern, all(pattern)]).toEqual([pattern, false]);
    }
  });
});

test("folders in which nothing can match are not read", () => {
  expect(follow(["/a/x"], "b/c/d/e").read).toBe(1);
  expect(follow(["/a/*/x"], "a/c/d/e").read).toBe(3);
  expect(follow(["x"], "b/c/d/e").read).toBe(4);
});

test("equal states have one key, and others another", () => {
  const key = (path: string) => follow(["/a/*/x", "*.txt"], path).state.key;
  expect(key("a/b")).toBe(key("a/c"));
  expect(key("a/b")).not.toBe(key("b/a"));
});

test("paths match as a regular expression says", () => {
  const part = fc.constantFrom("a", "b", "*", "**");
  const name = fc.constantFrom("a", "b", "c");
  const names = fc.array(name, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), names, (parts, path) => {
      const source = parts.map((one, i) => {
        if (one === "**") return i === parts.length - 1 ? "(?:/[^/]+)+" : "(?:/[^/]+)*";
        return one === "*" ? "/[^/]*" : `/${one}`;
      });
      const wanted = new RegExp(`^${source.join("")}$`).test(`/${path.join("/")}`);
      expect(follow([`/${parts.join("/")}`], path.join("/")).isMatch).toBe(wanted);
    }),
    { seed: seededRandom().seed, numRuns: 2000 },
  );
});

test.each(["", "/", "//", ".", "[", "a/[b"])("'%s' is refused", (text) => {
  expect(() => new PathPatterns([text])).toThrow("pattern ");
});
