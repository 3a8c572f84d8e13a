// Prompt: asks for a secret on the terminal, without showing it.
//
// It talks to /dev/tty, so that stdin and stdout may be pipes. While it asks, the terminal is raw
// and the keys arrive as bytes: line end, Ctrl-C, Ctrl-D, erasing. The terminal is put back however
// the asking ends, by a signal too.

import { closeSync, openSync } from "node:fs";
import { ReadStream } from "node:tty";

import { assert } from "../base/assert.ts";
import { equalSecrets, strictTextOf, utf8 } from "../base/bytes.ts";
import { BunkerError, fromSystemError } from "../base/errors.ts";
import { writeNow } from "./messages.ts";

const SECRET_BYTES_MAX = 4096;
const CONFIRM_COUNT_MAX = 3;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const CTRL_C = 3;
const CTRL_D = 4;
const BACKSPACE = 8;
const LINE_FEED = 10;
const RETURN = 13;
const CTRL_U = 21;
const DELETE = 127;

export interface PromptOptions {
  /** "passphrase": shown before the colon. */
  readonly label: string;
  /** Asks twice, until both are equal. */
  readonly confirm: boolean;
  /** An empty answer is an answer; else it is refused. */
  readonly takesEmpty?: boolean;
  /** What to do where there is no terminal. */
  readonly hint: string;
}

/**
 * Asks the person at the terminal.
 *
 * Throws `invalid-argument` where there is no terminal, where the answer is empty, or where it was
 * not repeated, and `interrupted` on Ctrl-C or a signal.
 */
export async function promptSecret(options: PromptOptions): Promise<string> {
  using terminal = openTerminal(options);
  for (let tryCount = 0; tryCount < CONFIRM_COUNT_MAX; tryCount++) {
    const secret = await terminal.ask(`${options.label}: `);
    if (secret === "" && options.takesEmpty !== true)
      throw new BunkerError("invalid-argument", `the ${options.label} is empty`);
    if (!options.confirm) return secret;
    const again = await terminal.ask(`${options.label} again: `);
    if (equalSecrets(utf8(secret), utf8(again))) return secret;
    terminal.say("the two differ: please type them again");
  }
  throw new BunkerError("invalid-argument", `the ${options.label} was not repeated`);
}

/** Shows text on the terminal itself, past stdout; returns false where that was impossible. */
export function showOnTerminal(text: string): boolean {
  const file = openTty();
  if (file === undefined) return false;
  try {
    return writeNow(file, text);
  } finally {
    closeSync(file);
  }
}

function openTty(): number | undefined {
  try {
    return openSync("/dev/tty", "r+");
  } catch {
    return undefined; // No terminal is an answer; the caller says what it means.
  }
}

// One a process: a stream that was let go of would still swallow the next line that is typed.
let terminalOfProcess: Terminal | undefined;

function openTerminal({ label, hint }: PromptOptions): Terminal {
  if (terminalOfProcess === undefined) {
    const file = openTty();
    if (file === undefined) {
      const message = `a ${label} is needed, and there is no terminal to ask on`;
      throw new BunkerError("invalid-argument", message, { hint });
    }
    terminalOfProcess = new Terminal(file);
  }
  terminalOfProcess.begin();
  return terminalOfProcess;
}

class Terminal implements Disposable {
  readonly #file: number;
  readonly #stream: ReadStream;
  readonly #keys = new LineKeys();
  #settle: ((outcome: BunkerError | undefined) => void) | undefined;
  readonly #restore = () => this.#stream.setRawMode(false);
  readonly #interrupt = () => this.#settle?.(interrupted());

  constructor(file: number) {
    this.#file = file;
    this.#stream = new ReadStream(file);
    this.#stream.on("data", (bytes: Uint8Array) => {
      this.#keys.push(bytes);
      if (this.#keys.lineReady) this.#settle?.(undefined);
    });
    this.#stream.on("error", (error) =>
      this.#settle?.(fromSystemError(error, "reading the terminal")),
    );
    this.#stream.on("end", this.#interrupt);
  }

  /** From here to the end of the block the terminal is raw. */
  begin(): void {
    this.#stream.setRawMode(true);
    process.on("exit", this.#restore);
    for (const signal of SIGNALS) process.on(signal, this.#interrupt);
  }

  /** One line, not shown. What was typed ahead counts for the next question. */
  async ask(question: string): Promise<string> {
    writeNow(this.#file, question);
    try {
      if (!this.#keys.lineReady) {
        await new Promise<void>((done, fail) => {
          this.#settle = (failure) => (failure === undefined ? done() : fail(failure));
        });
      }
      return this.#keys.takeLine();
    } finally {
      this.#settle = undefined;
      this.say("");
    }
  }

  say(text: string): void {
    writeNow(this.#file, `${text}\n`);
  }

  [Symbol.dispose](): void {
    this.#restore();
    process.off("exit", this.#restore);
    for (const signal of SIGNALS) process.off(signal, this.#interrupt);
  }
}

/** Turns the bytes of a raw terminal into lines. */
export class LineKeys {
  #typed: number[] = [];
  readonly #lines: (number[] | "interrupted")[] = [];

  get lineReady(): boolean {
    return this.#lines.length > 0;
  }

  push(bytes: Uint8Array): void {
    for (const key of bytes) this.#pushKey(key);
  }

  /** Throws `interrupted` for Ctrl-C (and Ctrl-D on an empty line), `invalid-argument` for junk. */
  takeLine(): string {
    const line = this.#lines.shift();
    assert(line !== undefined, "a line was taken before it was there");
    if (line === "interrupted") throw interrupted();
    if (line.length > SECRET_BYTES_MAX) {
      throw new BunkerError("invalid-argument", `expected at most ${SECRET_BYTES_MAX} bytes`);
    }
    const text = strictTextOf(new Uint8Array(line));
    if (text === undefined) throw new BunkerError("invalid-argument", "the answer is not UTF-8");
    return text;
  }

  #pushKey(key: number): void {
    if (key === CTRL_C || (key === CTRL_D && this.#typed.length === 0)) {
      this.#lines.push("interrupted");
    } else if (key === RETURN || key === LINE_FEED || key === CTRL_D) {
      this.#lines.push(this.#typed);
      this.#typed = [];
    } else if (key === CTRL_U) {
      this.#typed = [];
    } else if (key === BACKSPACE || key === DELETE) {
      this.#eraseCharacter();
    } else if (this.#typed.length <= SECRET_BYTES_MAX) {
      this.#typed.push(key); // One more than allowed, so that `takeLine` can tell.
    }
  }

  // UTF-8's continuation bytes go together with the byte that leads them.
  #eraseCharacter(): void {
    while ((this.#typed.pop() ?? 0) >> 6 === 0b10);
  }
}

function interrupted(): BunkerError {
  return new BunkerError("interrupted", "interrupted while a secret was asked for");
}
