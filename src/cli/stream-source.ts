// Stream source: `backup --stdin` and `backup --command`, from their words to a source.

import { BunkerError } from "../base/errors.ts";
import type { Monitor } from "../base/monitor.ts";
import { Incoming } from "../source/incoming.ts";
import { ProgramStream } from "../source/program.ts";
import type { Source } from "../source/source.ts";
import { openStreamSource } from "../source/stream.ts";
import { readAccounts } from "../system/accounts.ts";
import { systemWorld } from "../system/world.ts";
import type { OptionDefinition, Words } from "./command.ts";
import { withoutSecrets } from "./secrets.ts";
import type { Wiring } from "./wiring.ts";

const STDIN = 0;

export const STREAM_OPTIONS = {
  stdin: { type: "boolean", description: "Back up what comes in on stdin, as one file" },
  command: {
    type: "boolean",
    description: "Back up what a program writes: --command -- PROGRAM ARGUMENT…",
  },
  "stdin-name": {
    type: "string",
    valueHint: "NAME",
    description: "What that file is called; may have folders (db/dump.sql)",
  },
} as const satisfies Record<string, OptionDefinition>;

export const STREAM_EXAMPLES = [
  "pg_dump mail | bunker backup --stdin --stdin-name mail.sql",
  "bunker backup --stdin-name mail.sql --command -- pg_dump mail",
];

/** A source whose content comes once, and what must be closed after the run. */
export interface StreamInput extends Disposable {
  readonly source: Source;
}

interface Feed {
  read(view: Uint8Array): Promise<number>;
  fail(error: Error): void;
  close(): void;
}

/** Whether the words ask for a stream. */
export function wantsStream(words: Words): boolean {
  return words.flag("stdin") || words.flag("command") || words.text("stdin-name") !== undefined;
}

/**
 * The stream that the words ask for. Nothing is read, and no program started, before the backup
 * comes to it. `others` are the options that only files know. Throws `invalid-argument` where the
 * words contradict each other.
 */
export function openStreamInput(
  wiring: Wiring,
  words: Words,
  { monitor, others }: { readonly monitor: Monitor; readonly others: readonly string[] },
): StreamInput {
  const name = checkWords(words, others);
  const feed = new LazyFeed(() => startFeed(wiring, words));
  wiring.interrupted.catch((error: unknown) => {
    feed.fail(error instanceof Error ? error : new Error(String(error)));
  });
  let bytesDone = 0;
  const source = openStreamSource({
    name,
    userId: process.geteuid?.() ?? 0,
    groupId: process.getegid?.() ?? 0,
    accounts: readAccounts(),
    now: () => systemWorld.now(),
    read: async (view) => {
      const count = await feed.read(view);
      bytesDone += count;
      monitor.progress({ filesDone: 0, bytesDone, subject: name });
      return count;
    },
  });
  return { source, [Symbol.dispose]: () => feed.close() };
}

// Started when it is first read.
class LazyFeed implements Feed {
  readonly #start: () => Feed;
  #feed: Feed | undefined;
  #failure: Error | undefined;

  constructor(start: () => Feed) {
    this.#start = start;
  }

  async read(view: Uint8Array): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#feed ??= this.#start();
    return this.#feed.read(view);
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#feed?.fail(error);
  }

  close(): void {
    this.#feed?.close();
  }
}

function startFeed(wiring: Wiring, words: Words): Feed {
  if (words.flag("command")) {
    const environment = withoutSecrets(wiring.environment);
    return ProgramStream.start({ command: words.positionals, environment });
  }
  const incoming = new Incoming(STDIN, "stdin");
  return {
    read: (view) => incoming.read(view),
    fail: (error) => incoming.fail(error),
    close: () => undefined,
  };
}

// Returns the name.
function checkWords(words: Words, others: readonly string[]): string {
  const name = words.text("stdin-name");
  const isCommand = words.flag("command");
  if (isCommand && words.flag("stdin")) throw wrong("expected --stdin or --command, found both");
  if (!isCommand && !words.flag("stdin")) {
    throw wrong("--stdin-name: expected --stdin or --command with it", "give --stdin");
  }
  if (name === undefined || name === "") {
    throw wrong("what comes in has no name", "give --stdin-name NAME");
  }
  checkPositionals(words.positionals, isCommand);
  const other = others.find((option) => words.isGiven(option));
  if (other !== undefined) throw wrong(`--${other} is for files and folders, not for a stream`);
  return name;
}

function checkPositionals(positionals: readonly string[], isCommand: boolean): void {
  if (!isCommand && positionals.length > 0) {
    throw wrong(`--stdin: expected no source beside it, found ${positionals.join(" ")}`);
  }
  if (isCommand && (positionals[0] ?? "") === "") {
    throw wrong("--command: expected a program, found nothing", "give -- PROGRAM ARGUMENT…");
  }
}

function wrong(message: string, hint = "see: bunker backup --help"): BunkerError {
  return new BunkerError("invalid-argument", message, { hint });
}
