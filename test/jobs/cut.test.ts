// Restores that are cut off: what has its own name is whole, and the next restore puts all right.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { BunkerError } from "../../src/base/errors.ts";
import { faultStorage } from "../../src/storage/faults.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { compareFolders } from "../support/compare.ts";
import { failureOf } from "../support/failure.ts";
import { writeTree } from "../support/files.ts";
import { backUp, restoreTo } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const isPart = (name: string) => name.startsWith(".bunker-") && name.endsWith(".part");

/** All files below a folder, by their paths in it. */
function filesBelow(root: string): string[] {
  return fs
    .readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => fs.lstatSync(join(root, path)).isFile());
}

// As the end of the process does: a part that somebody holds is not removed.
function closeParts(root: string): void {
  for (const descriptor of fs.readdirSync("/proc/self/fd")) {
    let path: string;
    try {
      path = fs.readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      continue; // That of the listing itself.
    }
    if (path.startsWith(root) && isPart(path.split("/").at(-1)!)) fs.closeSync(Number(descriptor));
  }
}

for (const code of ["unavailable", "interrupted"] as const) {
  test(`cut off (${code}) at any request, a restore leaves whole files and parts`, async () => {
    using temp = tempDir();
    const from = join(temp.path, "from");
    const random = seededRandom(3);
    const large = { "a/large": random.bytes(9_000_000), "b/large": random.bytes(6_000_000) };
    writeTree(from, { ...large, "a/small": "small", "c/none": "" });
    const storage = memoryStorage();
    await makeStore(storage);
    const client = new Client();
    await backUp(client, await client.open(storage), [from], { packBytes: 4_000_000 });
    let parts = 0;
    for (let nth = 3; nth <= 9; nth += 2) {
      const to = join(temp.path, `to ${nth}`);
      const error = new BunkerError(code, "cut off");
      const fault = { kind: "get", prefix: "packs/", nth, what: "before", error } as const;
      const faulty = faultStorage(storage, [{ ...fault, crash: true }]);
      const cut = restoreTo(await client.open(faulty.storage), to);
      expect(await failureOf(cut)).toBeInstanceOf(BunkerError);
      faulty.assertAllFired();
      for (const path of filesBelow(to)) {
        if (isPart(path.split("/").at(-1)!)) parts += 1;
        else expect(fs.readFileSync(join(to, path))).toEqual(fs.readFileSync(join(from, path)));
      }
      closeParts(to);
      const again = await restoreTo(await client.open(storage), to, { existing: "replace" });
      expect(again.problems).toEqual([]);
      expect(compareFolders(from, to).differences).toEqual([]);
    }
    if (code === "unavailable") expect(parts).toBe(0);
    else expect(parts).toBeGreaterThan(0);
  }, 60_000);
}
