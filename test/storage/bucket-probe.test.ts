// Bucket probe: against the emulator of B2, with keys and buckets of all kinds.

import { expect, test } from "bun:test";

import type { Answer, Call } from "../../src/s3/call.ts";
import { openBucket } from "../../src/s3/service.ts";
import { probeBucket } from "../../src/storage/bucket-probe.ts";
import type { LockChoice } from "../../src/storage/bucket-safety.ts";
import type { ProbeRow } from "../../src/storage/probe.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { type BucketOptions, Emulator } from "../b2/emulator.ts";
import type { Capability, KeyOptions } from "../b2/keys.ts";
import { failureOf } from "../support/failure.ts";
import { seededRandom } from "../support/random.ts";
import { type TestWorld, testWorld } from "../support/world.ts";

const NAME = "bucket-1";
const START = Date.UTC(2026, 0, 15, 12);
const DAY_MS = 86_400_000;
const LOCKED: BucketOptions = { defaultRetention: { mode: "compliance", days: 30 } };
const READER: readonly Capability[] = [
  "listBuckets",
  "listFiles",
  "readFiles",
  "readBucketRetentions",
  "readFileRetentions",
];
const WRITER: readonly Capability[] = [...READER, "writeFiles"];

interface Trial {
  readonly b2: Emulator;
  readonly world: TestWorld;
  readonly probe: (key: KeyOptions, options?: Options) => Promise<Probed>;
}

interface Options {
  readonly prefix?: string;
  readonly least?: LockChoice;
  readonly bucket?: string;
  /** Stands between the probe and the service. */
  readonly between?: (call: Call, run: (call: Call) => Promise<Answer>) => Promise<Answer>;
}

interface Probed {
  readonly rows: Readonly<Record<string, ProbeRow>>;
  readonly bad: readonly string[];
  readonly badCount: number;
  readonly wasRefused: boolean;
}

async function trial(
  bucket: BucketOptions,
  use: (trial: Trial) => Promise<void>,
  seed = 1,
): Promise<void> {
  const world = testWorld(seededRandom(seed), START);
  const b2 = await Emulator.start({ clock: world });
  try {
    b2.createBucket(NAME, bucket);
    await use({ b2, world, probe: (key, options) => probeBy(b2, world, key, options) });
  } finally {
    await b2.stop();
  }
}

async function probeBy(
  b2: Emulator,
  world: TestWorld,
  key: KeyOptions,
  { prefix = "a/", least = "compliance", bucket = NAME, between }: Options = {},
): Promise<Probed> {
  const { keyId, secret } = b2.createKey(key);
  const { endpoint, region } = b2;
  const service = { endpoint, region, credentials: { keyId, secret } };
  const opened = openBucket(service, bucket, { world, hash: nativePlatform });
  const { location, hash, clock } = opened;
  const run = (call: Call): Promise<Answer> => opened.call(call);
  const call = (given: Call): Promise<Answer> =>
    between === undefined ? run(given) : between(given, run);
  const caller = { location, hash, clock, call };
  const rows: Record<string, ProbeRow> = {};
  const tell = async (row: ProbeRow): Promise<void> => void (rows[row.what] = row);
  const dialect = "b2";
  const parts = { caller, world, prefix, dialect, least, speed: false, tell } as const;
  const { badCount, wasRefused } = await probeBucket(parts);
  const bad = Object.values(rows).filter(({ judgement }) => judgement === "bad");
  return { rows, bad: bad.map(({ what }) => what), badCount, wasRefused };
}

const canariesIn = (b2: Emulator): string[] =>
  b2.keysOf(NAME).filter((key) => key.includes("probe/"));

test("a safe bucket by a writer's key: nothing is bad, and what is locked stays, hidden", () =>
  trial(LOCKED, async ({ b2, probe }) => {
    const { rows, bad } = await probe({ capabilities: WRITER, bucket: NAME, prefix: "a/" });
    expect(bad).toEqual([]);
    expect(rows["default retention"]?.found).toBe("COMPLIANCE, 30 days");
    expect(rows["lifecycle rules"]).toMatchObject({ judgement: "warn" });
    expect(rows["lock"]?.found).toStartWith("COMPLIANCE until 2026-02-14 12:0");
    expect(rows["hide"]?.found).toBe("hidden, and still there by its version");
    expect(rows["put with a wrong MD5"]?.found).toBe("refused, as it must be");
    expect(rows["delete a mark"]?.found).toBe("refused: this key deletes nothing");
    expect(rows["delete what is stored"]?.found).toContain("whatever its lock");
    expect(rows["left behind"]?.found).toStartWith("3 versions, 2048 bytes, hidden, locked until");
    expect(rows["latency"]?.milliseconds).toBeGreaterThanOrEqual(0);
    const [key = ""] = canariesIn(b2);
    expect(key).toMatch(/^a\/probe\/[0-9a-f]{16}\/canary$/);
    expect(b2.versionsOf(NAME, key)[0]).toMatchObject({ hidden: true });
  }));

test("a key that may delete is told of, and the lock holds against it", () =>
  trial(LOCKED, async ({ b2, probe }) => {
    const { rows, bad } = await probe({});
    expect(bad).toEqual([]);
    expect(rows["lifecycle rules"]).toMatchObject({ judgement: "ok", found: "none" });
    expect(rows["delete a mark"]).toMatchObject({ judgement: "warn" });
    expect(rows["delete what is stored"]?.found).toBe("refused: the lock holds");
    const [key = ""] = canariesIn(b2);
    expect(b2.versionsOf(NAME, key).map(({ hidden }) => hidden)).toEqual([true, false, false]);
  }));

test("what an earlier probe had to leave is taken away when its lock is over", () =>
  trial(LOCKED, async ({ b2, world, probe }) => {
    await probe({ capabilities: WRITER });
    const alike = `a/probe/${"0".repeat(16)}/photo`;
    for (const key of ["a/probe/not-ours", alike]) {
      b2.plant(NAME, key, "x", { modified: START - DAY_MS });
    }
    const before = canariesIn(b2);
    world.advance(31 * DAY_MS);
    await probe({});
    const after = canariesIn(b2);
    expect(before).toHaveLength(3);
    expect(after).toHaveLength(3);
    expect(after).toContain("a/probe/not-ours");
    expect(after).toContain(alike);
    expect(after).not.toContain(before.find((key) => key.endsWith("canary")));
  }));

test("the canaries of a probe that may still be at work are left alone", () =>
  trial({ lock: false }, async ({ b2, probe }) => {
    const other = `a/probe/${"0".repeat(16)}/canary`;
    b2.plant(NAME, other, "x");
    await probe({}, { least: "none" });
    expect(canariesIn(b2)).toEqual([other]);
  }));

test("a bucket without locks is bad, unless that is accepted, and nothing is left in it", () =>
  trial({ lock: false }, async ({ b2, probe }) => {
    const { bad, rows, wasRefused } = await probe({});
    expect(bad).toEqual(["Object Lock", "default retention", "lock"]);
    expect(wasRefused).toBe(false);
    expect(rows["delete what is stored"]).toMatchObject({ judgement: "warn" });
    expect(rows["left behind"]?.found).toBe("nothing");
    expect((await probe({}, { least: "none" })).bad).toEqual([]);
    expect(canariesIn(b2)).toEqual([]);
  }));

test("locks that some key lifts are bad, unless they are accepted", () =>
  trial({ defaultRetention: { mode: "governance", days: 30 } }, async ({ probe }) => {
    expect((await probe({})).bad).toEqual(["default retention", "lock"]);
    const { bad, rows } = await probe({}, { least: "governance" });
    expect(bad).toEqual([]);
    expect(rows["lock"]?.found).toStartWith("GOVERNANCE until ");
  }));

test("rules that delete are bad; those for other names are not", () => {
  const lifecycle = [{ prefix: "b/", daysToDeleting: 1 }];
  return trial({ ...LOCKED, lifecycle }, async ({ probe }) => {
    expect((await probe({})).bad).toEqual([]);
    expect((await probe({}, { prefix: "b/c/" })).bad).toEqual(["lifecycle rules"]);
    expect((await probe({}, { prefix: "" })).bad).toEqual(["lifecycle rules"]);
  });
});

test("a key that may not see locks: the bucket's are bad, the canary's are not known", () =>
  trial(LOCKED, async ({ probe }) => {
    const blind = WRITER.filter((name) => !name.includes("Retentions"));
    const { bad, rows } = await probe({ capabilities: blind });
    expect(bad).toEqual(["Object Lock", "lock"]);
    expect(rows["Object Lock"]?.found).toContain("the key lacks readBucketRetentions");
    const half = WRITER.filter((name) => name !== "readFileRetentions");
    const seen = (await probe({ capabilities: half })).rows["lock"];
    expect(seen).toMatchObject({ judgement: "warn" });
    expect(seen?.found).toContain("the key lacks readFileRetentions");
  }));

test("a key that may not write, or is for another prefix, was refused", () =>
  trial(LOCKED, async ({ b2, probe }) => {
    const reader = await probe({ capabilities: READER });
    expect(reader).toMatchObject({ bad: ["put"], wasRefused: true });
    const other = await probe({ capabilities: WRITER, prefix: "b/" });
    expect(other).toMatchObject({ bad: ["list", "list versions", "put"], wasRefused: true });
    expect(b2.keysOf(NAME)).toEqual([]);
  }));

test("no bucket, an unpaid account, and a cap end the whole, as what they are", () =>
  trial(LOCKED, async ({ b2, probe }) => {
    expect(await failureOf(probe({}, { bucket: "bucket-2" }))).toMatchObject({ code: "no-store" });
    b2.account.caps.callsMax.C = b2.account.caps.calls.C + 2;
    expect(await failureOf(probe({}))).toMatchObject({ code: "full" });
    delete b2.account.caps.callsMax.C;
    b2.account.caps.storageBytesMax = 0;
    expect(await failureOf(probe({}))).toMatchObject({ code: "full" });
    b2.account.caps.storageBytesMax = undefined;
    b2.account.caps.accountTrouble = true;
    const error = await failureOf(probe({}));
    expect(error).toMatchObject({ code: "denied" });
    expect(String(error)).toContain("account is in trouble");
  }));

const DONE: Answer = { status: 204, headers: new Headers(), bytes: new Uint8Array(0) };

test("a service whose locks do not hold is found out", () =>
  trial(LOCKED, async ({ b2, probe }) => {
    const { bad, rows } = await probe(
      {},
      {
        async between(call, run) {
          const versionId = call.query?.["versionId"];
          if (call.method !== "DELETE" || versionId === undefined) return run(call);
          b2.lose(NAME, call.key!, versionId);
          return DONE;
        },
      },
    );
    expect(bad).toEqual(["delete what is stored"]);
    expect(rows["delete what is stored"]?.found).toContain("locks do not hold here");
  }));

test("a service that only says that it deletes, and one that takes wrong bytes, are told of", () =>
  trial({ lock: false }, async ({ probe }) => {
    const { rows } = await probe(
      {},
      {
        least: "none",
        between(call, run) {
          const isStored = call.query?.["versionId"] !== undefined && call.key?.endsWith("canary");
          if (call.method === "DELETE" && isStored) return Promise.resolve(DONE);
          const { md5: _, ...rest } = call;
          return run(rest);
        },
      },
    );
    expect(rows["delete what is stored"]?.found).toBe("answered, and not done");
    expect(rows["put with a wrong MD5"]).toMatchObject({ judgement: "warn" });
  }));

test("a service that keeps no versions, and one that gives other bytes, are bad", () =>
  trial(LOCKED, async ({ b2, probe }) => {
    const forgetful = await probe(
      {},
      {
        async between(call, run) {
          const answer = await run(call);
          if (call.operation === "PutObject") answer.headers.delete("x-amz-version-id");
          return answer;
        },
      },
    );
    expect(forgetful.bad).toContain("put again");
    const wrong = await probe(
      {},
      {
        async between(call, run) {
          const answer = await run(call);
          if (call.operation === "GetObject") answer.bytes[0]! ^= 1;
          return answer;
        },
      },
    );
    expect(wrong.bad).toEqual(["get", "get a part", "put again", "hide"]);
    expect(b2.keysOf(NAME).every((key) => key.startsWith("a/probe/"))).toBe(true);
  }));

test("a lock that no HEAD tells is asked for", () =>
  trial(LOCKED, async ({ probe }) => {
    const { rows } = await probe(
      {},
      {
        async between(call, run) {
          const answer = await run(call);
          if (call.method === "HEAD") answer.headers.delete("x-amz-object-lock-mode");
          return answer;
        },
      },
    );
    expect(rows["lock"]?.found).toStartWith("COMPLIANCE until ");
  }));
