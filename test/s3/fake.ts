// A stand-in for a bucket: answers calls by a script, and refuses as a bucket would.

import { utf8 } from "../../src/base/bytes.ts";
import { BunkerError } from "../../src/base/errors.ts";
import type { Answer, Call, Caller } from "../../src/s3/call.ts";
import { failureOfAnswer } from "../../src/s3/failure.ts";
import { judge } from "../../src/s3/verdict.ts";

export interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

export type Script = (call: Call, index: number) => Said | Promise<Said>;

export class FakeCaller implements Caller {
  readonly location = "bucket fake at 127.0.0.1";
  readonly hash = { md5 };
  readonly calls: Call[] = [];
  readonly #script: Script;

  /** A list of answers is given in its order, the last one for ever. */
  constructor(script: Script | readonly Said[]) {
    this.#script =
      typeof script === "function"
        ? script
        : (_, index) => script[Math.min(index, script.length - 1)]!;
  }

  async call(call: Call): Promise<Answer> {
    call.signal?.throwIfAborted();
    this.calls.push(call);
    const {
      status = 200,
      headers = {},
      body = "",
    } = await this.#script(call, this.calls.length - 1);
    const bytes = typeof body === "string" ? utf8(body) : body;
    const answer = { status, headers: new Headers(headers), bytes };
    if ((status >= 200 && status < 300) || call.accept?.includes(status)) return answer;
    const seen = { ...answer, bytes: call.method === "HEAD" ? undefined : bytes };
    const failure = failureOfAnswer({ ...seen, localMs: 0, secrets: [] });
    const { code, message } = judge(failure);
    throw new BunkerError(code, `${call.operation}: ${message}`, { cause: failure });
  }

  queries(): Record<string, string>[] {
    return this.calls.map(({ query }) => ({ ...query }));
  }

  operations(): string[] {
    return this.calls.map(({ operation }) => operation);
  }
}

export function md5(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Bun.CryptoHasher("md5").update(bytes).digest());
}

export function md5Hex(bytes: Uint8Array | string): string {
  return new Bun.CryptoHasher("md5").update(bytes).digest("hex");
}

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

/** A document as AWS writes it. */
export function xml(name: string, content: string): string {
  return `${HEAD}<${name} ${NAMESPACE}>${content}</${name}>`;
}

/** A refusal as AWS writes it. */
export function refusal(status: number, code: string, message = "Said so."): Said {
  const content = `<Code>${code}</Code><Message>${message}</Message><RequestId>1A</RequestId>`;
  return {
    status,
    headers: { "content-type": "application/xml" },
    body: `${HEAD}<Error>${content}</Error>`,
  };
}

/** What a promise fails with; fails the test where it doesn't. */
export async function failureFrom(promise: Promise<unknown>): Promise<BunkerError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BunkerError) return error;
    throw error;
  }
  throw new Error("expected a BunkerError, found success");
}
