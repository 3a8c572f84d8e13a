// Errors: what people read of the system's errors.

import { describe, expect, test } from "bun:test";
import { openSync } from "node:fs";
import { BunkerError, fromSystemError, messageOf, rawMessageOf } from "../../src/base/errors.ts";
import { systemErrorOf } from "../../src/system/failure.ts";

function thrownBy(step: () => unknown): unknown {
  try {
    return step();
  } catch (error) {
    return error;
  }
}

describe("an error of the system is told in plain words", () => {
  test.each([
    ["EACCES", "permission denied (EACCES)"],
    ["EPERM", "operation not permitted (EPERM)"],
    ["ENOSPC", "no space left (ENOSPC)"],
    ["ENOENT", "no such file or folder (ENOENT)"],
    ["EROFS", "it can only be read here (EROFS)"],
    ["EMFILE", "too many open files (EMFILE)"],
  ] as const)("%s: %s", (code, words) => {
    expect(messageOf(systemErrorOf(code, "openat"))).toBe(words);
    const told = fromSystemError(systemErrorOf(code, "openat"), "reading", "a/b");
    expect(told.message).toBe(`reading: ${words}`);
  });

  test("without the path and the call, whatever characters the path has", () => {
    const error = thrownBy(() => openSync("/nothing, here/'at all', open", "r"));
    expect(messageOf(error)).toBe("no such file or folder (ENOENT)");
    expect(rawMessageOf(error)).toContain("/nothing, here/");
  });
});

test("what is no error of the system is told as it is", () => {
  expect(messageOf(new BunkerError("denied", "EACCES: of ours"))).toBe("EACCES: of ours");
  expect(messageOf(Object.assign(new Error("no code in front"), { code: "EIO" }))).toBe(
    "no code in front",
  );
  expect(messageOf("a text")).toBe("a text");
});
