// Outgoing: an answer as HTTP, and what faults do to it on its way (docs/b2.md A10).

import type { ServerResponse } from "node:http";

import type { Answer, RequestRecord } from "./exchange.ts";
import type { Fault } from "./faults.ts";
import { S3Error } from "./refusal.ts";
import { writeError } from "./xml.ts";

export interface Sending {
  readonly core: { now(): number; requestId(): string };
  readonly response: ServerResponse;
  readonly record: RequestRecord;
  readonly fault: Fault | undefined;
}

export async function send(sending: Sending, answer: Answer | S3Error): Promise<void> {
  const { core, response, record, fault } = sending;
  const { status, headers, body, bodyBytes } = formOf(answer);
  record.status = status;
  if (answer instanceof S3Error) record.code = answer.code;
  const skewMs = fault?.what === "wrong-date" ? (fault.skewMs ?? 3_600_000) : 0;
  const requestId = core.requestId();
  response.writeHead(status, {
    date: new Date(core.now() + skewMs).toUTCString(),
    // A page of something in between has no id of the service's.
    ...(fault?.what === "html" ? {} : serviceHeaders(requestId)),
    ...headers,
  });
  // docs/b2.md A1: an error to HEAD says its length and nothing more.
  if (record.method === "HEAD" || isBodiless(status)) response.end();
  else await sendBody(sending, body, bodyBytes);
}

interface Form {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Iterable<Uint8Array>;
  readonly bodyBytes: number;
}

function serviceHeaders(requestId: string): Record<string, string> {
  return {
    "x-amz-request-id": requestId,
    "x-amz-id-2": `adN${requestId}`,
    "cache-control": "max-age=0, no-cache, no-store",
  };
}

function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

function formOf(answer: Answer | S3Error): Form {
  const { status } = answer;
  const body = answer instanceof S3Error ? writeError(answer) : (answer.body ?? "");
  if (typeof body === "object") {
    const { content, offset, length } = body;
    const headers = { ...(!isBodiless(status) && { "content-length": String(length) }) };
    const pieces = content.pieces(offset, length);
    return { status, headers: { ...headers, ...answer.headers }, body: pieces, bodyBytes: length };
  }
  const bytes = Buffer.from(body);
  const headers = {
    ...(bytes.length > 0 && { "content-type": "application/xml" }),
    ...(!isBodiless(status) && { "content-length": String(bytes.length) }),
    ...answer.headers,
  };
  return { status, headers, body: [bytes], bodyBytes: bytes.length };
}

async function sendBody(
  { response, record, fault }: Sending,
  pieces: Iterable<Uint8Array>,
  bodyBytes: number,
): Promise<void> {
  const stopAt = stopOf(fault, bodyBytes);
  for (const piece of damaged(pieces, fault)) {
    const sent = piece.subarray(0, stopAt - record.bytesOut);
    if (sent.length === 0 || response.destroyed) break;
    record.bytesOut += sent.length;
    if (!response.write(sent)) await drained(response);
    if (fault?.what === "slow") await Bun.sleep(fault.delayMs ?? 10);
  }
  await endBody(response, fault);
}

async function endBody(response: ServerResponse, fault: Fault | undefined): Promise<void> {
  if (fault?.what === "hang-midway") return;
  if (fault?.what !== "truncated") return void response.end();
  // What was written has to be on its way before the connection is cut.
  await Bun.sleep(10);
  response.socket?.destroy();
}

function stopOf(fault: Fault | undefined, bodyBytes: number): number {
  if (fault?.what !== "truncated" && fault?.what !== "hang-midway") return bodyBytes;
  return Math.min(fault.bytes ?? Math.floor(bodyBytes / 2), bodyBytes);
}

function* damaged(pieces: Iterable<Uint8Array>, fault: Fault | undefined): Generator<Uint8Array> {
  let first = true;
  for (const piece of pieces) {
    const given = first && fault?.what === "wrong-bytes" ? flipped(piece) : piece;
    first = false;
    if (fault?.what === "slow") yield* cut(given, fault.bytes ?? 1024);
    else yield given;
  }
}

function flipped(piece: Uint8Array): Uint8Array {
  const copy = new Uint8Array(piece);
  const middle = copy.length >>> 1;
  if (copy.length > 0) copy[middle] = copy[middle]! ^ 0x10;
  return copy;
}

function* cut(piece: Uint8Array, bytesMax: number): Generator<Uint8Array> {
  for (let offset = 0; offset < piece.length; offset += bytesMax) {
    yield piece.subarray(offset, offset + bytesMax);
  }
}

function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    response.off("drain", done);
    response.off("close", done);
    resolve();
  };
  response.on("drain", done);
  response.on("close", done);
  return promise;
}
