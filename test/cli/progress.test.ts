// Progress: one line on a terminal, at most ten times a second; elsewhere messages only.

import { describe, expect, test } from "bun:test";

import { BunkerError } from "../../src/base/errors.ts";
import { Messages } from "../../src/cli/messages.ts";
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatDuration,
  formatElapsed,
  formatProgress,
  TerminalMonitor,
} from "../../src/cli/progress.ts";

const MIB = 1024 * 1024;
const CLEAR = "\r\u001b[K";

function setUp(isTerminal: boolean) {
  const state = { now: 1_000, text: "" };
  const write = (piece: string): void => void (state.text += piece);
  const messages = new Messages(write);
  const screen = { isTerminal, columns: () => 80, write };
  const monitor = new TerminalMonitor({ now: () => state.now }, messages, screen);
  return { state, messages, monitor };
}

function drawnCount(text: string): number {
  return text.split(CLEAR).filter((line) => line.includes(" files")).length;
}

describe("the line", () => {
  test("is written at once, then at most every 100 ms", () => {
    const { state, monitor } = setUp(true);
    for (let ms = 0; ms < 1000; ms++) {
      state.now = 1_000 + ms;
      monitor.progress({ filesDone: ms, bytesDone: 0 });
    }
    expect(drawnCount(state.text)).toBe(10);
  });

  test("is not written where there is no terminal", () => {
    const { state, monitor } = setUp(false);
    monitor.progress({ filesDone: 1, bytesDone: 1 });
    monitor.finish();
    expect(state.text).toBe("");
  });

  test("goes on when the clock is set back", () => {
    const { state, monitor } = setUp(true);
    monitor.progress({ filesDone: 1, bytesDone: 0 });
    state.now = 0;
    monitor.progress({ filesDone: 2, bytesDone: 0 });
    expect(drawnCount(state.text)).toBe(2);
  });

  test("is cleared before a message and at the end, once", () => {
    const { state, monitor } = setUp(true);
    monitor.progress({ filesDone: 1, bytesDone: 0 });
    state.text = "";
    monitor.notice("hello");
    expect(state.text).toBe(`${CLEAR}bunker: hello\n`);
    state.text = "";
    monitor.finish();
    expect(state.text).toBe("");
  });

  test("shows the rate of the last seconds and the time that is left", () => {
    const { state, monitor } = setUp(true);
    for (let second = 0; second <= 60; second++) {
      state.now = 1_000 + second * 1000;
      // Ten times as fast in the second half: the first must be forgotten.
      const bytesDone = second <= 30 ? second * MIB : 30 * MIB + (second - 30) * 10 * MIB;
      monitor.progress({ filesDone: 0, bytesDone, bytesTotal: 1230 * MIB });
    }
    const line = state.text.split(CLEAR).at(-1)!;
    expect(line).toBe("0 files  330.0 MiB of 1.2 GiB  10.0 MiB/s  1:30 left");
  });

  test("starts its rate again when a new phase counts from zero", () => {
    const { state, monitor } = setUp(true);
    monitor.progress({ filesDone: 0, bytesDone: 0 });
    state.now += 10_000;
    monitor.progress({ filesDone: 0, bytesDone: 100 * MIB });
    expect(state.text).toContain("10.0 MiB/s");
    state.text = "";
    state.now += 1_000;
    monitor.progress({ filesDone: 0, bytesDone: 0 });
    expect(state.text).not.toContain("/s");
  });
});

describe("problems", () => {
  test("are told at once and counted", () => {
    const { state, monitor } = setUp(false);
    monitor.problem("a/b", new BunkerError("denied", "permission denied"));
    monitor.problem("c", new BunkerError("io", "input/output error", { subject: "c" }));
    monitor.notice("not a problem");
    expect(state.text).toBe(
      "bunker: warning: a/b: permission denied\n" +
        "bunker: warning: c: input/output error\n" +
        "bunker: not a problem\n",
    );
    expect(monitor.problemCount).toBe(2);
  });
});

describe("formats", () => {
  const subject = `${"folder/".repeat(20)}file`;

  test("name what is counted", () => {
    const progress = { filesDone: 3, bytesDone: 0, filesTotal: 7, unit: "packs" };
    expect(formatProgress(progress, undefined, 80)).toBe("3 of 7 packs  0 B");
  });

  test("shorten the subject from its front, to the width", () => {
    const line = formatProgress({ filesDone: 1, bytesDone: 0, subject }, undefined, 40);
    expect(line).toHaveLength(40);
    expect(line).toStartWith("1 files  0 B  …");
    expect(line).toEndWith("folder/file");
  });

  test("never pass the width, with wide characters and narrow terminals", () => {
    for (let columns = 0; columns < 60; columns++) {
      const progress = { filesDone: 1e9, bytesDone: 1e15, subject: "漢字の名前".repeat(5) };
      expect(Bun.stringWidth(formatProgress(progress, 1e9, columns))).toBeLessThanOrEqual(columns);
    }
  });

  test("leave out what could steer the terminal", () => {
    expect(
      formatProgress({ filesDone: 1, bytesDone: 0, subject: "a\u001b[2J" }, undefined, 80),
    ).toBe("1 files  0 B  a\\x1b[2J");
  });

  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [1024 ** 2 - 1, "1.0 MiB"],
    [1024 ** 3 * 2.5, "2.5 GiB"],
    [1024 ** 6, "1024.0 PiB"],
  ])("bytes: %d", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [0, "0:00"],
    [59.6, "1:00"],
    [750, "12:30"],
    [3600, "1:00:00"],
    [360_061, "100:01:01"],
  ])("seconds: %d", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [1_234_567, "1,234,567"],
  ])("counts: %d", (count, text) => {
    expect(formatCount(count)).toBe(text);
  });
});

test("nouns follow their count", () => {
  expect([0, 1, 2, 1000].map((count) => formatCounted(count, "file"))).toEqual([
    "0 files",
    "1 file",
    "2 files",
    "1,000 files",
  ]);
});

test("short times have tenths, long ones minutes", () => {
  expect([0, 0.04, 1.25, 59.9, 59.96, 61, 3600].map(formatElapsed)).toEqual([
    "0.0 s",
    "0.0 s",
    "1.3 s",
    "59.9 s",
    "1:00",
    "1:01",
    "1:00:00",
  ]);
});
