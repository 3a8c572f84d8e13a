// Lock: until when a version of an object can't be deleted, and by whom.
//
// A lock is for one version: without a version id a service takes the newest, which somebody else
// may have written. The header that lifts a governance lock is never sent. (B2 docs: Object Lock.)

import { assert } from "../base/assert.ts";
import { BunkerError } from "../base/errors.ts";
import { ask, DOCUMENT_BYTES_MAX, documentIn, failureOf, requiredText } from "./ask.ts";
import type { Call, Caller, Operation } from "./call.ts";
import { documentOf, DOCUMENT_HEADERS, element } from "./document.ts";
import { formatTime, parseTime } from "./time.ts";

export type LockMode = "governance" | "compliance";

export interface ObjectLock {
  readonly mode: LockMode;
  /** Milliseconds since the epoch, by the service's clock. */
  readonly until: number;
}

/** The headers of a new object that is to be locked. */
export function lockHeaders(lock: ObjectLock | undefined): Record<string, string> {
  if (lock === undefined) return {};
  return {
    "x-amz-object-lock-mode": lock.mode.toUpperCase(),
    "x-amz-object-lock-retain-until-date": formatTime(lock.until),
  };
}

/** The lock that the headers of an object tell; a key may not be allowed to see one that is there. */
export function lockInHeaders(headers: Headers, what: string): ObjectLock | undefined {
  const mode = headers.get("x-amz-object-lock-mode");
  const until = headers.get("x-amz-object-lock-retain-until-date");
  if (mode === null || until === null) return undefined;
  return { mode: parseMode(mode, what), until: parseTime(until, what) };
}

export function parseMode(text: string, what: string): LockMode {
  const mode = text.toLowerCase();
  if (mode === "governance" || mode === "compliance") return mode;
  throw new BunkerError(
    "unavailable",
    `${what}: expected GOVERNANCE or COMPLIANCE, found ${JSON.stringify(text)}`,
  );
}

/** The lock of a version (of the newest without an id); `undefined` where it has none. */
export async function getRetention(
  caller: Caller,
  key: string,
  versionId?: string,
): Promise<ObjectLock | undefined> {
  const what = `the lock of ${key}`;
  try {
    return await ask(caller, lockCall("GetObjectRetention", key, versionId), (answer) => {
      const root = documentIn(answer, "Retention", what);
      if (root.children.every(({ text }) => text === "")) return undefined;
      const mode = parseMode(requiredText(root, "Mode", what), what);
      return { mode, until: parseTime(requiredText(root, "RetainUntilDate", what), what) };
    });
  } catch (error) {
    if (saysUnlocked(error)) return undefined;
    throw error;
  }
}

/** Sets or extends the lock of a version; `undefined` only for one that was just written. */
export async function putRetention(
  caller: Caller,
  key: string,
  versionId: string | undefined,
  lock: ObjectLock,
): Promise<void> {
  const content =
    element("Mode", lock.mode.toUpperCase()) + element("RetainUntilDate", formatTime(lock.until));
  await caller.call({
    ...lockCall("PutObjectRetention", key, versionId),
    headers: DOCUMENT_HEADERS,
    body: documentOf("Retention", content),
  });
}

/** Whether a version is held: not to be deleted, whoever asks, until the hold is taken off. */
export async function getLegalHold(
  caller: Caller,
  key: string,
  versionId?: string,
): Promise<boolean> {
  const what = `the legal hold of ${key}`;
  try {
    return await ask(caller, lockCall("GetObjectLegalHold", key, versionId), (answer) => {
      const root = documentIn(answer, "LegalHold", what);
      return root.children.length > 0 && requiredText(root, "Status", what) === "ON";
    });
  } catch (error) {
    if (saysUnlocked(error)) return false;
    throw error;
  }
}

export async function putLegalHold(
  caller: Caller,
  key: string,
  versionId: string | undefined,
  held: boolean,
): Promise<void> {
  await caller.call({
    ...lockCall("PutObjectLegalHold", key, versionId),
    headers: DOCUMENT_HEADERS,
    body: documentOf("LegalHold", element("Status", held ? "ON" : "OFF")),
  });
}

type LockOperation = Extract<Operation, `${"Get" | "Put"}Object${"Retention" | "LegalHold"}`>;

function lockCall(operation: LockOperation, key: string, versionId: string | undefined): Call {
  assert(versionId !== "", "a version id is not empty");
  const aspect = operation.endsWith("Retention") ? "retention" : "legal-hold";
  return {
    operation,
    method: operation.startsWith("Get") ? "GET" : "PUT",
    key,
    query: { [aspect]: "", ...(versionId === undefined ? {} : { versionId }) },
    answerBytesMax: DOCUMENT_BYTES_MAX,
  };
}

// The object has none (404, of versitygw 400), or its bucket has no locks at all: the latter only
// the message tells from other invalid requests ("Bucket is missing Object Lock Configuration";
// radosgw: "bucket object lock not configured").
function saysUnlocked(error: unknown): boolean {
  const failure = failureOf(error);
  if (failure === undefined) return false;
  if (failure.code === "NoSuchObjectLockConfiguration") return true;
  if (failure.code === "ObjectLockConfigurationNotFoundError") return true;
  return failure.code === "InvalidRequest" && /object ?lock/i.test(failure.message);
}
