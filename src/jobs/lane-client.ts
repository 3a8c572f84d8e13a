// Lane client: main's end of a lane that runs in a Worker.
//
// Requests are answered in their order. Packs come in between, and each is answered by `taken` when
// there is room for the next one. A Worker that fails or dies fails everything that waits for it.

import { assert } from "../base/assert.ts";
import {
  BunkerError,
  type ErrorCode,
  isBunkerError,
  placeOf,
  rawMessageOf,
} from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import type { FinishedPack } from "../store/pack-writer.ts";
import type { LaneSetup, SharedRun } from "./lanes.ts";
import type { PutPack } from "./lane.ts";
import type { RestoreSetup, RestoreTask } from "./restore-lane.ts";

export type LaneRequest =
  | { readonly kind: "backup"; readonly setup: LaneSetup }
  | { readonly kind: "catalog"; readonly runs: readonly SharedRun[] }
  | { readonly kind: "process"; readonly tasks: Uint8Array<ArrayBuffer> }
  | { readonly kind: "drain" }
  | { readonly kind: "taken" }
  /** The memory of a pack that is stored. */
  | { readonly kind: "spent"; readonly buffer: ArrayBufferLike }
  | { readonly kind: "restore"; readonly setup: RestoreSetup }
  | { readonly kind: "write"; readonly task: RestoreTask };

export type LaneAnswer =
  | { readonly kind: "answer"; readonly value: unknown }
  | { readonly kind: "pack"; readonly pack: FinishedPack }
  /** More of a large file was read. */
  | { readonly kind: "read"; readonly name: Bytes; readonly bytes: number }
  | { readonly kind: "failed"; readonly failure: LaneFailure };

/** An error as it crosses from one thread to another. */
export interface LaneFailure {
  readonly message: string;
  /** Present for operating errors; the others are faults of ours. */
  readonly code?: ErrorCode;
  readonly subject?: string;
  readonly hint?: string;
  /** Where a fault of ours was. */
  readonly place?: string;
}

export function failureOf(error: unknown): LaneFailure {
  if (isBunkerError(error)) {
    const { message, code, subject, hint } = error;
    return {
      message,
      code,
      ...(subject === undefined ? {} : { subject }),
      ...(hint === undefined ? {} : { hint }),
    };
  }
  const place = placeOf(error);
  return { message: rawMessageOf(error), ...(place === undefined ? {} : { place }) };
}

export function errorOf(failure: LaneFailure): Error {
  const { message, code, subject, hint, place } = failure;
  if (code === undefined) {
    const error = new Error(`a lane failed: ${message}`);
    // Where it was in the lane, and not where it was made again here.
    if (place !== undefined) error.stack = `${error.message}\n    at ${place}`;
    return error;
  }
  return new BunkerError(code, message, {
    ...(subject === undefined ? {} : { subject }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The other end of a Worker: made in main.ts, since only there can one be started. */
export interface LanePort {
  post(message: LaneRequest, transfer?: Transferable[]): void;
  /** Set before anything is posted. */
  listen(onAnswer: (answer: LaneAnswer) => void, onFailure: (error: Error) => void): void;
  end(): void;
}

export type SpawnLane = () => LanePort;

/** What a backup's lane asks of main, and tells it, between answers. */
export interface LaneHooks {
  readonly putPack?: PutPack;
  readonly onRead?: ((name: Bytes, bytes: number) => void) | undefined;
}

export class LaneClient {
  readonly #port: LanePort;
  readonly #putPack: PutPack | undefined;
  readonly #onRead: LaneHooks["onRead"];
  readonly #questions: { resolve: (value: never) => void; reject: (error: Error) => void }[] = [];
  #waiters: (() => void)[] = [];
  #failure: Error | undefined;

  constructor(port: LanePort, { putPack, onRead }: LaneHooks = {}) {
    this.#port = port;
    this.#putPack = putPack;
    this.#onRead = onRead;
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
    } else if (answer.kind === "read") {
      this.#onRead?.(answer.name, answer.bytes);
    } else if (answer.kind === "pack") {
      this.#takePack(answer.pack);
    } else {
      this.#questions.shift()?.resolve(answer.value as never);
      this.#wake();
    }
  }

  #takePack(pack: FinishedPack): void {
    assert(this.#putPack !== undefined, "only a backup's lane makes packs");
    this.#putPack(pack, (bytes) => this.#giveBack(bytes)).then(
      () => this.#port.post({ kind: "taken" }),
      (error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #giveBack({ buffer }: Bytes): void {
    assert(buffer instanceof ArrayBuffer, "a pack that was handed over has memory of its own");
    this.#port.post({ kind: "spent", buffer }, [buffer]);
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
