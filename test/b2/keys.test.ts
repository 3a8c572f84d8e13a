// Keys: what each capability opens, and how far a key reaches (docs/b2.md A7).

import { expect, test } from "bun:test";

import { type Ask, md5Base64 } from "./client.ts";
import { BUCKET, START, type Fixture, openFixture, textsOf } from "./fixture.ts";
import { CAPABILITIES, type Capability } from "./keys.ts";

const RETENTION =
  "<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2026-03-01T00:00:00Z</RetainUntilDate></Retention>";
const LOCK_CONFIGURATION =
  "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>";
const LIFECYCLE =
  "<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix>x</Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>";

interface Row {
  readonly ask: (fixture: Fixture) => Ask;
  /** Enough, and none of them may be missing. */
  readonly needs: readonly Capability[];
}

const bucket = (query: string, change: Partial<Ask> = {}): Row["ask"] =>
  withBody({ path: `/${BUCKET}`, query, ...change });
const object = (change: Partial<Ask> = {}): Row["ask"] =>
  withBody({ path: `/${BUCKET}/a`, ...change });
const versioned = (change: Partial<Ask>): Row["ask"] => {
  return (fixture) => ({
    ...object(change)(fixture),
    query: `versionId=${fixture.b2.versionsOf(BUCKET, "a")[0]!.versionId}`,
  });
};

function withBody(ask: Ask): Row["ask"] {
  const headers = { "content-md5": md5Base64(ask.body ?? ""), ...ask.headers };
  return () => (ask.body === undefined ? ask : { ...ask, headers });
}

const ROWS: Readonly<Record<string, Row>> = {
  "list buckets": { ask: () => ({ path: "/" }), needs: ["listBuckets"] },
  "head bucket": { ask: bucket("", { method: "HEAD" }), needs: ["listBuckets"] },
  "create bucket": {
    ask: () => ({ method: "PUT", path: "/bucket-2" }),
    needs: ["writeBuckets"],
  },
  "create bucket with lock": {
    ask: () => ({
      method: "PUT",
      path: "/bucket-2",
      headers: { "x-amz-bucket-object-lock-enabled": "true" },
    }),
    needs: ["writeBuckets", "writeBucketRetentions"],
  },
  location: { ask: bucket("location="), needs: ["readBuckets"] },
  versioning: { ask: bucket("versioning="), needs: ["readBuckets"] },
  "bucket's ACL": { ask: bucket("acl="), needs: ["readBuckets"] },
  "put lifecycle": {
    ask: bucket("lifecycle=", { method: "PUT", body: LIFECYCLE }),
    needs: ["writeBuckets"],
  },
  "delete lifecycle": {
    ask: bucket("lifecycle=", { method: "DELETE" }),
    needs: ["writeBuckets"],
  },
  "lock configuration": { ask: bucket("object-lock="), needs: ["readBucketRetentions"] },
  "put lock configuration": {
    ask: bucket("object-lock=", { method: "PUT", body: LOCK_CONFIGURATION }),
    needs: ["writeBucketRetentions"],
  },
  "list objects": { ask: bucket("list-type=2"), needs: ["listFiles"] },
  "list versions": { ask: bucket("versions="), needs: ["listFiles"] },
  "list uploads": { ask: bucket("uploads="), needs: ["listFiles"] },
  get: { ask: object(), needs: ["readFiles"] },
  head: { ask: object({ method: "HEAD" }), needs: ["readFiles"] },
  put: { ask: object({ method: "PUT", body: "x" }), needs: ["writeFiles"] },
  "put with lock": {
    ask: object({
      method: "PUT",
      body: "x",
      headers: {
        "x-amz-object-lock-mode": "GOVERNANCE",
        "x-amz-object-lock-retain-until-date": "2026-03-01T00:00:00Z",
      },
    }),
    needs: ["writeFiles", "writeFileRetentions"],
  },
  "put with legal hold": {
    ask: object({
      method: "PUT",
      body: "x",
      headers: { "x-amz-object-lock-legal-hold": "ON" },
    }),
    needs: ["writeFiles", "writeFileLegalHolds"],
  },
  copy: {
    ask: () => ({
      method: "PUT",
      path: `/${BUCKET}/b`,
      headers: { "x-amz-copy-source": `/${BUCKET}/a` },
    }),
    needs: ["writeFiles", "readFiles"],
  },
  hide: { ask: object({ method: "DELETE" }), needs: ["writeFiles"] },
  "delete a version": { ask: versioned({ method: "DELETE" }), needs: ["deleteFiles"] },
  "start an upload": {
    ask: object({ method: "POST", query: "uploads=" }),
    needs: ["writeFiles"],
  },
  "put retention": {
    ask: object({ method: "PUT", query: "retention=", body: RETENTION }),
    needs: ["writeFileRetentions"],
  },
  "legal hold": { ask: object({ query: "legal-hold=" }), needs: ["readFileLegalHolds"] },
  "put legal hold": {
    ask: object({
      method: "PUT",
      query: "legal-hold=",
      body: "<LegalHold><Status>ON</Status></LegalHold>",
    }),
    needs: ["writeFileLegalHolds"],
  },
};

test.each(Object.entries(ROWS))("%s needs its capabilities and no others", async (_, row) => {
  await using fixture = await openFixture({ lock: true });
  await fixture.put("a", "text");
  for (const missing of row.needs) {
    const others = CAPABILITIES.filter(
      // To list buckets, one of two is enough.
      (name) => name !== missing && !(missing === "listBuckets" && name === "listAllBucketNames"),
    );
    const denied = await fixture.may(...others)(row.ask(fixture));
    expect([missing, denied.status]).toEqual([missing, 403]);
  }
  const { status } = await fixture.may(...row.needs)(row.ask(fixture));
  expect(status).toBeLessThan(300);
});

test("a key of one bucket does not reach another, nor learn whether there is one", async () => {
  await using fixture = await openFixture();
  fixture.b2.createBucket("bucket-2");
  const ask = fixture.as({ bucket: BUCKET });
  expect((await ask({ path: `/${BUCKET}` })).status).toBe(200);
  for (const name of ["bucket-2", "bucket-3"]) {
    const reply = await ask({ path: `/${name}` });
    expect([reply.status, reply.code]).toEqual([403, "AccessDenied"]);
  }
  expect((await fixture.ask({ path: "/bucket-3" })).code).toBe("NoSuchBucket");
  const both = fixture.as({ bucket: [BUCKET, "bucket-2"] });
  expect((await both({ path: "/bucket-2" })).status).toBe(200);
});

test("only with listAllBucketNames a key of one bucket lists buckets", async () => {
  await using fixture = await openFixture();
  const capabilities: Capability[] = ["listBuckets", "listFiles"];
  const without = fixture.as({ bucket: BUCKET, capabilities });
  expect((await without({ path: "/" })).status).toBe(403);
  const ask = fixture.as({
    bucket: BUCKET,
    capabilities: [...capabilities, "listAllBucketNames"],
  });
  expect(textsOf(await ask({ path: "/" }), "Name")).toEqual([BUCKET]);
});

test("a key of a prefix reads, writes, lists and copies within it alone", async () => {
  await using fixture = await openFixture();
  await fixture.put("other/a", "secret");
  const ask = fixture.as({ bucket: BUCKET, prefix: "mine/" });
  const status = async (change: Ask) => (await ask(change)).status;
  expect(await status({ method: "PUT", path: `/${BUCKET}/mine/a`, body: "x" })).toBe(200);
  expect(await status({ path: `/${BUCKET}/mine/a` })).toBe(200);
  expect(await status({ path: `/${BUCKET}/other/a` })).toBe(403);
  expect(await status({ method: "PUT", path: `/${BUCKET}/other/a`, body: "x" })).toBe(403);
  expect(await status({ method: "DELETE", path: `/${BUCKET}/other/a` })).toBe(403);
  expect(await status({ path: `/${BUCKET}`, query: "prefix=mine%2F" })).toBe(200);
  expect(await status({ path: `/${BUCKET}`, query: "prefix=mine%2Fdeeper" })).toBe(200);
  for (const query of ["", "prefix=mine", "prefix=other%2F"]) {
    expect(await status({ path: `/${BUCKET}`, query })).toBe(403);
    expect(await status({ path: `/${BUCKET}`, query: `${query}&versions=` })).toBe(403);
  }
  const headers = { "x-amz-copy-source": `/${BUCKET}/other/a` };
  expect(await status({ method: "PUT", path: `/${BUCKET}/mine/b`, headers })).toBe(403);
  const body = "<Delete><Object><Key>other/a</Key></Object></Delete>";
  const many = await ask({
    method: "POST",
    path: `/${BUCKET}`,
    query: "delete=",
    body,
    headers: { "content-md5": md5Base64(body) },
  });
  expect(textsOf(many, "Code")).toEqual(["AccessDenied"]);
});

test("a writer's key hides and overwrites, and loses nothing", async () => {
  await using fixture = await openFixture({ defaultRetention: { mode: "compliance", days: 30 } });
  const { b2 } = fixture;
  const writer = fixture.may("listFiles", "readFiles", "writeFiles", "readFileRetentions");
  await fixture.put("a", "first");
  const headers = { "content-md5": md5Base64("second") };
  const put = { method: "PUT", path: `/${BUCKET}/a`, body: "second", headers };
  expect((await writer(put)).status).toBe(200);
  expect((await writer({ method: "DELETE", path: `/${BUCKET}/a` })).status).toBe(204);
  const [marker, second, first] = b2.versionsOf(BUCKET, "a");
  expect([marker?.hidden, second?.bytes, first?.bytes]).toEqual([true, 6, 5]);
  // The bucket's own rule locked what the writer wrote.
  expect(second?.lock).toEqual({ mode: "COMPLIANCE", until: START + 30 * 86_400_000 });
  const query = `versionId=${first!.versionId}`;
  expect((await writer({ path: `/${BUCKET}/a`, query })).text).toBe("first");
  expect((await writer({ method: "DELETE", path: `/${BUCKET}/a`, query })).status).toBe(403);
});
