// Wiring: what the entry hands down to the commands.

import type { SpawnLane } from "../jobs/lane-client.ts";
import type { Interruption } from "./interruption.ts";
import type { Environment } from "./locations.ts";
import type { Messages } from "./messages.ts";
import type { Output } from "./output.ts";

/** What the entry gives. */
export interface Entry {
  readonly environment: Environment;
  readonly program: string;
  readonly output: Output;
  readonly messages: Messages;
  /** Starts a lane in a Worker. */
  readonly spawnLane: SpawnLane;
  /** Settles never, or throws `interrupted` when the user wants to stop. */
  readonly interrupted: Promise<never>;
}

/** What a command gets. */
export interface Wiring extends Entry {
  readonly interruption: Interruption;
}
