// Incoming: the bytes of a pipe, read ahead while what came before is worked on.
//
// Reading waits in a thread of the runtime, so that signals are heard meanwhile. Two buffers take
// turns: one is filled while the other is handed out.

import { read as readDescriptor } from "node:fs";
import { fromSystemError, systemCodeOf } from "../base/errors.ts";
import type { Descriptor } from "../system/files.ts";

const BUFFER_BYTES = 256 * 1024;
/** A pipe that does not block is asked again after so long. */
const RETRY_MS = 5;

interface Filled {
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly bytes: number;
}

export class Incoming {
  readonly #descriptor: Descriptor;
  readonly #name: string;
  #spare = new Uint8Array(BUFFER_BYTES);
  #current: Filled = { buffer: new Uint8Array(BUFFER_BYTES), bytes: 0 };
  #at = 0;
  #next: Promise<Filled> | undefined;
  #stop: ((error: Error) => void) | undefined;
  #stopped: Error | undefined;

  /** The descriptor stays the caller's; `name` is for messages. */
  constructor(descriptor: Descriptor, name: string) {
    this.#descriptor = descriptor;
    this.#name = name;
  }

  /** Puts what comes next into `view`; 0 is the end. */
  async read(view: Uint8Array): Promise<number> {
    if (this.#at === this.#current.bytes) await this.#turn();
    const { buffer, bytes } = this.#current;
    const count = Math.min(view.length, bytes - this.#at);
    view.set(buffer.subarray(this.#at, this.#at + count));
    this.#at += count;
    return count;
  }

  /** Makes the reading that waits, and all later ones, throw. */
  fail(error: Error): void {
    this.#stopped ??= error;
    this.#stop?.(this.#stopped);
  }

  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  async #turn(): Promise<void> {
    const filled = await this.#unlessStopped(this.#next ?? this.#fill(this.#spare));
    this.#spare = this.#current.buffer;
    this.#current = filled;
    this.#at = 0;
    if (filled.bytes === 0) return;
    this.#next = this.#fill(this.#spare);
    this.#next.catch(() => undefined); // Whoever awaits it hears of it.
  }

  #unlessStopped<T>(reading: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#stop = reject;
      if (this.#stopped !== undefined) reject(this.#stopped);
      reading.then(resolve, reject);
    });
  }

  async #fill(buffer: Uint8Array<ArrayBuffer>): Promise<Filled> {
    for (;;) {
      try {
        return { buffer, bytes: await readOnce(this.#descriptor, buffer) };
      } catch (error) {
        if (systemCodeOf(error) !== "EAGAIN") {
          throw fromSystemError(error, "reading", this.#name);
        }
        await Bun.sleep(RETRY_MS);
      }
    }
  }
}

function readOnce(descriptor: Descriptor, buffer: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    readDescriptor(descriptor, buffer, 0, buffer.length, null, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}
