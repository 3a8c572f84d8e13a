// Terminal: plays a conversation with a program on a terminal of its own.

import { expect } from "bun:test";

export interface Shown {
  /** All that the terminal showed. */
  readonly shown: string;
  readonly status: number;
}

/** Typed when its turn has come; a function sees what was shown, and may do something else. */
export type Answer = string | ((shown: string) => string | void);

// The last words of a script: when the terminal shows them, it has shown everything.
const END = /<end (\d+)>\r\n$/;

/**
 * Runs a script of bash that sets `status`, and plays the steps in order: when the terminal shows
 * the text, the answer is typed or done.
 */
export async function converse(
  script: string,
  steps: readonly (readonly [waitFor: string | RegExp, answer: Answer])[],
  options: { readonly environment: Readonly<Record<string, string | undefined>>; cwd?: string },
): Promise<Shown> {
  let shown = "";
  let seenUntil = 0;
  const rest = [...steps];
  const proceed = (terminal: Bun.Terminal): void => {
    for (let step = rest[0]; step !== undefined; step = rest[0]) {
      const found = endOf(shown, seenUntil, step[0]);
      if (found === undefined) return;
      seenUntil = found;
      rest.shift();
      const typed = typeof step[1] === "string" ? step[1] : step[1](shown);
      if (typeof typed === "string") terminal.write(typed);
    }
  };
  const whole = `${script}; echo "<end $status>"`;
  const ended = Promise.withResolvers<void>();
  const terminal = new Bun.Terminal({
    data(self, bytes) {
      shown += Buffer.from(bytes).toString();
      proceed(self);
      if (END.test(shown)) ended.resolve();
    },
  });
  // A terminal is the controlling one (/dev/tty) only in a session of its own.
  const child = Bun.spawn(["setsid", "--wait", "--ctty", "bash", "-c", whole], {
    terminal,
    env: options.environment,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  await Promise.all([child.exited, ended.promise]);
  terminal.close();
  expect(rest).toEqual([]);
  return { shown: shown.replace(END, ""), status: Number(END.exec(shown)![1]) };
}

function endOf(shown: string, from: number, wanted: string | RegExp): number | undefined {
  const text = shown.slice(from);
  const found = typeof wanted === "string" ? text.indexOf(wanted) : text.search(wanted);
  if (found < 0) return undefined;
  const length = typeof wanted === "string" ? wanted.length : wanted.exec(text)![0].length;
  return from + found + length;
}
