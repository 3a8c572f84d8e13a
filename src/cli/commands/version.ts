// version: what program this is.

import { COMMON_OPTIONS, type CommandDefinition } from "../command.ts";
import { EXIT } from "../exit.ts";

export const version: CommandDefinition = {
  name: "version",
  description: "Show the program's version and what it runs on.",
  wordCount: [0, 0],
  options: { json: COMMON_OPTIONS.json, help: COMMON_OPTIONS.help },
  async run({ output, program }, words) {
    const facts = {
      version: program,
      bun: Bun.version,
      platform: process.platform,
      arch: process.arch,
    };
    if (words.flag("json")) await output.json({ ...facts, format: 1 });
    else await output.line(`bunker ${program} (bun ${facts.bun}, ${facts.platform} ${facts.arch})`);
    return EXIT.done;
  },
};
