// Plants links: exchanges a folder and a link atomically, as fast as it can, until it is killed.
// Says "ready" when it has done so once.

import { writeSync } from "node:fs";
import { type Pointer, ptr } from "bun:ffi";
import { openLibc } from "../../src/system/libc.ts";

const RENAMEAT2 = { x64: 316, arm64: 276 }[process.arch as string];
const HERE = -100;
const RENAME_EXCHANGE = 2;

const [folder, link] = process.argv.slice(2);
const libc = openLibc();
if (folder === undefined || link === undefined) throw new Error("expected FOLDER LINK");
if (libc === undefined || RENAMEAT2 === undefined) throw new Error("expected a C library");

const first = Buffer.from(`${folder}\0`);
const second = Buffer.from(`${link}\0`);
const firstPtr = ptr(first);
const secondPtr = ptr(second);

for (let round = 0; ; round++) {
  // The flags stand where our declaration has a pointer: to the system both are numbers.
  const flags = RENAME_EXCHANGE as unknown as Pointer;
  const answer = libc.call.syscall(RENAMEAT2, HERE, firstPtr, HERE, secondPtr as number, flags);
  if (Number(answer) !== 0) throw new Error(`exchanging failed with ${libc.errno()}`);
  if (round === 0) writeSync(1, "ready\n");
}
