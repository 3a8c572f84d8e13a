// Runs stories of the simulation by hand.
//
//   bun test/sim/run.ts --seed N [--count N] [--steps N]

import { parseArgs } from "node:util";
import { play } from "./rig.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "1" },
    steps: { type: "string", default: "25" },
  },
});
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.count); seed++) {
  await play(seed, Number(values.steps));
  console.log(`seed ${seed}: as it should be`);
}
