// Send: one attempt, from the first byte up to the last byte down.
//
// What Bun's `fetch` does unasked is turned off: it would follow redirects with our signature, and
// unpack what is stored packed. A body of bytes would show no progress, so that larger ones are
// streams, made anew for each attempt, whose length is said beforehand: sent in chunks without a
// length, B2 and others refuse them.

import { AssertionError } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import type { World } from "../base/world.ts";
import type { Answer, Call } from "./call.ts";
import { failureOfAnswer, failureOfError, S3Failure } from "./failure.ts";
import type { Pace } from "./pace.ts";
import { receive } from "./receive.ts";
import type { Fetch, Patience, S3Service, Timer } from "./service.ts";
import type { Signed } from "./sign.ts";
import type { Tally } from "./tally.ts";
import { Watchdog } from "./watchdog.ts";

/** Up to here a body goes as bytes: it is on its way before any progress could be seen. */
const SMALL_BODY_BYTES = 64 * 1024;
/** Of an error's words. */
const ERROR_BYTES_MAX = 64 * 1024;

export interface SendParts {
  readonly service: S3Service;
  readonly world: World;
  readonly fetch: Fetch;
  readonly timer: Timer;
  readonly patience: Patience;
  readonly pace: Pace;
  readonly tally: Tally;
}

export interface Attempt {
  readonly call: Call;
  readonly signed: Signed;
  /** Over a connection of its own. */
  readonly fresh: boolean;
}

/** What Bun takes beside the types that it declares. */
type FetchInit = Omit<BunFetchRequestInit, "proxy"> & {
  readonly decompress: boolean;
  readonly timeout: boolean;
  readonly proxy?: false;
};

/**
 * Returns the answer where it is 2xx or a status that the call accepts. Throws an `S3Failure`; or
 * `interrupted`, or `corrupt` for an answer that is longer than the call allows.
 */
export async function send(parts: SendParts, attempt: Attempt): Promise<Answer> {
  using watchdog = new Watchdog(parts.timer, attempt.call.signal);
  try {
    return await new Sending(parts, attempt, watchdog).answer();
  } catch (error) {
    // Whoever ended the attempt knows why; but a refusal stays one where its words never came.
    const answered = error instanceof S3Failure && error.status !== 0;
    if (watchdog.signal.aborted && !answered) throw watchdog.signal.reason;
    throw error;
  }
}

class Sending {
  readonly #parts: SendParts;
  readonly #attempt: Attempt;
  readonly #watchdog: Watchdog;
  /** Of the body, not yet on their way. */
  #bytesLeft: number;

  constructor(parts: SendParts, attempt: Attempt, watchdog: Watchdog) {
    this.#parts = parts;
    this.#attempt = attempt;
    this.#watchdog = watchdog;
    this.#bytesLeft = attempt.call.body?.length ?? 0;
  }

  async answer(): Promise<Answer> {
    const { call } = this.#attempt;
    const response = await this.#ask();
    const { status, headers } = response;
    const wanted = response.ok || call.accept?.includes(status) === true;
    const bytes = await receive(response, {
      bytesMax: wanted ? call.answerBytesMax : ERROR_BYTES_MAX,
      lenient: !wanted,
      moved: (byteCount) => this.#received(byteCount),
    });
    if (response.ok) return { status, headers, bytes };
    const failure = this.#failureOf(response, bytes);
    // A proxy's "404" is not what the call meant.
    if (!wanted || failure.foreign) throw failure;
    return { status, headers, bytes };
  }

  async #ask(): Promise<Response> {
    const { fetch, service, tally } = this.#parts;
    const { call, signed, fresh } = this.#attempt;
    const { method, body } = call;
    const { url, headers } = signed;
    // Not signed, since what is in between may change them.
    headers.set("accept-encoding", "identity");
    headers.set("user-agent", "bunker");
    if (body !== undefined) headers.set("content-length", String(body.length));
    const init: FetchInit = {
      method,
      headers,
      signal: this.#watchdog.signal,
      redirect: "error",
      decompress: false,
      timeout: false, // The watchdog's matter.
      verbose: false, // A variable of the environment would print each request, token and all.
      ...(fresh ? { keepalive: false } : {}),
      // Said each time: a variable of the environment would switch all checks off.
      tls: {
        rejectUnauthorized: true,
        ...(service.caPem === undefined ? {} : { ca: service.caPem }),
      },
      // Without TLS nothing leaves this machine, whatever proxy the environment names.
      ...(url.startsWith("http:") ? { proxy: false as const } : {}),
      ...(body === undefined ? {} : { body: await this.#bodyOf(body) }),
    };
    tally.request(call.operation);
    this.#watchdog.wait(...this.#nextWait());
    try {
      const response = await fetch(url, init as BunFetchRequestInit);
      this.#watchdog.wait(this.#parts.patience.idleMs, "byte received");
      return response;
    } catch (error) {
      if (error instanceof BunkerError || error instanceof AssertionError) throw error;
      throw failureOfError(error);
    }
  }

  async #bodyOf(body: Bytes): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Bytes>> {
    if (body.length > SMALL_BODY_BYTES) return this.#streamOf(body);
    await this.#sent(body.length);
    return body as Uint8Array<ArrayBuffer>; // `fetch` takes shared memory too, its type does not.
  }

  /** Views of the body, one after the other: nothing is copied here. */
  #streamOf(body: Bytes): ReadableStream<Bytes> {
    const { pieceBytes } = this.#parts.pace;
    return new ReadableStream<Bytes>(
      {
        pull: async (controller) => {
          const at = body.length - this.#bytesLeft;
          const piece = body.subarray(at, at + pieceBytes);
          await this.#sent(piece.length);
          this.#watchdog.wait(...this.#nextWait());
          controller.enqueue(piece);
          if (this.#bytesLeft === 0) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  }

  async #sent(byteCount: number): Promise<void> {
    this.#watchdog.rest();
    await this.#parts.pace.up(byteCount, this.#watchdog.signal);
    this.#parts.tally.up(byteCount);
    this.#bytesLeft -= byteCount;
  }

  #nextWait(): [milliseconds: number, forWhat: string] {
    const { idleMs, answerMs } = this.#parts.patience;
    return this.#bytesLeft > 0 ? [idleMs, "byte sent"] : [answerMs, "answer"];
  }

  async #received(byteCount: number): Promise<void> {
    this.#parts.tally.down(byteCount);
    this.#watchdog.rest();
    await this.#parts.pace.down(byteCount, this.#watchdog.signal);
    this.#watchdog.wait(this.#parts.patience.idleMs, "byte received");
  }

  #failureOf({ status, headers }: Response, bytes: Bytes): S3Failure {
    const { world, service } = this.#parts;
    const { secret, sessionToken = "" } = service.credentials;
    const hasBody = this.#attempt.call.method !== "HEAD" && status !== 304;
    return failureOfAnswer({
      status,
      headers,
      bytes: hasBody ? bytes : undefined,
      localMs: world.now(),
      secrets: [secret, sessionToken],
    });
  }
}
