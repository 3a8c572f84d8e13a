// Ask: a call whose answer is read at once, and asked for again where it cannot be right.
//
// `Bucket` repeats what failed by its status or on its way. An answer that came with 200 can be
// wrong still: cut in the middle, written by a proxy, an error by its text. Such a one is asked for
// again, a few times, and then is an error; it is never taken for an absence or an end.

import { BunkerError, isBunkerError } from "../base/errors.ts";
import type { Answer, Call, Caller } from "./call.ts";
import { failureOfAnswer, S3Failure } from "./failure.ts";
import { parseXml, textOfChild, type XmlNode } from "./xml.ts";

/** How often an answer that cannot be read is asked for. */
export const ASK_COUNT_MAX = 3;
/** A page of 1,000 keys of 1,024 bytes, all of them percent-encoded, has less than 8 MiB. */
export const PAGE_BYTES_MAX = 16 * 1024 * 1024;
/** Any other document, an error's too. */
export const DOCUMENT_BYTES_MAX = 1024 * 1024;

/** Calls, and reads the answer by `read`, which throws a `BunkerError` for one to ask for again. */
export async function ask<T>(caller: Caller, call: Call, read: (answer: Answer) => T): Promise<T> {
  for (let tries = 1; ; tries++) {
    const answer = await caller.call(call);
    try {
      return read(answer);
    } catch (error) {
      if (tries === ASK_COUNT_MAX || !isBunkerError(error)) throw error;
    }
  }
}

/** Reads an answer's document, whose root must be `rootName`; some errors come with 200. */
export function documentIn(answer: Answer, rootName: string, what: string): XmlNode {
  const root = parseXml(answer.bytes, what);
  // Versitygw calls a lock's document "ObjectLockRetention".
  if (root.name === rootName || root.name === `ObjectLock${rootName}`) return root;
  if (root.name !== "Error")
    throw new BunkerError("unavailable", `${what}: expected <${rootName}>, found <${root.name}>`);
  const cause = failureOfAnswer({ ...answer, localMs: 0, secrets: [] });
  const { status, code, message } = cause;
  throw new BunkerError(
    "unavailable",
    `${what}: the service failed (${status} ${code}: ${message})`,
    {
      cause,
    },
  );
}

/** The text of a child that must be there, and not be empty. */
export function requiredText(node: XmlNode, name: string, what: string): string {
  const text = textOfChild(node, name);
  if (text !== undefined && text !== "") return text;
  throw new BunkerError("unavailable", `${what}: <${node.name}> has no <${name}>`);
}

/** The whole number, zero or more, in a child that must be there. */
export function requiredCount(node: XmlNode, name: string, what: string): number {
  const text = requiredText(node, name, what);
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new BunkerError("unavailable", `${what}: expected a number in <${name}>, found ${text}`);
}

/** What a service refused with, where an error is its refusal. */
export function failureOf(error: unknown): S3Failure | undefined {
  return isBunkerError(error) && error.cause instanceof S3Failure ? error.cause : undefined;
}

/** Whether the service refused with one of these codes. */
export function refusedWith(error: unknown, ...codes: readonly string[]): boolean {
  const code = failureOf(error)?.code;
  return code !== undefined && codes.includes(code);
}
