// Locations: the XDG rules, and folders for one user alone.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { BunkerError } from "../../src/base/errors.ts";
import { ensurePrivateFolder, locationsOf } from "../../src/cli/locations.ts";

test("without variables they lie in the home folder", () => {
  expect(locationsOf({ HOME: "/home/ada" })).toEqual({
    config: "/home/ada/.config/bunker",
    state: "/home/ada/.local/state/bunker",
    cache: "/home/ada/.cache/bunker",
  });
});

test("the variables go before the home folder, which is then not needed", () => {
  const environment = { XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s", XDG_CACHE_HOME: "/k" };
  expect(locationsOf(environment)).toEqual({
    config: "/c/bunker",
    state: "/s/bunker",
    cache: "/k/bunker",
  });
});

test.each(["", "relative/path"])("a variable that is no absolute path is ignored: %p", (value) => {
  expect(locationsOf({ HOME: "/h", XDG_STATE_HOME: value }).state).toBe("/h/.local/state/bunker");
});

test.each([undefined, "", "home"])("without a home folder (%p) the error says so", (home) => {
  const environment = { XDG_CONFIG_HOME: "/c", XDG_CACHE_HOME: "/k", HOME: home };
  expect(() => locationsOf(environment)).toThrow(
    new BunkerError("invalid-argument", "neither XDG_STATE_HOME nor HOME names an absolute path"),
  );
});

test("folders are made for this user alone, and left alone when they exist", () => {
  const base = mkdtempSync(join(tmpdir(), "bunker-test-"));
  try {
    const folder = join(base, "a/b");
    ensurePrivateFolder(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(base, "a")).mode & 0o777).toBe(0o700);
    ensurePrivateFolder(folder);
  } finally {
    rmSync(base, { recursive: true });
  }
});

test("a file in the way is an error that names the folder", () => {
  expect(() => ensurePrivateFolder("/dev/null/x")).toThrow("cannot make the folder");
});
