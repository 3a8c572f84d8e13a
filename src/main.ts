// Main: the entry. It wires the program up, and it alone ends the process.

import { version as programVersion } from "../package.json";
import { BunkerError } from "./base/errors.ts";
import { EXIT } from "./cli/exit.ts";
import { Messages } from "./cli/messages.ts";
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
      worker.onerror = ({ message }) => onFailure(new Error(`a lane failed: ${gist(message)}`));
      worker.onmessageerror = () => onFailure(new Error("a lane sent what cannot be read"));
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

// Of an error before the lane's own handlers are set, the runtime tells the source around it too.
function gist(text: string): string {
  return /^(?:\w*error|\w*Error): .*$/m.exec(text)?.[0] ?? text;
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

function crash(error: unknown): never {
  messages.fault(error);
  process.exit(EXIT.ourFault);
}

const messages = new Messages();
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);

const interrupted = whenInterrupted();
interrupted.catch(() => undefined); // Whoever races against it hears of it.
const status = await runProgram(
  {
    environment: process.env,
    program: programVersion,
    output: openOutput(),
    messages,
    spawnLane,
    interrupted,
  },
  process.argv.slice(2),
);
process.exit(status);
