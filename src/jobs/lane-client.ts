// Lane client: main's end of a lane that runs in a Worker.
//
// Requests are answered in their order. Packs come in between, and each is answered by `taken` when
// there is room for the next one. A Worker that fails or dies fails everything that waits for it.

import { assert } from "../base/assert.ts";
import { BunkerError, type ErrorCode } from "../base/errors.ts";
import type { FinishedPack } from "../store/pack-writer.ts";
import type { LaneSetup, SharedRun } from "./lanes.ts";
import type { RestoreSetup, RestoreTask } from "./restore-lane.ts";

export type LaneRequest =
  | { readonly kind: "backup"; readonly setup: LaneSetup }
  | { readonly kind: "catalog"; readonly runs: readonly SharedRun[] }
  | { readonly kind: "process"; readonly tasks: Uint8Array<ArrayBuffer> }
  | { readonly kind: "drain" }
  | { readonly kind: "taken" }
  | { readonly kind: "restore"; readonly setup: RestoreSetup }
  | { readonly kind: "write"; readonly task: RestoreTask };

export type LaneAnswer =
  | { readonly kind: "answer"; readonly value: unknown }
  | { readonly kind: "pack"; readonly pack: FinishedPack }
  | { readonly kind: "failed"; readonly failure: LaneFailure };

/** An error as it crosses from one thread to another. */
export interface LaneFailure {
  readonly message: string;
  /** Present for operating errors. */
  readonly code?: ErrorCode;
}

export function failureOf(error: unknown): LaneFailure {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof BunkerError ? { message, code: error.code } : { message };
}

export function errorOf(failure: LaneFailure): Error {
  if (failure.code !== undefined) return new BunkerError(failure.code, failure.message);
  return new Error(`a lane failed: ${failure.message}`);
}

/** The other end of a Worker: made in main.ts, since only there can one be started. */
export interface LanePort {
  post(message: LaneRequest, transfer?: Transferable[]): void;
  /** Set before anything is posted. */
  listen(onAnswer: (answer: LaneAnswer) => void, onFailure: (error: Error) => void): void;
  end(): void;
}

export type SpawnLane = () => LanePort;

export class LaneClient {
  readonly #port: LanePort;
  readonly #putPack: ((pack: FinishedPack) => Promise<void>) | undefined;
  readonly #questions: { resolve: (value: never) => void; reject: (error: Error) => void }[] = [];
  #waiters: (() => void)[] = [];
  #failure: Error | undefined;

  constructor(port: LanePort, putPack?: (pack: FinishedPack) => Promise<void>) {
    this.#port = port;
    this.#putPack = putPack;
    port.listen(
      (answer) => this.#take(answer),
      (error) => this.#fail(error),
    );
  }

  /** Requests that are not answered yet. */
  get waiting(): number {
    return this.#questions.length;
  }

  post(request: LaneRequest): void {
    this.#port.post(request);
  }

  ask<T>(request: LaneRequest, transfer?: Transferable[]): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise<T>((resolve, reject) => {
      this.#questions.push({ resolve, reject });
      this.#port.post(request, transfer);
    });
  }

  /** Settles when the next answer is there. */
  changed(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  end(): void {
    this.#port.end();
  }

  #take(answer: LaneAnswer): void {
    if (answer.kind === "failed") {
      this.#fail(errorOf(answer.failure));
    } else if (answer.kind === "pack") {
      this.#takePack(answer.pack);
    } else {
      this.#questions.shift()?.resolve(answer.value as never);
      this.#wake();
    }
  }

  #takePack(pack: FinishedPack): void {
    assert(this.#putPack !== undefined, "only a backup's lane makes packs");
    this.#putPack(pack).then(
      () => this.#port.post({ kind: "taken" }),
      (error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#questions.splice(0)) reject(this.#failure);
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

/** The client with the fewest requests; waits while all have `waitingMax`. */
export async function freeClient(
  clients: readonly LaneClient[],
  waitingMax: number,
): Promise<LaneClient> {
  for (;;) {
    const [first] = clients.toSorted((a, b) => a.waiting - b.waiting);
    assert(first !== undefined, "lanes are started before they are used");
    if (first.waiting < waitingMax) return first;
    await Promise.race(clients.map((client) => client.changed()));
  }
}
