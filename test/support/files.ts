// File systems for tests: the real one, with some of its calls replaced; and a small tree to back up.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FileSystem } from "../../src/system/files.ts";
import { openFileSystem } from "../../src/system/open.ts";

/** The machine's file system, but for these calls; they are handed the real one. */
export function meddledFiles(
  meddle: (real: FileSystem) => Partial<FileSystem>,
  real: FileSystem = openFileSystem(),
): FileSystem {
  const replaced = meddle(real);
  return new Proxy(real, {
    get(target, key) {
      const other = replaced[key as keyof FileSystem];
      if (other !== undefined) return other;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Notes the names of the files that are opened for reading. */
export function watchedFiles(): { readonly files: FileSystem; readonly opened: string[] } {
  const opened: string[] = [];
  const files = meddledFiles((real) => ({
    openFile(folder, name, options) {
      opened.push(Buffer.from(name).toString());
      return real.openFile(folder, name, options);
    },
  }));
  return { files, opened };
}

/** Writes files by their paths below `root`, making folders on the way. */
export function writeTree(
  root: string,
  content: Readonly<Record<string, string | Uint8Array>>,
): void {
  mkdirSync(root, { recursive: true });
  for (const [path, data] of Object.entries(content)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), data);
  }
}
