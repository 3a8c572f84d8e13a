// Auth: signatures, keys, clocks, and bodies that aren't what was signed (docs/b2.md A1, A6).

import { expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";

import { authenticate } from "./auth.ts";
import {
  type Ask,
  type Signer,
  call,
  escapePath,
  exchangeRaw,
  md5Base64,
  rawCall,
  signedHeaders,
} from "./client.ts";
import { operationOf } from "./classify.ts";
import type { Target } from "./exchange.ts";
import { BUCKET, START, openFixture, textsOf } from "./fixture.ts";

const EMPTY = createHash("sha256").digest("hex");
const MINUTE_MS = 60_000;

/** AWS's published examples of signatures for S3. */
const EXAMPLES = [
  ["/test.txt", "", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"],
  ["/", "lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
  ["/", "max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
] as const;

function exampleTarget(rawPath: string, rawQuery: string, signature: string): Target {
  const ranged = rawPath !== "/";
  const names = `host;${ranged ? "range;" : ""}x-amz-content-sha256;x-amz-date`;
  const credential = "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
  const headers = new Map([
    ["host", "examplebucket.s3.amazonaws.com"],
    ["x-amz-content-sha256", EMPTY],
    ["x-amz-date", "20130524T000000Z"],
    [
      "authorization",
      `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`,
    ],
  ]);
  if (ranged) headers.set("range", "bytes=0-9");
  const operation = operationOf("GET", ranged ? "object" : "bucket", new Map(), headers);
  const query = new Map<string, string>();
  return {
    method: "GET",
    rawPath,
    rawQuery,
    query,
    headers,
    bucket: "b",
    key: undefined,
    operation,
  };
}

test.each(EXAMPLES)("AWS's example of %s?%s is right", (path, query, signature) => {
  const key = {
    keyId: "AKIAIOSFODNN7EXAMPLE",
    secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    master: false,
    capabilities: new Set<never>(),
    buckets: undefined,
    prefix: "",
    expires: Number.POSITIVE_INFINITY,
  };
  const rules = { keys: { find: () => key }, region: "us-east-1", now: Date.UTC(2013, 4, 24) };
  expect(authenticate(exampleTarget(path, query, signature), rules).keyId).toBe(key.keyId);
  const other = exampleTarget(path, query, signature.replace(/^./, "0"));
  expect(() => authenticate(other, rules)).toThrow("Signature validation failed");
});

const LIST: Ask = { path: `/${BUCKET}`, query: "list-type=2" };

test("a wrong secret, an unknown key, and the master key are refused", async () => {
  await using fixture = await openFixture();
  const { b2, signer } = fixture;
  const codeOf = async (change: object) => {
    const { status, code, text } = await call({ ...signer, ...change }, LIST);
    expect(status).toBe(403);
    return `${code}: ${/<Message>(.*)<\/Message>/.exec(text)?.[1]}`;
  };
  expect(await codeOf({ secret: "wrong" })).toStartWith("SignatureDoesNotMatch");
  expect(await codeOf({ keyId: "005b200000000010000009999" })).toStartWith("InvalidAccessKeyId");
  const { keyId, secret } = b2.createMasterKey();
  expect(await codeOf({ keyId, secret })).toBe("InvalidAccessKeyId: Malformed Access Key Id");
  expect((await call(signer, LIST)).status).toBe(200);
});

test("another region than the endpoint's is refused", async () => {
  await using fixture = await openFixture({}, { region: "eu-central-003" });
  const { signer } = fixture;
  expect((await call(signer, LIST)).status).toBe(200);
  expect((await call({ ...signer, region: "us-east-1" }, LIST)).status).toBe(403);
});

test("a key ends with its lifetime", async () => {
  await using fixture = await openFixture();
  const ask = fixture.as({ lifetimeMs: 1000 });
  expect((await ask(LIST)).status).toBe(200);
  fixture.b2.clock.advance(1000);
  expect((await ask(LIST)).code).toBe("InvalidAccessKeyId");
});

test.each([-16, -14, 14, 16])("a clock that is %i minutes off", async (minutes) => {
  await using fixture = await openFixture();
  const reply = await call({ ...fixture.signer, now: () => START + minutes * MINUTE_MS }, LIST);
  const tooFar = Math.abs(minutes) > 15;
  expect([reply.status, reply.code]).toEqual(
    tooFar ? [403, "RequestTimeTooSkewed"] : [200, undefined],
  );
  // By this a client can learn the server's time.
  expect(reply.headers.get("date")).toBe(new Date(START).toUTCString());
});

test("requests without a signature, or with headers that nobody signed, are refused", async () => {
  await using fixture = await openFixture();
  const { b2, signer, ask } = fixture;
  expect((await fetch(`${b2.endpoint}/${BUCKET}`)).status).toBe(403);
  const signed = await ask({ ...LIST, headers: { "x-amz-expected-bucket-owner": "b2" } });
  expect(signed.status).toBe(200);
  const { host: _, ...headers } = signedHeaders(signer, LIST);
  const extra = await fetch(`${b2.endpoint}${LIST.path}?${LIST.query}`, {
    headers: { ...headers, "x-amz-meta-added": "1" },
  });
  expect([extra.status, /<Code>(\w+)/.exec(await extra.text())?.[1]]).toEqual([
    403,
    "AccessDenied",
  ]);
});

test("a body that is not what was summed is refused, and nothing is stored", async () => {
  await using fixture = await openFixture();
  const { b2, ask } = fixture;
  const put = (change: Partial<Ask>) =>
    ask({ method: "PUT", path: `/${BUCKET}/a`, body: "one", ...change });
  const wrong = createHash("sha256").update("two").digest("hex");
  expect((await put({ sha256: wrong })).code).toBe("XAmzContentSHA256Mismatch");
  expect((await put({ headers: { "content-md5": md5Base64("two") } })).code).toBe("BadDigest");
  expect((await put({ headers: { "content-md5": "short" } })).code).toBe("InvalidDigest");
  expect((await put({ sha256: "no sum" })).code).toBe("InvalidArgument");
  expect(b2.keysOf(BUCKET)).toEqual([]);
  expect((await put({ sha256: "UNSIGNED-PAYLOAD" })).status).toBe(200);
  expect((await put({ headers: { "content-md5": md5Base64("one") } })).status).toBe(200);
});

const ODD_KEYS = [
  "plain",
  "a b",
  "a+b",
  "a%2Bb",
  "100%",
  "!'()*",
  "a?b#c&d=e",
  "a//b/",
  "./a",
  "a/../b",
  "a/.",
  "%2e%2e/x",
  "ä/日本/😀",
  "<&>\"'",
  "a\\b^`{|}~[]",
];

test.each(ODD_KEYS)("the key %s comes back as it is", async (key) => {
  await using fixture = await openFixture();
  const { b2, signer } = fixture;
  const path = `/${BUCKET}/${escapePath(key)}`;
  expect((await rawCall(signer, { method: "PUT", path, body: key })).status).toBe(200);
  expect(b2.keysOf(BUCKET)).toEqual([key]);
  expect((await rawCall(signer, { path })).text).toBe(key);
  const listed = await call(signer, { ...LIST, query: "encoding-type=url&list-type=2" });
  expect(textsOf(listed, "Key").map(decodeURIComponent)).toEqual([key]);
});

test("a raw plus is a plus: who signs it as a space signs something else", async () => {
  await using fixture = await openFixture();
  const { b2, signer } = fixture;
  expect((await rawCall(signer, { method: "PUT", path: `/${BUCKET}/a+b` })).status).toBe(200);
  expect(b2.keysOf(BUCKET)).toEqual(["a+b"]);
  const headers = signedHeaders(signer, { path: `/${BUCKET}/a%20b` });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const send = (path: string) =>
    exchangeRaw(b2.endpoint, Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`));
  expect((await send(`/${BUCKET}/a+b`)).code).toBe("SignatureDoesNotMatch");
  expect((await send(`/${BUCKET}/a%20b`)).code).toBe("NoSuchKey");
  expect((await send(`/${BUCKET}/%ff`)).code).toBe("InvalidURI");
});

function presign(signer: Signer, path: string, expiresSeconds: number): string {
  const { endpoint, region, keyId, secret } = signer;
  const time = new Date(signer.now()).toISOString().replace(/[-:]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const query = [
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    `X-Amz-Credential=${encodeURIComponent(`${keyId}/${scope}`)}`,
    `X-Amz-Date=${time}`,
    `X-Amz-Expires=${expiresSeconds}`,
    "X-Amz-SignedHeaders=host",
  ].join("&");
  const canonical = `GET\n${path}\n${query}\nhost:${new URL(endpoint).host}\n\nhost\nUNSIGNED-PAYLOAD`;
  const digest = createHash("sha256").update(canonical).digest("hex");
  let key: Uint8Array = Buffer.from(`AWS4${secret}`);
  for (const step of scope.split("/")) key = createHmac("sha256", key).update(step).digest();
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`;
  const signature = createHmac("sha256", key).update(text).digest("hex");
  return `${endpoint}${path}?${query}&X-Amz-Signature=${signature}`;
}

test("an address that carries its signature is good until it ends, at most a week", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "text");
  const path = `/${BUCKET}/a`;
  const url = presign(fixture.signer, path, 3600);
  expect(await (await fetch(url)).text()).toBe("text");
  expect((await fetch(`${url}0`)).status).toBe(403);
  fixture.b2.clock.advance(3_601_000);
  expect((await fetch(url)).status).toBe(403);
  expect((await fetch(presign(fixture.signer, path, 604_801))).status).toBe(400);
});
