// Planted: faults inside the compiled program, for what no file and no argument can bring about.
//
// The runtime loads a script of BUN_OPTIONS before the program (docs/threat-model.md §4.5). Here it
// is ours: it replaces parts of the runtime, in main and, since it starts the lanes, in each lane.
// The program itself stays as it is built, and knows nothing of it.

import type * as FileSystem from "node:fs";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { BINARY, type Environment, type Outcome, type Place } from "./bunker.ts";

/** What a planted function is given; it sees nothing else of its file. */
export interface Tools {
  readonly fs: typeof FileSystem;
  readonly require: NodeJS.Require;
  /** Leaves a line for the test. */
  readonly note: (line: string) => void;
}

/** They become text, so that they may use their tools and the runtime's globals only. */
export interface Plant {
  readonly main?: (tools: Tools) => void;
  readonly lane?: (tools: Tools) => void;
}

export interface PlantedOutcome extends Outcome {
  /** What was noted, with `lane` for each lane that was started. */
  readonly notes: readonly string[];
}

/** A plant for runs that the caller starts, in this environment. */
export function plantIn(
  place: Place,
  plant: Plant,
): { readonly environment: Environment; readonly notes: () => string[] } {
  const notes = place.at("notes");
  writeFileSync(place.at("plant.js"), scriptOf(plant, notes));
  rmSync(notes, { force: true });
  return {
    environment: { BUN_OPTIONS: `--preload ${place.at("plant.js")}` },
    notes: () => (existsSync(notes) ? readFileSync(notes, "utf8").split("\n").slice(0, -1) : []),
  };
}

/** Runs the compiled program with the plant in it, with changes to its environment. */
export function runPlanted(
  place: Place,
  words: readonly string[],
  plant: Plant,
  changes: Environment = {},
): PlantedOutcome {
  return runPlantedBy([BINARY], { place, words, plant, changes });
}

/** The same by another command, which starts the program that is its last word. */
export function runPlantedBy(
  command: readonly string[],
  run: {
    readonly place: Place;
    readonly words: readonly string[];
    readonly plant: Plant;
    readonly changes?: Environment;
  },
): PlantedOutcome {
  const { environment, notes } = plantIn(run.place, run.plant);
  const changes = { ...environment, ...run.changes };
  const outcome = run.place.execute([...command, ...run.words], changes);
  return { ...outcome, notes: notes() };
}

function scriptOf({ main, lane }: Plant, notes: string): string {
  const nothing = "() => {}";
  return `
    const fs = require("node:fs");
    const note = (line) => fs.appendFileSync(${JSON.stringify(notes)}, line + "\\n");
    if (Bun.isMainThread) {
      globalThis.Worker = class extends Worker {
        constructor(url, options) {
          note("lane");
          super(url, { ...options, preload: [__filename] });
        }
      };
      (${main?.toString() ?? nothing})({ fs, note, require });
    } else {
      (${lane?.toString() ?? nothing})({ fs, note, require });
    }
  `;
}
