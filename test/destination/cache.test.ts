// The cache of open folders: how many stay open, and that any size gives the same folders.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { FolderCache } from "../../src/destination/cache.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { withSeed } from "../support/random.ts";
import { openBelow } from "../system/trees.ts";
import { tempDir } from "../support/temp.ts";

const files = openFileSystem();

test("random paths through caches of any size give the right folder", () =>
  withSeed((random) => {
    using temp = tempDir();
    const root = files.openFolder(undefined, utf8(temp.path));
    const paths: Uint8Array[][] = [[]];
    const inodes = new Map<Uint8Array[], unknown>();
    const making = new FolderCache(files, root, 100);
    for (let i = 0; i < 60; i++) {
      const path = [...paths[random.int(paths.length)]!, utf8(`f${i}`)];
      files.makeFolder(making.open(path.slice(0, -1)), path.at(-1)!, 0o700);
      inodes.set(path, files.statDescriptor(making.open(path)).inode);
      paths.push(path);
    }
    making.close();
    inodes.set(paths[0]!, files.statDescriptor(root).inode);
    const before = openBelow(temp.path);
    for (const openMax of [2, 3, 10, 1000]) {
      const cache = new FolderCache(files, root, openMax);
      for (let i = 0; i < 300; i++) {
        const path = paths[random.int(paths.length)]!;
        expect(files.statDescriptor(cache.open(path)).inode as unknown).toBe(inodes.get(path));
      }
      const open = openBelow(temp.path) - before;
      expect(open).toBe(Math.min(openMax, open));
      cache.close();
      expect(openBelow(temp.path)).toBe(before);
    }
    files.close(root);
  }));
