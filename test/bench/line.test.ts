// The line hands on every byte in order, whatever the receiver takes at once, and holds few of them.

import { expect, test } from "bun:test";

import { withSeed } from "../support/random.ts";
import { Line } from "./line.ts";

const SETTINGS = { roundTripMs: 0, bytesPerSecond: 100_000_000 };

test("a receiver that takes a little at a time gets all, in order, and then the end", async () => {
  await withSeed(async (random) => {
    const sent = random.bytes(300_000);
    const got: number[] = [];
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const write = (bytes: Uint8Array): number => {
      const taken = Math.min(bytes.length, random.int(20_000));
      got.push(...bytes.subarray(0, taken));
      if (taken < bytes.length) setImmediate(() => line.pump());
      return taken;
    };
    const from = { pause() {}, resume() {} };
    const line = new Line(SETTINGS, 0, { from, to: { write, finish: end } });
    line.take(sent.subarray(0, 100_000));
    line.take(sent.subarray(100_000));
    line.finish();
    await ended;
    expect(Buffer.compare(Buffer.from(got), sent)).toBe(0);
  });
});

test("a sender is paused while the receiver takes nothing, and resumed when it has taken", () => {
  const calls: string[] = [];
  let left = 0;
  let room = 0;
  const from = { pause: () => void calls.push("pause"), resume: () => void calls.push("resume") };
  const write = (bytes: Uint8Array): number => {
    const taken = Math.min(room, bytes.length);
    left -= taken;
    return taken;
  };
  const settings = { roundTripMs: 0, bytesPerSecond: 1e9 };
  const line = new Line(settings, 0, { from, to: { write, finish() {} } });
  const block = new Uint8Array(64 * 1024);
  for (; calls.length === 0; left += block.length) {
    expect(left).toBeLessThan(1e8);
    line.take(block);
  }
  line.pump();
  expect(calls).toEqual(["pause"]);
  room = Infinity;
  while (left > 0) line.pump();
  expect(calls).toEqual(["pause", "resume"]);
});
