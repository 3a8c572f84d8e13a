// Pace: a second's worth at once, the rest as time goes.

import { expect, test } from "bun:test";
import { isBunkerError } from "../../src/base/errors.ts";
import type { World } from "../../src/base/world.ts";
import { Pace, TokenBucket } from "../../src/s3/pace.ts";
import { sleepUnless } from "../../src/s3/waiting.ts";
import { thrownBy } from "./rig.ts";

interface StillWorld extends World {
  time: number;
  readonly slept: number[];
}

/** Time stands still but for what is slept. */
function stillWorld(): StillWorld {
  const slept: number[] = [];
  return {
    time: 1000,
    slept,
    now() {
      return this.time;
    },
    random: (count) => new Uint8Array(count),
    sleep(milliseconds) {
      slept.push(milliseconds);
      this.time += milliseconds;
      return Promise.resolve();
    },
  };
}

test("a second's worth is free, then every byte has its time", async () => {
  const world = stillWorld();
  const bucket = new TokenBucket(world, 1000);
  await bucket.take(1000);
  expect(world.slept).toEqual([]);
  await bucket.take(500);
  await bucket.take(250);
  expect(world.slept).toEqual([500, 250]);
  world.time += 60_000;
  await bucket.take(1000);
  await bucket.take(1000);
  expect(world.slept).toEqual([500, 250, 1000]);
});

test("those who come together wait one behind the other", async () => {
  const world = stillWorld();
  const bucket = new TokenBucket(world, 100);
  const wait: number[] = [];
  world.sleep = (milliseconds) => {
    wait.push(milliseconds);
    return Promise.resolve();
  };
  await Promise.all([bucket.take(100), bucket.take(100), bucket.take(100)]);
  expect(wait).toEqual([1000, 2000]);
});

test("a clock that is set back makes nobody wait for it", async () => {
  const world = stillWorld();
  const bucket = new TokenBucket(world, 1000);
  await bucket.take(1000);
  world.time -= 1_000_000;
  await bucket.take(100);
  expect(world.slept).toEqual([100]);
});

test("without limits nothing waits; with them each counts for itself", async () => {
  const world = stillWorld();
  const free = new Pace(world, {}, 65_536);
  await Promise.all([free.up(1e12), free.down(1e12), free.request()]);
  expect(world.slept).toEqual([]);
  expect(free.pieceBytes).toBe(65_536);
  const limits = { uploadBytesPerSecond: 80_000, requestsPerSecond: 2 };
  const slow = new Pace(world, limits, 65_536);
  expect(slow.pieceBytes).toBe(10_000);
  await slow.up(80_000);
  await slow.down(1e12);
  await slow.request();
  await slow.request();
  expect(world.slept).toEqual([]);
  await slow.up(8000);
  await slow.request();
  expect(world.slept[0]).toBe(100);
});

test("the smallest pace still moves a kilobyte at a time", () => {
  expect(new Pace(stillWorld(), { uploadBytesPerSecond: 1 }, 65_536).pieceBytes).toBe(1024);
});

test("a wait ends at once with the signal, and leaves no listener", async () => {
  const world = stillWorld();
  world.sleep = () => new Promise(() => undefined);
  const controller = new AbortController();
  const waiting = thrownBy(sleepUnless(world, 1000, controller.signal));
  controller.abort();
  expect(isBunkerError(await waiting, "interrupted")).toBe(true);
  expect(isBunkerError(await thrownBy(sleepUnless(world, 1, controller.signal)))).toBe(true);
});
