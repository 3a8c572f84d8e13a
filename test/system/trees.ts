// Trees for tests of the file rooms: odd names, users without rights, folders no rm can reach.

import { readdirSync, readlinkSync } from "node:fs";
import { tempDir } from "../support/temp.ts";

export const IS_ROOT = process.geteuid?.() === 0;
const NOBODY = 65534;

/** Runs `act` as a user without any rights: root puts its rights down meanwhile. */
export function asUser<T>(act: () => T): T {
  if (!IS_ROOT) return act();
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** A temporary folder that is removed by rm, which reaches where paths are too long. */
export function deepTempDir(): { readonly path: string } & Disposable {
  const temp = tempDir();
  return {
    path: temp.path,
    [Symbol.dispose]() {
      Bun.spawnSync(["chmod", "-R", "u+rwx", temp.path], { stderr: "ignore" });
      Bun.spawnSync(["rm", "-rf", temp.path]);
      temp[Symbol.dispose]();
    },
  };
}

/** How many descriptors of this process are open on something below `path`. */
export function openBelow(path: string): number {
  return readdirSync("/proc/self/fd").filter((descriptor) => leadsBelow(descriptor, path)).length;
}

function leadsBelow(descriptor: string, path: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(path);
  } catch (error) {
    // Too long to be told, so it is one of ours; the descriptor of the listing itself is gone.
    return (error as { code?: unknown }).code === "ENAMETOOLONG";
  }
}

/** The bytes of a text in which `\xNN` stands for any byte. */
export function raw(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** Names that a file may have, and that a careless program loses. */
export const ODD_NAMES: readonly Uint8Array<ArrayBuffer>[] = [
  raw("x".repeat(255)),
  raw("\xff\xfe not utf-8 \x80"),
  raw("new\nline"),
  raw("\x1b[31mred"),
  raw("\xc3\xa4 composed"),
  raw("a\xcc\x88 decomposed"),
  raw(" "),
  raw("..."),
  raw("-rf"),
  raw("back\\slash"),
  raw("\x01"),
];
