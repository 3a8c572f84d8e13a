// Another process plants links in the tree while files are restored into it: nothing may ever be
// written, changed or removed outside of the tree.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { utf8 } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import { type BunkerError, isBunkerError } from "../../src/base/errors.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { tempDir } from "../support/temp.ts";

const ROUNDS = 4000;
const MODIFIED = { seconds: 1, nanoseconds: 0 };

function metadata(name: string, type: Metadata["type"], more: Partial<Metadata> = {}): Metadata {
  const owner = { userId: process.geteuid!(), groupId: process.getegid!() };
  return { name: utf8(name), type, mode: 0o700, size: 0, modified: MODIFIED, ...owner, ...more };
}

/** One restore of a folder with a file, a link and a second name; gives what it ran into. */
function restoreOnce(root: string, round: number): BunkerError | undefined {
  const into = openFolderDestination(root, { existing: "replace" });
  const folder = [utf8("folder")];
  try {
    into.makeFolder(folder);
    into.makeFolder([...folder, utf8(`inner${round % 50}`)]);
    const file = into.createFile(folder, utf8("victim"));
    into.writeAt(file, utf8("from the snapshot"), 0);
    into.finishFile(file, metadata("victim", "file", { mode: 0o666 }));
    into.makeLink(folder, metadata("link", "link", { target: utf8("x") }));
    into.makeHardLink({ folder, name: utf8("victim") }, { folder, name: utf8("second") });
    into.finishFolder(folder, metadata("folder", "folder", { mode: 0o777 }));
    return undefined;
  } catch (error) {
    if (isBunkerError(error)) return error;
    throw error;
  } finally {
    into.close();
  }
}

test.skipIf(openFileSystem().needsPaths)(
  "links planted while we write lead nowhere",
  async () => {
    using temp = tempDir();
    const root = join(temp.path, "root");
    const outside = join(temp.path, "outside");
    fs.mkdirSync(join(root, "folder"), { recursive: true });
    fs.mkdirSync(outside, { mode: 0o700 });
    fs.writeFileSync(join(outside, "victim"), "untouched", { mode: 0o600 });
    fs.utimesSync(outside, 1000, 1000);
    const script = fileURLToPath(new URL("../system/planter.ts", import.meta.url));
    const link = join(root, "link");
    fs.symlinkSync(outside, link);
    const command = [process.execPath, script, join(root, "folder"), link];
    const planter = Bun.spawn(command, { stdout: "pipe" });
    try {
      await planter.stdout.getReader().read();
      let refused = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const error = restoreOnce(root, round);
        if (error !== undefined) {
          refused++;
          expect(error.code).toBe("exists");
        }
        expect(fs.readdirSync(outside)).toEqual(["victim"]);
      }
      // The race was on: some restores met the link, others got through.
      expect(refused).toBeGreaterThan(0);
      expect(refused).toBeLessThan(ROUNDS);
    } finally {
      planter.kill();
      await planter.exited;
    }
    expect(fs.readFileSync(join(outside, "victim"), "utf8")).toBe("untouched");
    expect(fs.statSync(join(outside, "victim")).mode & 0o7777).toBe(0o600);
    expect(fs.statSync(outside).mode & 0o7777).toBe(0o700);
    expect(fs.statSync(outside).mtimeMs).toBe(1_000_000);
  },
  60_000,
);
