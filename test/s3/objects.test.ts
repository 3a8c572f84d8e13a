// Objects: what is sent, and what each answer is taken for.

import { describe, expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import {
  deleteObject,
  deleteVersion,
  getObject,
  headObject,
  hideObject,
  putObject,
} from "../../src/s3/objects.ts";
import { failureFrom, FakeCaller, md5, md5Hex, refusal, type Said } from "./fake.ts";

const BODY = utf8("ten bytes!");
const MD5 = md5Hex(BODY);
const ABSENT = refusal(404, "NoSuchKey");
/** HEAD's refusals have no body. */
const BARE_404: Said = { status: 404, headers: { "content-type": "application/xml" } };
const PROXY_404: Said = {
  status: 404,
  headers: { "content-type": "text/html" },
  body: "<html><title>Not Found</title></html>",
};

describe("put", () => {
  const stored: Said = { headers: { etag: `"${MD5}"`, "x-amz-version-id": "4_z1" } };

  test("sends the body, its hashes, and what belongs to it", async () => {
    const caller = new FakeCaller([stored]);
    const result = await putObject(caller, "a/b", BODY, {
      sha256: new Uint8Array(32),
      contentType: "text/plain",
      metadata: { Name: "a  b" },
      headers: { "cache-control": "no-store" },
      lock: { mode: "compliance", until: Date.UTC(2030, 0, 1) + 1 },
    });
    expect(result).toEqual({ versionId: "4_z1", etag: MD5 });
    expect(caller.calls).toEqual([
      {
        operation: "PutObject",
        method: "PUT",
        key: "a/b",
        headers: {
          "cache-control": "no-store",
          "content-type": "text/plain",
          "x-amz-meta-name": "a  b",
          "x-amz-object-lock-mode": "COMPLIANCE",
          "x-amz-object-lock-retain-until-date": "2030-01-01T00:00:01Z",
        },
        body: BODY,
        md5: md5(BODY),
        sha256: new Uint8Array(32),
        answerBytesMax: 1024 * 1024,
      },
    ]);
  });

  test("sends no header that was not asked for", async () => {
    const caller = new FakeCaller([{ headers: { etag: MD5 } }]);
    expect(await putObject(caller, "a", BODY)).toEqual({ etag: MD5 });
    expect(caller.calls[0]!.headers).toEqual({});
  });

  test("a wrong ETag is put again, and then is damage", async () => {
    const wrong: Said = { headers: { etag: `"${md5Hex("other")}"` } };
    const once = new FakeCaller([wrong, stored]);
    expect((await putObject(once, "a", BODY)).versionId).toBe("4_z1");
    const always = new FakeCaller([wrong]);
    const error = await failureFrom(putObject(always, "a", BODY));
    expect(error.code).toBe("corrupt");
    expect(error.message).toContain(MD5);
    expect(always.calls).toHaveLength(3);
  });

  test("the given MD5 is what counts", async () => {
    const caller = new FakeCaller([stored]);
    const error = await failureFrom(putObject(caller, "a", BODY, { md5: md5(utf8("x")) }));
    expect(error.code).toBe("corrupt");
  });

  test("an answer without an ETag is no success", async () => {
    const caller = new FakeCaller([{}]);
    expect((await failureFrom(putObject(caller, "a", BODY))).code).toBe("unavailable");
    expect(caller.calls).toHaveLength(3);
  });

  test.each<[string, Record<string, string>, string]>([
    ["in capitals", { etag: `"${MD5.toUpperCase()}"` }, MD5.toUpperCase()],
    ["behind a proxy that packs", { etag: `W/"${MD5}"` }, MD5],
    ["of a service without MD5s", { etag: '"8D9C-1"' }, "8D9C-1"],
    [
      "where a service's key encrypts",
      { etag: md5Hex("x"), "x-amz-server-side-encryption": "aws:kms" },
      md5Hex("x"),
    ],
    ["with plain encryption", { etag: MD5, "x-amz-server-side-encryption": "AES256" }, MD5],
  ])("an ETag %s is taken", async (_, headers, etag) => {
    expect((await putObject(new FakeCaller([{ headers }]), "a", BODY)).etag).toBe(etag);
  });

  test("plain encryption excuses no wrong ETag", async () => {
    const headers = { etag: md5Hex("x"), "x-amz-server-side-encryption": "AES256" };
    const error = await failureFrom(putObject(new FakeCaller([{ headers }]), "a", BODY));
    expect(error.code).toBe("corrupt");
  });

  test.each(["ä", " a", "a ", "a\nb", "a\0", "a\x7f"])(
    "metadata that no header carries is refused: %j",
    async (value) => {
      const caller = new FakeCaller([stored]);
      const error = await failureFrom(putObject(caller, "a", BODY, { metadata: { name: value } }));
      expect(error.code).toBe("invalid-argument");
      expect(caller.calls).toHaveLength(0);
    },
  );

  test("a name that no header has is refused, an empty value is not", async () => {
    const caller = new FakeCaller([stored]);
    await failureFrom(putObject(caller, "a", BODY, { metadata: { "a b": "" } }));
    await putObject(caller, "a", BODY, { metadata: { empty: "" } });
    expect(caller.calls[0]!.headers).toEqual({ "x-amz-meta-empty": "" });
  });

  test("refusals come through", async () => {
    const caller = new FakeCaller([refusal(403, "AccessDenied", "Transaction cap exceeded.")]);
    expect((await failureFrom(putObject(caller, "a", BODY))).code).toBe("full");
    expect(caller.calls).toHaveLength(1);
  });
});

describe("get", () => {
  const whole: Said = { headers: { etag: `"${MD5}"`, "x-amz-version-id": "1" }, body: BODY };
  const part = (range: string, body: string): Said => ({
    status: 206,
    headers: { "content-range": range },
    body,
  });

  test("the whole object", async () => {
    const caller = new FakeCaller([whole]);
    const got = await getObject(caller, "a", { versionId: "1", ifMatch: MD5, bytesMax: 1e7 });
    expect(got).toMatchObject({ bytes: BODY, totalBytes: 10 });
    expect(got!.headers.get("x-amz-version-id")).toBe("1");
    expect(caller.calls).toEqual([
      {
        operation: "GetObject",
        method: "GET",
        key: "a",
        query: { versionId: "1" },
        headers: { "if-match": `"${MD5}"` },
        answerBytesMax: 1e7,
      },
    ]);
  });

  test("a range", async () => {
    const caller = new FakeCaller([part("bytes 4-8/10", "bytes")]);
    const got = await getObject(caller, "a", { range: { offset: 4, length: 5 } });
    expect(got).toMatchObject({ bytes: utf8("bytes"), totalBytes: 10 });
    expect(caller.calls[0]!.headers).toEqual({ range: "bytes=4-8" });
    expect(caller.calls[0]!.answerBytesMax).toBeGreaterThan(1000); // For a refusal's document.
  });

  test("a range that reaches past the end gives what is there", async () => {
    const caller = new FakeCaller([part("bytes 8-9/10", "s!")]);
    const got = await getObject(caller, "a", { range: { offset: 8, length: 100 } });
    expect(got).toMatchObject({ bytes: utf8("s!"), totalBytes: 10 });
  });

  test.each([
    ["past the end", { offset: 10, length: 1 }],
    ["of nothing", { offset: 3, length: 0 }],
  ])("a range %s is empty", async (_, range) => {
    const caller = new FakeCaller(({ operation }) =>
      operation === "GetObject"
        ? refusal(416, "InvalidRange")
        : { headers: { "content-length": "10", "last-modified": "Fri, 02 Jan 2026 03:04:05 GMT" } },
    );
    const got = await getObject(caller, "a", { range, versionId: "7" });
    expect(got).toMatchObject({ bytes: new Uint8Array(0), totalBytes: 10 });
    expect(caller.queries().every(({ versionId }) => versionId === "7")).toBe(true);
  });

  test("a range past the end of what is gone meanwhile is absent", async () => {
    const caller = new FakeCaller([refusal(416, "InvalidRange"), BARE_404]);
    expect(await getObject(caller, "a", { range: { offset: 10, length: 1 } })).toBeUndefined();
  });

  test("a service that ignores ranges is cut to size", async () => {
    const got = (range: { offset: number; length: number }) =>
      getObject(new FakeCaller([whole]), "a", { range });
    expect(await got({ offset: 4, length: 5 })).toMatchObject({
      bytes: utf8("bytes"),
      totalBytes: 10,
    });
    expect((await got({ offset: 8, length: 5 }))!.bytes).toEqual(utf8("s!"));
    expect((await got({ offset: 20, length: 5 }))!.bytes).toHaveLength(0);
  });

  test.each<[string, Said]>([
    ["others", part("bytes 3-7/10", " byte")],
    ["others at their begin", part("bytes 3-8/10", "bytes")],
    ["others at their end", part("bytes 4-9/10", "bytes")],
    ["fewer", part("bytes 4-6/10", "byt")],
    ["more", part("bytes 4-9/10", "bytes!")],
    ["not told", part("", "bytes")],
    ["not what is told", part("bytes 4-8/10", "byte")],
    ["of unknown length", part("bytes 4-8/*", "bytes")],
  ])("bytes that are %s than asked for are asked for again", async (_, said) => {
    const range = { offset: 4, length: 5 };
    const once = new FakeCaller([said, part("bytes 4-8/10", "bytes")]);
    expect((await getObject(once, "a", { range }))!.bytes).toEqual(utf8("bytes"));
    const always = new FakeCaller([said]);
    expect((await failureFrom(getObject(always, "a", { range }))).code).toBe("unavailable");
    expect(always.calls).toHaveLength(3);
  });

  test("a part where the whole was asked for is not the whole", async () => {
    const caller = new FakeCaller([part("bytes 0-4/10", "ten b")]);
    await failureFrom(getObject(caller, "a"));
    const all = await getObject(new FakeCaller([part("bytes 0-9/10", "ten bytes!")]), "a");
    expect(all!.bytes).toEqual(BODY);
  });

  test.each(["NoSuchKey", "NoSuchVersion"])("%s is an absence", async (code) => {
    expect(await getObject(new FakeCaller([refusal(404, code)]), "a")).toBeUndefined();
  });

  test("a delete marker by its version id is an absence", async () => {
    const caller = new FakeCaller([refusal(405, "MethodNotAllowed")]);
    expect(await getObject(caller, "a", { versionId: "1" })).toBeUndefined();
    expect(await headObject(caller, "a", { versionId: "1" })).toBeUndefined();
    await failureFrom(getObject(caller, "a"));
  });

  test.each<[string, Said, string]>([
    ["a missing bucket", refusal(404, "NoSuchBucket"), "no-store"],
    ["a proxy's 404", PROXY_404, "unavailable"],
    ["a denial", refusal(403, "AccessDenied"), "denied"],
    ["another ETag", refusal(412, "PreconditionFailed"), "not-found"],
  ])("%s is no absence", async (_, said, code) => {
    const error = await failureFrom(getObject(new FakeCaller([said]), "a"));
    expect(error.code as string).toBe(code);
  });
});

test("a 404 of no words is no absence to a GET", async () => {
  await failureFrom(getObject(new FakeCaller([BARE_404]), "a"));
});

describe("head", () => {
  const headers = {
    "content-length": "10",
    "last-modified": "Fri, 02 Jan 2026 03:04:05 GMT",
    etag: `"${MD5}"`,
  };

  test("tells what there is", async () => {
    const caller = new FakeCaller([{ headers: { ...headers, "x-amz-version-id": "1" } }]);
    expect(await headObject(caller, "a", { versionId: "1" })).toEqual({
      bytes: 10,
      etag: MD5,
      versionId: "1",
      modified: Date.UTC(2026, 0, 2, 3, 4, 5),
      legalHold: false,
      headers: expect.any(Headers) as Headers,
    });
    expect(caller.calls[0]).toMatchObject({ method: "HEAD", key: "a", query: { versionId: "1" } });
  });

  test.each([
    ["2030-01-01T00:00:00Z", Date.UTC(2030, 0, 1)],
    ["2030-01-01T00:00:00.123Z", Date.UTC(2030, 0, 1) + 123],
    ["2030-01-01T00:00:00.123456789Z", Date.UTC(2030, 0, 1) + 123],
    ["2030-01-01T01:00:00+01:00", Date.UTC(2030, 0, 1)],
  ])("tells its lock until %s", async (date, until) => {
    const lock = {
      "x-amz-object-lock-mode": "GOVERNANCE",
      "x-amz-object-lock-retain-until-date": date,
      "x-amz-object-lock-legal-hold": "ON",
    };
    const caller = new FakeCaller([{ headers: { ...headers, ...lock } }]);
    expect(await headObject(caller, "a")).toMatchObject({
      lock: { mode: "governance", until },
      legalHold: true,
    });
  });

  test("a lock that can't be read is no missing lock", async () => {
    const lock = {
      "x-amz-object-lock-mode": "COMPLIANCE",
      "x-amz-object-lock-retain-until-date": "soon",
    };
    await failureFrom(headObject(new FakeCaller([{ headers: { ...headers, ...lock } }]), "a"));
  });

  test.each(["content-length", "last-modified"])("an answer without %s is none", async (name) => {
    const fewer = Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name));
    const caller = new FakeCaller([{ headers: fewer }]);
    expect((await failureFrom(headObject(caller, "a"))).code).toBe("unavailable");
  });

  test("404 is an absence", async () => {
    const caller = new FakeCaller([BARE_404]);
    expect(await headObject(caller, "a")).toBeUndefined();
    expect(caller.calls).toHaveLength(1);
  });

  test("a proxy's 404 is asked for again by a GET", async () => {
    const gone = new FakeCaller([PROXY_404, ABSENT]);
    expect(await headObject(gone, "a", { versionId: "1" })).toBeUndefined();
    expect(gone.calls[1]).toMatchObject({ method: "GET", query: { versionId: "1" } });
    await failureFrom(headObject(new FakeCaller([PROXY_404]), "a"));
    await failureFrom(headObject(new FakeCaller([PROXY_404, { status: 206, body: "t" }]), "a"));
    const noBucket = new FakeCaller([PROXY_404, refusal(404, "NoSuchBucket")]);
    expect((await failureFrom(headObject(noBucket, "a"))).code).toBe("no-store");
  });
});

describe("delete", () => {
  test("a version, by its id", async () => {
    const caller = new FakeCaller([{ status: 204 }]);
    await deleteVersion(caller, "a", "1");
    expect(caller.calls[0]).toMatchObject({ method: "DELETE", query: { versionId: "1" } });
    await expect(deleteVersion(caller, "a", "")).rejects.toThrow("hidden");
    expect(caller.calls).toHaveLength(1);
  });

  test("what is not there is no error", async () => {
    for (const code of ["NoSuchKey", "NoSuchVersion"]) {
      await deleteVersion(new FakeCaller([refusal(404, code)]), "a", "1");
      await deleteObject(new FakeCaller([refusal(404, code)]), "a");
      expect(await hideObject(new FakeCaller([refusal(404, code)]), "a")).toBeUndefined();
    }
  });

  test("nor is a version id that the service doesn't know (versitygw)", async () => {
    const said = refusal(400, "InvalidArgument", "Invalid version id specified");
    await deleteVersion(new FakeCaller([said]), "a", "1");
    expect(await getObject(new FakeCaller([said]), "a", { versionId: "1" })).toBeUndefined();
    await failureFrom(getObject(new FakeCaller([said]), "a"));
    const other = refusal(400, "InvalidArgument", "Invalid header");
    await failureFrom(deleteVersion(new FakeCaller([other]), "a", "1"));
  });

  test("what is locked is denied, a missing bucket and a proxy's answer are errors", async () => {
    const codeOf = async (said: Said): Promise<string> =>
      (await failureFrom(deleteVersion(new FakeCaller([said]), "a", "1"))).code;
    expect(await codeOf(refusal(403, "AccessDenied"))).toBe("denied");
    expect(await codeOf(refusal(404, "NoSuchBucket"))).toBe("no-store");
    expect(await codeOf(PROXY_404)).toBe("unavailable");
    await failureFrom(deleteVersion(new FakeCaller([refusal(405, "MethodNotAllowed")]), "a", "1"));
  });

  test("hiding tells the marker's id, where one was made", async () => {
    const headers = { "x-amz-delete-marker": "true", "x-amz-version-id": "9" };
    const caller = new FakeCaller([{ status: 204, headers }]);
    expect(await hideObject(caller, "a")).toBe("9");
    expect(caller.calls[0]!.query).toBeUndefined();
    expect(await hideObject(new FakeCaller([{ status: 204 }]), "a")).toBeUndefined();
  });
});
