// Clock, tally and prices: what a bucket knows beside the objects.

import { expect, test } from "bun:test";
import { isBunkerError } from "../../src/base/errors.ts";
import { dateOf, ServerClock } from "../../src/s3/clock.ts";
import { classOf, costOf } from "../../src/s3/prices.ts";
import { Tally } from "../../src/s3/tally.ts";
import { type Operation, OPERATIONS } from "../b2/operations.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const clockAt = (time: number): ServerClock =>
  new ServerClock({
    now: () => time,
    random: (count) => new Uint8Array(count),
    sleep: () => Promise.resolve(),
  });

test("before the first answer only this machine's time is known", () => {
  const clock = clockAt(NOW);
  expect(clock.serverTime()).toBeUndefined();
  expect(clock.skewMs).toBeUndefined();
  expect(clock.now()).toBe(NOW);
  clock.check();
  clock.learn(undefined);
  expect(clock.serverTime()).toBeUndefined();
});

test("a date of no century of ours is none: it could be neither signed by nor shown", () => {
  const dated = (date: string) => dateOf(new Headers({ date }));
  expect(dated("Sat, 13 Sep 275760 00:00:00 GMT")).toBeUndefined();
  expect(dated("Thu, 01 Jan 1000 00:00:00 GMT")).toBeUndefined();
  expect(dated("Mon, 23 Nov 2026 12:00:00 GMT")).toBe(NOW);
});

test("the last answer counts", () => {
  const clock = clockAt(NOW);
  clock.learn(NOW + 90_000);
  clock.learn(NOW + 60_000);
  expect(clock.serverTime()).toBe(NOW + 60_000);
  expect(clock.now()).toBe(NOW + 60_000);
  expect(clock.skewMs).toBe(60_000);
});

test.each([-1, 1])("five minutes are borne, more is an error with both clocks (%p)", (sign) => {
  const clock = clockAt(NOW);
  clock.learn(NOW + sign * 300_000);
  clock.check();
  clock.learn(NOW + sign * 301_000);
  try {
    clock.check();
    expect.unreachable();
  } catch (error) {
    expect(isBunkerError(error, "denied")).toBe(true);
    const server = sign < 0 ? "2026-11-23T11:54:59Z" : "2026-11-23T12:05:01Z";
    expect(String(error)).toContain(
      `this machine's clock says 2026-11-23T12:00:00Z, the service's says ${server}`,
    );
  }
});

test("the Date of an answer is read, nonsense is none", () => {
  expect(dateOf(new Headers({ date: "Mon, 23 Nov 2026 12:00:00 GMT" }))).toBe(NOW);
  expect(dateOf(new Headers({ date: "soon" }))).toBeUndefined();
  expect(dateOf(new Headers())).toBeUndefined();
});

test("a tally counts by operation and class", () => {
  const tally = new Tally();
  tally.request("PutObject");
  tally.request("PutObject");
  tally.request("GetObject");
  tally.request("ListObjects");
  tally.retry();
  tally.up(5);
  tally.down(2e9);
  const snapshot = tally.snapshot();
  expect(snapshot).toEqual({
    requests: { PutObject: 2, GetObject: 1, ListObjects: 1 },
    classes: { A: 2, B: 1, C: 1 },
    requestCount: 4,
    retryCount: 1,
    bytesUp: 5,
    bytesDown: 2e9,
  });
  tally.request("PutObject");
  expect(snapshot.requestCount).toBe(4);
});

test("putting is free, reading costs little, listing ten times as much", () => {
  expect([classOf("PutObjectRetention"), classOf("HeadObject"), classOf("HeadBucket")]).toEqual([
    "A",
    "B",
    "C",
  ]);
  const classes = { A: 1e9, B: 10_000, C: 1000 };
  const cost = costOf({ classes, bytesDown: 3e9 });
  expect(cost.calls).toBeCloseTo(0.008, 12);
  expect(cost.download).toBeCloseTo(0.03, 12);
  expect(cost.total).toBeCloseTo(0.038, 12);
});

test("the emulator counts each operation in the class that it is priced by", () => {
  const names = Object.keys(OPERATIONS) as Operation[];
  const priced = names.filter((name) => isPriced(name));
  expect(priced.length).toBeGreaterThan(20);
  for (const name of priced) {
    expect(`${name}: ${OPERATIONS[name].class}`).toBe(`${name}: ${classOf(name)}`);
  }
});

function isPriced(name: string): name is Parameters<typeof classOf>[0] {
  return classOf(name as Parameters<typeof classOf>[0]) !== undefined;
}
