// Program: what a started program writes, as the content of a file.
//
// Only when it has ended with status 0 is the content whole: else the end is an error, and nothing
// is made of what came.

import { closeSync } from "node:fs";
import { BunkerError, messageOf, systemCodeOf } from "../base/errors.ts";
import { openPipe } from "../system/pipe.ts";
import { Incoming } from "./incoming.ts";

type Child = Bun.Subprocess<"inherit", number, "inherit">;

export interface ProgramOptions {
  /** The program and its arguments, as they are: no shell looks at them. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export class ProgramStream {
  readonly #child: Child;
  readonly #name: string;
  readonly #reader: number;
  readonly #incoming: Incoming;
  #isClosed = false;

  private constructor(child: Child, name: string, reader: number) {
    this.#child = child;
    this.#name = name;
    this.#reader = reader;
    this.#incoming = new Incoming(reader, name);
    void child.exited.then((status) => this.#judge(status));
  }

  /** Starts a program; stdin and stderr are ours. Throws where it can't be started. */
  static start({ command, environment }: ProgramOptions): ProgramStream {
    const [name = ""] = command;
    const pipe = openPipe();
    if (pipe === undefined) {
      throw new BunkerError("io", "programs can't be started with a pipe on this system", {
        hint: `pipe it in: ${name} … | bunker backup --stdin --stdin-name NAME`,
      });
    }
    try {
      const stdio = { stdin: "inherit", stdout: pipe.writer, stderr: "inherit" } as const;
      const child = Bun.spawn([...command], { ...stdio, env: environment });
      return new ProgramStream(child, name, pipe.reader);
    } catch (error) {
      closeSync(pipe.reader);
      throw failedStart(error, name);
    } finally {
      closeSync(pipe.writer);
    }
  }

  /** What comes next; 0 when the program has ended well. */
  async read(view: Uint8Array): Promise<number> {
    const count = await this.#incoming.read(view);
    if (count > 0) return count;
    await this.#judge(await this.#child.exited);
    this.#incoming.throwIfStopped();
    return 0;
  }

  // A program that has failed may have left others behind, which hold the pipe open: their end is
  // not waited for.
  async #judge(status: number): Promise<void> {
    // A signal to the whole group has ended the program first, and is for us too: it is heard now.
    await new Promise((heard) => setImmediate(heard));
    if (status === 0) return;
    const { signalCode } = this.#child;
    const how = signalCode === null ? `with status ${status}` : `by ${signalCode}`;
    const message = `${this.#name} ended ${how}: no snapshot was made`;
    this.#incoming.fail(new BunkerError("io", message, { subject: this.#name }));
  }

  /** Ends the reading with this error. */
  fail(error: Error): void {
    this.#incoming.fail(error);
    this.#end();
  }

  /** Ends the program, if it still runs, and lets go of the pipe. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#end();
    closeSync(this.#reader);
  }

  #end(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGTERM");
    }
  }
}

function failedStart(error: unknown, name: string): BunkerError {
  const code = systemCodeOf(error);
  const why =
    code === "ENOENT"
      ? "there is no such program"
      : code === "EACCES"
        ? "it is not executable"
        : messageOf(error);
  return new BunkerError("io", `${name} can't be started: ${why}`, { cause: error, subject: name });
}
