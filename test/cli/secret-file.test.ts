// Secret files: new, private, and gone again unless their secret came about.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";

import { SecretFile } from "../../src/cli/secret-file.ts";
import { tempDir } from "../support/temp.ts";

test("a file that is kept has the secret, for its owner alone", () => {
  using temp = tempDir();
  const path = join(temp.path, "file");
  {
    using file = SecretFile.create(path);
    file.write("secret");
    file.keep();
  }
  expect(fs.readFileSync(path, "utf8")).toBe("secret\n");
  expect(fs.statSync(path).mode & 0o777).toBe(0o600);
});

test("one that is not kept goes away, written or not", () => {
  using temp = tempDir();
  const path = join(temp.path, "file");
  for (const text of [undefined, "secret"]) {
    const listeners = process.listenerCount("exit");
    {
      using file = SecretFile.create(path);
      expect(fs.existsSync(path)).toBe(true);
      if (text !== undefined) file.write(text);
    }
    expect(fs.existsSync(path)).toBe(false);
    expect(process.listenerCount("exit")).toBe(listeners);
  }
});

test("what somebody put in its place stays", () => {
  using temp = tempDir();
  const path = join(temp.path, "file");
  {
    using _ = SecretFile.create(path);
    fs.renameSync(path, join(temp.path, "moved"));
    fs.writeFileSync(path, "another");
  }
  expect(fs.readFileSync(path, "utf8")).toBe("another");
});

test("what is there already is refused and left alone", () => {
  using temp = tempDir();
  const path = join(temp.path, "file");
  fs.writeFileSync(path, "there");
  expect(() => SecretFile.create(path)).toThrow("is there already");
  expect(() => SecretFile.create(join(path, "below"))).toThrow("making");
  expect(fs.readFileSync(path, "utf8")).toBe("there");
});
