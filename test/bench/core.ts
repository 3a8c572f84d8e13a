// Benchmark of the core: its BLAKE3 beside hash-wasm's, and the cutter. MB/s, one thread.
//
//   bun test/bench/core.ts
//
// The rivals take turns, round by round, so that a noisy machine disturbs them alike; the medians
// are compared. Both hash keyed, from bytes that are in place, to 32 bytes in JavaScript.

import { createCipheriv } from "node:crypto";

import { createBLAKE3 } from "hash-wasm";

import { keysOf, newCoreWithKeys, newExports } from "../core/instance.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const ROUNDS = 15;
const BYTES_A_ROUND = 8 * MIB;

interface Contender {
  readonly name: string;
  /** Works on some bytes and returns how many. */
  readonly run: () => number;
}

/** Median MB/s of each contender. */
function race(contenders: readonly Contender[]): number[] {
  const speeds: number[][] = contenders.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, contender] of contenders.entries()) speeds[i]!.push(speedOf(contender));
  }
  return speeds.map((each) => each.sort((a, b) => a - b)[ROUNDS >> 1]!);
}

function speedOf({ run }: Contender): number {
  const start = performance.now();
  let bytes = 0;
  while (bytes < BYTES_A_ROUND) bytes += run();
  return bytes / 1000 / (performance.now() - start);
}

function randomBytes(byteCount: number): Uint8Array {
  const cipher = createCipheriv("aes-128-ctr", new Uint8Array(16), new Uint8Array(16));
  return new Uint8Array(cipher.update(new Uint8Array(byteCount)));
}

async function hashContenders(byteCount: number): Promise<Contender[]> {
  const core = newCoreWithKeys();
  const hasher = await createBLAKE3(256, keysOf(1).dataIdKey);
  const bytes = randomBytes(byteCount);
  core.input(0, byteCount).set(bytes);
  return [
    {
      name: "hash-wasm",
      run: () => hasher.init().update(bytes).digest("binary").length && byteCount,
    },
    { name: "core", run: () => core.id("data", 0, byteCount).length && byteCount },
  ];
}

function cutContender(): Contender {
  const core = newCoreWithKeys();
  core.input(0, core.inputBytes).set(randomBytes(core.inputBytes));
  return {
    name: "cut",
    run() {
      core.startFile();
      let at = 0;
      while (at < core.inputBytes) at += core.cut(at, core.inputBytes - at, true);
      return at;
    },
  };
}

/** Nanoseconds for one decision of the cutter; the gear asks for one in about 1,024 bytes. */
function decisionNanoseconds(): number {
  const core = newExports();
  const ptr = core.INPUT_PTR.value;
  const count = 200_000;
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    for (let i = 0; i < count; i++) core.sipHashWindow(ptr + i);
    return ((performance.now() - start) * 1e6) / count;
  });
  return times.sort((a, b) => a - b)[ROUNDS >> 1]!;
}

function row(name: string, ...cells: string[]): string {
  return name.padEnd(16) + cells.map((cell) => cell.padStart(11)).join("");
}

/** Prints the table. */
export async function benchCore(): Promise<void> {
  console.log(row("BLAKE3, keyed", "hash-wasm", "core", "ratio"));
  let rival = 0;
  for (const byteCount of [KIB, 2 * KIB, 4 * KIB, 64 * KIB, MIB]) {
    const [theirs, ours] = race(await hashContenders(byteCount)) as [number, number];
    rival = theirs;
    const ratio = `${(ours / theirs).toFixed(2)} x`;
    console.log(row(`${byteCount / KIB} KiB`, theirs.toFixed(0), ours.toFixed(0), ratio));
  }
  const [cut] = race([cutContender()]) as [number];
  console.log(row("cutter", "", cut.toFixed(0), `${(cut / rival).toFixed(2)} x`));
  console.log(row("a decision", "", `${decisionNanoseconds().toFixed(0)} ns`));
}

if (import.meta.main) await benchCore();
