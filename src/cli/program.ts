// Program: from the command line's words to a command, and from its end to an exit status.

import { BunkerError, isBunkerError } from "../base/errors.ts";
import type { CommandDefinition } from "./command.ts";
import { EXIT, type ExitStatus, statusOf } from "./exit.ts";
import { Interruption } from "./interruption.ts";
import { similarTo } from "./similar.ts";
import type { Entry, Wiring } from "./wiring.ts";

type Loader = () => Promise<CommandDefinition>;

/** Loaded when they are called: starting the program costs what the command needs. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly load: Loader }>> = {
  init: {
    summary: "make a new store",
    load: async () => (await import("./commands/init.ts")).init,
  },
  backup: {
    summary: "back up: make a snapshot of files and folders",
    load: async () => (await import("./commands/backup.ts")).backupCommand,
  },
  restore: {
    summary: "get files back: a snapshot, or a part of it",
    load: async () => (await import("./commands/restore.ts")).restoreCommand,
  },
  snapshots: {
    summary: "list the snapshots",
    load: async () => (await import("./commands/snapshots.ts")).snapshots,
  },
  ls: {
    summary: "list the files in a snapshot",
    load: async () => (await import("./commands/ls.ts")).ls,
  },
  cat: {
    summary: "write files of a snapshot to stdout",
    load: async () => (await import("./commands/cat.ts")).cat,
  },
  find: {
    summary: "find files in all snapshots",
    load: async () => (await import("./commands/find.ts")).find,
  },
  diff: {
    summary: "show what differs between two snapshots, or a snapshot and a folder",
    load: async () => (await import("./commands/diff.ts")).diffCommand,
  },
  stats: {
    summary: "show what snapshots hold, add, and would free",
    load: async () => (await import("./commands/stats.ts")).stats,
  },
  check: {
    summary: "check a store for damage and tampering",
    load: async () => (await import("./commands/check.ts")).checkCommand,
  },
  key: {
    summary: "manage passphrases, the recovery phrase, and keys of machines",
    load: async () => (await import("./commands/key.ts")).key,
  },
  store: {
    summary: "give stores names, with their keys and limits",
    load: async () => (await import("./commands/store.ts")).store,
  },
  version: {
    summary: "show the program's version",
    load: async () => (await import("./commands/version.ts")).version,
  },
};

/** Runs the command; results are written whole when it returns. Errors are reported, not thrown. */
export async function runProgram(entry: Entry, argv: readonly string[]): Promise<ExitStatus> {
  const interruption = new Interruption(entry.interrupted, () =>
    entry.messages.notice("stopping, which may take a moment; interrupt again to end at once"),
  );
  const wiring: Wiring = { ...entry, interruption };
  let status: ExitStatus;
  try {
    status = await interruption.endOf(dispatch(wiring, argv));
    await wiring.output.end();
  } catch (error) {
    status = statusOf(error);
    if (status !== EXIT.brokenPipe) wiring.messages.report(error);
    await endQuietly(wiring);
  }
  return status;
}

// What was written before the failure still goes out, if anybody reads it.
async function endQuietly(wiring: Wiring): Promise<void> {
  try {
    await wiring.output.end();
  } catch (error) {
    if (!isBunkerError(error)) wiring.messages.report(error);
  }
}

async function dispatch(wiring: Wiring, argv: readonly string[]): Promise<ExitStatus> {
  const [name, ...rest] = argv;
  if (name === undefined) {
    wiring.messages.text(overview());
    return EXIT.wrongUsage;
  }
  if (name === "--help" || name === "-h") {
    await wiring.output.write(overview());
    return EXIT.done;
  }
  if (name === "--version" || name === "-V") {
    await wiring.output.line(`bunker ${wiring.program}`);
    return EXIT.done;
  }
  if (name === "help") return dispatch(wiring, [...rest.slice(0, 1), "--help"]);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw noCommand(name);
  }
  const definition = await command.load();
  const { helpOf, parseWords } = await import("./command.ts");
  const words = parseWords(definition, rest);
  if (words.flag("help")) {
    await wiring.output.write(await helpOf(definition));
    return EXIT.done;
  }
  return definition.run(wiring, words);
}

function noCommand(name: string): BunkerError {
  if (name.startsWith("-")) {
    const message = `expected a command before options, found ${name}`;
    return new BunkerError("invalid-argument", message, { hint: "see: bunker --help" });
  }
  const similar = similarTo(name, Object.keys(COMMANDS));
  return new BunkerError("invalid-argument", `there is no command ${name}`, {
    hint:
      similar === undefined
        ? "see: bunker --help"
        : `did you mean: bunker ${similar}? All commands: bunker --help`,
  });
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  ${name.padEnd(11)}${summary}`,
  );
  return [
    "bunker: encrypted, deduplicated, immutable snapshots",
    "",
    "USAGE",
    "",
    "  bunker COMMAND [OPTIONS]",
    "",
    "COMMANDS",
    "",
    ...lines,
    "",
    "  bunker COMMAND --help says more about one of them.",
    "",
    "A store holds the encrypted snapshots: --store STORE, or BUNKER_STORE. It is a folder, a bucket",
    "(b2://BUCKET/PREFIX, s3://BUCKET/PREFIX), or @NAME: one that bunker store add has given a name.",
    "Its passphrase is asked for. Scripts set one of BUNKER_PASSPHRASE, BUNKER_PASSPHRASE_FILE and",
    "BUNKER_PASSPHRASE_COMMAND.",
    "",
    "A FIRST BACKUP",
    "",
    "  export BUNKER_STORE=/mnt/disk/store",
    "  bunker init",
    "  bunker backup ~/documents",
    "  bunker snapshots",
    "  bunker restore latest --to ~/restored",
    "",
  ].join("\n");
}
