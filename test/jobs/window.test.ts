// The restore window: places that overlap, as an index may say that lies or repeats itself.

import { expect, test } from "bun:test";
import { type Bytes, hexOf } from "../../src/base/bytes.ts";
import type { RestoreTask } from "../../src/jobs/restore-lane.ts";
import { RestoreWindow, type WindowParts } from "../../src/jobs/restore-window.ts";
import type { Place } from "../../src/store/catalog.ts";
import { seededRandom } from "../support/random.ts";

const PACK_BYTES = 900_000;
const random = seededRandom(21);
const packId = random.bytes(32);
const pack = random.bytes(PACK_BYTES);

const idOf = (n: number): Bytes => new Uint8Array(32).fill(n);

function placeOf(n: number, offset: number, storedBytes: number): Place {
  const facts = { packId, packBytes: PACK_BYTES, trusted: true, packKind: 1, codec: 0 };
  return { ...facts, id: idOf(n), ordinal: n, offset, storedBytes, plainBytes: 10 };
}

/** A window over one pack; what it asks for, what it looks for elsewhere, and what fails. */
function windowOver(places: readonly Place[], damaged: readonly number[]) {
  const tasks: RestoreTask[] = [];
  const rescued: number[] = [];
  const failed: number[] = [];
  const parts = {
    reader: {
      packs: {
        get: async (_id: Bytes, range: { offset: number; length: number }) =>
          pack.slice(range.offset, range.offset + range.length),
      },
      places: async (id: Bytes) => places.filter((place) => place.id[0] === id[0]),
      packKey: async () => idOf(0),
      read: async (_kind: string, id: Bytes) => {
        rescued.push(id[0]!);
        return new Uint8Array(11); // Of another length than the index says: the target fails.
      },
    },
    write: async (task: RestoreTask) => {
      tasks.push(task);
      const bad = [...task.needs.keys()].filter((i) => damaged.includes(task.needs[i]!.ordinal));
      return { damaged: bad, failed: [], limits: [] };
    },
    fetchCount: 2,
    fetchBytes: 1_000_000,
    onFileFailed: (file: number) => failed.push(file),
    onLimits: () => undefined,
  };
  const window = new RestoreWindow(parts as unknown as WindowParts);
  return { window, tasks, rescued, failed };
}

test("overlapping, nested and equal places: each blob gets its own bytes and its own targets", async () => {
  const places = [
    placeOf(1, 1000, 5000),
    placeOf(2, 3000, 6000), // Overlaps the first.
    placeOf(3, 3500, 10), // Inside both: the range must not shrink.
    placeOf(4, 1000, 5000), // At the place of the first, and another blob.
    placeOf(5, 1000, 700_000), // Over all of them.
    placeOf(6, 600_000, 200_000),
    placeOf(7, PACK_BYTES - 5, 500), // Reaches past the end.
  ];
  const { window, tasks, rescued, failed } = windowOver(places, [4]);
  for (const { id } of places) {
    for (const file of [id[0]!, id[0]! + 100]) {
      const open = { descriptor: -1, folder: [], name: id, writtenAs: id };
      await window.add(id, { kind: "part", file, open, offset: 0 });
    }
  }
  await window.carryOut();
  expect(tasks.length).toBe(2); // The last one is far away.
  const given = tasks.flatMap(({ needs, bytes }) => needs.map((need) => ({ need, bytes })));
  expect(new Set(given.map(({ need }) => need.ordinal))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]));
  expect(given.length).toBe(7);
  for (const { need, bytes } of given) {
    const { offset, storedBytes } = places[need.ordinal - 1]!;
    const part = bytes.subarray(need.offset, need.offset + need.storedBytes);
    expect(hexOf(part)).toBe(hexOf(pack.subarray(offset, offset + storedBytes)));
    expect(need.targets.map(({ file }) => file)).toEqual([need.ordinal, need.ordinal + 100]);
  }
  // Only the one that did not open is looked for elsewhere, and only its files fail.
  expect(rescued).toEqual([4]);
  expect(failed).toEqual([4, 104]);
});

test("places more than 64 KiB apart make ranges of their own", async () => {
  const places = [placeOf(1, 1000, 100), placeOf(2, 70_000, 100), placeOf(3, 300_000, 100)];
  const { window, tasks, failed } = windowOver(places, []);
  const open = { descriptor: -1, folder: [], name: idOf(1), writtenAs: idOf(1) };
  for (const { id } of places)
    await window.add(id, { kind: "part", file: id[0]!, open, offset: 0 });
  await window.carryOut();
  expect(tasks.map(({ needs }) => needs.length)).toEqual([1, 1, 1]);
  expect(failed).toEqual([]);
});
