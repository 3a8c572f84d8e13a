// Objects: versions that are never lost, markers, reads with ranges and conditions, copies
// (docs/b2.md A3, A5, A6, A9).

import { expect, test } from "bun:test";

import { md5Base64, md5Hex } from "./client.ts";
import { BUCKET, type Fixture, START, openFixture, textOf, textsOf } from "./fixture.ts";

const PATH = `/${BUCKET}/a`;

test("what was put is got, with what belongs to it", async () => {
  await using fixture = await openFixture();
  const put = await fixture.put("a", "text", {
    "content-type": "text/plain",
    "content-encoding": "gzip",
    "x-amz-meta-a": "b",
  });
  expect(put.headers.get("etag")).toBe(`"${md5Hex("text")}"`);
  const got = await fixture.ask({ path: PATH });
  expect([got.status, got.text]).toEqual([200, "text"]);
  expect(got.headers.get("etag")).toBe(`"${md5Hex("text")}"`);
  expect(got.headers.get("content-type")).toBe("text/plain");
  expect(got.headers.get("content-encoding")).toBe("gzip");
  expect(got.headers.get("x-amz-meta-a")).toBe("b");
  expect(got.headers.get("last-modified")).toBe(new Date(START).toUTCString());
  expect(got.headers.get("x-amz-version-id")).toBe(put.headers.get("x-amz-version-id"));
  const head = await fixture.ask({ method: "HEAD", path: PATH });
  expect([head.status, head.text, head.headers.get("content-length")]).toEqual([200, "", "4"]);
});

test("an error to HEAD has no body", async () => {
  await using fixture = await openFixture();
  const head = await fixture.ask({ method: "HEAD", path: PATH });
  expect([head.status, head.text]).toEqual([404, ""]);
  expect(Number(head.headers.get("content-length"))).toBeGreaterThan(0);
  expect((await fixture.ask({ path: PATH })).code).toBe("NoSuchKey");
  const denied = await fixture.may("listFiles")({ method: "HEAD", path: PATH });
  expect([denied.status, denied.text]).toEqual([403, ""]);
});

test("an overwritten version stays, and comes back when the newer one goes", async () => {
  await using fixture = await openFixture();
  const first = (await fixture.put("a", "first")).headers.get("x-amz-version-id");
  const second = (await fixture.put("a", "second")).headers.get("x-amz-version-id");
  expect(first).toMatch(/^4_z[0-9a-f]{24}_f[0-9a-f]+_d20260115_m120000_c004_v\d+_t\d+_u\d+$/);
  const get = async (query = "") => (await fixture.ask({ path: PATH, query })).text;
  expect(await get()).toBe("second");
  expect(await get(`versionId=${first}`)).toBe("first");
  const query = `versionId=${second}`;
  const deleted = await fixture.ask({ method: "DELETE", path: PATH, query });
  expect([deleted.status, deleted.headers.get("x-amz-version-id")]).toEqual([204, second]);
  expect(await get()).toBe("first");
});

test("DELETE without a version id hides; deleting the marker shows again", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "text");
  const hidden = await fixture.ask({ method: "DELETE", path: PATH });
  expect([hidden.status, hidden.headers.get("x-amz-delete-marker")]).toEqual([204, "true"]);
  const got = await fixture.ask({ path: PATH });
  expect([got.status, got.code]).toEqual([404, "NoSuchKey"]);
  expect((await fixture.ask({ method: "HEAD", path: PATH })).status).toBe(404);
  const marker = hidden.headers.get("x-amz-version-id");
  const query = `versionId=${marker}`;
  expect((await fixture.ask({ path: PATH, query })).status).toBe(405);
  // Hiding again changes nothing.
  await fixture.ask({ method: "DELETE", path: PATH });
  expect(fixture.b2.versionsOf(BUCKET, "a").map((one) => one.hidden)).toEqual([true, false]);
  expect((await fixture.ask({ method: "DELETE", path: PATH, query })).status).toBe(204);
  expect((await fixture.ask({ path: PATH })).text).toBe("text");
});

test("a version that is not there", async () => {
  await using fixture = await openFixture();
  const version = (await fixture.put("a", "text")).headers.get("x-amz-version-id");
  const query = `versionId=${version}`;
  await fixture.ask({ method: "DELETE", path: PATH, query });
  expect((await fixture.ask({ path: PATH, query })).code).toBe("NoSuchVersion");
  const again = await fixture.ask({ method: "DELETE", path: PATH, query });
  expect([again.status, again.code]).toEqual([404, "NoSuchVersion"]);
  const malformed = await fixture.ask({ path: PATH, query: "versionId=null" });
  expect([malformed.status, malformed.code]).toEqual([400, "InvalidArgument"]);
  expect((await fixture.ask({ method: "DELETE", path: `/${BUCKET}/never` })).status).toBe(204);
  expect(fixture.b2.keysOf(BUCKET)).toEqual([]);
});

test.each([
  ["bytes=2-4", 206, "234", "bytes 2-4/10"],
  ["bytes=7-", 206, "789", "bytes 7-9/10"],
  ["bytes=-2", 206, "89", "bytes 8-9/10"],
  ["bytes=-20", 206, "0123456789", "bytes 0-9/10"],
  ["bytes=8-100", 206, "89", "bytes 8-9/10"],
  ["bytes=0-0", 206, "0", "bytes 0-0/10"],
  ["bytes=10-", 416, undefined, "bytes */10"],
  ["bytes=5-4", 416, undefined, "bytes */10"],
  ["lines=1-2", 200, "0123456789", null],
] as const)("the range %s gives %i", async (range, status, text, contentRange) => {
  await using fixture = await openFixture();
  await fixture.put("a", "0123456789");
  const got = await fixture.ask({ path: PATH, headers: { range } });
  expect([got.status, got.headers.get("content-range")]).toEqual([status, contentRange]);
  if (text !== undefined) expect(got.text).toBe(text);
  else expect(got.code).toBe("InvalidRange");
});

test("a range of nothing is no range", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "");
  expect((await fixture.ask({ path: PATH, headers: { range: "bytes=0-" } })).status).toBe(416);
  expect((await fixture.ask({ path: PATH })).status).toBe(200);
});

test("reads have conditions", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "text");
  const etag = `"${md5Hex("text")}"`;
  const earlier = new Date(START - 1000).toUTCString();
  const same = new Date(START).toUTCString();
  const statusWith = async (name: string, value: string) =>
    (await fixture.ask({ path: PATH, headers: { [name]: value } })).status;
  expect(await statusWith("if-match", etag)).toBe(200);
  expect(await statusWith("if-match", '"other"')).toBe(412);
  expect(await statusWith("if-none-match", etag)).toBe(304);
  expect(await statusWith("if-none-match", '"other"')).toBe(200);
  expect(await statusWith("if-modified-since", same)).toBe(304);
  expect(await statusWith("if-modified-since", earlier)).toBe(200);
  expect(await statusWith("if-unmodified-since", earlier)).toBe(412);
  expect(await statusWith("if-unmodified-since", same)).toBe(200);
});

test("an answer's headers can be asked for", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "text");
  const query = "response-content-type=text%2Fcsv";
  const got = await fixture.ask({ path: PATH, query });
  expect(got.headers.get("content-type")).toBe("text/csv");
});

test("a copy takes content and metadata, and is a version of its own", async () => {
  await using fixture = await openFixture();
  const first = (await fixture.put("a", "first", { "x-amz-meta-a": "1" })).headers;
  await fixture.put("a", "second");
  const source = `/${BUCKET}/a?versionId=${first.get("x-amz-version-id")}`;
  const copied = await fixture.ask({
    method: "PUT",
    path: `/${BUCKET}/b`,
    headers: { "x-amz-copy-source": source },
  });
  expect(textOf(copied, "ETag")).toBe(`"${md5Hex("first")}"`);
  const got = await fixture.ask({ path: `/${BUCKET}/b` });
  expect([got.text, got.headers.get("x-amz-meta-a")]).toEqual(["first", "1"]);
  const replaced = await fixture.ask({
    method: "PUT",
    path: `/${BUCKET}/b`,
    headers: {
      "x-amz-copy-source": source,
      "x-amz-metadata-directive": "REPLACE",
      "x-amz-meta-b": "2",
    },
  });
  expect(replaced.status).toBe(200);
  const again = await fixture.ask({ path: `/${BUCKET}/b` });
  expect([again.headers.get("x-amz-meta-a"), again.headers.get("x-amz-meta-b")]).toEqual([
    null,
    "2",
  ]);
});

test("a copy has conditions on its source, and at most 5 GB", async () => {
  await using fixture = await openFixture();
  await fixture.put("a%20b", "text");
  const copy = (headers: Record<string, string>) =>
    fixture.ask({
      method: "PUT",
      path: `/${BUCKET}/c`,
      headers: { "x-amz-copy-source": `${BUCKET}/a%20b`, ...headers },
    });
  expect((await copy({ "x-amz-copy-source-if-match": '"other"' })).status).toBe(412);
  expect((await copy({ "x-amz-copy-source-if-none-match": "*" })).status).toBe(412);
  expect((await copy({ "x-amz-copy-source": `${BUCKET}/none` })).code).toBe("NoSuchKey");
  expect((await copy({ "x-amz-copy-source": "nothing" })).code).toBe("InvalidArgument");
  expect((await copy({})).status).toBe(200);
  fixture.b2.account.limits.copyBytesMax = 3;
  expect((await copy({})).code).toBe("EntityTooLarge");
});

async function deleteMany({ ask }: Fixture, objects: string) {
  const body = `<?xml version="1.0"?><Delete>${objects}</Delete>`;
  const headers = { "content-md5": md5Base64(body) };
  return ask({ method: "POST", path: `/${BUCKET}`, query: "delete=", body, headers });
}

test("many are deleted at once, each for itself", async () => {
  await using fixture = await openFixture();
  const { b2 } = fixture;
  await fixture.put("a", "1");
  await fixture.put("b&c", "2");
  const version = b2.versionsOf(BUCKET, "b&c")[0]!.versionId;
  const gone = version.replace(/f10{15}/, "f1f00000000000000");
  const reply = await deleteMany(
    fixture,
    `<Object><Key>a</Key></Object>
     <Object><Key>b&amp;c</Key><VersionId>${version}</VersionId></Object>
     <Object><Key>b&#38;c</Key><VersionId>${gone}</VersionId></Object>`,
  );
  expect(reply.status).toBe(200);
  expect(textsOf(reply, "Key")).toEqual(["a", "b&amp;c", "b&amp;c"]);
  expect(textsOf(reply, "DeleteMarker")).toEqual(["true"]);
  expect(textsOf(reply, "Code")).toEqual(["NoSuchVersion"]);
  expect(b2.keysOf(BUCKET)).toEqual(["a"]);
  expect(b2.versionsOf(BUCKET, "a")[0]?.hidden).toBe(true);
});

test("a quiet deletion tells errors alone; a broken list is refused", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "1");
  const quiet = await deleteMany(fixture, "<Quiet>true</Quiet><Object><Key>a</Key></Object>");
  expect(textsOf(quiet, "Key")).toEqual([]);
  expect((await deleteMany(fixture, "")).code).toBe("MalformedXML");
  expect((await deleteMany(fixture, "<Object><Key>a</Object>")).code).toBe("MalformedXML");
  const tooMany = "<Object><Key>a</Key></Object>".repeat(1001);
  expect((await deleteMany(fixture, tooMany)).code).toBe("MalformedXML");
});

test("buckets: made, seen, and removed when they are empty", async () => {
  await using fixture = await openFixture();
  const { ask } = fixture;
  const make = async (name: string) => (await ask({ method: "PUT", path: `/${name}` })).code;
  expect(await make("bucket-2")).toBeUndefined();
  expect(await make("bucket-2")).toBe("BucketAlreadyOwnedByYou");
  for (const name of ["short", "Upper-case", "b2-reserved", "under_score", "x".repeat(64)]) {
    expect(await make(name)).toBe("InvalidBucketName");
  }
  expect(textsOf(await ask({ path: "/" }), "Name")).toEqual([BUCKET, "bucket-2"]);
  await fixture.put("a");
  expect((await ask({ method: "DELETE", path: `/${BUCKET}` })).code).toBe("BucketNotEmpty");
  expect((await ask({ method: "DELETE", path: "/bucket-2" })).status).toBe(204);
  expect((await ask({ method: "HEAD", path: "/bucket-2" })).status).toBe(404);
  expect((await ask({ method: "HEAD", path: `/${BUCKET}` })).status).toBe(200);
});

test("a bucket's settings", async () => {
  await using fixture = await openFixture();
  const get = (query: string) => fixture.ask({ path: `/${BUCKET}`, query });
  expect((await get("location=")).text).toContain(">us-west-004</LocationConstraint>");
  expect(textOf(await get("versioning="), "Status")).toBe("Enabled");
  expect(textOf(await get("acl="), "Permission")).toBe("FULL_CONTROL");
  expect((await get("cors=")).code).toBe("NoSuchCORSConfiguration");
  expect((await get("encryption=")).status).toBe(404);
  expect((await get("lifecycle=")).code).toBe("NoSuchLifecycleConfiguration");
  expect((await get("object-lock=")).code).toBe("ObjectLockConfigurationNotFoundError");
  const suspend = { method: "PUT", path: `/${BUCKET}`, query: "versioning=", body: "<x/>" };
  expect((await fixture.ask(suspend)).status).toBe(501);
});
