// Core dumps: the mark is set for this process, and for none that it starts.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { openLibc } from "../../src/system/libc.ts";

const SOURCE = join(import.meta.dir, "../../src/system");
/** Asks the system: PR_GET_DUMPABLE is 3. */
const ASK = `
  const { openLibc } = await import("${SOURCE}/libc.ts");
  const number = process.arch === "x64" ? 157 : 167;
  const isDumped = () => Number(openLibc().call.syscall(number, 3, null, 0, 0, null));`;

test.skipIf(openLibc() === undefined)("a process that forbids them is not dumped", () => {
  const script = `${ASK}
    const { forbidCoreDumps } = await import("${SOURCE}/core-dumps.ts");
    const { readdirSync } = require("node:fs");
    const found = [isDumped(), forbidCoreDumps(), isDumped(), forbidCoreDumps()];
    const child = Bun.spawnSync([process.execPath, "-e", process.argv[1]]).stdout.toString();
    process.stdout.write(JSON.stringify([...found, child, readdirSync("/proc/self/fd").length > 3]));`;
  const child = `${ASK} process.stdout.write(String(isDumped()));`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script, child], { stderr: "inherit" });
  expect(JSON.parse(stdout.toString())).toEqual([1, true, 0, true, "1", true]);
});
