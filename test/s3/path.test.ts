// Paths: keys that a URL can carry, and those that are refused before anything is sent.

import { expect, test } from "bun:test";
import { isBunkerError } from "../../src/base/errors.ts";
import { checkBucketName, pathOf, queryOf } from "../../src/s3/path.ts";

function refuses(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch (error) {
    return isBunkerError(error, "invalid-argument");
  }
}

test("everything but the unreserved is encoded, slashes stand", () => {
  expect(pathOf("b-b")).toBe("/b-b");
  expect(pathOf("b-b", "a+b/c d/%2F/é!'()*~")).toBe(
    "/b-b/a%2Bb/c%20d/%252F/%C3%A9%21%27%28%29%2A~",
  );
});

test.each([".", "..", "a/.", "a/..", "./a", "../a", "a/./b", "dd/../y", "a//..//b"])(
  "the key %j would name another object, and is refused",
  (key) => {
    expect(refuses(() => pathOf("b-b", key))).toBe(true);
  },
);

test.each(["%2e", "%2E%2e/a", "...", ".a", "a.", "..a/b..", "\\..\\a", "a;..", "a\n"])(
  "the key %j stands",
  (key) => {
    const path = pathOf("b-b", key);
    expect(decodeURIComponent(new URL(path, "https://x.invalid").pathname)).toBe(`/b-b/${key}`);
  },
);

test("a key has 1 to 1,024 bytes of Unicode text", () => {
  expect(refuses(() => pathOf("b-b", ""))).toBe(true);
  expect(refuses(() => pathOf("b-b", "\ud800"))).toBe(true);
  expect(refuses(() => pathOf("b-b", "é".repeat(512)))).toBe(false);
  expect(refuses(() => pathOf("b-b", `${"é".repeat(512)}a`))).toBe(true);
  expect(refuses(() => pathOf("b-b", "%".repeat(1024)))).toBe(false);
});

test("a query is in the order of its encoded names, and empty values keep their =", () => {
  expect(queryOf()).toBe("");
  expect(queryOf({ versions: "", prefix: "a+b c", "key-marker": "é&=" })).toBe(
    "key-marker=%C3%A9%26%3D&prefix=a%2Bb%20c&versions=",
  );
});

test.each(["abc", "A-b.9", "a".repeat(63)])("the bucket %j can be", (name) => {
  checkBucketName(name);
});

test.each(["", "ab", "a/b", "a b", "-abc", "abc-", "a..b", "a".repeat(64), "a%2Fb", "ab?c"])(
  "the bucket %j cannot be",
  (name) => {
    expect(refuses(() => checkBucketName(name))).toBe(true);
  },
);
