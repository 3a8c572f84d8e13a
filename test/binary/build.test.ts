// The build: a binary that does not answer with its version is refused, whatever the bundler said.

import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";

import { assertAnswers } from "../../build.ts";
import { BINARY } from "../support/bunker.ts";
import { tempDir } from "../support/temp.ts";

test("the binary answers, from any folder", () => {
  assertAnswers(BINARY);
});

test.each([
  ["says nothing", "exit 0"],
  ["says another version", "echo bunker 99.0.0"],
  ["says it, and fails", `${BINARY} version; exit 1`],
])("a binary that %s is refused", (_, script) => {
  using temp = tempDir();
  const path = join(temp.path, "binary");
  fs.writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  expect(() => assertAnswers(path)).toThrow(/^expected version .* of the new binary, found status/);
});
