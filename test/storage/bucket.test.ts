// Bucket storage on the strict emulator of B2: the contract, and what a bucket adds to it.

import { describe, expect, test } from "bun:test";

import { hexOf } from "../../src/base/bytes.ts";
import { openBucket } from "../../src/s3/service.ts";
import { openBucketStorage } from "../../src/storage/bucket.ts";
import { systemWorld } from "../../src/system/world.ts";
import { Emulator } from "../b2/emulator.ts";
import { HASH } from "../s3/rig.ts";
import { nameFor } from "./naming.ts";
import { failureOf, namesOf, numbered, storageSuite } from "./suite.ts";

const BUCKET = "store-bucket";

async function openOn(b2: Emulator, prefix: string, key = b2.createKey()) {
  const { endpoint, region } = b2;
  const service = { endpoint, region, credentials: key };
  const bucket = openBucket(service, BUCKET, { world: systemWorld, hash: HASH });
  const storage = openBucketStorage(bucket, { prefix, location: `b2://${BUCKET}/${prefix}` });
  return { storage, bucket };
}

for (const prefix of ["", "backups/of me/"]) {
  storageSuite(`bucket, prefix ${JSON.stringify(prefix)}`, async () => {
    const b2 = await Emulator.start();
    b2.createBucket(BUCKET);
    const { storage } = await openOn(b2, prefix);
    return {
      storage,
      plant: async (name, bytes) => void b2.plant(BUCKET, prefix + name, bytes),
      [Symbol.asyncDispose]: () => b2[Symbol.asyncDispose](),
    };
  });
}

const BYTES = numbered(1)[0]!;
const NAME = nameFor(BYTES);

describe("bucket", () => {
  test("others' objects, and those of other prefixes, are not the store's", async () => {
    await using b2 = await Emulator.start();
    b2.createBucket(BUCKET);
    const { storage } = await openOn(b2, "mine/");
    await storage.put(NAME, BYTES);
    b2.plant(BUCKET, NAME, BYTES);
    b2.plant(BUCKET, `mine2/${NAME}`, BYTES);
    b2.plant(BUCKET, "mine/holiday.jpg", BYTES);
    b2.plant(BUCKET, "mine/", new Uint8Array(0));
    expect(await namesOf(storage)).toEqual([NAME]);
    const versions = await Array.fromAsync(storage.listVersions(""));
    expect(versions.map(({ name }) => name)).toEqual([NAME]);
  });

  test("under a default retention each put is locked, and says until when", async () => {
    await using b2 = await Emulator.start();
    b2.createBucket(BUCKET, { lock: true, defaultRetention: { mode: "compliance", days: 30 } });
    const { storage } = await openOn(b2, "");
    await storage.put(NAME, BYTES);
    const [version] = await Array.fromAsync(storage.listVersions(NAME));
    const lock = await storage.lockOf(NAME, version!.versionId);
    expect(lock?.mode).toBe("compliance");
    expect(lock!.until).toBeGreaterThan(b2.clock.now() + 29 * 86_400_000);
    await failureOf("denied", storage.delete(NAME, version!.versionId));
    const until = Math.ceil(lock!.until / 1000) * 1000 + 86_400_000; // Dates are of whole seconds.
    const longer = { mode: "compliance", until } as const;
    await storage.setLock(NAME, longer, version!.versionId);
    expect(await storage.lockOf(NAME, version!.versionId)).toEqual(longer);
    await failureOf("denied", storage.setLock(NAME, lock!, version!.versionId));
  });

  test("a writer's key puts, gets and lists, hides, and deletes nothing", async () => {
    await using b2 = await Emulator.start();
    b2.createBucket(BUCKET);
    const capabilities = ["listFiles", "readFiles", "writeFiles"] as const;
    const key = b2.createKey({ capabilities, bucket: BUCKET, prefix: "mine/" });
    const { storage } = await openOn(b2, "mine/", key);
    await storage.put(NAME, BYTES);
    expect(hexOf((await storage.get(NAME))!)).toBe(hexOf(BYTES));
    const [version] = await Array.fromAsync(storage.listVersions(NAME));
    await failureOf("denied", storage.delete(NAME, version!.versionId));
    await storage.delete(NAME);
    expect(await storage.get(NAME)).toBeUndefined();
    const { versionId } = version!;
    expect(hexOf((await storage.get(NAME, { versionId }))!)).toBe(hexOf(BYTES));
    const { storage: beside } = await openOn(b2, "", key);
    await failureOf("denied", beside.put(NAME, BYTES));
  });

  test("a proxy's refusal does not turn what is hidden into what is absent", async () => {
    await using b2 = await Emulator.start();
    b2.createBucket(BUCKET);
    const { storage } = await openOn(b2, "");
    await storage.put(NAME, BYTES);
    await storage.delete(NAME);
    b2.faults.plan({ what: "html", status: 403, operation: "ListObjectVersions" });
    await failureOf("denied", Array.fromAsync(storage.listVersions("packs/")));
    expect(storage.abilities.versions).toBe(true);
    expect(await Array.fromAsync(storage.listVersions("packs/"))).toHaveLength(2);
  });

  test("lists more than a page, from anywhere, with all versions of a name across pages", async () => {
    await using b2 = await Emulator.start();
    b2.createBucket(BUCKET);
    const { storage } = await openOn(b2, "");
    const names = Array.from({ length: 2500 }, (_, i) =>
      nameFor(new Uint8Array([i & 255, i >> 8]), `packs/${(i % 16).toString(16)}0/`),
    ).sort();
    for (const name of names) b2.plant(BUCKET, name, new Uint8Array(1));
    for (let i = 0; i < 1100; i++) b2.plant(BUCKET, names[500]!, new Uint8Array(i + 2));
    expect(await namesOf(storage, "packs/")).toEqual(names);
    expect(await namesOf(storage, "packs/", names[1200]!)).toEqual(names.slice(1201));
    const versions = await Array.fromAsync(storage.listVersions("packs/", { after: names[499]! }));
    expect(versions).toHaveLength(2000 + 1100);
    expect(versions[0]).toMatchObject({ name: names[500]!, bytes: 1101, latest: true });
    expect(versions[1100]).toMatchObject({ name: names[500]!, bytes: 1, latest: false });
  });

  test("a place is the endpoint, the bucket and the prefix; no request is sent to open it", async () => {
    await using b2 = await Emulator.start();
    b2.createBucket(BUCKET);
    const { storage } = await openOn(b2, "a/b/");
    const { endpoint } = b2;
    expect(storage.bucketPlace).toEqual({ endpoint, bucket: BUCKET, prefix: "a/b/" });
    expect(storage.location).toBe(`b2://${BUCKET}/a/b/`);
    expect(await storage.locationId(true)).toBeUndefined();
    expect(b2.requests).toEqual([]);
  });
});
