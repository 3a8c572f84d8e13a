// Accounts and locks.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { readAccounts } from "../../src/system/accounts.ts";
import { openLibc } from "../../src/system/libc.ts";
import { tryLock } from "../../src/system/lock.ts";
import { tempDir } from "../support/temp.ts";

test("reads the names of users and groups; the first of a number counts", () => {
  using temp = tempDir();
  const users = join(temp.path, "passwd");
  const groups = join(temp.path, "group");
  fs.writeFileSync(
    users,
    "root:x:0:0:root:/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n# no user\n+\nann:x:1000:\n",
  );
  fs.writeFileSync(groups, "wheel:x:10:ann,bob\nodd:x:ten:\n");
  const accounts = readAccounts(users, groups);
  expect([0, 1000, 1001].map((id) => accounts.userName(id))).toEqual(["root", "ann", undefined]);
  expect([10, 0].map((id) => accounts.groupName(id))).toEqual(["wheel", undefined]);
});

test("a machine without these files has numbers only", () => {
  expect(readAccounts("/nowhere/passwd", "/nowhere/group").userName(0)).toBeUndefined();
});

test.skipIf(openLibc() === undefined)("one lock for a file, dropped with its descriptor", () => {
  using temp = tempDir();
  const path = join(temp.path, "lock");
  const first = fs.openSync(path, "w");
  const second = fs.openSync(path, "r");
  expect(tryLock(first)).toBe(true);
  expect(tryLock(second)).toBe(false);
  fs.closeSync(first);
  expect(tryLock(second)).toBe(true);
  fs.closeSync(second);
  expect(() => tryLock(second)).toThrow("EBADF");
});
