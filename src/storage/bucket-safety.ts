// Bucket safety: what a bucket's settings mean for a store in it. Pure.
//
// A bucket is safe where what was stored can't be taken away for a while, whoever has the keys: it
// keeps versions, it locks each of them in COMPLIANCE mode by itself, for a week or longer, and no rule
// of its own hides or deletes. Everything else is a fault, with what to change.

import type { LifecycleRule } from "../s3/lifecycle.ts";
import type { BucketSettings, Unknown } from "./bucket-settings.ts";

/** The least that a person accepts: `none` accepts every bucket. */
export const LOCK_CHOICES = ["compliance", "governance", "none"] as const;
export type LockChoice = (typeof LOCK_CHOICES)[number];

/** Shorter locks end before a theft is noticed. */
export const LOCK_DAYS_MIN = 7;
export const DAY_MS = 86_400_000;

export type SettingName = "versions" | "Object Lock" | "default retention" | "lifecycle rules";

export interface Judged {
  readonly what: SettingName;
  readonly found: string;
  readonly judgement: "ok" | "warn" | "bad";
  /** What it leads to; of a fault. */
  readonly means?: string;
  /** What to change. */
  readonly change?: Change;
}

/** Options of `b2 bucket update` where there are such, and words for every service. */
export interface Change {
  readonly words: string;
  readonly b2?: string;
}

export interface DefaultLock {
  readonly mode: "governance" | "compliance";
  readonly days: number;
}

/** Judges each setting for a store whose keys begin with `prefix`; always in the same order. */
export function judgeBucket(
  settings: BucketSettings,
  prefix: string,
  least: LockChoice = "compliance",
): readonly Judged[] {
  const judged = [
    judgeVersions(settings),
    judgeLock(settings),
    judgeRetention(settings, least),
    judgeLifecycle(settings, prefix),
  ];
  if (least !== "none") return judged;
  return judged.map((row) => (row.judgement === "bad" ? { ...row, judgement: "warn" } : row));
}

/** The lock that everything gets which is stored; `undefined` for none, or none that is known. */
export function defaultLockOf({ lock }: BucketSettings): DefaultLock | undefined {
  return "value" in lock && lock.value.enabled ? lock.value.default : undefined;
}

/** The changes that make the bucket safe, as one sentence or command. */
export function changeText(faults: readonly Judged[], b2Bucket: string | undefined): string {
  const changes = faults.flatMap(({ change }) => (change === undefined ? [] : [change]));
  const words = changes.filter(({ b2 }) => b2 === undefined || b2Bucket === undefined);
  const options = [...new Set(changes.flatMap(({ b2 }) => b2 ?? []))];
  const hasCommand = b2Bucket !== undefined && options.length > 0;
  const command = hasCommand ? [`b2 bucket update ${options.join(" ")} ${b2Bucket}`] : [];
  return [...command, ...new Set(words.map((change) => change.words))].join("; ");
}

const LOSS = "who has a key that writes can make what is stored unreadable, or delete it";
const NO_LOCK = "who has a key that deletes can delete what is stored at once";
const ENABLE: Change = { words: "switch Object Lock on", b2: "--file-lock-enabled" };
const RETAIN: Change = {
  words: "set a default retention of COMPLIANCE, 30 days",
  b2: `--default-retention-mode compliance --default-retention-period "30 days"`,
};

// Locks are for versions: where there are locks, there are versions.
function judgeVersions({ versioning, lock }: BucketSettings): Judged {
  const what = "versions";
  if ("value" in lock && lock.value.enabled) return { what, found: "kept", judgement: "ok" };
  if ("unknown" in versioning)
    return { what, found: textOf(versioning.unknown), judgement: "warn" };
  if (versioning.value === "enabled") return { what, found: "kept", judgement: "ok" };
  const found = versioning.value === "off" ? "not kept" : "no longer kept (suspended)";
  const change = { words: "switch versioning on" };
  return { what, found, judgement: "bad", means: LOSS, change };
}

function judgeLock({ lock }: BucketSettings): Judged {
  const what = "Object Lock";
  if ("unknown" in lock) {
    const { lacks } = lock.unknown;
    const words =
      lacks === undefined ? "take a service that tells its lock settings" : `give the key ${lacks}`;
    const means = "nobody can say whether what is stored is safe from deletion";
    return { what, found: textOf(lock.unknown), judgement: "bad", means, change: { words } };
  }
  if (lock.value.enabled) return { what, found: "on", judgement: "ok" };
  return { what, found: "off", judgement: "bad", means: NO_LOCK, change: ENABLE };
}

function judgeRetention({ lock }: BucketSettings, least: LockChoice): Judged {
  const what = "default retention";
  if ("unknown" in lock) return { what, found: textOf(lock.unknown), judgement: "warn" };
  const retention = lock.value.default;
  if (!lock.value.enabled || retention === undefined) {
    return { what, found: "none", judgement: "bad", means: NO_LOCK, change: RETAIN };
  }
  const found = `${retention.mode.toUpperCase()}, ${daysText(retention.days)}`;
  const isShort = retention.days < LOCK_DAYS_MIN;
  const isWeak = retention.mode === "governance";
  if (!isShort && !isWeak) return { what, found, judgement: "ok" };
  const means = [
    ...(isShort ? [`locks of less than ${LOCK_DAYS_MIN} days end before a theft is noticed`] : []),
    ...(isWeak ? ["who has a key with bypassGovernance can delete what is locked"] : []),
  ].join(", and ");
  const judgement = isShort || least === "compliance" ? "bad" : "warn";
  return { what, found, judgement, means, change: RETAIN };
}

function judgeLifecycle({ lifecycle }: BucketSettings, prefix: string): Judged {
  const what = "lifecycle rules";
  if ("unknown" in lifecycle) {
    const means = "rules that hide or delete would not be noticed";
    return { what, found: textOf(lifecycle.unknown), judgement: "warn", means };
  }
  const reaching = lifecycle.value.filter((rule) => rule.enabled && reaches(rule, prefix));
  const acts = reaching.flatMap((rule) => {
    const does = deedsOf(rule);
    return does.length === 0 ? [] : [`${nameOf(rule)} ${does.join(" and ")}`];
  });
  if (acts.length === 0) {
    const found = lifecycle.value.length === 0 ? "none" : "none that hides or deletes here";
    return { what, found, judgement: "ok" };
  }
  return {
    what,
    found: acts.join("; "),
    judgement: "bad",
    means: "what the store needs is taken away by the service itself",
    change: { words: "take those lifecycle rules out" },
  };
}

function reaches(rule: LifecycleRule, prefix: string): boolean {
  return rule.prefix.startsWith(prefix) || prefix.startsWith(rule.prefix);
}

/** What a rule does that a store can't bear; ending unfinished uploads is none of it. */
function deedsOf(rule: LifecycleRule): string[] {
  const { expireDays, expireFrom, deleteHiddenDays, others } = rule;
  return [
    ...(expireDays === undefined ? [] : [`hides objects after ${daysText(expireDays)}`]),
    ...(expireFrom === undefined
      ? []
      : [`hides objects from ${new Date(expireFrom).toISOString().slice(0, 10)} on`]),
    ...(deleteHiddenDays === undefined
      ? []
      : [`deletes hidden versions after ${daysText(deleteHiddenDays)}`]),
    ...others.map((name) => `does what bunker does not know (${name})`),
  ];
}

function nameOf({ id, prefix }: LifecycleRule): string {
  const name = id === undefined || id === "" ? "a rule" : `rule ${JSON.stringify(id)}`;
  return prefix === "" ? name : `${name} for ${JSON.stringify(prefix)}`;
}

function textOf(unknown: Unknown): string {
  return unknown.lacks === undefined
    ? `not known: ${unknown.says}`
    : `not known: the key lacks ${unknown.lacks}`;
}

export function daysText(days: number): string {
  return days === 1 ? "1 day" : `${days} days`;
}
