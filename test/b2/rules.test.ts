// Rules: B2 refuses what it doesn't know, and demands sums where locks are (docs/b2.md A2, A4 to A6).

import { expect, test } from "bun:test";

import { exchangeRaw, md5Base64, signedHeaders } from "./client.ts";
import { BUCKET, openFixture } from "./fixture.ts";

const PATH = `/${BUCKET}/a`;

test.each([
  "x-amz-checksum-crc32",
  "x-amz-sdk-checksum-algorithm",
  "x-amz-checksum-mode",
  "x-amz-storage-class",
  "x-amz-tagging",
  "x-amz-security-token",
  "x-bz-test-mode",
  "x-unheard-of",
])("the header %s is refused, and named", async (name) => {
  await using fixture = await openFixture();
  const reply = await fixture.put("a", "x", { [name]: "1" });
  expect([reply.status, reply.code]).toEqual([400, "InvalidArgument"]);
  expect(reply.text).toContain(`Unsupported header '${name}' received for this API call.`);
  expect(fixture.b2.keysOf(BUCKET)).toEqual([]);
});

test.each([
  ["if-none-match", "*"],
  ["if-match", '"5d41402abc4b2a76b9719d911017c592"'],
])("a PUT with %s is not implemented", async (name, value) => {
  await using fixture = await openFixture();
  const reply = await fixture.put("a", "x", { [name]: value });
  expect([reply.status, reply.code]).toEqual([501, "NotImplemented"]);
  expect(reply.text).toContain("A header you provided implies functionality");
});

test("an ACL is the bucket's, and many keys may not name even that", async () => {
  await using fixture = await openFixture();
  const other = await fixture.put("a", "x", { "x-amz-acl": "public-read" });
  expect([other.status, other.code]).toEqual([400, "InvalidArgument"]);
  expect((await fixture.put("a", "x", { "x-amz-acl": "private" })).status).toBe(200);
  const headers = { "x-amz-acl": "private" };
  const writer = fixture.may("writeFiles", "readFiles", "listFiles");
  const same = await writer({ method: "PUT", path: PATH, body: "x", headers });
  expect([same.status, same.code]).toEqual([403, "AccessDenied"]);
  expect(same.text).toContain("not entitled");
});

test("there is no encryption but AES256", async () => {
  await using fixture = await openFixture();
  const header = "x-amz-server-side-encryption";
  expect((await fixture.put("a", "x", { [header]: "aws:kms" })).code).toBe("InvalidArgument");
  expect((await fixture.put("a", "x", { [header]: "AES256" })).status).toBe(200);
});

test.each(["tagging", "policy", "website", "replication", "publicAccessBlock", "notification"])(
  "?%s is not implemented",
  async (sub) => {
    await using fixture = await openFixture();
    const reply = await fixture.ask({ path: `/${BUCKET}`, query: `${sub}=` });
    expect([reply.status, reply.code]).toEqual([501, "NotImplemented"]);
  },
);

test("names in the query that a call doesn't have are refused", async () => {
  await using fixture = await openFixture();
  const reply = await fixture.ask({ path: `/${BUCKET}`, query: "list-type=2&surprise=1" });
  expect([reply.status, reply.code]).toEqual([400, "InvalidArgument"]);
  expect((await fixture.ask({ path: `/${BUCKET}`, query: "x-id=ListObjects" })).status).toBe(200);
});

test("Content-MD5 is demanded with lock headers", async () => {
  await using fixture = await openFixture({ lock: true });
  const lock = {
    "x-amz-object-lock-mode": "COMPLIANCE",
    "x-amz-object-lock-retain-until-date": "2026-02-01T00:00:00Z",
  };
  const put = (headers: Record<string, string>) =>
    fixture.ask({ method: "PUT", path: PATH, body: "x", headers });
  const without = await put(lock);
  expect([without.status, without.code]).toEqual([400, "InvalidRequest"]);
  expect(without.text).toContain("Content-MD5 OR x-amz-checksum- HTTP header is required");
  expect((await put({ ...lock, "content-md5": md5Base64("x") })).status).toBe(200);
  // A bucket with lock alone asks for none.
  expect((await put({})).status).toBe(200);
});

test("Content-MD5 is demanded by a default retention", async () => {
  await using fixture = await openFixture({ defaultRetention: { mode: "governance", days: 1 } });
  const put = { method: "PUT", path: PATH, body: "x" };
  expect((await fixture.ask(put)).code).toBe("InvalidRequest");
  expect((await fixture.put("a", "x")).status).toBe(200);
});

test.each([
  ["POST", `/${BUCKET}`, "delete="],
  ["PUT", PATH, "retention="],
  ["PUT", PATH, "legal-hold="],
  ["PUT", `/${BUCKET}`, "object-lock="],
  ["PUT", `/${BUCKET}`, "lifecycle="],
])("%s %s?%s needs Content-MD5", async (method, path, query) => {
  await using fixture = await openFixture({ lock: true });
  const reply = await fixture.ask({ method, path, query, body: "<x/>" });
  expect([reply.status, reply.code]).toEqual([400, "InvalidRequest"]);
});

test("metadata are limited to 7,000 bytes, in a bucket with lock to 2,048", async () => {
  await using fixture = await openFixture();
  fixture.b2.createBucket("locked-1", { lock: true });
  const put = async (bucket: string, bytes: number) => {
    const headers = { "x-amz-meta-a": "v".repeat(bytes) };
    const { status } = await fixture.ask({ method: "PUT", path: `/${bucket}/a`, headers });
    return status;
  };
  // The name "a", the metadata's name, and its value.
  const room = 2048 - 1 - "x-amz-meta-a".length;
  expect(await put("locked-1", room)).toBe(200);
  expect(await put("locked-1", room + 1)).toBe(400);
  expect(await put(BUCKET, room + 1)).toBe(200);
  expect(await put(BUCKET, 7000)).toBe(400);
});

test("keys are limited to 1,024 bytes without control characters", async () => {
  await using fixture = await openFixture();
  expect((await fixture.put("k".repeat(1024))).status).toBe(200);
  expect((await fixture.put("k".repeat(1025))).code).toBe("KeyTooLongError");
  expect((await fixture.put("%C3%A4".repeat(513))).code).toBe("KeyTooLongError");
  expect((await fixture.put("a%0Ab")).code).toBe("InvalidArgument");
});

test.each([
  ["PUT", PATH, ""],
  ["POST", `/${BUCKET}`, "delete="],
])("%s %s?%s needs a body of a known length: no chunks of HTTP", async (method, path, query) => {
  await using fixture = await openFixture();
  const { b2, signer } = fixture;
  const headers = {
    ...signedHeaders(signer, { method, path, query, body: "abc" }),
    "content-md5": md5Base64("abc"),
    "transfer-encoding": "chunked",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${path}?${query} HTTP/1.1\r\n${lines.join("")}\r\n`;
  const chunked = await exchangeRaw(b2.endpoint, Buffer.from(`${head}3\r\nabc\r\n0\r\n\r\n`));
  expect([chunked.status, chunked.code]).toEqual([411, "MissingContentLength"]);
  expect(b2.keysOf(BUCKET)).toEqual([]);
});

test("there are no chunks of S3's either", async () => {
  await using fixture = await openFixture();
  const { b2, ask } = fixture;
  const sha256 = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  expect((await ask({ method: "PUT", path: PATH, body: "x", sha256 })).status).toBe(501);
  const encoded = await fixture.put("a", "x", { "content-encoding": "aws-chunked" });
  expect(encoded.status).toBe(501);
  expect(b2.keysOf(BUCKET)).toEqual([]);
});

test("5 GB is the most for one PUT; settable for tests", async () => {
  await using fixture = await openFixture();
  const { limits } = fixture.b2.account;
  expect([limits.putBytesMax, limits.partBytesMin]).toEqual([5_000_000_000, 5_000_000]);
  limits.putBytesMax = 10;
  expect((await fixture.put("a", "0123456789")).status).toBe(200);
  expect((await fixture.put("a", "0123456789a")).code).toBe("EntityTooLarge");
});

test("there are no methods but S3's", async () => {
  await using fixture = await openFixture();
  expect((await fixture.ask({ method: "POST", path: PATH })).status).toBe(405);
  expect((await fixture.ask({ method: "DELETE", path: "/" })).status).toBe(405);
});
