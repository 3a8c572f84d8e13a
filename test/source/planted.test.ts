// Another process exchanges a folder and a link while we walk: what the link leads to is never
// backed up.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { textOf } from "../../src/base/bytes.ts";
import { openFolderSource } from "../../src/source/folder.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { tempDir } from "../support/temp.ts";

const ROUNDS = 4000;

function linesIn(root: string): string[] {
  const lines: string[] = [];
  for (const event of openFolderSource([root]).walk()) {
    if (event.kind !== "entry" && event.kind !== "enter") continue;
    lines.push(`${event.metadata.type} ${textOf(event.metadata.name)}`);
  }
  return lines;
}

test.skipIf(openFileSystem().needsPaths)(
  "a planted link is not followed",
  async () => {
    using temp = tempDir();
    const root = join(temp.path, "root");
    const outside = join(temp.path, "outside");
    fs.mkdirSync(join(root, "folder"), { recursive: true });
    fs.mkdirSync(join(outside, "below"), { recursive: true });
    fs.writeFileSync(join(root, "folder", "inside"), "");
    fs.writeFileSync(join(outside, "secret"), "");
    fs.symlinkSync(outside, join(root, "link"));
    const script = fileURLToPath(new URL("../system/planter.ts", import.meta.url));
    const command = [process.execPath, script, join(root, "folder"), join(root, "link")];
    const planter = Bun.spawn(command, { stdout: "pipe" });
    const seen = new Set<string>();
    try {
      await planter.stdout.getReader().read();
      for (let round = 0; round < ROUNDS; round++) {
        for (const line of linesIn(root)) seen.add(line);
      }
    } finally {
      planter.kill();
      await planter.exited;
    }
    const possible = [
      "folder ",
      "folder folder",
      "folder link",
      "link folder",
      "link link",
      "file inside",
    ];
    expect([...seen].sort()).toEqual(possible.sort());
  },
  60_000,
);
