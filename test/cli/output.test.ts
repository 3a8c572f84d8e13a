// Output: whole through a slow pipe, and never silent about a closed pipe or a full disk.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { isBunkerError } from "../../src/base/errors.ts";
import { Output, type Sink } from "../../src/cli/output.ts";

const EMIT = join(import.meta.dir, "emit.ts");
const LINE_COUNT = 20_000;

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

// The shell tells the status of the program, not that of the pipe's last command.
function runShell(script: string): Outcome {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["bash", "-c", script], {
    env: { ...process.env, BUN: process.execPath, EMIT },
  });
  return { stdout: stdout.toString(), stderr: stderr.toString(), status: exitCode };
}

function memorySink(): Sink & { text(): string; writeCount(): number } {
  const pieces: Uint8Array[] = [];
  return {
    write: (bytes) => pieces.push(bytes),
    flush: () => 0,
    end: () => 0,
    text: () => Buffer.concat(pieces).toString(),
    writeCount: () => pieces.length,
  };
}

function failingSink(code: string): Sink {
  return {
    write: () => 0,
    flush: () => Promise.reject(Object.assign(new Error(`${code}: no`), { code })),
    end: () => 0,
  };
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isBunkerError(error) ? error.code : `no BunkerError: ${String(error)}`;
}

describe("as a process", () => {
  test("a slow reader gets every line", () => {
    // `read` takes one byte at a time, so that the pipe is full from the start.
    const slow = "{ IFS= read -r first; echo \"$first\"; sed -n '$p'; }";
    const found = runShell(`"$BUN" "$EMIT" ${LINE_COUNT} | ${slow}; exit "\${PIPESTATUS[0]}"`);
    expect(found.stderr).toBe("");
    expect(found.stdout.split("\n").map((line) => line.split(" x")[0]!)).toEqual([
      "line 0",
      `line ${LINE_COUNT - 1}`,
      "",
    ]);
    expect(found.status).toBe(0);
  });

  test("all lines arrive, in order", () => {
    const { stdout, status } = runShell(`"$BUN" "$EMIT" ${LINE_COUNT}`);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(LINE_COUNT);
    expect(lines.every((line, index) => line.startsWith(`line ${index} `))).toBe(true);
    expect(status).toBe(0);
  });

  test("a closed pipe ends it quietly with 141", () => {
    const found = runShell(`"$BUN" "$EMIT" 200000 | head -1; exit "\${PIPESTATUS[0]}"`);
    expect(found.stderr).toBe("");
    expect(found.stdout).toStartWith("line 0 ");
    expect(found.status).toBe(141);
  });

  test.each([1, LINE_COUNT])("a full disk is an error, with %d lines too", (lineCount) => {
    const { stderr, status } = runShell(`"$BUN" "$EMIT" ${lineCount} >/dev/full`);
    expect(stderr).toStartWith("bunker: error: cannot write the output: no space left (ENOSPC)");
    expect(status).toBe(1);
  });

  test("a closed stderr is no reason to fail otherwise", () => {
    expect(runShell(`"$BUN" "$EMIT" 1 >/dev/full 2>&-`).status).toBe(1);
    expect(runShell(`"$BUN" "$EMIT" 1 2>/dev/full`).status).toBe(0);
  });
});

describe("the buffer", () => {
  test("joins small pieces and cuts large ones without changing a byte", async () => {
    const sink = memorySink();
    const output = new Output(sink, false);
    const large = "0123456789".repeat(30_000);
    await output.write("ä");
    await output.write(large);
    await output.line("end");
    await output.end();
    expect(sink.text()).toBe(`ä${large}end\n`);
    expect(sink.writeCount()).toBe(5);
  });

  test("keeps a copy: the caller's bytes are his own again", async () => {
    const sink = memorySink();
    const output = new Output(sink, false);
    const bytes = new TextEncoder().encode("before");
    await output.write(bytes);
    bytes.fill(0);
    await output.end();
    expect(sink.text()).toBe("before");
  });

  test("is passed by on a terminal", async () => {
    const sink = memorySink();
    await new Output(sink, true).line("now");
    expect(sink.text()).toBe("now\n");
  });

  test("writes one JSON value a line", async () => {
    const sink = memorySink();
    const output = new Output(sink, false);
    await output.json({ a: "x\ny" });
    await output.json([1]);
    await output.end();
    expect(sink.text()).toBe('{"a":"x\\ny"}\n[1]\n');
  });
});

test("JSON steers no terminal, wherever it goes", async () => {
  for (const isTerminal of [false, true]) {
    const sink = memorySink();
    const output = new Output(sink, isTerminal);
    await output.json({ path: "\u009b2J\u202e" });
    await output.end();
    expect(sink.text()).toBe('{"path":"\\u009b2J\\u202e"}\n');
  }
});

describe("failures", () => {
  test.each([
    ["EPIPE", "broken-pipe"],
    ["ECONNRESET", "broken-pipe"],
    ["ENOSPC", "io"],
    ["EIO", "io"],
  ])("%s is %s, at the latest when it ends", async (systemCode, code) => {
    const output = new Output(failingSink(systemCode), false);
    await output.line("kept back");
    expect(await codeOf(output.end())).toBe(code);
  });

  test("stick", async () => {
    const output = new Output(failingSink("ENOSPC"), true);
    expect(await codeOf(output.line("one"))).toBe("io");
    expect(await codeOf(output.line("two"))).toBe("io");
    expect(await codeOf(output.end())).toBe("io");
  });

  test("of the sink's end count too", async () => {
    const sink = memorySink();
    const broken = {
      ...sink,
      end: () => Promise.reject(Object.assign(new Error("x"), { code: "EIO" })),
    };
    expect(await codeOf(new Output(broken, false).end())).toBe("io");
  });
});
