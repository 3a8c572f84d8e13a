// Lanes of the compiled program that die, each in its way: the run ends, says so, and says it with 70.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync } from "node:fs";

import { type Place, placeWithStore } from "../support/bunker.ts";
import { type Plant, runPlanted } from "../support/planted.ts";
import { seededRandom } from "../support/random.ts";

// Above the 8 MiB below which no lane is started.
const FILE_BYTES = 9_000_000;
const FILE_COUNT = 3;
const LANES = ["--lanes", "2"];

let place: Place;

beforeAll(() => {
  place = placeWithStore();
  const random = seededRandom(1);
  for (let i = 0; i < FILE_COUNT; i++) place.write(`things/${i}`, random.bytes(FILE_BYTES));
  place.lines(["backup", "things", "--lanes", "1"]);
});

afterAll(() => place[Symbol.dispose]());

test("lanes are started, found in the binary, and lose no message that came before they ran", () => {
  const backup = runPlanted(place, ["backup", "things", "--force", ...LANES], {});
  expect(backup).toMatchObject({ stderr: "", status: 0, notes: ["lane", "lane"] });
  const restore = runPlanted(place, ["restore", "latest", "--to", "copy", ...LANES], {});
  expect(restore).toMatchObject({ stderr: "", status: 0, notes: ["lane", "lane"] });
  for (let i = 0; i < FILE_COUNT; i++) {
    const [copy, original] = [place.at("work/copy", `${i}`), place.at("work/things", `${i}`)];
    expect(readFileSync(copy).equals(readFileSync(original))).toBe(true);
  }
});

/** A message that kills stops there: no answer hides that nobody hears of the death. */
const DEATHS: readonly (readonly [name: string, text: string, plant: Plant])[] = [
  [
    "throws outside of its tasks",
    "a lane failed: planted\\x0athing",
    {
      lane: () =>
        addEventListener("message", (event) => {
          event.stopImmediatePropagation();
          throw new Error("planted\nthing");
        }),
    },
  ],
  [
    "throws what is no error",
    "a lane failed: 7",
    {
      lane: () =>
        addEventListener("message", (event) => {
          event.stopImmediatePropagation();
          // oxlint-disable-next-line typescript/only-throw-error -- Dependencies do such things.
          throw 7;
        }),
    },
  ],
  [
    "leaves a promise alone that fails",
    "a lane failed: planted",
    {
      lane: () =>
        addEventListener("message", (event) => {
          event.stopImmediatePropagation();
          void Promise.reject(new Error("planted"));
        }),
    },
  ],
  [
    "ends with 0",
    "a lane ended by itself",
    { lane: () => addEventListener("message", () => process.exit(0)) },
  ],
  [
    "ends with 5",
    "a lane ended by itself",
    { lane: () => addEventListener("message", () => process.exit(5)) },
  ],
  ["ends before it begins", "a lane ended by itself", { lane: () => process.exit(0) }],
  [
    "throws before it begins",
    "a lane failed: error: planted",
    {
      lane: () => {
        throw new Error("planted\nthing");
      },
    },
  ],
  [
    "is terminated",
    "a lane ended by itself",
    {
      main: () => {
        globalThis.Worker = class extends Worker {
          override postMessage(): void {
            this.terminate();
          }
        };
      },
    },
  ],
  [
    "is not in the binary",
    "a lane failed: BuildMessage: ModuleNotFound",
    {
      main: () => {
        globalThis.Worker = class extends Worker {
          constructor(url: string | URL) {
            super(String(url).replace("lane.ts", "workers/lane.ts"));
          }
        };
      },
    },
  ],
  [
    "sends what cannot be read",
    "a lane sent what cannot be read",
    {
      main: () => {
        globalThis.Worker = class extends Worker {
          override postMessage(): void {
            setImmediate(() => this.dispatchEvent(new Event("messageerror")));
          }
        };
      },
    },
  ],
  [
    "is sent what cannot be read",
    "a lane failed: a request cannot be read",
    {
      lane: () =>
        addEventListener("message", (event) => {
          event.stopImmediatePropagation();
          dispatchEvent(new Event("messageerror"));
        }),
    },
  ],
];

describe.each([
  ["backup", ["backup", "things", "--force", ...LANES]],
  ["restore", ["restore", "latest", "--to", "broken", "--overwrite", ...LANES]],
] as const)("in a %s a lane", (_, words) => {
  test.each(DEATHS)("%s: 70 and a word", (_name, text, plant) => {
    // What the death before this one left whole would not be restored again.
    rmSync(place.at("work/broken"), { recursive: true, force: true });
    const before = readdirSync(place.at("store/snapshots"), { recursive: true }).length;
    const { stdout, stderr, status, notes } = runPlanted(place, words, plant);
    expect(notes).toContain("lane");
    expect(stderr).toStartWith(`bunker: error: unexpected: ${text}`);
    expect(stderr).toContain("please report it");
    expect(stderr).not.toMatch(/^ *\d+ \| /m); // Lines of source.
    expect(stdout).toBe("");
    expect(status).toBe(70);
    expect(readdirSync(place.at("store/snapshots"), { recursive: true }).length).toBe(before);
  });
});

test("after all of that the store is whole", () => {
  expect(place.lines(["check", "--read-data"])[0]).toEndWith(": no errors");
});
