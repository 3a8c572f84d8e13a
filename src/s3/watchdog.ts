// Watchdog: ends an attempt in which nothing moves. Time as such ends nothing: a large body on a
// slow line takes as long as it takes, so long as bytes go.

import { NETWORK_CODES, S3Failure } from "./failure.ts";
import type { Timer } from "./service.ts";
import { interrupted } from "./waiting.ts";

export class Watchdog implements Disposable {
  readonly #timer: Timer;
  readonly #caller: AbortSignal | undefined;
  readonly #controller = new AbortController();
  #stopTimer = (): void => undefined;
  #over = false;

  /** Ends the attempt also when the caller's signal is given. */
  constructor(timer: Timer, caller: AbortSignal | undefined) {
    this.#timer = timer;
    this.#caller = caller;
    if (caller?.aborted === true) this.#interrupt();
    else caller?.addEventListener("abort", this.#interrupt, { once: true });
  }

  /** Its reason is an `S3Failure`, or the `interrupted` error of the caller. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on something must happen within so many milliseconds, or `wait` again. */
  wait(milliseconds: number, forWhat: string): void {
    this.#stopTimer();
    if (this.#over) return; // A body may be asked for its next piece after the answer has come.
    this.#stopTimer = this.#timer(milliseconds, () => {
      const message = `no ${forWhat} for ${Math.round(milliseconds / 1000)} seconds`;
      this.#controller.abort(new S3Failure({ status: 0, code: NETWORK_CODES.timeout, message }));
    });
  }

  /** It is us who wait, not the service. */
  rest(): void {
    this.#stopTimer();
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#stopTimer();
    this.#caller?.removeEventListener("abort", this.#interrupt);
  }

  readonly #interrupt = (): void => this.#controller.abort(interrupted(this.#caller));
}
