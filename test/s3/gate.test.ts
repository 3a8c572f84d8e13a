// Gates: as many as are allowed, in their order, fewer after a refusal, and more again.

import { expect, test } from "bun:test";
import { isBunkerError } from "../../src/base/errors.ts";
import { Gate, type Pass } from "../../src/s3/gate.ts";
import { thrownBy } from "./rig.ts";

/** Enters so often; tells who is inside, in the order of entering. */
function crowd(gate: Gate, count: number): { inside: number[]; passes: Pass[] } {
  const inside: number[] = [];
  const passes: Pass[] = [];
  for (let i = 0; i < count; i++) {
    void gate.enter().then((pass) => {
      inside.push(i);
      passes[i] = pass;
    });
  }
  return { inside, passes };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

test("no more than its places are inside, first come, first served", async () => {
  const { inside, passes } = crowd(new Gate(2), 5);
  await settle();
  expect(inside).toEqual([0, 1]);
  passes[1]!.leave("other");
  await settle();
  expect(inside).toEqual([0, 1, 2]);
  passes[0]!.leave("good");
  passes[2]!.leave("good");
  await settle();
  expect(inside).toEqual([0, 1, 2, 3, 4]);
});

test("one who comes later does not overtake those who wait", async () => {
  const gate = new Gate(1);
  const first = await gate.enter();
  const { inside } = crowd(gate, 1);
  first.leave("good");
  let late = false;
  void gate.enter().then(() => (late = true));
  await settle();
  expect(inside).toEqual([0]);
  expect(late).toBe(false);
});

test("a refusal halves the places, once for all who were under way", async () => {
  const gate = new Gate(16);
  const passes = await Promise.all(Array.from({ length: 16 }, () => gate.enter()));
  for (const pass of passes) pass.leave("slow");
  expect(gate.places).toBe(8);
  const next = await gate.enter();
  next.leave("slow");
  expect(gate.places).toBe(4);
});

test("there is always one place", async () => {
  const gate = new Gate(3);
  for (let i = 0; i < 10; i++) (await gate.enter()).leave("slow");
  expect(gate.places).toBe(1);
  const { inside } = crowd(gate, 2);
  await settle();
  expect(inside).toEqual([0]);
});

test("good answers bring the places back one by one, up to the most", async () => {
  const gate = new Gate(4);
  for (let i = 0; i < 2; i++) (await gate.enter()).leave("slow");
  expect(gate.places).toBe(1);
  (await gate.enter()).leave("good");
  expect(gate.places).toBe(2);
  for (let i = 0; i < 2; i++) (await gate.enter()).leave("good");
  expect(gate.places).toBe(3);
  (await gate.enter()).leave("other");
  expect(gate.places).toBe(3);
  for (let i = 0; i < 100; i++) (await gate.enter()).leave("good");
  expect(gate.places).toBe(4);
});

test("with fewer places than are inside, nobody enters before enough have left", async () => {
  const gate = new Gate(4);
  const { inside, passes } = crowd(gate, 6);
  await settle();
  passes[0]!.leave("slow"); // 2 places, 3 inside.
  await settle();
  expect(inside).toEqual([0, 1, 2, 3]);
  passes[1]!.leave("other"); // 2 inside.
  await settle();
  expect(inside).toEqual([0, 1, 2, 3]);
  passes[2]!.leave("other");
  await settle();
  expect(inside).toEqual([0, 1, 2, 3, 4]);
});

test("who is interrupted while waiting leaves the row, and takes no place", async () => {
  const gate = new Gate(1);
  const first = await gate.enter();
  const controller = new AbortController();
  const waiting = thrownBy(gate.enter(controller.signal));
  const { inside } = crowd(gate, 1);
  controller.abort();
  expect(isBunkerError(await waiting, "interrupted")).toBe(true);
  first.leave("good");
  await settle();
  expect(inside).toEqual([0]);
  expect(isBunkerError(await thrownBy(gate.enter(controller.signal)), "interrupted")).toBe(true);
});

test("an interruption after the entry changes nothing", async () => {
  const gate = new Gate(1);
  const first = await gate.enter();
  const controller = new AbortController();
  const second = gate.enter(controller.signal);
  first.leave("good");
  controller.abort();
  (await second).leave("good");
  (await gate.enter()).leave("good");
});

test("a pass is given back once", async () => {
  const pass = await new Gate(1).enter();
  pass.leave("good");
  expect(() => pass.leave("good")).toThrow("a pass was given back twice");
});
