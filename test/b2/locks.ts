// Locks: until when a version may not be deleted, under the emulator's clock (docs/b2.md A4).
//
// COMPLIANCE only grows. GOVERNANCE may be shortened, removed or deleted by who may bypass it and
// says so. A legal hold has no date. All of them guard a version and never a name.

import type { Account } from "./account.ts";
import type { Answer, Request, Target } from "./exchange.ts";
import { type AppKey, demand } from "./keys.ts";
import { S3Error, accessDenied, invalidArgument, invalidRequest } from "./refusal.ts";
import type { BucketState, Version } from "./state.ts";
import { type XmlElement, childOf, malformed, readXml, textOf, writeXml } from "./xml.ts";

export type LockMode = "GOVERNANCE" | "COMPLIANCE";

export interface Lock {
  readonly mode: LockMode;
  readonly until: number;
}

export interface DefaultRetention {
  readonly mode: LockMode;
  readonly days: number;
}

export const DAY_MS = 86_400_000;
const DEFAULT_DAYS_MAX = 3000;

export function parseMode(text: string | undefined): LockMode {
  const mode = text?.toUpperCase();
  if (mode !== "GOVERNANCE" && mode !== "COMPLIANCE") {
    throw invalidArgument(`Unknown object lock mode '${text ?? ""}'`);
  }
  return mode;
}

function parseUntil(text: string | undefined, now: number): number {
  const until = Date.parse(text ?? "");
  const valid = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/.test(text ?? "");
  if (!valid || Number.isNaN(until)) throw invalidArgument("Invalid retain until date");
  if (until <= now) throw invalidArgument("The retain until date must be in the future!");
  return until;
}

export function isLocked({ lock, legalHold }: Version, now: number): boolean {
  return legalHold || (lock !== undefined && lock.until > now);
}

/** What the headers of a write ask for, or the bucket's own rule. docs/b2.md A4, A7 */
export function lockOfWrite(
  { headers }: Target,
  by: AppKey,
  bucket: BucketState,
  now: number,
): { lock: Lock | undefined; legalHold: boolean } {
  const mode = headers.get("x-amz-object-lock-mode");
  const until = headers.get("x-amz-object-lock-retain-until-date");
  const hold = headers.get("x-amz-object-lock-legal-hold");
  const asked = mode !== undefined || until !== undefined;
  if ((asked || hold !== undefined) && !bucket.lockEnabled) throw missingConfiguration();
  if ((mode === undefined) !== (until === undefined)) {
    throw invalidArgument(
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
    );
  }
  if (asked) demand(by, "writeFileRetentions");
  if (hold !== undefined) demand(by, "writeFileLegalHolds");
  if (hold !== undefined && hold !== "ON" && hold !== "OFF") {
    throw invalidArgument("Legal hold must be either of 'ON' or 'OFF'");
  }
  const lock = asked
    ? { mode: parseMode(mode), until: parseUntil(until, now) }
    : defaultLock(bucket, now);
  return { lock, legalHold: hold === "ON" };
}

export function defaultLock({ defaultRetention }: BucketState, now: number): Lock | undefined {
  if (defaultRetention === undefined) return undefined;
  return { mode: defaultRetention.mode, until: now + defaultRetention.days * DAY_MS };
}

function missingConfiguration(): S3Error {
  return invalidRequest("Bucket is missing Object Lock Configuration");
}

/** Whether this request says that it goes past governance, and may. docs/b2.md A4, A7 */
export function bypasses({ headers, by }: Request): boolean {
  if (headers.get("x-amz-bypass-governance-retention")?.toLowerCase() !== "true") return false;
  demand(by, "bypassGovernance");
  return true;
}

/** Throws while a lock forbids to delete the version. docs/b2.md A4 */
export function checkDelete(version: Version, now: number, bypass: boolean): void {
  if (!isLocked(version, now)) return;
  const governed = version.lock?.mode === "GOVERNANCE" && !version.legalHold;
  if (governed && bypass) return;
  throw accessDenied("Access Denied because object protected by object lock.");
}

/** Throws where the new lock would protect less than the running one allows. docs/b2.md A4 */
function checkChange(
  old: Lock | undefined,
  next: Lock | undefined,
  now: number,
  bypass: boolean,
): void {
  if (old === undefined || old.until <= now) return;
  const weaker =
    next === undefined ||
    next.until < old.until ||
    (old.mode === "COMPLIANCE" && next.mode === "GOVERNANCE");
  if (!weaker || (old.mode === "GOVERNANCE" && bypass)) return;
  throw accessDenied("Access Denied because object protected by object lock.");
}

/** The headers by which GET and HEAD show a lock, to who may see it. docs/b2.md A7 */
export function lockHeaders({ lock, legalHold }: Version, by: AppKey): Record<string, string> {
  const headers: Record<string, string> = {};
  if (lock !== undefined && by.capabilities.has("readFileRetentions")) {
    headers["x-amz-object-lock-mode"] = lock.mode;
    headers["x-amz-object-lock-retain-until-date"] = new Date(lock.until).toISOString();
  }
  if (legalHold && by.capabilities.has("readFileLegalHolds")) {
    headers["x-amz-object-lock-legal-hold"] = "ON";
  }
  return headers;
}

function lockable(account: Account, request: Request): Version {
  const bucket = account.bucketOf(request);
  if (!bucket.lockEnabled) throw missingConfiguration();
  return account.versionOf(request);
}

export function getRetention(account: Account, request: Request): Answer {
  const { lock } = lockable(account, request);
  if (lock === undefined) throw noLock();
  const body = writeXml("Retention", [
    ["Mode", lock.mode],
    ["RetainUntilDate", new Date(lock.until).toISOString()],
  ]);
  return { status: 200, body };
}

function noLock(): S3Error {
  return new S3Error(
    404,
    "NoSuchObjectLockConfiguration",
    "The specified object does not have a ObjectLock configuration",
  );
}

export function putRetention(account: Account, request: Request): Answer {
  const version = lockable(account, request);
  const root = readXml(textOfBody(request), "Retention");
  const mode = textOf(root, "Mode");
  const until = textOf(root, "RetainUntilDate");
  const empty = mode === undefined && until === undefined;
  const next = empty ? undefined : { mode: parseMode(mode), until: parseUntil(until, request.now) };
  checkChange(version.lock, next, request.now, bypasses(request));
  version.lock = next;
  return { status: 200 };
}

export function getLegalHold(account: Account, request: Request): Answer {
  const version = lockable(account, request);
  const status = version.legalHold ? "ON" : "OFF";
  return { status: 200, body: writeXml("LegalHold", [["Status", status]]) };
}

export function putLegalHold(account: Account, request: Request): Answer {
  const version = lockable(account, request);
  const status = textOf(readXml(textOfBody(request), "LegalHold"), "Status");
  if (status !== "ON" && status !== "OFF") throw malformed();
  version.legalHold = status === "ON";
  return { status: 200 };
}

export function getLockConfiguration(account: Account, request: Request): Answer {
  const { lockEnabled, defaultRetention } = account.bucketOf(request);
  if (!lockEnabled) {
    throw new S3Error(
      404,
      "ObjectLockConfigurationNotFoundError",
      "Object Lock configuration does not exist for this bucket",
    );
  }
  const elements: XmlElement[] = [["ObjectLockEnabled", "Enabled"]];
  if (defaultRetention !== undefined) elements.push(["Rule", ruleXml(defaultRetention)]);
  return { status: 200, body: writeXml("ObjectLockConfiguration", elements) };
}

function ruleXml({ mode, days }: DefaultRetention): XmlElement[] {
  return [
    [
      "DefaultRetention",
      [
        ["Days", days],
        ["Mode", mode],
      ],
    ],
  ];
}

export function putLockConfiguration(account: Account, request: Request): Answer {
  const bucket = account.bucketOf(request);
  const root = readXml(textOfBody(request), "ObjectLockConfiguration");
  if (textOf(root, "ObjectLockEnabled") !== "Enabled") throw malformed();
  const token = request.headers.get("x-amz-bucket-object-lock-token");
  if (!bucket.lockEnabled && token !== "1") {
    throw invalidRequest("Object Lock cannot be enabled on existing buckets");
  }
  const retention = childOf(childOf(root, "Rule"), "DefaultRetention");
  const next = retention === undefined ? undefined : parseDefault(retention);
  bucket.lockEnabled = true;
  bucket.defaultRetention = next;
  return { status: 200 };
}

function parseDefault(node: Parameters<typeof textOf>[0]): DefaultRetention {
  const days = textOf(node, "Days");
  const years = textOf(node, "Years");
  if ((days === undefined) === (years === undefined)) throw malformed();
  const count = days === undefined ? Number(years) * 365 : Number(days);
  if (!Number.isInteger(count) || count < 1 || count > DEFAULT_DAYS_MAX) {
    throw invalidArgument("Default retention period must be between 1 and 3000 days");
  }
  return { mode: parseMode(textOf(node, "Mode")), days: count };
}

/** The body of a small request, as text. */
export function textOfBody({ body }: Request): string {
  return new TextDecoder().decode(body.content.copy());
}
