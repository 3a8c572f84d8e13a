// Private file: reads a small file that may hold a secret, and judges who else can.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

import { strictTextOf } from "../base/bytes.ts";
import { BunkerError, fromSystemError, ofThisMachine } from "../base/errors.ts";

const FILE_BYTES_MAX = 1024 * 1024;
const WORLD = 0o007;
const OTHERS_WRITE = 0o022;
const OTHERS = 0o077;

/** What a file held, and whose it was, at the moment of reading. */
export interface PrivateFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Undefined for what is no plain file (`<(…)`, a pipe): such have no mode to judge. */
  readonly mode: number | undefined;
  readonly userId: number;
}

/**
 * Reads the file, which is opened once, so that what is judged is what is read. Throws what the
 * system says, with `what` the file is called, and `invalid-argument` for more than `bytesMax`.
 */
export function readPrivateFile(
  path: string,
  what: string,
  bytesMax: number = FILE_BYTES_MAX,
): PrivateFile {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const status = fstatSync(file);
    const bytes = readStart(file, bytesMax + 1);
    if (bytes.length > bytesMax) {
      const message = `expected at most ${bytesMax} bytes in ${what}`;
      throw new BunkerError("invalid-argument", message, { subject: path });
    }
    return { path, bytes, mode: status.isFile() ? status.mode : undefined, userId: status.uid };
  } catch (error) {
    throw ofThisMachine(fromSystemError(error, `cannot read ${what}`, path));
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function readStart(file: number, bytesMax: number): Uint8Array {
  let buffer = new Uint8Array(Math.min(bytesMax, 64 * 1024));
  let filled = 0;
  for (;;) {
    if (filled === buffer.length) {
      if (filled === bytesMax) return buffer;
      const longer = new Uint8Array(Math.min(bytesMax, 2 * filled));
      longer.set(buffer);
      buffer = longer;
    }
    const count = readSync(file, buffer, filled, buffer.length - filled, null);
    if (count === 0) return buffer.subarray(0, filled);
    filled += count;
  }
}

/** The file as text. Throws `invalid-argument` for what is no UTF-8. */
export function textOfFile({ path, bytes }: PrivateFile): string {
  const text = strictTextOf(bytes);
  if (text !== undefined) return text;
  throw new BunkerError("invalid-argument", "expected UTF-8, found other bytes", { subject: path });
}

/** Warns where users other than its owner can do anything with it. */
export function warnIfOpen({ path, mode }: PrivateFile, warn: (message: string) => void): void {
  if (mode === undefined || (mode & OTHERS) === 0) return;
  warn(`${path} holds a secret and is open to other users: chmod 600 it`);
}

/** Throws where every user of the machine can open it, and warns where its group can. */
export function refuseIfWorldReadable(file: PrivateFile, warn: (message: string) => void): void {
  const { path, mode } = file;
  if (mode === undefined || (mode & WORLD) === 0) return warnIfOpen(file, warn);
  throw new BunkerError("io", `holds a secret and is open to everybody: ${modeText(mode)}`, {
    subject: path,
    hint: `make another key if others use this machine, and close it with: chmod 600 ${path}`,
  });
}

/** Throws where somebody else could have written what bunker would do as it says. */
export function refuseIfForeign({ path, mode, userId }: PrivateFile): void {
  const own = process.geteuid?.();
  if (own !== undefined && userId !== own && userId !== 0) {
    const message = `expected a file of user ${own} or of root, found one of user ${userId}`;
    throw new BunkerError("io", message, { subject: path });
  }
  if (mode === undefined || (mode & OTHERS_WRITE) === 0) return;
  throw new BunkerError("io", `others can write to it: ${modeText(mode)}`, {
    subject: path,
    hint: `if it says what you wrote, close it with: chmod 600 ${path}`,
  });
}

function modeText(mode: number): string {
  return `mode ${(mode & 0o777).toString(8).padStart(4, "0")}`;
}
