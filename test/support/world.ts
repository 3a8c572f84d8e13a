// A world for tests: a clock that goes one millisecond further whenever it is asked, randomness
// from a seed, and no waiting. The clock starts in the past, where no file is too young to be known.

import type { NativePlatform } from "../../src/base/platform.ts";
import type { World } from "../../src/base/world.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { type SeededRandom, seededRandom } from "./random.ts";

export interface TestWorld extends World {
  /** Lets time pass. */
  advance(milliseconds: number): void;
}

export const WORLD_START = Date.UTC(2020, 0, 1);

export function testWorld(random: SeededRandom = seededRandom(1), start = WORLD_START): TestWorld {
  let time = start;
  return {
    now: () => ++time,
    random: (byteCount) => random.bytes(byteCount),
    sleep(milliseconds) {
      time += milliseconds;
      return Promise.resolve();
    },
    advance(milliseconds) {
      time += milliseconds;
    },
  };
}

/** The native primitives with randomness from a seed, but for what HPKE draws for itself. */
export function testPlatform(random: SeededRandom = seededRandom(2)): NativePlatform {
  return { ...nativePlatform, random: (byteCount) => random.bytes(byteCount) };
}
