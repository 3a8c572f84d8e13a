// Bucket safety: what each setting means for a store.

import { describe, expect, test } from "bun:test";

import type { LifecycleRule } from "../../src/s3/lifecycle.ts";
import { changeText, judgeBucket, type LockChoice } from "../../src/storage/bucket-safety.ts";
import type { BucketSettings } from "../../src/storage/bucket-settings.ts";

const SAFE: BucketSettings = {
  versioning: { value: "enabled" },
  lock: { value: { enabled: true, default: { mode: "compliance", days: 30 } } },
  lifecycle: { value: [] },
};
const RULE: LifecycleRule = {
  enabled: true,
  prefix: "",
  narrowed: false,
  deletesMarkers: false,
  others: [],
};

function judge(changes: Partial<BucketSettings>, least?: LockChoice) {
  const rows = judgeBucket({ ...SAFE, ...changes }, "a/", least);
  return Object.fromEntries(rows.map(({ what, judgement }) => [what, judgement]));
}

const lockOf = (mode: "compliance" | "governance", days: number): BucketSettings["lock"] => ({
  value: { enabled: true, default: { mode, days } },
});
const withRule = (rule: Partial<LifecycleRule>, least?: LockChoice) =>
  judge({ lifecycle: { value: [{ ...RULE, ...rule }] } }, least)["lifecycle rules"];

const ALL_OK = {
  versions: "ok",
  "Object Lock": "ok",
  "default retention": "ok",
  "lifecycle rules": "ok",
} as const;

describe("settings", () => {
  test("that are safe are all fine", () => {
    expect(judge({})).toEqual(ALL_OK);
    expect(judge({ lock: lockOf("compliance", 7) })).toEqual(ALL_OK);
  });

  test("locks tell of versions, where those can't be asked for", () => {
    expect(judge({ versioning: { unknown: { lacks: "readBuckets" } } })).toEqual(ALL_OK);
  });

  test("without versions are bad", () => {
    for (const value of ["off", "suspended"] as const) {
      const rows = judge({ versioning: { value }, lock: { value: { enabled: false } } });
      expect(rows).toMatchObject({ versions: "bad", "Object Lock": "bad" });
    }
  });

  test("without locks, or without locks by themselves, are bad", () => {
    const retention = { "default retention": "bad" };
    expect(judge({ lock: { value: { enabled: false } } })).toMatchObject({
      "Object Lock": "bad",
      ...retention,
    });
    expect(judge({ lock: { value: { enabled: true } } })).toMatchObject(retention);
  });

  test("whose locks can't be seen are bad, and those of which rules can't are told", () => {
    const unknown = { unknown: { lacks: "readBucketRetentions" } };
    expect(judge({ lock: unknown })).toMatchObject({ versions: "ok", "Object Lock": "bad" });
    expect(judge({ lifecycle: unknown })).toMatchObject({ "lifecycle rules": "warn" });
  });

  test("with locks that are short or that some key lifts are bad", () => {
    for (const lock of [lockOf("compliance", 6), lockOf("governance", 30)]) {
      expect(judge({ lock })).toMatchObject({ "default retention": "bad" });
    }
  });

  test("--lock accepts weaker ones: governance its mode alone, none everything", () => {
    const retention = (lock: BucketSettings["lock"], least: LockChoice) =>
      judge({ lock }, least)["default retention"];
    expect(retention(lockOf("governance", 30), "governance")).toBe("warn");
    expect(retention(lockOf("governance", 6), "governance")).toBe("bad");
    expect(retention({ value: { enabled: true } }, "governance")).toBe("bad");
    const rows = judge({ lock: { value: { enabled: false } } }, "none");
    expect(Object.values(rows)).not.toContain("bad");
    expect(rows).toMatchObject({ "Object Lock": "warn", "default retention": "warn" });
  });
});

describe("a lifecycle rule", () => {
  test("that hides, deletes, or does what is not known is bad", () => {
    expect(withRule({ expireDays: 3 })).toBe("bad");
    expect(withRule({ expireFrom: 0 })).toBe("bad");
    expect(withRule({ deleteHiddenDays: 1 })).toBe("bad");
    expect(withRule({ others: ["Transition"] })).toBe("bad");
    expect(withRule({ expireDays: 3 }, "none")).toBe("warn");
  });

  test("counts where it reaches into the store, from above, inside, and for some of it", () => {
    expect(withRule({ expireDays: 3, prefix: "a/packs/" })).toBe("bad");
    expect(withRule({ expireDays: 3, prefix: "a" })).toBe("bad");
    expect(withRule({ expireDays: 3, narrowed: true })).toBe("bad");
    expect(withRule({ expireDays: 3, prefix: "b/" })).toBe("ok");
    expect(withRule({ expireDays: 3, enabled: false })).toBe("ok");
  });

  test("that only ends unfinished uploads, or takes marks away that hide nothing, is fine", () => {
    expect(withRule({ abortUploadDays: 7 })).toBe("ok");
    expect(withRule({ deletesMarkers: true })).toBe("ok");
  });

  test("is named with what it does", () => {
    const value = [{ ...RULE, id: "x", prefix: "a/", expireDays: 1, deleteHiddenDays: 2 }];
    const [found] = judgeBucket({ ...SAFE, lifecycle: { value } }, "a/").slice(-1);
    expect(found?.found).toBe(
      'rule "x" for "a/" hides objects after 1 day and deletes hidden versions after 2 days',
    );
  });
});

test("what to change is one command of b2, or words", () => {
  const lock = { value: { enabled: false } };
  const lifecycle = { value: [{ ...RULE, expireDays: 1 }] };
  const faults = judgeBucket({ ...SAFE, lock, lifecycle }, "");
  expect(changeText(faults, "bucket")).toBe(
    "b2 bucket update --file-lock-enabled --default-retention-mode compliance " +
      '--default-retention-period "30 days" bucket; take those lifecycle rules out',
  );
  expect(changeText(faults, undefined)).toBe(
    "switch Object Lock on; set a default retention of COMPLIANCE, 30 days; " +
      "take those lifecycle rules out",
  );
});
