// Main: the entry. It wires the program up, and it alone ends the process.

import { version as programVersion } from "../package.json";
import { AssertionError } from "./base/assert.ts";
import { BunkerError } from "./base/errors.ts";
import { EXIT } from "./cli/exit.ts";
import { Messages, writeStderr } from "./cli/messages.ts";
import { openOutput } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import type { LaneAnswer, LanePort } from "./jobs/lane-client.ts";

/** A Worker can only be started from here: elsewhere its file is not found when compiled. */
function spawnLane(): LanePort {
  const worker = new Worker(new URL("./lane.ts", import.meta.url).href);
  let ended = false;
  return {
    post: (message, transfer) => worker.postMessage(message, transfer ?? []),
    listen(onAnswer, onFailure) {
      worker.onmessage = ({ data }: MessageEvent<LaneAnswer>) => onAnswer(data);
      worker.onerror = (event) => onFailure(new Error(`a lane failed: ${event.message}`));
      worker.addEventListener("close", () => {
        if (!ended) onFailure(new Error("a lane ended by itself"));
      });
    },
    end() {
      ended = true;
      worker.terminate();
    },
  };
}

/** The first signal ends the run in order, the second one at once. */
function whenInterrupted(): Promise<never> {
  return new Promise((_, reject) => {
    let count = 0;
    const interrupt = (): void => {
      count += 1;
      if (count > 1) process.exit(EXIT.interrupted);
      reject(new BunkerError("interrupted", "interrupted"));
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  });
}

/** A fault of ours: said in full, with a request to report it. */
function crash(error: unknown): never {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const kind =
    error instanceof AssertionError ? "a check inside the program failed" : "an unexpected error";
  writeStderr(
    `bunker: error: ${kind}: ${stack}\nbunker: hint: this is a fault of bunker, please report it\n`,
  );
  process.exit(EXIT.ourFault);
}

process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);

const interrupted = whenInterrupted();
interrupted.catch(() => undefined); // Whoever races against it hears of it.
const status = await runProgram(
  {
    environment: process.env,
    program: programVersion,
    output: openOutput(),
    messages: new Messages(),
    spawnLane,
    interrupted,
  },
  process.argv.slice(2),
);
process.exit(status);
