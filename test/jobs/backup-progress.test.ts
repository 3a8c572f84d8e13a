// Backup progress: it moves while a large file is read, and never counts it twice.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { type Progress, silentMonitor } from "../../src/base/monitor.ts";
import { BackupProgress } from "../../src/jobs/backup-progress.ts";

const MIB = 1024 * 1024;
const NAME = utf8("image");

function listening() {
  const told: Progress[] = [];
  const monitor = { ...silentMonitor, progress: (progress: Progress) => void told.push(progress) };
  return { told, progress: new BackupProgress(monitor, { filesTotal: 2, bytesTotal: 101 * MIB }) };
}

test("a large file moves while it is read", () => {
  const { told, progress } = listening();
  for (let i = 0; i < 100; i++) progress.read(NAME, MIB);
  expect(told.map(({ bytesDone }) => bytesDone / MIB)).toEqual(
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  expect(told[0]).toMatchObject({ filesDone: 0, bytesTotal: 101 * MIB, subject: "image" });
  progress.done(NAME, 100 * MIB, true);
  progress.done(utf8("small"), MIB, true);
  expect(told.at(-1)).toMatchObject({ filesDone: 2, bytesDone: 101 * MIB });
});

test("a known file is counted once, and small ones are told of now and then", () => {
  const { told, progress } = listening();
  progress.read(NAME, 5 * MIB);
  progress.done(utf8("known"), 40 * MIB, false);
  expect(told.at(-1)).toMatchObject({ bytesDone: 45 * MIB });
  for (let i = 0; i < 63; i++) progress.done(utf8("small"), 1, true);
  expect(told.length).toBe(3);
});
