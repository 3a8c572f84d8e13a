// The watchdog: it ends what does not move, and nothing after its own end.

import { expect, test } from "bun:test";
import { BunkerError, isBunkerError } from "../../src/base/errors.ts";
import { S3Failure } from "../../src/s3/failure.ts";
import { Watchdog } from "../../src/s3/watchdog.ts";
import { handTimer } from "./rig.ts";

test("it goes off once nothing has moved for long enough", () => {
  const { timer, fire, asked, count } = handTimer();
  using watchdog = new Watchdog(timer, undefined);
  watchdog.wait(30_000, "byte");
  watchdog.wait(120_000, "answer");
  expect([asked, count()]).toEqual([[30_000, 120_000], 1]);
  expect(watchdog.signal.aborted).toBe(false);
  fire();
  const reason: unknown = watchdog.signal.reason;
  expect(reason).toBeInstanceOf(S3Failure);
  expect(reason).toMatchObject({ status: 0, code: "Timeout" });
});

test("while it rests, and after its end, nothing goes off", () => {
  const { timer, fire, count } = handTimer();
  const watchdog = new Watchdog(timer, undefined);
  watchdog.wait(1, "byte");
  watchdog.rest();
  expect(fire()).toBe(false);
  watchdog.wait(1, "byte");
  watchdog[Symbol.dispose]();
  watchdog.wait(1, "byte");
  expect(count()).toBe(0);
  expect(watchdog.signal.aborted).toBe(false);
});

test("the caller's signal ends it, also one that was given before", () => {
  const { timer } = handTimer();
  const controller = new AbortController();
  using before = new Watchdog(timer, controller.signal);
  const ended = new Watchdog(timer, controller.signal);
  ended[Symbol.dispose]();
  controller.abort();
  using after = new Watchdog(timer, controller.signal);
  expect(isBunkerError(before.signal.reason, "interrupted")).toBe(true);
  expect(isBunkerError(after.signal.reason, "interrupted")).toBe(true);
  expect(ended.signal.aborted).toBe(false);
});

test("a reason of ours is kept", () => {
  const reason = new BunkerError("interrupted", "stopped by a signal");
  using watchdog = new Watchdog(handTimer().timer, AbortSignal.abort(reason));
  expect(watchdog.signal.reason).toBe(reason);
});
