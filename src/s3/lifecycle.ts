// Lifecycle: the rules by which a service hides and deletes on its own, about once a day.
//
// A rule that deletes what is hidden makes a thief's hiding final, so no rule is read as less than it
// may be: what this program does not know is named, not left out. (B2 docs: lifecycle rules, where
// Expiration hides and NoncurrentVersionExpiration deletes.)

import { ask, documentIn, refusedWith, requiredCount, requiredText } from "./ask.ts";
import type { Caller } from "./call.ts";
import { settingCall } from "./settings.ts";
import { parseTime } from "./time.ts";
import { children, textOfChild, type XmlNode } from "./xml.ts";

export interface LifecycleRule {
  readonly id?: string;
  readonly enabled: boolean;
  /** Of the keys that it is for; "" for all. */
  readonly prefix: string;
  /** Whether it is only for some of them: by tag or size. */
  readonly narrowed: boolean;
  /** Days from its writing to the hiding of an object, or its deletion where there are no versions. */
  readonly expireDays?: number;
  /** Or from that moment on. */
  readonly expireFrom?: number;
  /** Days from a version's hiding to its deletion. */
  readonly deleteHiddenDays?: number;
  /** So many hidden versions of a key are spared. */
  readonly hiddenKept?: number;
  readonly abortUploadDays?: number;
  /** Whether it deletes delete markers that hide nothing. */
  readonly deletesMarkers: boolean;
  /** The names of what else it does or asks for, such as "Transition". */
  readonly others: readonly string[];
}

const ACTIONS = [
  "Expiration",
  "NoncurrentVersionExpiration",
  "AbortIncompleteMultipartUpload",
] as const;
const PARTS: readonly string[] = [...ACTIONS, "ID", "Status", "Prefix", "Filter"];
const ACTION_PARTS: readonly string[] = [
  "Days",
  "Date",
  "ExpiredObjectDeleteMarker",
  "NoncurrentDays",
  "NewerNoncurrentVersions",
  "DaysAfterInitiation",
];

/** The rules of a bucket, disabled ones too; none where none were ever set. */
export async function getLifecycle(caller: Caller): Promise<readonly LifecycleRule[]> {
  const what = `the lifecycle rules of ${caller.location}`;
  try {
    return await ask(caller, settingCall("GetBucketLifecycle", "lifecycle"), (answer) => {
      const root = documentIn(answer, "LifecycleConfiguration", what);
      return children(root, "Rule").map((node) => readRule(node, what));
    });
  } catch (error) {
    if (refusedWith(error, "NoSuchLifecycleConfiguration")) return [];
    throw error;
  }
}

function readRule(node: XmlNode, what: string): LifecycleRule {
  const [expiration, hidden, uploads] = ACTIONS.map((name) => children(node, name)[0]);
  const id = textOfChild(node, "ID");
  const from = expiration && textOfChild(expiration, "Date");
  const actions = node.children.filter(({ name }) => (ACTIONS as readonly string[]).includes(name));
  const parts = actions.flatMap((action) => action.children);
  const others = [
    ...node.children.filter(({ name }) => !PARTS.includes(name)),
    ...actions.filter((action) => children(node, action.name)[0] !== action), // A second one.
    ...parts.filter(({ name }) => !ACTION_PARTS.includes(name)),
  ];
  return {
    ...(id === undefined ? {} : { id }),
    enabled: requiredText(node, "Status", what) !== "Disabled",
    ...scopeOf(node),
    ...countIn("expireDays", expiration, "Days", what),
    ...(from === undefined ? {} : { expireFrom: parseTime(from, what) }),
    ...countIn("deleteHiddenDays", hidden, "NoncurrentDays", what),
    ...countIn("hiddenKept", hidden, "NewerNoncurrentVersions", what),
    ...countIn("abortUploadDays", uploads, "DaysAfterInitiation", what),
    deletesMarkers:
      expiration !== undefined && textOfChild(expiration, "ExpiredObjectDeleteMarker") === "true",
    others: others.map(({ name }) => name),
  };
}

/** For which keys: the prefix stands in the rule (older), in its filter, or in the filter's "And". */
function scopeOf(rule: XmlNode): Pick<LifecycleRule, "prefix" | "narrowed"> {
  const filters = children(rule, "Filter");
  const places = [rule, ...filters, ...filters.flatMap((filter) => children(filter, "And"))];
  const prefix = places.map((place) => textOfChild(place, "Prefix") ?? "").find(Boolean) ?? "";
  const conditions = places.slice(1).flatMap((place) => place.children);
  const narrowed = conditions.some(({ name }) => name !== "Prefix" && name !== "And");
  return { prefix, narrowed };
}

function countIn<N extends string>(
  as: N,
  node: XmlNode | undefined,
  name: string,
  what: string,
): Partial<Record<N, number>> {
  if (node === undefined || textOfChild(node, name) === undefined) return {};
  return { [as]: requiredCount(node, name, what) } as Partial<Record<N, number>>;
}
