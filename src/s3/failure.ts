// Failure: what an attempt came back with when it was no success, in one form.
//
// It comes from an S3 error document, from a proxy's page, from an answer without a body (HEAD), or
// from the network. It holds nothing that was sent: some services repeat the request, token and
// all, in their errors, of which only the harmless fields are taken.

import { type Bytes, textOf } from "../base/bytes.ts";
import { rawMessageOf } from "../base/errors.ts";
import { dateOf } from "./clock.ts";
import { children, parseXml, textOfChild, type XmlNode } from "./xml.ts";

const MESSAGE_CHARS_MAX = 300;
const PAGE_BYTES_MAX = 8 * 1024;

/** Codes of failures that never were an answer; the network's own ("ECONNRESET") beside them. */
export const NETWORK_CODES = {
  /** Nothing moved for too long. */
  timeout: "Timeout",
  /** The answer ended before its end. */
  truncated: "Truncated",
} as const;

export interface FailureDetails {
  /** 0 where no answer came. */
  readonly status: number;
  /** S3's or the system's word for it; "" where there is none. */
  readonly code: string;
  readonly message: string;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The answer was not of an S3 service, but of something in between. */
  readonly foreign?: boolean | undefined;
  /** The region that the service names as the right one. */
  readonly region?: string | undefined;
  /** Milliseconds since the epoch: the service's clock and this machine's, at the answer. */
  readonly serverMs?: number | undefined;
  readonly localMs?: number | undefined;
}

/** The cause of what a `Bucket` throws. */
export class S3Failure extends Error {
  override readonly name = "S3Failure";
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly foreign: boolean;
  readonly region: string | undefined;
  readonly serverMs: number | undefined;
  readonly localMs: number | undefined;

  constructor(details: FailureDetails) {
    super(details.message);
    this.status = details.status;
    this.code = details.code;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
    this.foreign = details.foreign ?? false;
    this.region = details.region;
    this.serverMs = details.serverMs;
    this.localMs = details.localMs;
  }
}

/** What is needed to read a failure from an answer. */
export interface FailedAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The beginning of the body; `undefined` where the method has none (HEAD). */
  readonly bytes: Bytes | undefined;
  readonly localMs: number;
  /** Never to be seen in a message, whoever says them. */
  readonly secrets: readonly string[];
}

/** The failure that an answer tells of. */
export function failureOfAnswer(answer: FailedAnswer): S3Failure {
  const { status, headers, localMs, secrets } = answer;
  const serverMs = dateOf(headers);
  const document = documentOf(answer.bytes);
  const foreign = document === undefined && isForeign(answer);
  const text = (name: string): string | undefined =>
    document === undefined ? undefined : cleanOf(textOfChild(document, name), secrets);
  return new S3Failure({
    status,
    code: text("Code") ?? "",
    message: document === undefined ? pageOf(answer, secrets) : (text("Message") ?? ""),
    requestId: cleanOf(headers.get("x-amz-request-id"), secrets) ?? text("RequestId"),
    retryAfterMs: retryAfterOf(headers.get("retry-after"), serverMs ?? localMs),
    foreign,
    region: cleanOf(headers.get("x-amz-bucket-region"), secrets) ?? text("Region"),
    // What is in between may have another clock.
    serverMs: foreign ? undefined : serverMs,
    localMs,
  });
}

/** The failure behind an error of `fetch`; its own message tells the URL, ours does not. */
export function failureOfError(error: unknown): S3Failure {
  if (error instanceof S3Failure) return error;
  const code = (error as { code?: unknown } | null)?.code;
  return new S3Failure({
    status: 0,
    code: typeof code === "string" ? code : "",
    message: typeof code === "string" ? code : rawMessageOf(error).slice(0, MESSAGE_CHARS_MAX),
  });
}

// Services differ in whether the document is the error or only holds it.
function documentOf(bytes: Bytes | undefined): XmlNode | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  let root: XmlNode;
  try {
    root = parseXml(bytes, "an error");
  } catch {
    return undefined; // A page of a proxy; or cut off, then the status alone must do.
  }
  if (root.name === "Error") return root;
  return children(root, "Error")[0];
}

function isForeign({ bytes, headers }: FailedAnswer): boolean {
  if (headers.has("x-amz-request-id")) return false;
  if (/\bhtml\b/i.test(headers.get("content-type") ?? "")) return true;
  return bytes !== undefined; // S3 says why whenever it can.
}

/** What a proxy's page says, its title above all; "" where there is none. */
function pageOf({ bytes }: FailedAnswer, secrets: readonly string[]): string {
  if (bytes === undefined) return "";
  // Its beginning: what follows is long, and may be made to be slow to search.
  const page = textOf(bytes.subarray(0, PAGE_BYTES_MAX));
  const title = /<title[^>]*>([^<]*)/i.exec(page)?.[1];
  return cleanOf(title ?? page.replaceAll(/<[^>]*>/g, " "), secrets) ?? "";
}

/** One short line without secrets; `undefined` for nothing. */
function cleanOf(text: string | null | undefined, secrets: readonly string[]): string | undefined {
  if (text === null || text === undefined) return undefined;
  let clean = text.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  // So begin the header that authorizes, and what was signed.
  clean = clean.replace(/AWS4-HMAC-SHA256.*$/, "***");
  for (const secret of secrets) if (secret !== "") clean = clean.replaceAll(secret, "***");
  return clean.slice(0, MESSAGE_CHARS_MAX);
}

/** `Retry-After` in seconds or as a date, which is read by the clock that wrote it. */
function retryAfterOf(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined;
  if (/^ *\d+(?:\.\d+)? *$/.test(text)) return Number(text) * 1000;
  const until = Date.parse(text);
  if (Number.isNaN(until)) return undefined;
  return Math.max(0, until - nowMs);
}
