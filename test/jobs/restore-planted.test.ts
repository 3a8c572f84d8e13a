// Another process exchanges a folder of the target for a link while whole restores run over it:
// whatever they replace, change in place or delete, nothing happens where the link leads.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RestoreMode } from "../../src/jobs/restore.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { writeTree } from "../support/files.ts";
import { backUp, restoreTo } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const ROUNDS = 40;
const MODES: readonly RestoreMode[] = [
  { overwrite: "always" },
  { overwrite: "always", inPlace: true },
  { overwrite: "if-changed", deleting: { spared: [] } },
  { overwrite: "always", deleting: { spared: [] } },
];

/** Everything about a folder that a change would show in. */
function stateOf(root: string): string {
  return Bun.spawnSync(["find", root, "-printf", "%p %i %n %s %m %U %T@ %C@\n"]).stdout.toString();
}

test.skipIf(openFileSystem().needsPaths)(
  "nothing outside of the target is touched",
  async () => {
    using temp = tempDir();
    const [from, to, outside] = ["from", "to", "outside"].map((name) => join(temp.path, name)) as [
      string,
      string,
      string,
    ];
    const random = seededRandom(8);
    const tree: Record<string, string | Uint8Array> = { "folder/large": random.bytes(5_000_000) };
    for (let i = 0; i < 20; i++) tree[`folder/deep/file ${i}`] = `new ${i}`;
    writeTree(from, tree);
    fs.chmodSync(join(from, "folder"), 0o777);
    const storage = memoryStorage();
    await makeStore(storage);
    const client = new Client();
    await backUp(client, await client.open(storage), [from]);
    // What lies outside has the same names, other content, and more.
    writeTree(outside, {
      large: random.bytes(5_000_000),
      "more/file": "kept",
      "deep/extra": "kept",
    });
    for (let i = 0; i < 20; i++) fs.writeFileSync(join(outside, `deep/file ${i}`), "kept");
    const before = stateOf(outside);
    const store = await client.open(storage);
    let [refused, passed] = [0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      fs.rmSync(to, { recursive: true, force: true });
      fs.rmSync(`${to}-link`, { recursive: true, force: true });
      writeTree(to, { "folder/more/deep/file": "x", "folder/large": "to be changed" });
      fs.symlinkSync(outside, `${to}-link`);
      await using _ = await planting(join(to, "folder"), `${to}-link`);
      const mode = MODES[round % MODES.length]!;
      const { problems, counts } = await restoreTo(store, to, { mode });
      if (problems.length > 0) refused++;
      if (counts.files > 0) passed++;
      expect(stateOf(outside)).toBe(before);
    }
    // The race was on.
    expect(refused).toBeGreaterThan(0);
    expect(passed).toBeGreaterThan(0);
  },
  120_000,
);

/** Exchanges the two until the end of the block, or until one of them is gone. */
async function planting(folder: string, link: string): Promise<AsyncDisposable> {
  const script = fileURLToPath(new URL("../system/planter.ts", import.meta.url));
  const command = [process.execPath, script, folder, link];
  const planter = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
  await planter.stdout.getReader().read();
  return {
    async [Symbol.asyncDispose]() {
      planter.kill();
      await planter.exited;
    },
  };
}
