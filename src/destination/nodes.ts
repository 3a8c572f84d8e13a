// Nodes: pipes, sockets and devices as the system makes them, and what it says where it does not.

import { assert } from "../base/assert.ts";
import type { Metadata } from "../base/entry.ts";
import { BunkerError, systemCodeOf } from "../base/errors.ts";
import type { Node } from "../system/files.ts";

/** Not permitted to this user, or nothing that can be made here. */
const REFUSALS: ReadonlySet<string> = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS"]);

const KINDS = { char: "devices", block: "devices", fifo: "pipes", socket: "sockets" } as const;

/** What to make, with a mode for the time until its own is set. */
export function nodeOf(metadata: Metadata, mode: number): Node {
  const { type, device } = metadata;
  assert(
    type === "fifo" || type === "socket" || type === "char" || type === "block",
    "a node is made",
  );
  const isDevice = type === "char" || type === "block";
  if (isDevice && device === undefined) throw new BunkerError("corrupt", "a device has no numbers");
  const { major, minor } = device ?? { major: 0, minor: 0 };
  return { type, mode, major: isDevice ? major : 0, minor: isDevice ? minor : 0 };
}

/** What people are told, once, where no such node can be made; `undefined` for other failures. */
export function refusalOf({ type }: Node, error: unknown): string | undefined {
  if (!REFUSALS.has(systemCodeOf(error) ?? "")) return undefined;
  return `${KINDS[type]} were not restored: not permitted, or unknown here`;
}
