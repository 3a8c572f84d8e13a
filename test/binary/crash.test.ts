// Faults of the compiled program's own that nothing catches: one line on stderr, and 70.

import { afterAll, beforeAll, expect, test } from "bun:test";

import { type Place, placeWithStore } from "../support/bunker.ts";
import { type Plant, runPlanted } from "../support/planted.ts";

let place: Place;

beforeAll(() => {
  place = placeWithStore();
  place.write("things/a", "content");
});

afterAll(() => place[Symbol.dispose]());

const FAULTS: readonly (readonly [name: string, text: string, plant: Plant["main"]])[] = [
  [
    "an error that nobody catches",
    "unexpected: planted\\x0awith \\x1b[31mcolours (at ",
    () =>
      setImmediate(() => {
        throw new TypeError("planted\nwith \x1b[31mcolours");
      }),
  ],
  [
    "a promise that nobody awaits",
    "unexpected: planted (at ",
    () => setImmediate(() => void Promise.reject(new Error("planted"))),
  ],
  [
    "what is no error",
    "unexpected: 7;",
    () =>
      setImmediate(() => {
        // oxlint-disable-next-line typescript/only-throw-error -- Dependencies do such things.
        throw 7;
      }),
  ],
];

test.each(FAULTS)("%s: one line and 70", (_, text, main) => {
  const { stdout, stderr, status } = runPlanted(place, ["backup", "things"], { main: main! });
  expect(stderr).toMatch(/^bunker: error: [^\n]+; this is a fault of bunker, please report it\n$/);
  expect(stderr).toStartWith(`bunker: error: ${text}`);
  expect(stdout).toBe("");
  expect(status).toBe(70);
});

test("without a fault it is silent", () => {
  const found = runPlanted(place, ["backup", "things"], { main: ({ note }) => note("planted") });
  expect(found).toMatchObject({ stderr: "", status: 0, notes: ["planted"] });
});
