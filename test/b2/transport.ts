// Transport: HTTP in and out, and what faults do to it.
//
// Node's server is used since it keeps the path as it was sent: `Bun.serve` would resolve the "."
// and ".." segments that names in B2 may have (docs/b2.md A9), and it has no socket to cut.

import type { IncomingMessage, ServerResponse } from "node:http";

import { checkDigests } from "./auth.ts";
import type { Answer, Body, RequestRecord, Target } from "./exchange.ts";
import type { Fault, FaultKind } from "./faults.ts";
import type { AppKey } from "./keys.ts";
import { receive, targetOf } from "./incoming.ts";
import { send } from "./outgoing.ts";
import { S3Error, invalidRequest } from "./refusal.ts";

/** What the transport asks of the emulator. */
export interface Core {
  now(): number;
  /** What the way takes. */
  wait(): Promise<void>;
  requestId(): string;
  record(record: RequestRecord): void;
  takeFault(target: Target): Fault | undefined;
  /** Who asks; throws where the call is refused before its body is read. */
  admit(target: Target): AppKey;
  carryOut(target: Target, by: AppKey, body: Body, fault: Fault | undefined): Answer;
  /** A fault of the emulator's own. */
  crashed(error: unknown): void;
}

type Instead = (fault: Fault) => Answer | S3Error;

const failure = (): S3Error => new S3Error(500, "InternalError", "Please retry your upload.");

/** Faults that are an answer instead of the call. docs/b2.md A10 */
const INSTEAD: Partial<Record<FaultKind, Instead>> = {
  error: failure,
  late: failure,
  busy: () => new S3Error(503, "ServiceUnavailable", "no tomes available"),
  "slow-down": ({ retryAfterSeconds = 1 }) =>
    new S3Error(503, "SlowDown", "Please reduce your request rate.", {
      "retry-after": String(retryAfterSeconds),
    }),
  "request-timeout": () =>
    new S3Error(400, "RequestTimeout", "Your socket connection was not written to in time"),
  "too-small": () => invalidRequest("The request body was too small"),
  html: ({ status = 502 }) => ({
    status,
    headers: { "content-type": "text/html" },
    body: "<html><head><title>Bad Gateway</title></head><body>502<hr></body></html>\n",
  }),
};

/** Takes one request and answers it, or does what its fault says. */
export async function handle(
  core: Core,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = attempt(() => targetOf(message));
  const noCall = target instanceof S3Error;
  const record = recordOf(message, noCall ? undefined : target);
  core.record(record);
  if (!noCall) return serve({ core, message, response, record, target });
  const body = await receive(message, record, { kept: false, resets: false });
  if (body !== undefined) await send({ core, response, record, fault: undefined }, target);
}

interface Call {
  readonly core: Core;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: RequestRecord;
  readonly target: Target;
}

async function serve(call: Call): Promise<void> {
  const { core, message, response, record, target } = call;
  const fault = core.takeFault(target);
  const what = fault?.what;
  record.fault = what;
  if (what === "reset-before") return void message.socket.destroy();
  const by = attempt(() => core.admit(target));
  const kept = !(by instanceof S3Error);
  const body = await receive(message, record, { kept, resets: what === "reset-midway" });
  if (body === undefined || what === "hang") return;
  await core.wait();
  const answer = answerOf(call, { by, fault, body });
  if (what === "reset-after") message.socket.destroy();
  else if (what !== "hang-after") await send({ core, response, record, fault }, answer);
}

interface Received {
  readonly by: AppKey | S3Error;
  readonly fault: Fault | undefined;
  readonly body: Body;
}

function answerOf({ core, target }: Call, { by, fault, body }: Received): Answer | S3Error {
  const instead = fault && INSTEAD[fault.what]?.(fault);
  if (instead !== undefined && fault?.what !== "late") return instead;
  if (by instanceof S3Error) return by;
  const answer = attempt(() => {
    checkDigests(target, body);
    return core.carryOut(target, by, body, fault);
  }, core);
  return instead ?? answer;
}

/** The value, or the refusal. What is neither is a fault of ours, and told to the core. */
function attempt<T>(run: () => T, core?: Core): T | S3Error {
  try {
    return run();
  } catch (error) {
    if (error instanceof S3Error) return error;
    if (core === undefined) throw error;
    core.crashed(error);
    return new S3Error(500, "InternalError", "the emulator itself failed");
  }
}

function recordOf(message: IncomingMessage, target: Target | undefined): RequestRecord {
  return {
    operation: target?.operation ?? "Unknown",
    method: message.method ?? "",
    bucket: target?.bucket,
    key: target?.key,
    query: target?.query ?? new Map(),
    headers: target?.headers ?? new Map(),
    fault: undefined,
    bytesIn: 0,
    bytesOut: 0,
    status: 0,
    code: undefined,
  };
}
