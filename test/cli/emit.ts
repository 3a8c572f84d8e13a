// Emit: a small program for the tests of output and messages, run as a process of its own.
//
//   bun test/cli/emit.ts LINES    writes so many numbered lines, then says on stderr how it ended

import { Messages } from "../../src/cli/messages.ts";
import { openOutput } from "../../src/cli/output.ts";
import { EXIT, statusOf, type ExitStatus } from "../../src/cli/exit.ts";

const messages = new Messages();

async function emit(lineCount: number): Promise<ExitStatus> {
  const output = openOutput();
  try {
    for (let index = 0; index < lineCount; index++) {
      await output.line(`line ${index} ${"x".repeat(40)}`);
    }
    await output.end();
    return EXIT.done;
  } catch (error) {
    messages.report(error);
    return statusOf(error);
  }
}

process.exit(await emit(Number(process.argv[2])));
