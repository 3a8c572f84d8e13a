// Locations: the XDG rules, and folders for one user alone.

import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { BunkerError } from "../../src/base/errors.ts";
import { couldNotBeMade, ensurePrivateFolder, locationsOf } from "../../src/cli/locations.ts";
import { tempDir } from "../support/temp.ts";

test("without variables they lie in the home folder", () => {
  expect(locationsOf({ HOME: "/home/ada" })).toEqual({
    state: "/home/ada/.local/state/bunker",
    cache: "/home/ada/.cache/bunker",
  });
});

test("the variables go before the home folder, which is then not needed", () => {
  const environment = { XDG_STATE_HOME: "/s", XDG_CACHE_HOME: "/k" };
  expect(locationsOf(environment)).toEqual({ state: "/s/bunker", cache: "/k/bunker" });
});

test.each(["", "relative/path"])("a variable that is no absolute path is ignored: %p", (value) => {
  expect(locationsOf({ HOME: "/h", XDG_STATE_HOME: value }).state).toBe("/h/.local/state/bunker");
});

test.each([undefined, "", "home"])("without a home folder (%p) the error says so", (home) => {
  const environment = { XDG_CACHE_HOME: "/k", HOME: home };
  expect(() => locationsOf(environment)).toThrow(
    new BunkerError("invalid-argument", "neither XDG_STATE_HOME nor HOME names an absolute path"),
  );
});

test("folders are made for this user alone, and left alone when they exist", () => {
  using temp = tempDir();
  const folder = join(temp.path, "a/b");
  ensurePrivateFolder(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(temp.path, "a")).mode & 0o777).toBe(0o700);
  ensurePrivateFolder(folder);
});

test.each([0o720, 0o702, 0o777, 0o1777])(
  "a folder that others can write to (%o) is refused",
  (mode) => {
    using temp = tempDir();
    const folder = join(temp.path, "open");
    mkdirSync(folder);
    chmodSync(folder, mode);
    const error = errorOf(() => ensurePrivateFolder(folder));
    expect(error).toMatchObject({
      code: "denied",
      message: `expected a folder that only its owner can write to, found mode 0${(mode & 0o777).toString(8)}`,
      subject: folder,
      hint: `if nobody else has written to it, close it with: chmod 700 ${folder}`,
    });
    // What a link leads to counts.
    symlinkSync("open", join(temp.path, "link"));
    expect(errorOf(() => ensurePrivateFolder(join(temp.path, "link"))).code).toBe("denied");
    expect(statSync(folder).mode & 0o7777).toBe(mode);
  },
);

test("a folder that others can read is taken", () => {
  using temp = tempDir();
  chmodSync(temp.path, 0o755);
  ensurePrivateFolder(temp.path);
});

test("a folder of another user is refused, to root too", () => {
  using temp = tempDir();
  const own = statSync(temp.path).uid;
  ensurePrivateFolder(temp.path, own);
  for (const other of [own + 1, own === 0 ? 1000 : 0]) {
    expect(errorOf(() => ensurePrivateFolder(temp.path, other))).toMatchObject({
      code: "denied",
      message: `expected a folder of user ${other}, found one of user ${own}`,
      subject: temp.path,
      hint: expect.stringContaining("XDG_STATE_HOME") as string,
    });
  }
});

test("a file in the way is an error that names the folder, and what to set", () => {
  const error = errorOf(() => ensurePrivateFolder("/dev/null/x"));
  expect(error.message).toStartWith("cannot make the folder");
  expect(error).toMatchObject({
    subject: "/dev/null/x",
    hint: "XDG_STATE_HOME and XDG_CACHE_HOME may name other folders",
  });
});

test("a folder that can't be made may be done without, one of another user may not", () => {
  using temp = tempDir();
  const other = statSync(temp.path).uid + 1;
  expect(couldNotBeMade(errorOf(() => ensurePrivateFolder("/dev/null/x")))).toBe(true);
  expect(couldNotBeMade(errorOf(() => ensurePrivateFolder(temp.path, other)))).toBe(false);
});

function errorOf(action: () => void): BunkerError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(BunkerError);
    return error as BunkerError;
  }
  throw new Error("expected a failure");
}
