// Messages: one line each, with the hint where there is something to do.

import { expect, test } from "bun:test";

import { AssertionError } from "../../src/base/assert.ts";
import { BunkerError } from "../../src/base/errors.ts";
import { Messages, textOfError, textOfFinding } from "../../src/cli/messages.ts";

function collect(action: (messages: Messages) => void): string {
  let text = "";
  action(new Messages((piece) => (text += piece)));
  return text;
}

test("an error is one line", () => {
  const error = new BunkerError("io", "disk on fire");
  expect(collect((messages) => messages.report(error))).toBe("bunker: error: disk on fire\n");
});

test("the subject is named, once", () => {
  const unnamed = new BunkerError("not-found", "no such file", { subject: "a/b" });
  expect(collect((messages) => messages.report(unnamed))).toBe(
    "bunker: error: a/b: no such file\n",
  );
  const named = new BunkerError("not-found", "cannot read a/b", { subject: "a/b" });
  expect(collect((messages) => messages.report(named))).toBe("bunker: error: cannot read a/b\n");
});

test("the top of a snapshot is named by its slash, not by a colon more", () => {
  const error = new BunkerError("corrupt", "it does not open", { subject: "0123456789:" });
  expect(textOfError(error)).toBe("0123456789:/: it does not open");
  const finding = { subject: "0123456789:", message: "it does not open" };
  expect(textOfFinding(finding)).toBe("0123456789:/: it does not open");
  expect(textOfFinding({ ...finding, subject: "0123456789:/a" })).toBe(
    "0123456789:/a: it does not open",
  );
  expect(textOfFinding({ subject: "keys/a", message: "keys/a is damaged" })).toBe(
    "keys/a is damaged",
  );
});

test("a hint has a line of its own", () => {
  const error = new BunkerError("no-store", "no store in x", { hint: "bunker init makes one" });
  expect(collect((messages) => messages.report(error))).toBe(
    "bunker: error: no store in x\nbunker: hint: bunker init makes one\n",
  );
});

test("a newer format has its hint without anybody giving it", () => {
  const error = new BunkerError("unsupported-version", "expected version 1, found 2");
  expect(collect((messages) => messages.report(error))).toEndWith(
    "\nbunker: hint: update bunker\n",
  );
});

test("a closed pipe is quiet", () => {
  expect(collect((messages) => messages.report(new BunkerError("broken-pipe", "x")))).toBe("");
});

test("a fault of ours shows where it was and asks for a report", () => {
  const text = collect((messages) => messages.report(new AssertionError("two is not one")));
  expect(text).toStartWith("bunker: error: a check inside bunker failed: two is not one (at ");
  expect(text).toContain("this is a fault of bunker, please report it");
  expect(text.trimEnd()).not.toContain("\n");
});

test("anything thrown is told", () => {
  expect(collect((messages) => messages.report("words"))).toStartWith(
    "bunker: error: unexpected: words;",
  );
});

test("a message can't steer the terminal or fake a second line", () => {
  expect(collect((messages) => messages.warning("a\nbunker: error: b\u001b[2J"))).toBe(
    "bunker: warning: a\\x0abunker: error: b\\x1b[2J\n",
  );
});

test("whoever keeps a line is asked to clear it first", () => {
  let text = "";
  const messages = new Messages((piece) => (text += piece));
  messages.beforeMessage = () => (text += "<cleared>");
  messages.notice("hello");
  expect(text).toBe("<cleared>bunker: hello\n");
});
