// Messages: what people are told, on stderr, one line each: "bunker: error: …".
//
// They are written synchronously, so that none is lost at exit and none overtakes another. A
// terminal's progress line is cleared before each. Whoever closed stderr misses them: a message
// that can't be written is no reason to fail a backup.

import { writeSync } from "node:fs";

import { utf8 } from "../base/bytes.ts";
import { isBunkerError, messageOf, systemCodeOf } from "../base/errors.ts";
import { printableText } from "./names.ts";

const STDERR = 2;
// A pipe shared with others may be non-blocking and full: 100 times 20 ms, then the rest is lost.
const RETRY_COUNT_MAX = 100;
const RETRY_MS = 20;

export class Messages {
  /** Set by whoever keeps a line on the terminal. */
  beforeMessage: () => void = () => {};
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void = writeStderr) {
    this.#write = write;
  }

  error(message: string): void {
    this.#line("error: ", message);
  }

  warning(message: string): void {
    this.#line("warning: ", message);
  }

  hint(message: string): void {
    this.#line("hint: ", message);
  }

  notice(message: string): void {
    this.#line("", message);
  }

  /** Text of our own, as it is. */
  text(text: string): void {
    this.beforeMessage();
    this.#write(text);
  }

  /** Says what an error means; a closed pipe is quiet, a fault of ours shows where it was. */
  report(error: unknown): void {
    if (isBunkerError(error, "broken-pipe")) return;
    this.error(textOfError(error));
    if (isBunkerError(error)) {
      const hint = error.hint ?? HINT_OF_CODE[error.code];
      if (hint !== undefined) this.hint(hint);
      return;
    }
    this.#write(`${stackOf(error)}\n`);
    this.hint("this is a fault in bunker itself: please report it with the lines above");
  }

  #line(kind: string, message: string): void {
    this.beforeMessage();
    this.#write(`bunker: ${kind}${printableText(message)}\n`);
  }
}

const HINT_OF_CODE: Readonly<Record<string, string>> = {
  "unsupported-version": "a newer version of bunker wrote this: update bunker",
};

/** The message with its subject in front, unless the message names it already. */
export function textOfError(error: unknown): string {
  const message = messageOf(error);
  if (!isBunkerError(error) || error.subject === undefined) return message;
  return message.includes(error.subject) ? message : `${error.subject}: ${message}`;
}

/** Writes to stderr now; gives up in silence where that is impossible. */
export function writeStderr(text: string): void {
  writeNow(STDERR, text);
}

/** Writes text to an open file or terminal at once; returns false where some of it was lost. */
export function writeNow(file: number, text: string): boolean {
  let rest = utf8(text);
  for (let retryCount = 0; rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(file, rest));
    } catch (error) {
      if (systemCodeOf(error) !== "EAGAIN" || retryCount === RETRY_COUNT_MAX) return false;
      retryCount++;
      Bun.sleepSync(RETRY_MS);
    }
  }
  return true;
}

function stackOf(error: unknown): string {
  const stack = error instanceof Error ? error.stack : undefined;
  return (stack ?? "(no stack)").split("\n").map(printableText).join("\n");
}
