// Lifecycle: rules over S3 and what they do once a day (docs/b2.md A2, A8).
//
// B2 has three numbers: days from uploading to hiding (Expiration), from hiding to deleting
// (NoncurrentVersionExpiration), and until an unfinished upload is cancelled. Markers with nothing
// below them always go. That locked versions stay is to be proved live.

import type { Account } from "./account.ts";
import type { Answer, Request } from "./exchange.ts";
import { DAY_MS, isLocked, textOfBody } from "./locks.ts";
import { S3Error, invalidArgument } from "./refusal.ts";
import type { BucketState, Version } from "./state.ts";
import {
  type XmlElement,
  type XmlNode,
  childOf,
  childrenOf,
  malformed,
  readXml,
  textOf,
  writeXml,
} from "./xml.ts";

export interface LifecycleRule {
  readonly id?: string;
  readonly prefix: string;
  readonly daysToHiding?: number;
  readonly daysToDeleting?: number;
  readonly daysToCancelling?: number;
}

const RULES_MAX = 100;
const KNOWN = new Set([
  "ID",
  "Status",
  "Prefix",
  "Filter",
  "Expiration",
  "NoncurrentVersionExpiration",
  "AbortIncompleteMultipartUpload",
]);

export function getLifecycle(account: Account, request: Request): Answer {
  const { lifecycle } = account.bucketOf(request);
  if (lifecycle.length === 0) {
    throw new S3Error(
      404,
      "NoSuchLifecycleConfiguration",
      "The lifecycle configuration does not exist",
    );
  }
  return { status: 200, body: writeXml("LifecycleConfiguration", lifecycle.map(ruleXml)) };
}

function ruleXml(rule: LifecycleRule): XmlElement {
  const days = (name: string, count: number | undefined): XmlElement[] | undefined =>
    count === undefined ? undefined : [[name, count]];
  return [
    "Rule",
    [
      ["AbortIncompleteMultipartUpload", days("DaysAfterInitiation", rule.daysToCancelling)],
      ["Expiration", days("Days", rule.daysToHiding)],
      ["Filter", [["Prefix", rule.prefix]]],
      ["ID", rule.id],
      ["NoncurrentVersionExpiration", days("NoncurrentDays", rule.daysToDeleting)],
      ["Status", "Enabled"],
    ],
  ];
}

export function putLifecycle(account: Account, request: Request): Answer {
  const bucket = account.bucketOf(request);
  const root = readXml(textOfBody(request), "LifecycleConfiguration");
  const rules = childrenOf(root, "Rule").map(parseRule);
  if (rules.length === 0 || rules.length > RULES_MAX) throw malformed();
  bucket.lifecycle = rules;
  return { status: 200 };
}

function parseRule(node: XmlNode): LifecycleRule {
  const foreign = node.children.find(({ name }) => !KNOWN.has(name));
  if (foreign !== undefined) throw invalidArgument(`Unsupported lifecycle action ${foreign.name}`);
  if (textOf(node, "Status") !== "Enabled") throw invalidArgument("Disabled rules are unsupported");
  const days = (action: string, name: string): number | undefined => {
    const text = textOf(childOf(node, action), name);
    if (text === undefined) return undefined;
    if (!/^[1-9]\d{0,8}$/.test(text)) throw invalidArgument(`${name} must be a positive integer`);
    return Number(text);
  };
  const id = textOf(node, "ID");
  const daysToHiding = days("Expiration", "Days");
  const daysToDeleting = days("NoncurrentVersionExpiration", "NoncurrentDays");
  const daysToCancelling = days("AbortIncompleteMultipartUpload", "DaysAfterInitiation");
  return {
    prefix: textOf(childOf(node, "Filter"), "Prefix") ?? textOf(node, "Prefix") ?? "",
    ...(id !== undefined && { id }),
    ...(daysToHiding !== undefined && { daysToHiding }),
    ...(daysToDeleting !== undefined && { daysToDeleting }),
    ...(daysToCancelling !== undefined && { daysToCancelling }),
  };
}

export function deleteLifecycle(account: Account, request: Request): Answer {
  account.bucketOf(request).lifecycle = [];
  return { status: 204 };
}

/** One day's run over all buckets. */
export function runLifecycle(account: Account, now: number): void {
  for (const bucket of account.buckets.values()) {
    for (const rule of bucket.lifecycle) runRule(bucket, rule, now);
    for (const key of bucket.keys.slice()) removeOrphan(bucket, key);
  }
}

function runRule(bucket: BucketState, rule: LifecycleRule, now: number): void {
  const isDue = (since: number, days: number | undefined): boolean =>
    days !== undefined && now - since >= days * DAY_MS;
  for (const key of bucket.keys.filter((name) => name.startsWith(rule.prefix))) {
    const newest = bucket.newest(key)!;
    if (!newest.marker && isDue(newest.modified, rule.daysToHiding)) {
      bucket.add({ key, modified: now, marker: true });
    }
    for (const [version, hiddenAt] of hiddenOnes(bucket, key)) {
      if (isDue(hiddenAt, rule.daysToDeleting) && !isLocked(version, now)) bucket.remove(version);
    }
  }
  for (const upload of bucket.uploads.values()) {
    const due = isDue(upload.started, rule.daysToCancelling);
    if (due && upload.key.startsWith(rule.prefix)) bucket.uploads.delete(upload.uploadId);
  }
}

/** Versions below the newest, with when the one above each came. */
function hiddenOnes(bucket: BucketState, key: string): (readonly [Version, number])[] {
  const versions = bucket.versionsOf(key);
  return versions.slice(1).map((version, i) => [version, versions[i]!.modified] as const);
}

function removeOrphan(bucket: BucketState, key: string): void {
  const versions = bucket.versionsOf(key);
  if (versions.every(({ marker }) => marker)) versions.slice().forEach((one) => bucket.remove(one));
}
