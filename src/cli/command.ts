// Command: what a command is, and how its words are parsed.
//
// citty renders the help; the words themselves are parsed strictly by the runtime, because an
// unknown or repeated option must be an error and not be swallowed.

import { renderUsage } from "citty";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { BunkerError, messageOf } from "../base/errors.ts";
import type { ExitStatus } from "./exit.ts";
import { similarTo } from "./similar.ts";
import type { Wiring } from "./wiring.ts";

export interface OptionDefinition {
  readonly type: "string" | "boolean";
  readonly description: string;
  /** For strings: what the value is, as in `--tag TAG`. */
  readonly valueHint?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  readonly short?: string;
}

export interface CommandDefinition {
  readonly name: string;
  readonly description: string;
  /** How the words are shown in the help: `SOURCE…`. */
  readonly words?: string;
  /** Fewest and most words that are not options. */
  readonly wordCount: readonly [number, number];
  readonly options: Readonly<Record<string, OptionDefinition>>;
  /** Whole command lines that show the use. */
  readonly examples?: readonly string[];
  /** Puts the arguments into the form that `options` describe. */
  readonly rewrite?: (argument: string) => string;
  run(wiring: Wiring, words: Words): Promise<ExitStatus>;
}

/** Parsed words. Getters assert that the option is defined as such. */
export class Words {
  readonly positionals: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #given: readonly GivenOption[];

  constructor(
    positionals: readonly string[],
    values: Readonly<Record<string, unknown>>,
    given: readonly GivenOption[] = [],
  ) {
    this.positionals = positionals;
    this.#values = values;
    this.#given = given;
  }

  isGiven(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  /** All values of these options, in the order in which they were given. */
  inOrder(names: readonly string[]): readonly GivenOption[] {
    return this.#given.filter(({ name }) => names.includes(name));
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? (value as string[]) : [];
  }
}

/** One option as it stands among the words. */
export interface GivenOption {
  readonly name: string;
  readonly value: string;
}

/** Options that every command has. */
export const COMMON_OPTIONS = {
  store: {
    type: "string",
    valueHint: "STORE",
    description: "Folder, b2:// or s3://BUCKET/PREFIX, @NAME (default: BUNKER_STORE)",
  },
  json: { type: "boolean", description: "Write results as JSON, for scripts" },
  help: { type: "boolean", short: "h", description: "Show this help" },
} as const satisfies Record<string, OptionDefinition>;

/** Options of every command that may speak to a bucket. */
export const BUCKET_OPTIONS = {
  connections: {
    type: "string",
    valueHint: "N",
    description: "Buckets: how many requests at once, at most (default: 6)",
  },
  "limit-upload": {
    type: "string",
    valueHint: "RATE",
    description: "Buckets: bytes a second up, at most, as 500k or 10M",
  },
  "limit-download": {
    type: "string",
    valueHint: "RATE",
    description: "Buckets: bytes a second down, at most",
  },
  "limit-requests": {
    type: "string",
    valueHint: "N",
    description: "Buckets: requests a second, at most",
  },
} as const satisfies Record<string, OptionDefinition>;

/** Options of every command that opens a store. */
export const OPEN_OPTIONS = {
  ...COMMON_OPTIONS,
  ...BUCKET_OPTIONS,
  label: {
    type: "string",
    valueHint: "LABEL",
    description: "This machine's name (default: BUNKER_LABEL, or the host name)",
  },
  trust: {
    type: "string",
    multiple: true,
    valueHint: "ID",
    description: "Rely on what this writer stored, though not certified",
  },
} as const satisfies Record<string, OptionDefinition>;

/** Parses the words after the command's name. Throws `invalid-argument`. */
export function parseWords(definition: CommandDefinition, rawArgs: readonly string[]): Words {
  const help = `bunker ${definition.name} --help`;
  const hint = `see: ${help}`;
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: rewritten(definition, rawArgs),
      options: optionsOf(definition),
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
  } catch (error) {
    const message = messageOfParser(error);
    const unknown = /^unknown option --(\S+)$/.exec(message)?.[1];
    const similar =
      unknown === undefined ? undefined : similarTo(unknown, Object.keys(definition.options));
    throw new BunkerError("invalid-argument", message, {
      cause: error,
      hint: similar === undefined ? hint : `did you mean: --${similar}? All options: ${help}`,
    });
  }
  const [fewest, most] = definition.wordCount;
  const count = parsed.positionals.length;
  if (parsed.values["help"] !== true && (count < fewest || count > most)) {
    const wanted = definition.words ?? "options only";
    const found = count === 0 ? "nothing" : parsed.positionals.join(" ");
    throw new BunkerError("invalid-argument", `expected ${wanted}, found ${found}`, { hint });
  }
  const given = (parsed.tokens ?? []).flatMap((token) =>
    token.kind === "option" && token.value !== undefined
      ? [{ name: token.name, value: token.value }]
      : [],
  );
  return new Words(parsed.positionals, parsed.values, given);
}

// What follows "--" is meant as it stands.
function rewritten({ rewrite }: CommandDefinition, rawArgs: readonly string[]): string[] {
  if (rewrite === undefined) return [...rawArgs];
  const end = rawArgs.includes("--") ? rawArgs.indexOf("--") : rawArgs.length;
  return rawArgs.map((argument, index) => (index < end ? rewrite(argument) : argument));
}

function optionsOf(definition: CommandDefinition): ParseArgsOptionsConfig {
  return Object.fromEntries(
    Object.entries(definition.options).map(([name, { type, multiple, short }]) => [
      name,
      {
        type,
        ...(multiple === true ? { multiple } : {}),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
}

/** The help of one command. */
export async function helpOf(definition: CommandDefinition): Promise<string> {
  const args = Object.fromEntries(
    Object.entries(definition.options).map(([name, option]) => [
      name,
      {
        type: option.type,
        description:
          option.multiple === true ? `${option.description} (repeatable)` : option.description,
        ...(option.valueHint === undefined ? {} : { valueHint: option.valueHint }),
        ...(option.short === undefined ? {} : { alias: option.short }),
      },
    ]),
  );
  const words = definition.words === undefined ? "" : ` ${definition.words}`;
  const usage = await renderUsage({ meta: { name: `bunker ${definition.name}${words}` }, args });
  // citty's own first line repeats the usage.
  const body = usage.slice(usage.indexOf("\n") + 1).trim();
  const lines = alignedLeft(body.split("\n").map((line) => line.trimEnd()));
  const examples = (definition.examples ?? []).map((example) => `  ${example}`);
  const tail = examples.length === 0 ? [] : ["", "EXAMPLES", "", ...examples];
  return plainText([definition.description, "", ...lines, ...tail, ""].join("\n"));
}

// citty aligns options to the right, with the colours in between.
function alignedLeft(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const found = /^( +)((?:\S+ )*\S+ {2,})(\S.*)$/.exec(Bun.stripANSI(line));
    if (found === null) return line;
    const [, indent = "", option = "", description = ""] = found;
    return `  ${option.trimEnd().padEnd(indent.length + option.length - 2)}${description}`;
  });
}

/** citty colours its help; what goes to a file or a pipe has no colours. */
export function plainText(text: string): string {
  return process.stdout.isTTY ? text : Bun.stripANSI(text);
}

// The runtime's first sentence, in our own form: "unknown option --nope".
function messageOfParser(error: unknown): string {
  const [first = ""] = messageOf(error).split(". ");
  const plain = first
    .replaceAll("'", "")
    .replace(/^Option (.*) argument missing$/, "$1: expected a value");
  return plain.slice(0, 1).toLowerCase() + plain.slice(1);
}
