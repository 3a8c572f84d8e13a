// The prompt, on a real terminal: nothing typed is shown, and the terminal is put back.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { utf8 } from "../../src/base/bytes.ts";
import { LineKeys } from "../../src/cli/prompt.ts";
import { converse as converseOn, type Shown } from "../support/terminal.ts";

const ASK = join(import.meta.dir, "ask.ts");

const environment = { ...process.env, BUN: process.execPath, ASK };

function converse(script: string, steps: Parameters<typeof converseOn>[1]): Promise<Shown> {
  return converseOn(script, steps, { environment });
}

// Stdin and stdout are pipes; afterwards the terminal's state is shown.
const once = 'echo data | "$BUN" "$ASK" | cat; status=${PIPESTATUS[1]}';
const after = 'stty -a | grep -o -- "-\\?\\becho\\b"';

describe.skipIf(Bun.which("setsid") === null)("on a terminal", () => {
  test("the answer arrives and is not shown", async () => {
    const { shown, status } = await converse(`${once}; ${after}`, [["passphrase: ", "hünter2\r"]]);
    expect(shown).toBe('passphrase: \r\ngot "hünter2"\r\necho\r\n');
    expect(status).toBe(0);
  });

  test("a new one is typed twice, and again where the two differ", async () => {
    const script = `"$BUN" "$ASK" confirm; status=$?`;
    const { shown, status } = await converse(script, [
      ["passphrase: ", "one\r"],
      ["passphrase again: ", "two\r"],
      ["passphrase: ", "three\r"],
      ["passphrase again: ", "three\r"],
    ]);
    expect(shown).toContain("the two differ");
    expect(shown).toContain('got "three"');
    expect(status).toBe(0);
  });

  test("Ctrl-C ends it with 130 and puts the terminal back", async () => {
    const { shown, status } = await converse(`${once}; ${after}`, [["passphrase: ", "hal\u0003"]]);
    expect(shown).toContain("bunker: error: interrupted");
    expect(shown).toEndWith("\r\necho\r\n");
    expect(status).toBe(130);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("so does %s", async (signal) => {
    const script = `bash -c 'echo "pid $$."; exec "$BUN" "$ASK"'; status=$?; ${after}`;
    const { shown, status } = await converse(script, [
      ["passphrase: ", (text) => void process.kill(Number(/pid (\d+)/.exec(text)![1]), signal)],
    ]);
    expect(shown).toContain("bunker: error: interrupted");
    expect(shown).toEndWith("\r\necho\r\n");
    expect(status).toBe(130);
  });

  test("a second question in the same process gets its answer", async () => {
    const { shown, status } = await converse(`"$BUN" "$ASK" twice; status=$?; ${after}`, [
      ["passphrase: ", "one\r"],
      ["passphrase: ", "two\r"],
    ]);
    expect(shown).toBe('passphrase: \r\npassphrase: \r\ngot "one two"\r\necho\r\n');
    expect(status).toBe(0);
  });

  test("an empty answer is refused", async () => {
    const { shown, status } = await converse(once, [["passphrase: ", "\r"]]);
    expect(shown).toContain("bunker: error: the passphrase is empty");
    expect(status).toBe(2);
  });

  test("without a terminal the error says what to set", () => {
    const { stderr, exitCode } = Bun.spawnSync(["setsid", "--wait", process.execPath, ASK]);
    expect(stderr.toString()).toBe(
      "bunker: error: a passphrase is needed, and there is no terminal to ask on\n" +
        "bunker: hint: set SOMETHING\n",
    );
    expect(exitCode).toBe(2);
  });
});

describe("keys", () => {
  function linesOf(...typed: (string | Uint8Array)[]): string[] {
    const keys = new LineKeys();
    for (const piece of typed) keys.push(typeof piece === "string" ? utf8(piece) : piece);
    const lines: string[] = [];
    while (keys.lineReady) lines.push(keys.takeLine());
    return lines;
  }

  test("make lines, with any line end", () => {
    expect(linesOf("one\rtwo\nthree")).toEqual(["one", "two"]);
  });

  test("erase whole characters, and nothing where there is none", () => {
    expect(linesOf("\u007faü\u007f漢\u0008b\r")).toEqual(["ab"]);
  });

  test("Ctrl-U erases the line, Ctrl-D ends it", () => {
    expect(linesOf("wrong\u0015right\u0004")).toEqual(["right"]);
  });

  test("one character may come in two pieces", () => {
    expect(linesOf(new Uint8Array([0xc3]), new Uint8Array([0xbc, 13]))).toEqual(["ü"]);
  });

  test("Ctrl-C, and Ctrl-D on an empty line, interrupt", () => {
    expect(() => linesOf("abc\u0003")).toThrow("interrupted");
    expect(() => linesOf("\u0004")).toThrow("interrupted");
  });

  test("what is no UTF-8 is refused, so is what is too long", () => {
    expect(() => linesOf(new Uint8Array([0xff, 13]))).toThrow("not UTF-8");
    expect(linesOf(`${"x".repeat(4096)}\r`)[0]).toHaveLength(4096);
    expect(() => linesOf(`${"x".repeat(4097)}\r`)).toThrow("expected at most 4096 bytes");
  });
});
