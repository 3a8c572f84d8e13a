// Seeded randomness for tests: one seed gives one sequence (sfc32), on every machine.
// SEED in the environment repeats a run that failed.

export interface SeededRandom {
  readonly seed: number;
  /** From 0 up to, but without, 1. */
  next(): number;
  /** A whole number from 0 up to, but without, `limit`. */
  int(limit: number): number;
  bytes(byteCount: number): Uint8Array<ArrayBuffer>;
}

/** The seed of this run: SEED from the environment, or a fresh one. */
export function seedOfRun(): number {
  const text = process.env["SEED"];
  if (text === undefined || text === "") return Math.floor(Math.random() * 2 ** 32);
  if (!/^\d{1,10}$/.test(text)) throw new Error(`SEED is a whole number, not ${text}`);
  return Number(text) >>> 0;
}

export function seededRandom(seed: number = seedOfRun()): SeededRandom {
  const draw = sfc32(seed);
  const next = () => draw() / 2 ** 32;
  return {
    seed,
    next,
    int: (limit) => Math.floor(next() * limit),
    bytes(byteCount) {
      const bytes = new Uint8Array(byteCount);
      const words = new Uint32Array(bytes.buffer, 0, byteCount >>> 2);
      for (let i = 0; i < words.length; i++) words[i] = draw();
      for (let i = words.length * 4; i < byteCount; i++) bytes[i] = draw();
      return bytes;
    },
  };
}

/** Runs a test with the seed of this run and prints the seed if it fails. */
export async function withSeed(run: (random: SeededRandom) => Promise<void> | void): Promise<void> {
  const random = seededRandom();
  try {
    await run(random);
  } catch (error) {
    process.stderr.write(`failed with SEED=${random.seed}\n`);
    throw error;
  }
}

// Chris Doty-Humphrey's small fast counter, 32 bits (PractRand); the first draws mix the seed in.
function sfc32(seed: number): () => number {
  let a = seed >>> 0;
  let b = 0x9e3779b9;
  let c = 0x243f6a88;
  let counter = 1;
  const draw = () => {
    const sum = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0;
    return sum;
  };
  for (let i = 0; i < 15; i++) draw();
  return draw;
}
