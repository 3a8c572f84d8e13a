// The simulation: several writers, changes, faults, crashes, lost caches and removals, against a
// model. More stories run with SLOW=1; one is played again by `bun test/sim/run.ts --seed N`.

import { test } from "bun:test";
import { play } from "./rig.ts";

const STORY_COUNT = process.env["SLOW"] === "1" ? 300 : 20;
const FIRST_SEED = 1000;

for (let seed = FIRST_SEED; seed < FIRST_SEED + STORY_COUNT; seed++) {
  test(`story ${seed}`, () => play(seed), 120_000);
}
