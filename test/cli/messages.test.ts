// Messages: one line each, with the hint where there is something to do.

import { expect, test } from "bun:test";

import { AssertionError } from "../../src/base/assert.ts";
import { BunkerError } from "../../src/base/errors.ts";
import { Messages } from "../../src/cli/messages.ts";

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

test("a hint has a line of its own", () => {
  const error = new BunkerError("no-store", "no store in x", { hint: "bunker init makes one" });
  expect(collect((messages) => messages.report(error))).toBe(
    "bunker: error: no store in x\nbunker: hint: bunker init makes one\n",
  );
});

test("a newer format has its hint without anybody giving it", () => {
  const error = new BunkerError("unsupported-version", "expected version 1, found 2");
  expect(collect((messages) => messages.report(error))).toContain("bunker: hint: a newer version");
});

test("a closed pipe is quiet", () => {
  expect(collect((messages) => messages.report(new BunkerError("broken-pipe", "x")))).toBe("");
});

test("a fault of ours shows where it was and asks for a report", () => {
  const text = collect((messages) => messages.report(new AssertionError("two is not one")));
  expect(text).toStartWith("bunker: error: two is not one\n");
  expect(text).toContain("messages.test.ts");
  expect(text).toContain("bunker: hint: this is a fault in bunker itself");
});

test("anything thrown is told", () => {
  expect(collect((messages) => messages.report("words"))).toStartWith("bunker: error: words\n");
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
