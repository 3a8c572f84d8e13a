// Clock: the emulator's time, which tests set. Its base is the machine's clock or a test's own.

export interface TimeSource {
  now(): number;
}

export class Clock {
  #base: () => number;
  #offset = 0;

  constructor(source: TimeSource | number | undefined) {
    this.#base = baseOf(source);
  }

  now(): number {
    return this.#base() + this.#offset;
  }

  /** Lets time pass, also backwards. */
  advance(milliseconds: number): void {
    this.#offset += milliseconds;
  }

  /** Stands still at this time, until it is set or advanced again. */
  set(time: number): void {
    this.#base = () => time;
    this.#offset = 0;
  }
}

function baseOf(source: TimeSource | number | undefined): () => number {
  if (source === undefined) return Date.now;
  return typeof source === "number" ? () => source : () => source.now();
}
