// Claims: of all who want to store a blob, one does.

import { expect, test } from "bun:test";
import { Claims, createClaimMemory } from "../../src/store/claims.ts";
import { withSeed } from "../support/random.ts";
import type { ClaimOrder } from "./claimer.ts";

test("the first claim of an id wins, all others lose", () =>
  withSeed((random) => {
    const memory = createClaimMemory(4096);
    const [one, two] = [new Claims(memory), new Claims(memory)];
    const ids = Array.from({ length: 4000 }, () => random.bytes(32));
    ids.forEach((id, i) => expect((i % 2 === 0 ? one : two).claim(id)).toBe(true));
    for (const id of ids) {
      expect(one.claim(id)).toBe(false);
      expect(two.claim(id)).toBe(false);
    }
    expect(one.isCrowded).toBe(true);
  }));

test("ids that meet in one slot are told apart", () => {
  const claims = new Claims(createClaimMemory(64));
  const ids = Array.from({ length: 60 }, (_, i) => new Uint8Array(32).fill(i, 8));
  for (const id of ids) expect(claims.claim(id)).toBe(true);
  for (const id of ids) expect(claims.claim(id)).toBe(false);
});

test("a full table lets everybody store: twice is better than never", () =>
  withSeed((random) => {
    const claims = new Claims(createClaimMemory(16));
    const ids = Array.from({ length: 16 }, () => random.bytes(32));
    for (const id of ids) expect(claims.claim(id)).toBe(true);
    const late = random.bytes(32);
    for (let i = 0; i < 100; i++) expect(claims.claim(late)).toBe(true);
    for (const id of ids) expect(claims.claim(id)).toBe(false);
    expect(claims.isCrowded).toBe(true);
    claims.reset();
    expect(claims.isCrowded).toBe(false);
    for (const id of ids) expect(claims.claim(id)).toBe(true);
  }));

test("two Workers claim the same ids: each has one winner", async () => {
  const count = 20_000;
  const memory = createClaimMemory(32_768);
  const start = new SharedArrayBuffer(4);
  const claim = (reversed: boolean): Promise<number[]> => {
    const worker = new Worker(new URL("./claimer.ts", import.meta.url).href);
    return new Promise<number[]>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<number[]>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage({ memory, start, workers: 2, count, reversed } satisfies ClaimOrder);
    }).finally(() => worker.terminate());
  };
  const won = (await Promise.all([claim(false), claim(true)])).flat().sort((a, b) => a - b);
  expect(won).toEqual(Array.from({ length: count }, (_, i) => i));
});
