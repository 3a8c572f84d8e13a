// Output: results on stdout, whole or with an error.
//
// The runtime's plain ways lose lines at exit and hide a closed pipe and a full disk, so results go
// through one buffer of 64 KiB into the runtime's own writer, and every writing is awaited. The
// first failure sticks: all later calls throw it too.

import { utf8 } from "../base/bytes.ts";
import { BunkerError, messageOf, systemCodeOf } from "../base/errors.ts";
import { jsonText } from "./names.ts";

const BUFFER_BYTES = 64 * 1024;

/** Where the bytes go: the runtime's writer, or a test's. */
export interface Sink {
  write(bytes: Uint8Array<ArrayBuffer>): number | Promise<number>;
  flush(): unknown;
  end(): unknown;
}

export class Output {
  /** True where people look on: each piece then goes out at once. */
  readonly isTerminal: boolean;
  readonly #sink: Sink;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #filled = 0;
  #failure: BunkerError | undefined;
  #ended = false;

  constructor(sink: Sink, isTerminal: boolean) {
    this.#sink = sink;
    this.isTerminal = isTerminal;
  }

  /**
   * Writes text or bytes, which are the caller's again when it returns.
   *
   * Throws `broken-pipe` where nobody reads any more and `io` for any other failure.
   */
  async write(piece: string | Uint8Array): Promise<void> {
    const bytes = typeof piece === "string" ? utf8(piece) : piece;
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + BUFFER_BYTES - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === BUFFER_BYTES) await this.flush();
    }
    if (this.isTerminal) await this.flush();
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** One JSON value on a line of its own. */
  async json(value: unknown): Promise<void> {
    await this.line(jsonText(value));
  }

  /** Returns when the system has taken all that was written so far. */
  async flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#filled === 0) return;
    const bytes = this.#buffer.slice(0, this.#filled);
    this.#filled = 0;
    await this.#trying(async () => {
      await this.#sink.write(bytes);
      await this.#sink.flush();
    });
  }

  /** Must be awaited before the exit. A second call does nothing. */
  async end(): Promise<void> {
    if (this.#ended) return;
    await this.flush();
    this.#ended = true;
    await this.#trying(async () => {
      await this.#sink.end();
    });
  }

  async #trying(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#failure ??= outputError(error);
      throw this.#failure;
    }
  }
}

/** Results to this process's stdout. */
export function openOutput(): Output {
  return new Output(Bun.stdout.writer(), process.stdout.isTTY === true);
}

function outputError(error: unknown): BunkerError {
  const code = systemCodeOf(error);
  return code === "EPIPE" || code === "ECONNRESET"
    ? new BunkerError("broken-pipe", "nobody reads the output any more", { cause: error })
    : new BunkerError("io", `cannot write the output: ${messageOf(error)}`, { cause: error });
}
