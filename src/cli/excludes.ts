// Excludes: which paths below the sources are left out.

import { type Bytes, equalBytes, utf8 } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { resolve } from "node:path";

const SLASH = 0x2f;

type Exclude = (path: Bytes, isFolder: boolean) => boolean;

/**
 * A pattern with a leading slash is a path below each source; another is a name anywhere. `folders`
 * are whole paths of folders that are left out too.
 */
export function excludesOf(
  patterns: readonly string[],
  sources: readonly string[],
  folders: readonly string[] = [],
): { readonly exclude?: Exclude } {
  if (patterns.length === 0 && folders.length === 0) return {};
  const paths: Bytes[] = folders.map((folder) => utf8(folder));
  const names: Bytes[] = [];
  for (const pattern of patterns) {
    const trimmed = pattern.replace(/\/+$/, "");
    if (trimmed === "")
      throw new BunkerError("invalid-argument", `--exclude: ${pattern || "nothing"} names no path`);
    if (trimmed.startsWith("/")) {
      // The root folder's own path ends in the slash with which the pattern begins.
      for (const source of sources) paths.push(utf8(resolve(source).replace(/\/$/, "") + trimmed));
    } else if (trimmed.includes("/")) {
      throw new BunkerError(
        "invalid-argument",
        `--exclude ${pattern}: expected a name, or a path that begins with /`,
      );
    } else {
      names.push(utf8(trimmed));
    }
  }
  const exclude: Exclude = (path) =>
    paths.some((excluded) => equalBytes(excluded, path)) ||
    names.some((name) => equalBytes(name, path.subarray(path.lastIndexOf(SLASH) + 1)));
  return { exclude };
}
