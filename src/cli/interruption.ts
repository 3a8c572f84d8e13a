// Interruption: the user wants to stop, and a command may end in order.
//
// What does not ask for an orderly end is left where it stands: whatever it has written is whole or
// has no name of its own yet. A small file of a restore is the exception: it may be empty, or without
// its owner, mode and time. A backup stops reading, waits for its uploads and notes them in the store,
// so that the next one finds them. The second signal ends the process at once; that is the entry's.

import { BunkerError, isBunkerError } from "../base/errors.ts";
import type { LanePort, SpawnLane } from "../jobs/lane-client.ts";

/** An orderly end that takes longer is given up: whoever sent the signal waits. */
const ORDERLY_END_MS_MAX = 30_000;

export class Interruption {
  /** What the run ends with, once the user wants to stop. */
  #error: Error | undefined;
  #isOrderly = false;
  readonly #signal: Promise<never>;
  readonly #onOrderly: () => void;

  /** `signal` settles never, or throws; `onOrderly` tells the user that the end takes a moment. */
  constructor(signal: Promise<never>, onOrderly: () => void) {
    this.#signal = signal;
    this.#onOrderly = onOrderly;
    signal.catch((error: unknown) => {
      this.#error = error instanceof Error ? error : new Error(String(error));
    });
  }

  /** From here on the command itself ends when `throwIfRequested` throws or its lanes fail. */
  endInOrder(): void {
    this.#isOrderly = true;
  }

  throwIfRequested(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  /** Lanes that stop, and fail, as soon as the user wants to stop. */
  stopping(spawn: SpawnLane): SpawnLane {
    return (): LanePort => {
      const port = spawn();
      return {
        ...port,
        listen: (onAnswer, onFailure) => {
          port.listen(onAnswer, onFailure);
          this.#signal.catch((error: unknown) => {
            port.end();
            onFailure(error instanceof Error ? error : new Error(String(error)));
          });
        },
      };
    };
  }

  /** The run's own end, or that of the interruption. */
  async endOf<T>(run: Promise<T>): Promise<T> {
    try {
      return await Promise.race([run, this.#signal]);
    } catch (error) {
      if (error !== this.#error || !this.#isOrderly) throw error;
      this.#onOrderly();
      return await Promise.race([run, this.#lateEnd(error)]);
    }
  }

  #lateEnd(error: unknown): Promise<never> {
    return new Promise((_, reject) => setTimeout(() => reject(error), ORDERLY_END_MS_MAX));
  }
}

/** The same error with what it means for a backup. */
export function interruptedBackup(error: unknown): unknown {
  if (!isBunkerError(error, "interrupted")) return error;
  return new BunkerError("interrupted", "interrupted before the snapshot was made", {
    cause: error,
    hint: "run the backup again: it finds what is stored already",
  });
}
