// Failures: whatever comes back becomes one form, short, and without what was sent.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { failureOfAnswer, failureOfError, type S3Failure } from "../../src/s3/failure.ts";
import { errorXml } from "./rig.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const SECRETS = ["s3cr3t", ""];

function failureOf(status: number, body: string | undefined, headers = {}): S3Failure {
  return failureOfAnswer({
    status,
    headers: new Headers(headers),
    bytes: body === undefined ? undefined : utf8(body),
    localMs: NOW,
    secrets: SECRETS,
  });
}

test("an error document tells code, message and request id", () => {
  const failure = failureOf(503, errorXml("SlowDown", "Please\n reduce"), {
    date: "Mon, 23 Nov 2026 12:00:07 GMT",
    "retry-after": "7",
    "content-type": "application/xml",
  });
  expect(failure).toMatchObject({
    status: 503,
    code: "SlowDown",
    message: "Please reduce",
    requestId: "R1",
    retryAfterMs: 7000,
    foreign: false,
    serverMs: NOW + 7000,
    localMs: NOW,
  });
});

test("a document that only holds the error, and one with a namespace, are read", () => {
  const held = "<ErrorResponse><Error><Code>A</Code><Message>m</Message></Error></ErrorResponse>";
  expect(failureOf(400, held)).toMatchObject({ code: "A", message: "m", foreign: false });
  const named = '<Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Code>B</Code></Error>';
  expect(failureOf(400, named)).toMatchObject({ code: "B", message: "", foreign: false });
});

test("the region that the service names is told", () => {
  const xml = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-x</Region></Error>";
  expect(failureOf(400, xml).region).toBe("eu-x");
  expect(failureOf(301, errorXml("A"), { "x-amz-bucket-region": "us-y" }).region).toBe("us-y");
});

test("a proxy's page is foreign: its title is told, its clock is not believed", () => {
  const page = "<!DOCTYPE html><html><head><title>502 Bad\nGateway</title></head><body>x</body>";
  const failure = failureOf(502, page, { date: "Mon, 23 Nov 2020 12:00:00 GMT" });
  expect(failure).toMatchObject({ code: "", message: "502 Bad Gateway", foreign: true });
  expect(failure.serverMs).toBeUndefined();
  expect(failureOf(404, "<html><body>no</body></html>").foreign).toBe(true);
  expect(failureOf(404, "").foreign).toBe(true);
  expect(failureOf(500, "upstream <b>failed</b>").message).toBe("upstream failed");
});

test("of a long page only the beginning is searched", () => {
  const late = `${"<".repeat(60_000)}<title>late</title>`;
  expect(failureOf(502, late).message).not.toContain("late");
  expect(failureOf(502, `${"x".repeat(4000)}<title>early</title>`).message).toBe("early");
});

test("what has a request id is of the service, whatever its body", () => {
  const id = { "x-amz-request-id": "R2" };
  expect(failureOf(404, "", id)).toMatchObject({ foreign: false, requestId: "R2" });
  expect(failureOf(500, "<Error><Code>Inter", id).foreign).toBe(false);
});

test("an answer without a body is foreign only if it says so", () => {
  expect(failureOf(404, undefined)).toMatchObject({ code: "", message: "", foreign: false });
  expect(failureOf(404, undefined, { "content-type": "text/html" }).foreign).toBe(true);
});

test.each([
  ["120", 120_000],
  ["0", 0],
  ["1.5", 1500],
  ["Mon, 23 Nov 2026 12:01:00 GMT", 30_000],
  ["Mon, 23 Nov 2020 12:01:00 GMT", 0],
  ["soon", undefined],
  ["-5", undefined],
] as const)("Retry-After %p", (text, expected) => {
  const date = "Mon, 23 Nov 2026 12:00:30 GMT";
  const { retryAfterMs } = failureOf(503, errorXml("A"), { "retry-after": text, date });
  // "-5" is a date to some: then it is long gone.
  expect(expected === undefined ? (retryAfterMs ?? 0) : retryAfterMs).toBe(expected ?? 0);
});

test("what the service repeats of the request is not taken, and secrets are struck out", () => {
  const xml =
    "<Error><Code>SignatureDoesNotMatch</Code><Message>key s3cr3t is bad</Message>" +
    "<StringToSign>AWS4 s3cr3t</StringToSign><CanonicalRequest>x-amz-security-token:T</CanonicalRequest></Error>";
  const failure = failureOf(403, xml, { "x-amz-request-id": "s3cr3t" });
  expect(failure.message).toBe("key *** is bad");
  const all = Bun.inspect(failure, { depth: 10 });
  expect(all).not.toContain("s3cr3t");
  expect(all).not.toContain("security-token");
  const echo = errorXml("A", "you sent Authorization: AWS4-HMAC-SHA256 Credential=K, Signature=0f");
  expect(failureOf(403, echo).message).toBe("you sent Authorization: ***");
});

test("words are one short line without anything that steers a terminal", () => {
  const message = `a\u001b[31m\r\n\u202eb${"x".repeat(1000)}`;
  const { message: found } = failureOf(500, message);
  expect(found).toHaveLength(300);
  expect(found).toStartWith("a [31m b");
});

test("an error of the network keeps its code and loses its URL", () => {
  const error = Object.assign(new TypeError("ECONNRESET: http://x/secret-key?a"), {
    code: "ECONNRESET",
    path: "http://x/secret-key?a",
  });
  const failure = failureOfError(error);
  expect(failure).toMatchObject({ status: 0, code: "ECONNRESET", message: "ECONNRESET" });
  expect(failure.cause).toBeUndefined();
});
