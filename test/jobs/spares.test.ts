// Spares: buffers are used again, and never one that is still in use.

import { expect, test } from "bun:test";
import { Spares } from "../../src/jobs/spares.ts";

test("a buffer that came back is used again", () => {
  const spares = new Spares(10, 1);
  const first = spares.copy(Uint8Array.of(1, 2, 3));
  const second = spares.copy(Uint8Array.of(4));
  expect(first).toEqual(Uint8Array.of(1, 2, 3));
  expect(second.buffer).not.toBe(first.buffer);
  spares.give(first.buffer);
  const third = spares.copy(Uint8Array.of(5, 6));
  expect(third.buffer).toBe(first.buffer);
  expect(third).toEqual(Uint8Array.of(5, 6));
  expect(spares.copy(Uint8Array.of(7)).buffer).not.toBe(third.buffer);
});

test("what is longer has memory of its own, which is not kept", () => {
  const spares = new Spares(2, 1);
  const long = spares.copy(new Uint8Array(3));
  spares.give(long.buffer);
  expect(spares.copy(new Uint8Array(1)).buffer).not.toBe(long.buffer);
});

test("no more lie idle than are allowed", () => {
  const spares = new Spares(10, 1);
  const [first, second] = [spares.copy(new Uint8Array(1)), spares.copy(new Uint8Array(1))];
  spares.give(first.buffer);
  spares.give(second.buffer);
  expect(first.buffer.byteLength).toBe(10);
  expect(second.buffer.byteLength).toBe(0); // Its memory is given back at once.
});
