// Program: runs a command in this very process, so that servers of the test can answer it meanwhile.

import { Messages } from "../../src/cli/messages.ts";
import { Output } from "../../src/cli/output.ts";
import { runProgram } from "../../src/cli/program.ts";
import type { Environment, Outcome } from "./bunker.ts";

/** Runs `bunker WORDS` with this environment alone, without lanes and without a terminal. */
export async function runHere(
  words: readonly string[],
  environment: Environment,
): Promise<Outcome> {
  const pieces: Uint8Array[] = [];
  let stderr = "";
  const sink = {
    write(bytes: Uint8Array): number {
      pieces.push(bytes.slice());
      return bytes.length;
    },
    flush: () => undefined,
    end: () => undefined,
  };
  const status = await runProgram(
    {
      environment,
      program: "test",
      output: new Output(sink, false),
      messages: new Messages((text) => void (stderr += text)),
      spawnLane: () => {
        throw new Error("there are no lanes here");
      },
      interrupted: new Promise(() => undefined),
    },
    words,
  );
  return { stdout: Buffer.concat(pieces).toString(), stderr, status };
}
