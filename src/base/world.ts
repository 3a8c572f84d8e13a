// World: the clock, randomness and waiting, handed in so that tests can hand in others.

export interface World {
  /** Milliseconds since the epoch, by this machine's clock. */
  now(): number;
  random(byteCount: number): Uint8Array<ArrayBuffer>;
  sleep(milliseconds: number): Promise<void>;
}
