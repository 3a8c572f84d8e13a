// Reading back: whatever is not as the snapshot has it is found.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { openFolderDestination } from "../../src/destination/open.ts";
import type { RestoreMode } from "../../src/jobs/restore.ts";
import { RestoreVerify } from "../../src/jobs/restore-verify.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import { topOf } from "../../src/store/paths.ts";
import { findSnapshot, loadManifests } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import { writeTree } from "../support/files.ts";
import { backUp, listening, restoreTo } from "../support/jobs.ts";
import { seededRandom } from "../support/random.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

async function verify(
  store: Store,
  to: string,
  mode: RestoreMode = {},
  limits: readonly string[] = [],
) {
  const { monitor, problems } = listening();
  const { snapshot } = await findSnapshot(store, await loadManifests(store), { id: "latest" });
  const destination = openFolderDestination(to);
  const reader = new BlobReader(store);
  const parts = { store, reader, destination, monitor, mode, limits: new Set(limits) };
  const verifier = new RestoreVerify(parts);
  await verifier.verifyTop(topOf(snapshot));
  destination.close();
  return { ...verifier.counts, said: problems.map((it) => `${it.subject}: ${it.message}`).sort() };
}

test("each kind of difference is named, and nothing else", async () => {
  using temp = tempDir();
  const [from, to] = [join(temp.path, "from"), join(temp.path, "to")];
  const random = seededRandom(9);
  writeTree(from, { "a/one": "1", "a/two": "2", "b/c": "3", large: random.bytes(6_000_000) });
  fs.symlinkSync("a", join(from, "link"));
  fs.linkSync(join(from, "a/one"), join(from, "a/other"));
  const sparse = fs.openSync(join(from, "sparse"), "w");
  fs.writeSync(sparse, "end", 3_000_000);
  fs.closeSync(sparse);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const store = await client.open(storage);
  await backUp(client, store, [from]);
  await restoreTo(await client.open(storage), to);
  expect(await verify(store, to)).toEqual({ verified: 10, problems: 0, said: [] });

  const changes: readonly (readonly [
    name: string,
    said: string,
    change: (path: string) => void,
  ])[] = [
    [
      "large",
      "another content, from byte ",
      (path) => {
        const { atimeNs: _, ...before } = fs.statSync(path, { bigint: true });
        const file = fs.openSync(path, "r+");
        fs.writeSync(file, "x", 5_500_000);
        fs.closeSync(file);
        Bun.spawnSync(["touch", "-r", join(from, "large"), path]);
        expect(fs.statSync(path, { bigint: true }).mtimeNs).toBe(before.mtimeNs);
      },
    ],
    [
      "sparse",
      "another content where the snapshot has holes",
      (path) => {
        const file = fs.openSync(path, "r+");
        fs.writeSync(file, "x", 1_000_000);
        fs.closeSync(file);
        Bun.spawnSync(["touch", "-r", join(from, "sparse"), path]);
      },
    ],
    ["a/two", "it is not there", (path) => fs.rmSync(path)],
    [
      "a/other",
      "it is not the same file as its other names",
      (path) => {
        fs.rmSync(path);
        Bun.spawnSync(["cp", "-p", join(to, "a/one"), path]);
      },
    ],
    [
      "link",
      "another target",
      (path) => {
        fs.rmSync(path);
        fs.symlinkSync("b", path);
        Bun.spawnSync(["touch", "-h", "-r", join(from, "link"), path]);
      },
    ],
    [
      "b/c",
      "another mode, another time",
      (path) => {
        fs.chmodSync(path, 0o600);
        fs.utimesSync(path, 1, 1);
      },
    ],
    ["b", "another mode", (path) => fs.chmodSync(path, 0o711)],
  ];
  for (const [name, , change] of changes) change(join(to, name));
  // The changes were seen in the folder too.
  Bun.spawnSync(["touch", "-r", join(from, "a"), join(to, "a")]);
  Bun.spawnSync(["touch", "-r", from, to]);
  const found = await verify(store, to);
  const said = changes.map(([name, text]) => `${name}: read back and compared: ${text}`).sort();
  expect(found.said.length).toBe(said.length);
  for (const [i, text] of found.said.entries()) expect(text).toStartWith(said[i]!);
  expect(found).toMatchObject({ problems: changes.length, verified: 10 - changes.length });

  // What could not be set is no news; what is newer stays by wish.
  fs.chmodSync(join(to, "b"), 0o755);
  const limited = await verify(store, to, {}, ["modes were not restored: x", "times were not y"]);
  expect(limited.said.some((text) => text.startsWith("b/c:"))).toBe(false);
});
