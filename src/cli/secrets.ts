// Secrets: where the passphrase, the key or the recovery phrase comes from.
//
// Exactly one of five environment variables, else a question on the terminal. Secrets never come
// from arguments, which every user of the machine can read, and never enter a message.

import { strictTextOf } from "../base/bytes.ts";
import { BunkerError, fromSystemError, ofThisMachine } from "../base/errors.ts";
import type { Environment } from "./locations.ts";
import { readPrivateFile, textOfFile, warnIfOpen } from "./private-file.ts";
import { promptSecret, type PromptOptions } from "./prompt.ts";

const SECRET_FILE_BYTES_MAX = 64 * 1024;

/** The variables of the environment that may hold a secret or say where it is. */
export const SECRET_VARIABLES = [
  "BUNKER_PASSPHRASE",
  "BUNKER_PASSPHRASE_FILE",
  "BUNKER_PASSPHRASE_COMMAND",
  "BUNKER_KEY_FILE",
  "BUNKER_PHRASE_FILE",
] as const;

type Variable = (typeof SECRET_VARIABLES)[number];

/** Those that give a passphrase. */
export const PASSPHRASE_VARIABLES = SECRET_VARIABLES.slice(0, 3);

export interface Secret {
  /** "phrase" is the recovery phrase. */
  readonly kind: "passphrase" | "key" | "phrase";
  readonly text: string;
}

export interface SecretOptions {
  /** A new passphrase: where it is typed, it is typed twice. */
  readonly confirm?: boolean;
  /** What is asked for on the terminal. */
  readonly label?: string;
  /** The variables that may be set; all of them unless given. */
  readonly variables?: readonly Variable[];
  /** What a variable is called to people, where it is not called by its name. */
  readonly nameOf?: (variable: Variable) => string;
  /** Told where a file with a secret is readable by others. */
  readonly warn: (message: string) => void;
  /** How to ask; a test's own, or the terminal. */
  readonly ask?: (options: PromptOptions) => Promise<string>;
}

/**
 * Finds the secret that opens the store.
 *
 * Throws `invalid-argument` where several variables are set, or one gives nothing; `interrupted`
 * where the person gives up; what the system says where a file can't be read.
 */
export async function findSecret(
  environment: Environment,
  options: SecretOptions,
): Promise<Secret> {
  const { confirm = false, label = "passphrase", warn, ask = promptSecret } = options;
  const { variables = SECRET_VARIABLES, nameOf = (variable) => variable } = options;
  const variable = variableIn(environment, nameOf);
  if (variable === undefined) {
    const hint = `set one of ${variables.map(nameOf).join(", ")}`;
    return { kind: "passphrase", text: await ask({ label, confirm, hint }) };
  }
  return readVariable(variable, environment[variable] ?? "", nameOf(variable), warn);
}

async function readVariable(
  variable: Variable,
  value: string,
  name: string,
  warn: (message: string) => void,
): Promise<Secret> {
  if (value === "") throw new BunkerError("invalid-argument", `${name} is set but empty`);
  switch (variable) {
    case "BUNKER_PASSPHRASE":
      return { kind: "passphrase", text: value };
    case "BUNKER_PASSPHRASE_FILE":
      return { kind: "passphrase", text: firstLine(readSecretFile(value, warn), name) };
    case "BUNKER_PASSPHRASE_COMMAND":
      return { kind: "passphrase", text: await lineOfCommand(value, name) };
    case "BUNKER_KEY_FILE":
      return { kind: "key", text: firstLine(readSecretFile(value, warn), name) };
    case "BUNKER_PHRASE_FILE":
      return { kind: "phrase", text: wordsOf(readSecretFile(value, warn), name) };
  }
}

function variableIn(
  environment: Environment,
  nameOf: (variable: Variable) => string,
): Variable | undefined {
  const set = SECRET_VARIABLES.filter((variable) => environment[variable] !== undefined);
  if (set.length <= 1) return set[0];
  const names = set.map(nameOf).join(" and ");
  throw new BunkerError("invalid-argument", `expected one secret, found ${names}`, {
    hint: `unset all but one of them`,
  });
}

/** Reads a small file that holds a secret, and warns where others could read it too. */
export function readSecretFile(path: string, warn: (message: string) => void): string {
  const file = readPrivateFile(path, "the file with the secret", SECRET_FILE_BYTES_MAX);
  warnIfOpen(file, warn);
  return textOfFile(file);
}

/**
 * The first line of what a command of the shell says. `name` is what messages call it: the command
 * itself may hold a secret.
 */
export async function lineOfCommand(command: string, name: string): Promise<string> {
  return firstLine(await runCommand(command, name), name);
}

async function runCommand(command: string, name: string): Promise<string> {
  const { bytes, status } = await outputOf(command).catch((error: unknown) => {
    throw ofThisMachine(fromSystemError(error, `cannot run ${name}`));
  });
  if (status !== 0) throw new BunkerError("io", `expected status 0 of ${name}, found ${status}`);
  return decodeSecret(bytes, name);
}

async function outputOf(command: string): Promise<{ bytes: Uint8Array; status: number }> {
  const child = Bun.spawn(["sh", "-c", command], {
    env: withoutSecrets(process.env),
    stdin: "inherit",
    stdout: "pipe",
    stderr: "inherit",
  });
  const bytes = await new Response(child.stdout).bytes();
  return { bytes, status: await child.exited };
}

/**
 * An environment for other programs: nothing of what opens a store, now or later, nor bunker's own
 * key of a bucket. The names of AWS stay: a command that fetches a secret may need them.
 */
export function withoutSecrets(environment: Environment): Record<string, string | undefined> {
  const secret = /^(?:BUNKER_(?:NEW_)?(?:PASSPHRASE|PHRASE|KEY)(?:_|$)|B2_APPLICATION_KEY$)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !secret.test(name)));
}

function decodeSecret(bytes: Uint8Array, subject: string): string {
  const text = strictTextOf(bytes);
  if (text === undefined) {
    throw new BunkerError("invalid-argument", "expected UTF-8, found other bytes", { subject });
  }
  return text;
}

/** Throws `invalid-argument` where it is empty. */
export function firstLine(text: string, variable: string): string {
  const line = /^[^\r\n]*/.exec(text)![0];
  if (line === "") throw new BunkerError("invalid-argument", `${variable} gives an empty line`);
  return line;
}

function wordsOf(text: string, variable: string): string {
  const words = text.trim().split(/\s+/).join(" ");
  if (words === "") throw new BunkerError("invalid-argument", `${variable} gives no words`);
  return words;
}
