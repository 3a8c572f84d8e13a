// Multipart: parts, their limits, and what becomes of unfinished uploads (docs/b2.md A9).

import { expect, test } from "bun:test";

import { md5Base64, md5Hex } from "./client.ts";
import { BUCKET, type Fixture, START, openFixture, textOf, textsOf } from "./fixture.ts";

const PATH = `/${BUCKET}/large`;
type Part = readonly [number: number, body: string];

async function start({ ask }: Fixture, headers: Record<string, string> = {}): Promise<string> {
  const reply = await ask({ method: "POST", path: PATH, query: "uploads=", headers });
  return textOf(reply, "UploadId")!;
}

function putPart({ ask }: Fixture, uploadId: string, [number, body]: Part) {
  const query = `partNumber=${number}&uploadId=${uploadId}`;
  const headers = { "content-md5": md5Base64(body) };
  return ask({ method: "PUT", path: PATH, query, body, headers });
}

function complete({ ask }: Fixture, uploadId: string, parts: readonly Part[]) {
  const list = parts.map(
    ([number, body]) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>"${md5Hex(body)}"</ETag></Part>`,
  );
  const body = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
  return ask({ method: "POST", path: PATH, query: `uploadId=${uploadId}`, body });
}

async function openSmall(): Promise<Fixture> {
  const fixture = await openFixture();
  fixture.b2.account.limits.partBytesMin = 3;
  return fixture;
}

test("parts become an object, in their order, with an ETag of their own kind", async () => {
  await using fixture = await openSmall();
  const uploadId = await start(fixture, { "content-type": "text/plain", "x-amz-meta-a": "b" });
  const parts: Part[] = [
    [2, "second"],
    [1, "first!"],
    [7, "x"],
  ];
  for (const part of parts) {
    const reply = await putPart(fixture, uploadId, part);
    expect(reply.headers.get("etag")).toBe(`"${md5Hex(part[1])}"`);
  }
  expect(fixture.b2.keysOf(BUCKET)).toEqual([]);
  const ordered = parts.toSorted(([a], [b]) => a - b);
  const done = await complete(fixture, uploadId, ordered);
  const sums = Buffer.concat(ordered.map(([, body]) => Buffer.from(md5Hex(body), "hex")));
  expect(textOf(done, "ETag")).toBe(`"${md5Hex(sums)}-3"`);
  const got = await fixture.ask({ path: PATH });
  expect([got.text, got.headers.get("x-amz-meta-a")]).toEqual(["first!secondx", "b"]);
  expect(got.headers.get("etag")).toBe(`"${md5Hex(sums)}-3"`);
  expect(got.headers.get("x-amz-version-id")).toBe(done.headers.get("x-amz-version-id"));
});

test("an upload that was completed or aborted is gone", async () => {
  await using fixture = await openSmall();
  const part: Part = [1, "text"];
  const first = await start(fixture);
  await putPart(fixture, first, part);
  expect((await complete(fixture, first, [part])).status).toBe(200);
  expect((await complete(fixture, first, [part])).code).toBe("NoSuchUpload");
  const second = await start(fixture);
  const abort = { method: "DELETE", path: PATH, query: `uploadId=${second}` };
  expect((await fixture.ask(abort)).status).toBe(204);
  expect((await fixture.ask(abort)).code).toBe("NoSuchUpload");
  expect((await putPart(fixture, second, part)).code).toBe("NoSuchUpload");
  expect(fixture.b2.versionsOf(BUCKET, "large")).toHaveLength(1);
});

test("a part that is sent again takes the place of the first", async () => {
  await using fixture = await openSmall();
  const uploadId = await start(fixture);
  await putPart(fixture, uploadId, [1, "wrong"]);
  await putPart(fixture, uploadId, [1, "right"]);
  expect((await complete(fixture, uploadId, [[1, "wrong"]])).code).toBe("InvalidPart");
  expect((await complete(fixture, uploadId, [[1, "right"]])).status).toBe(200);
});

test("what Complete refuses", async () => {
  await using fixture = await openSmall();
  const uploadId = await start(fixture);
  const parts: Part[] = [
    [1, "first"],
    [2, "xy"],
    [3, "third"],
  ];
  for (const part of parts) await putPart(fixture, uploadId, part);
  const codeOf = async (asked: readonly Part[]) => (await complete(fixture, uploadId, asked)).code;
  expect(await codeOf(parts)).toBe("EntityTooSmall");
  expect(await codeOf([parts[2]!, parts[0]!])).toBe("InvalidPartOrder");
  expect(await codeOf([parts[0]!, parts[0]!])).toBe("InvalidPartOrder");
  expect(await codeOf([parts[0]!, [4, "none"]])).toBe("InvalidPart");
  expect(await codeOf([])).toBe("MalformedXML");
  expect(await codeOf([parts[0]!, parts[2]!])).toBeUndefined();
});

test("5 MB is the least for a part but the last; 10,000 is the last number", async () => {
  await using fixture = await openFixture();
  const uploadId = await start(fixture);
  const small: Part = [1, "x".repeat(4_999_999)];
  const enough: Part = [1, "x".repeat(5_000_000)];
  const last: Part = [10_000, "y"];
  await putPart(fixture, uploadId, small);
  await putPart(fixture, uploadId, last);
  expect((await complete(fixture, uploadId, [small, last])).code).toBe("EntityTooSmall");
  await putPart(fixture, uploadId, enough);
  expect((await complete(fixture, uploadId, [enough, last])).status).toBe(200);
});

test("part numbers outside of their bounds are refused", async () => {
  await using fixture = await openFixture();
  const uploadId = await start(fixture);
  for (const number of [0, 10_001, 1.5]) {
    expect((await putPart(fixture, uploadId, [number, "x"])).code).toBe("InvalidArgument");
  }
});

test("parts are listed by number, page by page", async () => {
  await using fixture = await openSmall();
  const uploadId = await start(fixture);
  for (const number of [5, 1, 3]) await putPart(fixture, uploadId, [number, "x".repeat(number)]);
  const list = (query: string) =>
    fixture.ask({ path: PATH, query: `${query}uploadId=${uploadId}` });
  const first = await list("max-parts=2&");
  expect(textsOf(first, "PartNumber")).toEqual(["1", "3"]);
  expect(textOf(first, "NextPartNumberMarker")).toBe("3");
  const rest = await list("part-number-marker=3&");
  expect([textsOf(rest, "PartNumber"), textsOf(rest, "Size")]).toEqual([["5"], ["5"]]);
  expect(textOf(rest, "IsTruncated")).toBe("false");
});

test("unfinished uploads are listed, page by page", async () => {
  await using fixture = await openFixture();
  const begin = async (key: string) => {
    const reply = await fixture.ask({
      method: "POST",
      path: `/${BUCKET}/${key}`,
      query: "uploads=",
    });
    return textOf(reply, "UploadId")!;
  };
  const ids = [await begin("b"), await begin("a"), await begin("a"), await begin("c")];
  const list = (query: string) => fixture.ask({ path: `/${BUCKET}`, query: `${query}uploads=` });
  const first = await list("max-uploads=2&");
  expect(textsOf(first, "Key")).toEqual(["a", "a"]);
  expect(textsOf(first, "Initiated")[0]).toBe(new Date(START).toISOString());
  const marker = `key-marker=a&upload-id-marker=${textOf(first, "NextUploadIdMarker")}&`;
  const rest = await list(marker);
  expect(textsOf(rest, "UploadId").slice(0, 2)).toEqual([ids[0]!, ids[3]!]);
  expect(textsOf(await list("prefix=c&"), "Key")).toEqual(["c"]);
});

test("a part can be copied, a range of it too", async () => {
  await using fixture = await openSmall();
  await fixture.put("a", "0123456789");
  const uploadId = await start(fixture);
  const copy = (number: number, range: Record<string, string>) =>
    fixture.ask({
      method: "PUT",
      path: PATH,
      query: `partNumber=${number}&uploadId=${uploadId}`,
      headers: { "x-amz-copy-source": `/${BUCKET}/a`, ...range },
    });
  const range = { "x-amz-copy-source-range": "bytes=2-4" };
  expect(textOf(await copy(1, range), "ETag")).toBe(`"${md5Hex("234")}"`);
  expect((await copy(2, {})).status).toBe(200);
  const beyond = { "x-amz-copy-source-range": "bytes=2-10" };
  expect((await copy(3, beyond)).code).toBe("InvalidArgument");
  const parts: Part[] = [
    [1, "234"],
    [2, "0123456789"],
  ];
  expect((await complete(fixture, uploadId, parts)).status).toBe(200);
  expect((await fixture.ask({ path: PATH })).text).toBe("2340123456789");
});

test("a lock that was asked for at the start is on the object; its parts need sums", async () => {
  await using fixture = await openFixture({ lock: true });
  const until = START + 86_400_000;
  const uploadId = await start(fixture, {
    "x-amz-object-lock-mode": "COMPLIANCE",
    "x-amz-object-lock-retain-until-date": new Date(until).toISOString(),
  });
  const query = `partNumber=1&uploadId=${uploadId}`;
  const unsummed = await fixture.ask({ method: "PUT", path: PATH, query, body: "x" });
  expect(unsummed.code).toBe("InvalidRequest");
  await putPart(fixture, uploadId, [1, "x"]);
  expect((await complete(fixture, uploadId, [[1, "x"]])).status).toBe(200);
  expect(fixture.b2.versionsOf(BUCKET, "large")[0]?.lock).toEqual({ mode: "COMPLIANCE", until });
});

test("the bucket's default retention counts from the end of the upload", async () => {
  await using fixture = await openFixture({ defaultRetention: { mode: "compliance", days: 2 } });
  const uploadId = await start(fixture);
  await putPart(fixture, uploadId, [1, "x"]);
  fixture.b2.clock.advance(3_600_000);
  await complete(fixture, uploadId, [[1, "x"]]);
  const until = START + 3_600_000 + 2 * 86_400_000;
  expect(fixture.b2.versionsOf(BUCKET, "large")[0]?.lock?.until).toBe(until);
});
