// The chosen store: a name without its "@", and what to do where none is named.

import { expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

import { runHere } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";

test("a name without its @ makes no folder of that name", async () => {
  using temp = tempDir();
  const environment = { HOME: temp.path, BUNKER_PASSPHRASE: "a passphrase of the tests" };
  // A name that no folder here has, whatever folder "here" is.
  const name = `name-${basename(temp.path).replaceAll(/[^a-z0-9]/gi, "-")}`;
  await runHere(["store", "add", name, join(temp.path, "store")], environment);
  const { stderr, status } = await runHere(["init", "--store", name], environment);
  const isMade = existsSync(name);
  rmSync(name, { recursive: true, force: true });
  expect(stderr).toContain(`there is no folder ${name} here, but a store @${name}`);
  expect(status).toBe(2);
  expect(isMade).toBe(false);
});

test("store test says how it is given a store", async () => {
  const { stderr, status } = await runHere(["store", "test"], {});
  expect(stderr).toContain("hint: give bunker store test STORE, or set BUNKER_STORE");
  expect(status).toBe(2);
});
