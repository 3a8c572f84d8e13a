// Open: the best file system that this machine offers.

import type { FileSystem } from "./files.ts";
import { openLibc } from "./libc.ts";
import { NativeFileSystem } from "./native.ts";
import { PortableFileSystem } from "./portable.ts";

/** Opens the native file system, or the portable one, whose `limits` say what it can't do. */
export function openFileSystem(): FileSystem {
  const libc = openLibc();
  return libc === undefined ? new PortableFileSystem() : new NativeFileSystem(libc);
}
