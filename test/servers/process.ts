// Process: programs of others that run beside a test, and end with it.
//
// They run in the foreground, as children, with their output in a file. Where there is setpriv the
// system ends them too when the test's own process dies.

import { closeSync, openSync, readFileSync } from "node:fs";

export interface Child extends AsyncDisposable {
  /** The end of what it has written so far, for messages of errors. */
  output(): string;
  readonly hasEnded: boolean;
}

/** What a program gets beside the path and the home; nothing else of ours, such as keys. */
type Environment = Readonly<Record<string, string | undefined>>;

const SETPRIV = Bun.which("setpriv");
const OUTPUT_LENGTH_MAX = 4000;
const POLL_MS = 20;
const START_MS_MAX = 30_000;

/** The same command, which the system ends together with this process. */
export function tied(command: readonly string[]): string[] {
  return [...(SETPRIV === null ? [] : [SETPRIV, "--pdeathsig", "KILL"]), ...command];
}

/** Starts a program whose output goes to a file. At the end of the block it is killed at once. */
export function startProgram(
  command: readonly string[],
  options: { readonly log: string; readonly env?: Environment },
): Child {
  const log = openSync(options.log, "a");
  const child = Bun.spawn(tied(command), {
    env: { ...plainEnvironment(), ...options.env },
    stdout: log,
    stderr: log,
  });
  closeSync(log);
  return {
    output: () => readFileSync(options.log, "utf8").slice(-OUTPUT_LENGTH_MAX),
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Runs a program to its end and gives its stdout; throws with its stderr where it fails. */
export async function runProgram(
  command: readonly string[],
  options: { readonly env?: Environment; readonly input?: string } = {},
): Promise<string> {
  const child = Bun.spawn([...command], {
    env: { ...plainEnvironment(), ...options.env },
    stdin: Buffer.from(options.input ?? ""),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status === 0) return stdout;
  throw new Error(`${command.join(" ")} ended with ${status}\n${stdout}${stderr}`);
}

function plainEnvironment(): Environment {
  return { PATH: process.env["PATH"], HOME: process.env["HOME"] };
}

/** Waits until the server answers, with whatever status; throws where its program has ended. */
export async function waitForAnswer(url: string, child: Child): Promise<void> {
  const start = performance.now();
  while (!(await answers(url))) {
    if (child.hasEnded) throw new Error(`the server ended before it answered\n${child.output()}`);
    if (performance.now() - start > START_MS_MAX) {
      throw new Error(`no answer from ${url}\n${child.output()}`);
    }
    await Bun.sleep(POLL_MS);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { keepalive: false });
    await response.body?.cancel();
    return true;
  } catch {
    return false; // It does not listen yet.
  }
}

/** Ports of loopback that were free a moment ago, all different. */
export function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () =>
    Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }),
  );
  const ports = listeners.map(({ port }) => port);
  for (const listener of listeners) listener.stop(true);
  return ports;
}

/** Somebody else may take the port in the moment before the server does: another try, then. */
export async function withRetries<T>(start: () => Promise<T>): Promise<T> {
  for (let left = 2; ; left--) {
    try {
      return await start();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}
