// Node: pipes, sockets and devices as the system's call that makes them wants them.

import type { Node } from "./files.ts";

const FORMAT_OF_NODE = {
  fifo: 0o010000,
  char: 0o020000,
  block: 0o060000,
  socket: 0o140000,
} as const;

/** The two numbers of mknodat. */
export function encodedNode({ type, mode, major, minor }: Node): {
  readonly mode: number;
  readonly device: number;
} {
  // The kernel's 32-bit form: 12 bits of the major, 20 of the minor number (new_encode_dev).
  const device = (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12);
  return { mode: FORMAT_OF_NODE[type] | mode, device: device >>> 0 };
}
