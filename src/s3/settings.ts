// Settings: what a bucket is, and how it is set up. A setting that the key may not see is `denied`,
// and the caller decides what that means; one that was never set is the service's default.

import { BunkerError, isBunkerError } from "../base/errors.ts";
import {
  ask,
  DOCUMENT_BYTES_MAX,
  documentIn,
  failureOf,
  refusedWith,
  requiredCount,
  requiredText,
} from "./ask.ts";
import type { Call, Caller } from "./call.ts";
import { documentOf, DOCUMENT_HEADERS, element } from "./document.ts";
import { type LockMode, parseMode } from "./lock.ts";
import { children, textOfChild, type XmlNode } from "./xml.ts";

export type Versioning = "enabled" | "suspended" | "off";

export interface LockConfiguration {
  /** Whether versions can be locked. */
  readonly enabled: boolean;
  /** The lock that a new version gets which comes with none. */
  readonly default?: { readonly mode: LockMode; readonly days: number };
}

/** Who may read a bucket from web pages of other sites. */
export interface CorsRule {
  readonly id?: string;
  readonly origins: readonly string[];
  readonly methods: readonly string[];
}

/** Whether the bucket is there. Throws `denied` where it is another's, or the key may not see it. */
export async function headBucket(caller: Caller): Promise<boolean> {
  try {
    await caller.call({
      operation: "HeadBucket",
      method: "HEAD",
      answerBytesMax: DOCUMENT_BYTES_MAX,
    });
    return true;
  } catch (error) {
    const failure = failureOf(error);
    if (failure?.status === 404 && !failure.foreign) return false;
    throw error;
  }
}

/**
 * Makes the bucket, with object lock (and so versions) where it is asked for; returns false where it
 * is there already and is ours, in whatever state (radosgw doesn't tell). Throws `exists` where it is another's. Only AWS
 * wants the `region` to be named where it is not "us-east-1".
 */
export async function createBucket(
  caller: Caller,
  options: { readonly lock?: boolean; readonly region?: string } = {},
): Promise<boolean> {
  const { lock = false, region } = options;
  const configuration = region === undefined ? undefined : element("LocationConstraint", region);
  try {
    await caller.call({
      operation: "CreateBucket",
      method: "PUT",
      headers: {
        ...(lock ? { "x-amz-bucket-object-lock-enabled": "true" } : {}),
        ...(configuration === undefined ? {} : DOCUMENT_HEADERS),
      },
      ...(configuration === undefined
        ? {}
        : { body: documentOf("CreateBucketConfiguration", configuration) }),
      answerBytesMax: DOCUMENT_BYTES_MAX,
    });
    return true;
  } catch (error) {
    if (refusedWith(error, "BucketAlreadyOwnedByYou")) return false;
    if (!refusedWith(error, "BucketAlreadyExists") || !isBunkerError(error)) throw error;
    throw new BunkerError("exists", `${caller.location}: there is one of that name`, {
      cause: error.cause,
      hint: "the names of buckets are shared by all accounts of a service: take another",
    });
  }
}

export async function getLocation(caller: Caller): Promise<string> {
  const call = settingCall("GetBucketLocation", "location");
  const region = await ask(caller, call, (answer) =>
    documentIn(answer, "LocationConstraint", `the location of ${caller.location}`).text.trim(),
  );
  return region === "" ? "us-east-1" : region; // As AWS has it.
}

export async function getVersioning(caller: Caller): Promise<Versioning> {
  const what = `the versioning of ${caller.location}`;
  const call = settingCall("GetBucketVersioning", "versioning");
  return ask(caller, call, (answer) => {
    const status = textOfChild(documentIn(answer, "VersioningConfiguration", what), "Status") ?? "";
    if (status === "") return "off";
    if (status === "Enabled") return "enabled";
    if (status === "Suspended") return "suspended";
    throw new BunkerError("unavailable", `${what}: expected Enabled or Suspended, found ${status}`);
  });
}

export async function getLockConfiguration(caller: Caller): Promise<LockConfiguration> {
  const what = `the object lock of ${caller.location}`;
  const call = settingCall("GetObjectLockConfiguration", "object-lock");
  const read = (root: XmlNode): LockConfiguration => {
    const enabled = textOfChild(root, "ObjectLockEnabled") === "Enabled";
    const [rule] = children(root, "Rule").flatMap((node) => children(node, "DefaultRetention"));
    if (rule === undefined || rule.children.length === 0) return { enabled };
    const mode = parseMode(requiredText(rule, "Mode", what), what);
    return { enabled, default: { mode, days: daysIn(rule, what) } };
  };
  try {
    return await ask(caller, call, (answer) =>
      read(documentIn(answer, "ObjectLockConfiguration", what)),
    );
  } catch (error) {
    if (refusedWith(error, "ObjectLockConfigurationNotFoundError")) return { enabled: false };
    throw error;
  }
}

// A year has 365 days here, the least that it can be.
function daysIn(rule: XmlNode, what: string): number {
  const inYears = textOfChild(rule, "Years") !== undefined;
  return inYears ? 365 * requiredCount(rule, "Years", what) : requiredCount(rule, "Days", what);
}

export async function getCors(caller: Caller): Promise<readonly CorsRule[]> {
  const what = `the cross-origin rules of ${caller.location}`;
  const textsOf = (node: XmlNode, name: string): string[] =>
    children(node, name).map(({ text }) => text);
  try {
    return await ask(caller, settingCall("GetBucketCors", "cors"), (answer) =>
      children(documentIn(answer, "CORSConfiguration", what), "CORSRule").map((node) => {
        const id = textOfChild(node, "ID");
        return {
          ...(id === undefined ? {} : { id }),
          origins: textsOf(node, "AllowedOrigin"),
          methods: textsOf(node, "AllowedMethod"),
        };
      }),
    );
  } catch (error) {
    if (refusedWith(error, "NoSuchCORSConfiguration")) return [];
    throw error;
  }
}

/** The call that reads one setting of a bucket. */
export function settingCall(
  operation: Extract<Call["operation"], `GetBucket${string}` | "GetObjectLockConfiguration">,
  name: string,
): Call {
  return { operation, method: "GET", query: { [name]: "" }, answerBytesMax: DOCUMENT_BYTES_MAX };
}
