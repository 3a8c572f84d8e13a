// Messages: what people are told, on stderr, one line each: "bunker: error: …".
//
// They are written synchronously, so that none is lost at exit and none overtakes another. A
// terminal's progress line is cleared before each. Whoever closed stderr misses them: a message
// that can't be written is no reason to fail a backup.

import { writeSync } from "node:fs";

import { AssertionError } from "../base/assert.ts";
import { utf8 } from "../base/bytes.ts";
import { isBunkerError, messageOf, placeOf, rawMessageOf, systemCodeOf } from "../base/errors.ts";
import type { Finding } from "../store/findings.ts";
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

  /** Says what an error means; a closed pipe is quiet, a fault of ours says where it was. */
  report(error: unknown): void {
    if (isBunkerError(error, "broken-pipe")) return;
    if (!isBunkerError(error)) return this.fault(error);
    this.error(textOfError(error));
    const hint = error.hint ?? HINT_OF_CODE[error.code];
    if (hint !== undefined) this.hint(hint);
  }

  /** Says a fault of ours on one line, with the place where it was, and asks to report it. */
  fault(error: unknown): void {
    const kind = error instanceof AssertionError ? "a check inside bunker failed" : "unexpected";
    const place = placeOf(error);
    const text = `${kind}: ${rawMessageOf(error)}${place === undefined ? "" : ` (at ${place})`}`;
    this.error(`${text}; this is a fault of bunker, please report it`);
  }

  #line(kind: string, message: string): void {
    this.beforeMessage();
    this.#write(`bunker: ${kind}${printableText(message)}\n`);
  }
}

const HINT_OF_CODE: Readonly<Record<string, string>> = {
  "unsupported-version": "update bunker",
  // Of the storage: a full disk of this machine has another code.
  full: "run again when there is room",
};

/** The message with its subject in front, unless the message names it already. */
export function textOfError(error: unknown): string {
  const message = messageOf(error);
  if (!isBunkerError(error) || error.subject === undefined) return message;
  return message.includes(error.subject) ? message : `${shownSubject(error.subject)}: ${message}`;
}

/** The message of a finding with its subject in front, unless it begins with it. */
export function textOfFinding({ subject, message }: Finding): string {
  return message.startsWith(subject) ? message : `${shownSubject(subject)}: ${message}`;
}

/** A subject as people and JSON get it: the top of a snapshot is `SNAP:/`, not `SNAP:`. */
export function shownSubject(subject: string): string {
  return subject.endsWith(":") ? `${subject}/` : subject;
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
