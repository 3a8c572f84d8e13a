// Describe: what a folder holds, as plain JSON; and the program, run with settings of its own.
//
// Names are raw bytes: whatever is not printable ASCII, and "%", is written as %XX.

import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import { type Found, walk } from "../support/compare.ts";

const ROOT = join(import.meta.dir, "../..");
const BINARY = join(ROOT, "dist/bunker");

/** One name in a restored folder; owners are left out, for only root can give files away. */
export interface Described {
  /** From the root; empty for the root itself. */
  readonly path: string;
  readonly type: "file" | "folder" | "link" | "other";
  /** Octal; of links, which have none of their own, absent. */
  readonly mode?: string;
  readonly modifiedNs: string;
  readonly sha256?: string;
  readonly target?: string;
  /** Of several names of one file: the first one, where this is another. */
  readonly sameAs?: string;
}

export interface Expected {
  readonly snapshots: readonly {
    /** As in the name of the manifest. */
    readonly id: string;
    readonly entries: readonly Described[];
  }[];
}

/** Describes all that is in a folder, the folder itself first. */
export function describeFolder(root: string): Described[] {
  return walk(root).map((found) => describeEntry(root, found));
}

function describeEntry(root: string, { path, stats, firstName }: Found): Described {
  const full = Buffer.concat([Buffer.from(`${root}/`), path]);
  const isLink = stats.isSymbolicLink();
  const type = stats.isFile() ? "file" : stats.isDirectory() ? "folder" : isLink ? "link" : "other";
  const first = Buffer.from(firstName, "latin1");
  return {
    path: printable(path),
    type,
    ...(isLink ? {} : { mode: (stats.mode & 0o7777n).toString(8) }),
    modifiedNs: stats.mtimeNs.toString(),
    ...(type === "file" ? { sha256: sha256(readFileSync(full)) } : {}),
    ...(isLink ? { target: printable(readlinkSync(full, { encoding: "buffer" })) } : {}),
    ...(type !== "folder" && !first.equals(path) ? { sameAs: printable(first) } : {}),
  };
}

function printable(bytes: Buffer): string {
  return [...bytes]
    .map((byte) => {
      const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x25;
      return isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/** Runs the program in a world of its own; gives what it wrote to stdout. */
export function bunker(
  world: { readonly home: string; readonly store: string; readonly secret: Record<string, string> },
  ...options: string[]
): string {
  const { home, store, secret } = world;
  const { success, stdout, stderr } = Bun.spawnSync([BINARY, ...options], {
    env: {
      PATH: "/usr/bin:/bin",
      HOME: home,
      USER: "golden",
      BUNKER_LABEL: "golden",
      BUNKER_STORE: store,
      ...secret,
    },
    stdin: "ignore",
  });
  if (!success) throw new Error(`bunker ${options.join(" ")} failed\n${stderr.toString()}`);
  return stdout.toString();
}
