// Ask: a small program for the tests of the prompt, run on a terminal of its own.
//
//   bun test/cli/ask.ts [confirm|twice]    asks, then says in JSON what it got; its stdin is a pipe

import { EXIT, statusOf, type ExitStatus } from "../../src/cli/exit.ts";
import { Messages } from "../../src/cli/messages.ts";
import { promptSecret } from "../../src/cli/prompt.ts";

async function ask(): Promise<ExitStatus> {
  try {
    const confirm = process.argv[2] === "confirm";
    const options = { label: "passphrase", confirm, hint: "set SOMETHING" };
    let secret = await promptSecret(options);
    if (process.argv[2] === "twice") secret += ` ${await promptSecret(options)}`;
    process.stderr.write(`got ${JSON.stringify(secret)}\n`);
    return EXIT.done;
  } catch (error) {
    new Messages().report(error);
    return statusOf(error);
  }
}

process.exit(await ask());
