// Leftovers: temporary files of runs that were cut off, `tmp/<process>-<16 hex>`. They are removed
// when their process is gone and they are a day old by the storage's clock: the process may be
// one of another machine that shares the folder. A link that is planted in its place is not followed.

import { randomBytes } from "node:crypto";
import { lstat, opendir, unlink } from "node:fs/promises";

import { hexOf } from "../base/bytes.ts";
import { systemCodeOf } from "../base/errors.ts";
import { throughFolder, unlessAbsent } from "./files.ts";

const AGE_MS_MIN = 24 * 60 * 60 * 1000;
const LOOKED_AT_MAX = 1000;
const TEMPORARY = /^([1-9][0-9]{0,9})-[0-9a-f]{16}$/;

/** A fresh name for a temporary file, which tells whose it is. */
export function temporaryName(): string {
  return `${process.pid}-${hexOf(randomBytes(8))}`;
}

/** Removes what dead runs left in `folder`; `now` is asked only where there may be something. */
export async function removeLeftovers(folder: string, now: () => Promise<number>): Promise<void> {
  await unlessAbsent(throughFolder(folder, (opened) => removeAbandoned(opened, now)));
}

async function removeAbandoned(folder: string, now: () => Promise<number>): Promise<void> {
  const paths = await findAbandoned(folder);
  if (paths.length === 0) return;
  const before = (await now()) - AGE_MS_MIN;
  for (const path of paths) {
    const stats = await unlessAbsent(lstat(path));
    if (stats?.isFile() === true && stats.mtimeMs < before) await unlessAbsent(unlink(path));
  }
}

async function findAbandoned(folder: string): Promise<string[]> {
  const entries = await unlessAbsent(opendir(folder));
  const paths: string[] = [];
  let looked = 0;
  for await (const entry of entries ?? []) {
    const processId = TEMPORARY.exec(entry.name)?.[1];
    if (processId !== undefined && !isAlive(Number(processId)))
      paths.push(`${folder}/${entry.name}`);
    if (++looked === LOOKED_AT_MAX) break;
  }
  return paths;
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === "EPERM"; // Somebody else's is alive too.
  }
}
