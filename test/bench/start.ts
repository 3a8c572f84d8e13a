// Start: how long the binary takes to answer `bunker version`.

import { join } from "node:path";
import { measure, median } from "./measure.ts";

const BINARY = join(import.meta.dir, "../../dist/bunker");
const ROUNDS = 21;
const GOAL_MS = 40;

const times: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  times.push((await measure([BINARY, "version"], { env: {} })).wallMs);
}
console.log(
  `bunker version: ${median(times).toFixed(1)} ms (goal ${GOAL_MS} ms), median of ${ROUNDS}`,
);
