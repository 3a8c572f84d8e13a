// Operations over a whole bucket: signed, sent, and answered by the emulator of B2.

import { describe, expect, test } from "bun:test";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import type { World } from "../../src/base/world.ts";
import type { Bucket } from "../../src/s3/bucket.ts";
import { getLifecycle } from "../../src/s3/lifecycle.ts";
import { listObjects, listPrefixes, listVersions } from "../../src/s3/list.ts";
import { getLegalHold, getRetention, putLegalHold, putRetention } from "../../src/s3/lock.ts";
import { abortUpload, putLarge } from "../../src/s3/multipart.ts";
import {
  deleteObject,
  deleteVersion,
  getObject,
  headObject,
  hideObject,
  putObject,
} from "../../src/s3/objects.ts";
import { openBucket } from "../../src/s3/service.ts";
import {
  createBucket,
  getCors,
  getLocation,
  getLockConfiguration,
  getVersioning,
  headBucket,
} from "../../src/s3/settings.ts";
import { abortStaleUploads, listUploads } from "../../src/s3/uploads.ts";
import { type BucketOptions, Emulator } from "../b2/emulator.ts";
import type { KeyOptions } from "../b2/keys.ts";
import { seededRandom } from "../support/random.ts";
import { failureFrom, md5, md5Hex } from "./fake.ts";
import { HASH } from "./rig.ts";

const NAME = "bunker-test-1";
const START = Date.UTC(2026, 0, 10, 12);
const DAY = 86_400_000;
/** Names that a signature, a URL and a listing may each spell in its own way. */
const ODD_KEYS = [
  "a b",
  "a%20b",
  "a%2Bb",
  "a&amp;b<c>'\"",
  "a+b",
  "a/b c/ü/😀",
  "a;b=c?d#e",
  "a~b-c_d.e!*'()",
  "\u{fffd}",
  "\u{1f600}",
];

interface Rig extends AsyncDisposable {
  readonly b2: Emulator;
  readonly bucket: Bucket;
  open(options?: KeyOptions): Bucket;
}

async function rig(options: BucketOptions | undefined = {}): Promise<Rig> {
  const b2 = await Emulator.start({ clock: START });
  const random = seededRandom(7);
  const world: World = {
    now: () => b2.clock.now(),
    random: (byteCount) => random.bytes(byteCount),
    sleep: async () => undefined, // The clock stands still, so that times can be told exactly.
  };
  const open = (keyOptions: KeyOptions = {}): Bucket => {
    const { endpoint, region } = b2;
    const service = { endpoint, region, credentials: b2.createKey(keyOptions) };
    return openBucket(service, NAME, { world, hash: HASH });
  };
  b2.createBucket(NAME, options);
  return { b2, bucket: open(), open, [Symbol.asyncDispose]: () => b2.stop() };
}

describe("objects", () => {
  test("are put, looked at, got and ranged over", async () => {
    await using at = await rig();
    const body = utf8("ten bytes!");
    const { etag, versionId } = await putObject(at.bucket, "a/b", body, {
      contentType: "text/x-test",
      metadata: { Name: "some  value" },
    });
    expect(etag).toBe(md5Hex(body));
    expect(at.b2.versionsOf(NAME, "a/b").map((one) => one.versionId)).toEqual([versionId!]);
    const head = (await headObject(at.bucket, "a/b"))!;
    expect(head).toMatchObject({ bytes: 10, etag, versionId: versionId!, legalHold: false });
    expect(head.modified).toBe(START);
    const got = (await getObject(at.bucket, "a/b", { versionId: versionId!, ifMatch: etag }))!;
    expect(got).toMatchObject({ bytes: body, totalBytes: 10 });
    expect(got.headers.get("content-type")).toBe("text/x-test");
    expect(got.headers.get("x-amz-meta-name")).toMatch(/^some +value$/);
    const range = async (offset: number, length: number): Promise<string> => {
      const part = (await getObject(at.bucket, "a/b", { range: { offset, length } }))!;
      expect(part.totalBytes).toBe(10);
      return new TextDecoder().decode(part.bytes);
    };
    expect(await range(4, 5)).toBe("bytes");
    expect(await range(8, 50)).toBe("s!");
    expect(await range(10, 5)).toBe("");
    expect(await range(3, 0)).toBe("");
    await failureFrom(getObject(at.bucket, "a/b", { ifMatch: md5Hex("x") }));
  });

  test("that are empty or not there", async () => {
    await using at = await rig();
    await putObject(at.bucket, "empty", new Uint8Array(0));
    expect(await getObject(at.bucket, "empty")).toMatchObject({ totalBytes: 0 });
    const range = { offset: 0, length: 9 };
    expect((await getObject(at.bucket, "empty", { range }))!.bytes).toHaveLength(0);
    expect(await getObject(at.bucket, "absent")).toBeUndefined();
    expect(await getObject(at.bucket, "absent", { range })).toBeUndefined();
    expect(await headObject(at.bucket, "absent")).toBeUndefined();
    await deleteObject(at.bucket, "empty");
    expect(await getObject(at.bucket, "empty")).toBeUndefined();
  });

  test.each(ODD_KEYS)("have names that arrive as they are: %j", async (key) => {
    await using at = await rig();
    const { versionId } = await putObject(at.bucket, key, utf8(key), {});
    expect(at.b2.keysOf(NAME)).toEqual([key]);
    expect((await getObject(at.bucket, key))!.bytes).toEqual(utf8(key));
    expect(await headObject(at.bucket, key, { versionId: versionId! })).toMatchObject({
      versionId,
    });
    expect((await Array.fromAsync(listObjects(at.bucket, key)))[0]!.key).toBe(key);
    expect((await Array.fromAsync(listVersions(at.bucket, key)))[0]!.key).toBe(key);
    await deleteVersion(at.bucket, key, versionId!);
    expect(at.b2.keysOf(NAME)).toEqual([]);
  });

  test("are hidden and come back, and versions are deleted one by one", async () => {
    await using at = await rig();
    const first = await putObject(at.bucket, "a", utf8("1"));
    const second = await putObject(at.bucket, "a", utf8("2"));
    const marker = (await hideObject(at.bucket, "a"))!;
    expect(at.b2.versionsOf(NAME, "a")[0]).toMatchObject({ versionId: marker, hidden: true });
    expect(await getObject(at.bucket, "a")).toBeUndefined();
    expect(await getObject(at.bucket, "a", { versionId: marker })).toBeUndefined();
    expect(await headObject(at.bucket, "a", { versionId: marker })).toBeUndefined();
    const old = await getObject(at.bucket, "a", { versionId: first.versionId! });
    expect(old!.bytes).toEqual(utf8("1"));
    await deleteVersion(at.bucket, "a", marker);
    expect((await getObject(at.bucket, "a"))!.bytes).toEqual(utf8("2"));
    await deleteVersion(at.bucket, "a", second.versionId!);
    await deleteVersion(at.bucket, "a", second.versionId!);
    expect((await getObject(at.bucket, "a"))!.bytes).toEqual(utf8("1"));
  });

  test("of another bucket or without the right are refused", async () => {
    await using at = await rig();
    const reader = at.open({ capabilities: ["listFiles", "readFiles"], prefix: "a/" });
    expect((await failureFrom(putObject(reader, "a/b", utf8("1")))).code).toBe("denied");
    expect((await failureFrom(getObject(reader, "b/b"))).code).toBe("denied");
  });

  test("that arrived wrong are noticed", async () => {
    await using at = await rig();
    const wrong = putObject(at.bucket, "a", utf8("1"), { md5: md5(utf8("2")) });
    expect((await failureFrom(wrong)).code).toBe("corrupt");
  });
});

describe("lists", () => {
  test("of 2,345 objects are whole, over three pages", async () => {
    await using at = await rig();
    const keys = Array.from({ length: 2345 }, (_, i) => `p/${String(i).padStart(4, "0")} +%`);
    for (const key of keys) at.b2.plant(NAME, key, "x");
    at.b2.plant(NAME, "o", "x");
    at.b2.plant(NAME, "q", "x");
    at.b2.plant(NAME, keys[7]!, "", { marker: true });
    const found = await Array.fromAsync(listObjects(at.bucket, "p/"));
    expect(found.map(({ key }) => key)).toEqual(keys.filter((_, i) => i !== 7));
    expect(found[0]).toMatchObject({ bytes: 1, etag: md5Hex("x"), modified: START });
    expect(at.b2.requests.map(({ operation }) => operation)).toHaveLength(3);
    const late = await Array.fromAsync(listObjects(at.bucket, "p/", { after: keys[2000]! }));
    expect(late.map(({ key }) => key)).toEqual(keys.slice(2001));
    const versions = await Array.fromAsync(listVersions(at.bucket, "p/"));
    expect(versions).toHaveLength(2346);
    expect(versions.filter(({ hidden }) => hidden).map(({ key }) => key)).toEqual([keys[7]!]);
  });

  test("tell all versions of odd names, in the order of their bytes", async () => {
    await using at = await rig();
    for (const key of ODD_KEYS)
      for (const marker of [false, true, false]) {
        at.b2.clock.advance(1000);
        at.b2.plant(NAME, key, "x", { marker });
      }
    const found = await Array.fromAsync(listVersions(at.bucket, ""));
    const inOrder = ODD_KEYS.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(found.map(({ key }) => key)).toEqual(inOrder.flatMap((key) => [key, key, key]));
    for (const [i, { key, versionId, latest, hidden }] of found.entries()) {
      const expected = at.b2.versionsOf(NAME, key)[i % 3]!;
      expect({ versionId, latest, hidden }).toEqual({
        versionId: expected.versionId,
        latest: expected.latest,
        hidden: expected.hidden,
      });
    }
  });

  test("go on in the middle of a key that has more versions than a page", async () => {
    await using at = await rig();
    const ids = Array.from({ length: 1500 }, (_, i) => at.b2.plant(NAME, "a+b", String(i)));
    at.b2.plant(NAME, "a+c", "x");
    const found = await Array.fromAsync(listVersions(at.bucket, ""));
    expect(found.map(({ versionId }) => versionId).slice(0, 1500)).toEqual(ids.toReversed());
    expect(found).toHaveLength(1501);
  });

  test("tell folders, and what is directly in one", async () => {
    await using at = await rig();
    for (const key of ["a/1", "a/b+c/1", "a/b+c/2", "a/d e/1", "f"]) at.b2.plant(NAME, key, "x");
    const delimiter = "/";
    expect(await Array.fromAsync(listPrefixes(at.bucket, "a/", { delimiter }))).toEqual([
      "a/b+c/",
      "a/d e/",
    ]);
    const direct = await Array.fromAsync(listObjects(at.bucket, "a/", { delimiter }));
    expect(direct.map(({ key }) => key)).toEqual(["a/1"]);
  });

  test("of nothing are empty", async () => {
    await using at = await rig();
    expect(await Array.fromAsync(listObjects(at.bucket, ""))).toEqual([]);
    expect(await Array.fromAsync(listVersions(at.bucket, ""))).toEqual([]);
    expect(await Array.fromAsync(listUploads(at.bucket, ""))).toEqual([]);
  });

  test("survive faults, and are whole", async () => {
    await using at = await rig();
    const keys = Array.from({ length: 1200 }, (_, i) => `k${String(i).padStart(4, "0")}`);
    for (const key of keys) at.b2.plant(NAME, key, "x");
    for (const what of ["busy", "truncated", "reset-after", "html"] as const) {
      at.b2.faults.plan({ what, operation: "ListObjects", nth: 2, bytes: 5000, status: 200 });
      const found = await Array.fromAsync(listObjects(at.bucket, ""));
      expect(found.map(({ key }) => key)).toEqual(keys);
      expect(at.b2.faults.waiting).toHaveLength(0);
    }
  });
});

describe("locks", () => {
  test("of an object are put with it, read and extended, and hold", async () => {
    await using at = await rig({ lock: true });
    const until = START + 3 * DAY;
    const lock = { mode: "compliance", until } as const;
    const put = await putObject(at.bucket, "a", utf8("1"), { lock });
    const versionId = put.versionId!;
    expect(await getRetention(at.bucket, "a", versionId)).toEqual(lock);
    expect((await headObject(at.bucket, "a"))!.lock).toEqual(lock);
    const longer = { ...lock, until: until + DAY + 1 };
    await putRetention(at.bucket, "a", versionId, longer);
    const kept = (await getRetention(at.bucket, "a", versionId))!;
    expect(kept.until).toBe(until + DAY + 1000);
    await putRetention(at.bucket, "a", versionId, kept);
    const shorter = putRetention(at.bucket, "a", versionId, lock);
    expect((await failureFrom(shorter)).code).toBe("denied");
    expect((await failureFrom(deleteVersion(at.bucket, "a", versionId))).code).toBe("denied");
    at.b2.clock.advance(6 * DAY);
    await deleteVersion(at.bucket, "a", versionId);
    expect(at.b2.keysOf(NAME)).toEqual([]);
  });

  test("there may be none", async () => {
    await using locking = await rig({ lock: true });
    await putObject(locking.bucket, "a", utf8("1"));
    expect(await getRetention(locking.bucket, "a")).toBeUndefined();
    expect(await getLegalHold(locking.bucket, "a")).toBe(false);
    expect((await failureFrom(getRetention(locking.bucket, "b"))).code).toBe("not-found");
    await using plain = await rig();
    await putObject(plain.bucket, "a", utf8("1"));
    expect(await getRetention(plain.bucket, "a")).toBeUndefined();
  });

  test("a legal hold is put and taken off", async () => {
    await using at = await rig({ lock: true });
    const { versionId } = await putObject(at.bucket, "a", utf8("1"));
    await putLegalHold(at.bucket, "a", versionId, true);
    expect(await getLegalHold(at.bucket, "a", versionId)).toBe(true);
    expect((await headObject(at.bucket, "a"))!.legalHold).toBe(true);
    expect((await failureFrom(deleteVersion(at.bucket, "a", versionId!))).code).toBe("denied");
    await putLegalHold(at.bucket, "a", versionId, false);
    await deleteVersion(at.bucket, "a", versionId!);
  });
});

describe("large objects", () => {
  const parts = ["1".repeat(10), "2".repeat(10), "3"].map(utf8);
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* parts;
  }

  test("arrive whole, locked if asked for", async () => {
    await using at = await rig({ lock: true });
    at.b2.account.limits.partBytesMin = 10;
    const lock = { mode: "governance", until: START + DAY } as const;
    const { etag, versionId } = await putLarge(at.bucket, "a b", source, { lock });
    expect(etag).toBe(`${md5Hex(concatBytes(...parts.map(md5)))}-3`);
    expect(at.b2.read(NAME, "a b")).toEqual(concatBytes(...parts));
    expect(await getRetention(at.bucket, "a b", versionId)).toEqual(lock);
    expect(await Array.fromAsync(listUploads(at.bucket, ""))).toEqual([]);
  });

  test("survive faults in each call", async () => {
    await using at = await rig();
    at.b2.account.limits.partBytesMin = 10;
    const calls = ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"] as const;
    const faults = ["error", "busy", "reset-before", "reset-after", "late", "too-small"] as const;
    for (const operation of calls)
      for (const what of faults) {
        at.b2.faults.plan({ what, operation });
        const key = `${operation} ${what}`;
        await putLarge(at.bucket, key, source);
        expect(at.b2.read(NAME, key)).toEqual(concatBytes(...parts));
        expect(at.b2.versionsOf(NAME, key)).toHaveLength(1);
        expect(at.b2.faults.waiting).toHaveLength(0);
      }
  });

  test("start again where somebody aborts them", async () => {
    await using at = await rig();
    at.b2.account.limits.partBytesMin = 10;
    let isFirst = true;
    await putLarge(at.bucket, "a", async function* () {
      yield parts[0]!;
      if (isFirst)
        for await (const { key, uploadId } of listUploads(at.bucket, ""))
          await abortUpload(at.bucket, key, uploadId);
      isFirst = false;
      yield* parts.slice(1);
    });
    expect(at.b2.read(NAME, "a")).toEqual(concatBytes(...parts));
  });

  test("that fail leave nothing; old ones of ours are aborted", async () => {
    await using at = await rig();
    const small = putLarge(at.bucket, "a", source); // Parts below 5 MB.
    await failureFrom(small);
    expect(await Array.fromAsync(listUploads(at.bucket, ""))).toEqual([]);
    const begin = async (key: string): Promise<void> => {
      const upload = { operation: "CreateMultipartUpload", method: "POST" } as const;
      await at.bucket.call({ ...upload, key, query: { uploads: "" }, answerBytesMax: 10_000 });
    };
    await begin("p/old");
    await begin("q/old");
    at.b2.clock.advance(DAY + 1000);
    await begin("p/young");
    expect(await abortStaleUploads(at.bucket, "p/", { isOurs: () => true })).toBe(1);
    const left = await Array.fromAsync(listUploads(at.bucket, ""));
    expect(left.map(({ key }) => key)).toEqual(["p/young", "q/old"]);
  });
});

describe("settings", () => {
  test("of a plain bucket", async () => {
    await using at = await rig();
    expect(await headBucket(at.bucket)).toBe(true);
    expect(await getLocation(at.bucket)).toBe(at.b2.region);
    expect(await getVersioning(at.bucket)).toBe("enabled");
    expect(await getLockConfiguration(at.bucket)).toEqual({ enabled: false });
    expect(await getLifecycle(at.bucket)).toEqual([]);
    expect(await getCors(at.bucket)).toEqual([]);
  });

  test("of one with locks and rules", async () => {
    await using at = await rig({
      defaultRetention: { mode: "compliance", days: 30 },
      lifecycle: [{ prefix: "p/", daysToHiding: 3, daysToDeleting: 1, daysToCancelling: 7 }],
    });
    expect(await getLockConfiguration(at.bucket)).toEqual({
      enabled: true,
      default: { mode: "compliance", days: 30 },
    });
    const [rule] = await getLifecycle(at.bucket);
    expect(rule).toMatchObject({
      enabled: true,
      prefix: "p/",
      narrowed: false,
      expireDays: 3,
      deleteHiddenDays: 1,
      abortUploadDays: 7,
      others: [],
    });
  });

  test("that a key may not see are denied", async () => {
    await using at = await rig({ lock: true });
    const writer = at.open({ capabilities: ["listFiles", "readFiles", "writeFiles"] });
    for (const read of [getLockConfiguration, getLifecycle, getVersioning, headBucket])
      expect((await failureFrom(read(writer))).code).toBe("denied");
    await putObject(writer, "a", utf8("1"));
    expect((await failureFrom(getRetention(writer, "a"))).code).toBe("denied");
  });

  test("a bucket is made, once", async () => {
    await using at = await rig();
    const other = openBucketOf(at, "bunker-test-2");
    expect(await headBucket(other)).toBe(false);
    expect(await createBucket(other, { lock: true })).toBe(true);
    expect(await createBucket(other, { lock: true })).toBe(false);
    expect(await getLockConfiguration(other)).toEqual({ enabled: true });
  });
});

function openBucketOf({ b2 }: Rig, name: string): Bucket {
  const service = { endpoint: b2.endpoint, region: b2.region, credentials: b2.createKey() };
  const world: World = {
    now: () => b2.clock.now(),
    random: (byteCount) => new Uint8Array(byteCount),
    sleep: async () => undefined,
  };
  return openBucket(service, name, { world, hash: HASH });
}
