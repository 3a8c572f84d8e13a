// Pipe: what a started program writes into.
//
// The runtime's own is a socket, which /dev/stdout can't open: `pg_dump -f /dev/stdout` and `tee
// /dev/stdout` would fail. Without a C library there is no other.

import { ptr } from "bun:ffi";
import type { Descriptor } from "./files.ts";
import { openLibc } from "./libc.ts";

const CLOSE_ON_EXEC = 0o2_000_000;
const SET_PIPE_BYTES = 1031;
/** What an unprivileged user may have (/proc/sys/fs/pipe-max-size); 64 KiB if it is refused. */
const PIPE_BYTES = 1024 * 1024;

export interface Pipe {
  readonly reader: Descriptor;
  readonly writer: Descriptor;
}

/** Both ends are closed in programs that are started, but for where they are handed over. */
export function openPipe(): Pipe | undefined {
  const call = openLibc()?.call;
  const ends = new Int32Array(2);
  if (call === undefined || call.pipe2(ptr(ends), CLOSE_ON_EXEC) !== 0) return undefined;
  const [reader, writer] = ends as unknown as readonly [number, number];
  call.fcntl(writer, SET_PIPE_BYTES, PIPE_BYTES);
  return { reader, writer };
}
