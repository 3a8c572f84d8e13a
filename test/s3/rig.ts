// A rig for the transport: buckets in a world whose sleep jumps the clock, servers that misbehave
// to the byte, and a timer that goes off when the test says so.

import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Bucket } from "../../src/s3/bucket.ts";
import type { Call } from "../../src/s3/call.ts";
import { type BucketParts, openBucket, type S3Service, type Timer } from "../../src/s3/service.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { testWorld, type TestWorld } from "../support/world.ts";

export const SECRET = "the/secret+of=tests";
export const HASH = {
  md5: (bytes: Uint8Array) => nativePlatform.md5(bytes),
  sha256: (bytes: Uint8Array) => nativePlatform.sha256(bytes),
};

export function serviceAt(endpoint: string, more: Partial<S3Service> = {}): S3Service {
  return {
    endpoint,
    region: "us-test-1",
    credentials: { keyId: "KEYID", secret: SECRET },
    ...more,
  };
}

export interface Rig {
  readonly bucket: Bucket;
  readonly world: TestWorld;
  /** How long was slept, each time. */
  readonly sleeps: number[];
  readonly retries: string[];
}

/** A bucket at that endpoint; every wait is over at once, and told. */
export function rigAt(
  endpoint: string,
  parts: Partial<BucketParts> = {},
  service: Partial<S3Service> = {},
): Rig {
  const plain = testWorld();
  const sleeps: number[] = [];
  const world: TestWorld = {
    ...plain,
    sleep(milliseconds) {
      sleeps.push(milliseconds);
      return plain.sleep(milliseconds);
    },
  };
  const retries: string[] = [];
  const bucket = openBucket(serviceAt(endpoint, service), "the-bucket", {
    world,
    hash: HASH,
    onRetry: (text) => retries.push(text),
    ...parts,
  });
  return { bucket, world, sleeps, retries };
}

export function getCall(key = "a", more: Partial<Call> = {}): Call {
  return { operation: "GetObject", method: "GET", key, answerBytesMax: 1 << 20, ...more };
}

export function putCall(body: Uint8Array, more: Partial<Call> = {}): Call {
  const call = { operation: "PutObject", method: "PUT", key: "a", body } as const;
  return { ...call, answerBytesMax: 1000, ...more };
}

/** Goes off when the test says so. */
export interface HandTimer {
  readonly timer: Timer;
  /** Runs the one that waits; false where none does. */
  readonly fire: () => boolean;
  /** How many wait. */
  readonly count: () => number;
  /** All times that were asked for. */
  readonly asked: number[];
}

export function handTimer(): HandTimer {
  const waiting = new Set<() => void>();
  const asked: number[] = [];
  return {
    timer(milliseconds, run) {
      asked.push(milliseconds);
      waiting.add(run);
      return () => void waiting.delete(run);
    },
    fire() {
      const [first] = waiting;
      if (first === undefined) return false;
      waiting.delete(first);
      first();
      return true;
    },
    count: () => waiting.size,
    asked,
  };
}

export interface RawServer extends AsyncDisposable {
  readonly endpoint: string;
  /** The head of each request as it came, and the connection it came over. */
  readonly requests: { readonly head: string; readonly connection: number }[];
  /** How many connections are closed. */
  readonly closedCount: () => number;
}

export type Answering = (socket: Socket, head: string, index: number) => void;

/** A server below HTTP. `answer` is called once the head of a request is there. */
export async function rawServer(
  answer: Answering,
  options: { readonly whole?: boolean } = {},
): Promise<RawServer> {
  const requests: { head: string; connection: number }[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let closedCount = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    const connection = connections++;
    socket.on("error", () => undefined); // It is meant to break.
    socket.on("close", () => {
      closedCount++;
      sockets.delete(socket);
    });
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = text.slice(0, end);
      const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
      // A request is answered when its head is there, or when all of it is.
      if (options.whole === true && text.length < end + 4 + length) return;
      text = "";
      requests.push({ head, connection });
      answer(socket, head, requests.length - 1);
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    closedCount: () => closedCount,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** The text of an answer with its right length. */
export function httpText(status: number, body: string, headers: readonly string[] = []): string {
  const lines = [`HTTP/1.1 ${status} X`, `Content-Length: ${body.length}`, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

export function errorXml(code: string, message = "words"): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message><RequestId>R1</RequestId></Error>`;
}

/** What is thrown; fails where nothing is. */
export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a failure, found none");
}
