// Wire and extras: what crosses from one thread to another is the same on the other side.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { decodeExtras, encodeExtras, type Extras } from "../../src/jobs/extras.ts";
import type { FileOutcome, FileTask } from "../../src/jobs/tasks.ts";
import { decodeOutcomes, decodeTasks, encodeOutcomes, encodeTasks } from "../../src/jobs/wire.ts";
import { attributesOf } from "../support/attributes.ts";
import { seededRandom } from "../support/random.ts";

const random = seededRandom(7);
const TIME = { seconds: -5, nanoseconds: 999_999_999 };

const EXTRAS: readonly Extras[] = [
  { attributes: attributesOf({ "user.a": "value", "user.empty": "" }) },
  {
    holes: [
      [0, 4096],
      [2 ** 40, 2 ** 41],
    ],
  },
  { attributes: [{ name: utf8("user.\xff"), value: random.bytes(65_536) }], holes: [[7, 1]] },
];

test("attributes and holes come out as they were put in", () => {
  expect(encodeExtras({})).toBeUndefined();
  expect(encodeExtras({ attributes: [], holes: [] })).toBeUndefined();
  for (const extras of EXTRAS) {
    expect(decodeExtras(encodeExtras(extras)!)).toEqual(extras);
    // Also where they lie within other bytes.
    const within = new Uint8Array([1, 2, 3, ...encodeExtras(extras)!, 4]);
    expect(decodeExtras(within.subarray(3, -1))).toEqual(extras);
  }
});

test("tasks", () => {
  const task: FileTask = {
    folder: 7,
    name: utf8("näme"),
    deviceId: 2 ** 40 + 1,
    inode: 2 ** 33,
    userId: 0xffff_fffe,
    size: 2 ** 45,
    modified: TIME,
    changed: { seconds: 2 ** 33, nanoseconds: 1 },
  };
  const tasks: FileTask[] = [
    task,
    { ...task, sparse: true },
    { ...task, inode: 2n ** 63n, folderPath: utf8("/a/b") },
    { ...task, name: random.bytes(255), sparse: true, folderPath: utf8("/") },
  ];
  expect(decodeTasks(encodeTasks(tasks))).toEqual(tasks);
});

test("outcomes", () => {
  const same = (count: number) => ({ kind: "same", ids: random.bytes(32 * count) }) as const;
  const facts = { modified: TIME, changed: TIME, mode: 0o644, userId: 1, groupId: 2, inode: 3 };
  const read = { kind: "read", ids: random.bytes(64), size: 9, ...facts, unstable: false } as const;
  const outcomes: FileOutcome[] = [
    same(0),
    { ...same(3), extras: encodeExtras(EXTRAS[0]!)! },
    { ...read, readAtMs: 5, extras: encodeExtras(EXTRAS[1]!)! },
    { ...same(0), extras: encodeExtras(EXTRAS[2]!)! },
    { kind: "vanished" },
    { ...same(1), complaint: "its attributes are missing" },
    same(2),
  ];
  expect(decodeOutcomes(encodeOutcomes(outcomes))).toEqual(outcomes);
  // Only what is rare is sent as an object.
  expect(encodeOutcomes(outcomes).others).toHaveLength(3);
});
