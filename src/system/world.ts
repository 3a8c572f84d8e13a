// World of this machine: its clock, its randomness, its timers.

import type { World } from "../base/world.ts";
import { nativePlatform } from "./platform.ts";

export const systemWorld: World = {
  now: () => Date.now(),
  random: (byteCount) => nativePlatform.random(byteCount),
  sleep: (milliseconds) => Bun.sleep(milliseconds),
};
