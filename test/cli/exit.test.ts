// Exit statuses: the contract with scripts.

import { expect, test } from "bun:test";

import { AssertionError } from "../../src/base/assert.ts";
import { BunkerError, type ErrorCode } from "../../src/base/errors.ts";
import { EXIT, locally, statusOf, worst, type ExitStatus } from "../../src/cli/exit.ts";

const CASES: readonly [ErrorCode, number][] = [
  ["invalid-argument", 2],
  ["not-found", 1],
  ["exists", 1],
  ["denied", 11],
  ["unavailable", 1],
  ["timeout", 1],
  ["full", 14],
  ["corrupt", 13],
  ["wrong-key", 12],
  ["no-store", 10],
  ["busy", 1],
  ["unsupported-version", 13],
  ["incomplete", 3],
  ["interrupted", 130],
  ["broken-pipe", 141],
  ["io", 1],
];

test.each(CASES)("%s ends with %d", (code, status) => {
  expect<number>(statusOf(new BunkerError(code, "it happened"))).toBe(status);
});

test("what is no error of the world is a fault of ours", () => {
  expect(statusOf(new AssertionError("never"))).toBe(70);
  expect(statusOf(new TypeError("x is undefined"))).toBe(70);
  expect(statusOf(undefined)).toBe(70);
});

test("a full or forbidden destination is no matter of the storage", () => {
  const statusHere = (error: unknown): number => {
    try {
      return locally(() => {
        throw error;
      });
    } catch (caught) {
      return statusOf(caught);
    }
  };
  expect(statusHere(new BunkerError("full", "no space"))).toBe(1);
  expect(statusHere(new BunkerError("denied", "read-only"))).toBe(1);
  expect(statusHere(new BunkerError("corrupt", "damage"))).toBe(13);
  expect(statusHere(new AssertionError("never"))).toBe(70);
});

test("damage goes before a cap, a cap before what was left out", () => {
  expect(worst([3, 14, 13, 0])).toBe(13);
  expect(worst([0, 3, 14])).toBe(14);
  expect(worst([0, 3])).toBe(3);
  expect(worst([0])).toBe(0);
  expect(worst([])).toBe(0);
});

test("every status has its weight: none is taken for done", () => {
  for (const status of Object.values(EXIT)) expect(worst([EXIT.done, status])).toBe(status);
});

test("the order of the statuses does not matter", () => {
  const all: ExitStatus[] = Object.values(EXIT);
  for (const a of all) for (const b of all) expect(worst([a, b])).toBe(worst([b, a]));
});
