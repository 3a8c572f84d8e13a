// Hard links: groups are a snapshot's own, and a part of a snapshot has what of them is in it.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import { hexId } from "../../src/base/ids.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import { Restore } from "../../src/jobs/restore.ts";
import { openRestoreLanes } from "../../src/jobs/restore-lanes.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { BlobReader } from "../../src/store/blobs.ts";
import { findNode } from "../../src/store/paths.ts";
import { findSnapshot, loadManifests } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import { writeTree } from "../support/files.ts";
import { backUp, listening } from "../support/jobs.ts";
import { Client, coreModule, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

/** Restores parts of snapshots side by side, as `restore SNAP:PATH…` does. */
async function restoreParts(
  store: Store,
  to: string,
  parts: readonly { readonly id: string; readonly path: string }[],
): Promise<readonly unknown[]> {
  const { monitor, problems } = listening();
  const reader = new BlobReader(store);
  const destination = openFolderDestination(to, { create: true });
  const spawn = () => {
    throw new Error("one lane needs no Worker");
  };
  const lanes = openRestoreLanes(store, destination, { spawn, coreModule, count: 1 });
  const write = lanes.write.bind(lanes);
  const common = { store, reader, destination, monitor, write };
  const bounds = { fetchCount: 2, fetchBytes: 1_000_000, onLimits: () => undefined };
  const restore = new Restore({ ...common, ...bounds });
  const manifests = await loadManifests(store);
  for (const { id, path } of parts) {
    const { snapshot } = await findSnapshot(store, manifests, { id });
    await restore.restoreNamed(await findNode(reader, snapshot, utf8(path)));
  }
  destination.close();
  return problems;
}

test("groups of several snapshots and parts do not mix", async () => {
  using temp = tempDir();
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const ids: string[] = [];
  for (const which of ["one", "two"]) {
    const from = join(temp.path, which);
    writeTree(from, { [`${which} first/a`]: `of ${which}`, [`${which} rest/x`]: "x" });
    fs.linkSync(join(from, `${which} first/a`), join(from, `${which} first/b`));
    fs.linkSync(join(from, `${which} first/a`), join(from, `${which} rest/c`));
    fs.linkSync(join(from, `${which} first/a`), join(from, `${which} rest/d`));
    ids.push(hexId((await backUp(client, await client.open(storage), [from])).id));
  }
  const to = join(temp.path, "to");
  const parts = [
    { id: ids[0]!, path: "one first" },
    { id: ids[1]!, path: "two first" },
    { id: ids[1]!, path: "two rest" }, // Without the name that the group began with.
    { id: ids[0]!, path: "one rest" },
  ];
  expect(await restoreParts(await client.open(storage), to, parts)).toEqual([]);
  const inode = (path: string) => fs.statSync(join(to, path)).ino;
  const read = (path: string) => fs.readFileSync(join(to, path), "utf8");
  const inodes = new Set<number>();
  for (const which of ["one", "two"]) {
    const pairs = [
      [`${which} first/a`, `${which} first/b`],
      [`${which} rest/c`, `${which} rest/d`],
    ] as const;
    for (const [a, b] of pairs) {
      expect([read(a), read(b)]).toEqual([`of ${which}`, `of ${which}`]);
      expect(inode(a)).toBe(inode(b));
      inodes.add(inode(a));
    }
  }
  expect(inodes.size).toBe(4);
});
