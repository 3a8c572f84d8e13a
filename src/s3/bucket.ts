// Bucket: one bucket of one service, to which calls are sent as often as it takes.
//
// It holds what the calls share: the gates, the pace, the tally and the service's clock.

import { BunkerError } from "../base/errors.ts";
import { loadU32 } from "../base/bytes.ts";
import type { World } from "../base/world.ts";
import { waitBefore } from "./backoff.ts";
import type { Answer, Call, Caller, Operation } from "./call.ts";
import { dateOf, ServerClock } from "./clock.ts";
import { S3Failure } from "./failure.ts";
import { Gate } from "./gate.ts";
import { Pace } from "./pace.ts";
import { send, type SendParts } from "./send.ts";
import type { BucketParts, Hash, S3Service } from "./service.ts";
import { prepare, type Prepared, Signer } from "./sign.ts";
import { Tally } from "./tally.ts";
import { judge, type Verdict } from "./verdict.ts";
import { sleepUnless } from "./waiting.ts";

/** Each upload holds its pack in memory, so that more would cost more of that. */
const CONNECTIONS = 6;
/** B2 was seen to refuse more than some twenty deletions at once. */
const SMALL_CALLS_MAX = 8;
const PIECE_BYTES = 64 * 1024;
const PATIENCE = { budgetMs: 15 * 60_000, idleMs: 30_000, answerMs: 120_000 };
/** They move data, and wait at a gate of their own: nothing small waits behind them. */
const DATA: readonly Operation[] = ["PutObject", "UploadPart", "GetObject"];

export class Bucket implements Caller {
  readonly name: string;
  /** Without its credentials, which nobody sees here. */
  readonly service: Omit<S3Service, "credentials">;
  readonly hash: Hash;
  readonly clock: ServerClock;
  readonly tally = new Tally();
  /** Calls that move data at once, at most. */
  readonly connections: number;
  readonly #world: World;
  readonly #sendParts: SendParts;
  readonly #signer: Signer;
  readonly #dataGate: Gate;
  readonly #smallGate: Gate;
  readonly #onRetry: (text: string) => void;
  /** Whether anything ever came back: until then an endpoint may simply be wrong. */
  #answered = false;

  /** `openBucket` is the way to it, which checks what it is given. */
  constructor(service: S3Service, name: string, parts: BucketParts) {
    const { world, limits = {}, patience = PATIENCE } = parts;
    const connections = limits.connections ?? CONNECTIONS;
    this.connections = connections;
    this.name = name;
    const { credentials: _, ...shown } = service;
    this.service = shown;
    this.hash = parts.hash;
    this.clock = new ServerClock(world);
    this.#world = world;
    this.#signer = new Signer(service);
    this.#dataGate = new Gate(connections);
    this.#smallGate = new Gate(Math.min(connections, SMALL_CALLS_MAX));
    this.#onRetry = parts.onRetry ?? (() => undefined);
    this.#sendParts = {
      service,
      world,
      patience,
      fetch: parts.fetch ?? fetch,
      timer: parts.timer ?? startTimer,
      pace: new Pace(world, limits, PIECE_BYTES),
      tally: this.tally,
    };
  }

  /** For people and messages: "bucket NAME at HOST". */
  get location(): string {
    return `bucket ${this.name} at ${new URL(this.service.endpoint).host}`;
  }

  /**
   * Sends the call until it is answered with 2xx or a status that the call accepts, or until the
   * patience ends. Throws a `BunkerError` whose cause is an `S3Failure`; `interrupted`; `corrupt`
   * for an answer that is longer than the call allows; `invalid-argument` for a key or a header
   * that cannot be sent.
   */
  async call(call: Call): Promise<Answer> {
    const prepared = prepare(call, this.name, this.hash);
    const beganMs = this.#world.now();
    let fresh = false;
    for (let count = 1; ; count++) {
      try {
        return await this.#attempt(call, prepared, fresh);
      } catch (error) {
        if (!(error instanceof S3Failure)) throw error;
        const verdict = judge(error);
        const waitMs = this.#waitBefore(verdict, error, {
          count,
          elapsedMs: this.#world.now() - beganMs,
          most: call.tries ?? Number.POSITIVE_INFINITY,
        });
        if (waitMs === undefined) throw this.#errorOf(call, verdict, error, count);
        await this.#pause(call, verdict, waitMs);
        fresh = verdict.freshConnection;
      }
    }
  }

  async #attempt(call: Call, prepared: Prepared, fresh: boolean): Promise<Answer> {
    await this.#sendParts.pace.request(call.signal);
    const gate = DATA.includes(call.operation) ? this.#dataGate : this.#smallGate;
    const pass = await gate.enter(call.signal);
    let outcome: "good" | "slow" | "other" = "other";
    try {
      const signed = await this.#signer.sign(prepared, this.clock.now());
      const answer = await send(this.#sendParts, { call, signed, fresh });
      outcome = "good";
      this.#learn(dateOf(answer.headers));
      return answer;
    } catch (error) {
      if (error instanceof S3Failure) {
        if (error.status !== 0) this.#learn(error.serverMs);
        if (judge(error).slowDown) outcome = "slow";
      }
      throw error;
    } finally {
      pass.leave(outcome);
    }
  }

  #learn(serverMs: number | undefined): void {
    this.#answered = true;
    this.clock.learn(serverMs);
  }

  #waitBefore(
    { retry }: Verdict,
    { status, retryAfterMs }: S3Failure,
    attempts: { readonly count: number; readonly elapsedMs: number; readonly most: number },
  ): number | undefined {
    const hopeful = retry === "always" && status === 0 && !this.#answered ? "few" : retry;
    const chance = loadU32(this.#world.random(4), 0) / 2 ** 32;
    const { budgetMs } = this.#sendParts.patience;
    return waitBefore(hopeful, { ...attempts, budgetMs }, chance, retryAfterMs);
  }

  async #pause(call: Call, { message }: Verdict, waitMs: number): Promise<void> {
    this.tally.retry();
    const seconds = Math.round(waitMs / 1000);
    const when = seconds === 0 ? "trying again" : `trying again in ${seconds} s`;
    this.#onRetry(`${this.#nameOf(call)}: ${message}; ${when}`);
    await sleepUnless(this.#world, waitMs, call.signal);
  }

  #errorOf(call: Call, verdict: Verdict, cause: S3Failure, count: number): BunkerError {
    const attempts = count === 1 ? "" : `, after ${count} attempts`;
    return new BunkerError(verdict.code, `${this.#nameOf(call)}: ${verdict.message}${attempts}`, {
      cause,
      subject: call.key ?? this.location,
      ...(verdict.hint === undefined ? {} : { hint: verdict.hint }),
    });
  }

  #nameOf({ operation, key }: Call): string {
    return `${operation} of ${key ?? this.location}`;
  }
}

function startTimer(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}
