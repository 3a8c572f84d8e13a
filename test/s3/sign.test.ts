// Signing: against AWS's published examples, and against a second implementation.

import { expect, test } from "bun:test";
import { utf8 } from "../../src/base/bytes.ts";
import { isBunkerError } from "../../src/base/errors.ts";
import { prepare, Signer } from "../../src/s3/sign.ts";
import { getCall, HASH, putCall, rawServer, rigAt, SECRET, serviceAt } from "./rig.ts";
import { claimOf, parseHead, signatureOf } from "./signature.ts";
import { httpText } from "./rig.ts";

// docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const EXAMPLE_TIME = Date.UTC(2013, 4, 24);
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const EXAMPLE_HOST = "examplebucket.s3.amazonaws.com";

const EXAMPLES = [
  {
    name: "get of a bucket's lifecycle",
    method: "GET",
    path: "/",
    query: "lifecycle=",
    headers: { "x-amz-content-sha256": EMPTY },
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    name: "list of objects",
    method: "GET",
    path: "/",
    query: "max-keys=2&prefix=J",
    headers: { "x-amz-content-sha256": EMPTY },
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
  {
    name: "put of an object",
    method: "PUT",
    path: "/test%24file.text",
    query: "",
    headers: {
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
    },
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
] as const;

test.each(EXAMPLES)("AWS's example: $name", async ({ signature, ...prepared }) => {
  const signer = new Signer({
    endpoint: `https://${EXAMPLE_HOST}`,
    region: "us-east-1",
    credentials: { keyId: "AKIAIOSFODNN7EXAMPLE", secret: EXAMPLE_SECRET },
  });
  const { headers } = await signer.sign(prepared, EXAMPLE_TIME);
  expect(headers.get("authorization")).toEndWith(`Signature=${signature}`);
  expect(headers.get("authorization")).toContain(
    "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request",
  );
});

test("the second implementation agrees with AWS's example of a get with a range", () => {
  const request = {
    method: "GET",
    target: "/test.txt",
    headers: {
      host: EXAMPLE_HOST,
      range: "bytes=0-9",
      "x-amz-content-sha256": EMPTY,
      "x-amz-date": "20130524T000000Z",
    },
  };
  const signed = "host;range;x-amz-content-sha256;x-amz-date";
  expect(signatureOf(request, signed, EXAMPLE_SECRET, "us-east-1")).toBe(
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  );
});

const KEYS = [
  "plain/key.txt",
  "a+c",
  "a c",
  " lead and trail ",
  "50%",
  "%41%2F%",
  "()*!'",
  "é/日本/🗄",
  "e\u0301",
  "a//b",
  "/leading",
  "trailing/",
  "back\\slash",
  "?query#hash",
  "a&b=c;d",
  "new\nline\ttab\r",
  "\u0001\u007f",
  "~-._",
  ".../..a/.b",
  '"<>`{}|^[]@:$,',
];

test.each(KEYS)("the key %j goes out as it is signed, and is read as it was", async (key) => {
  await using server = await rawServer((socket) => socket.write(httpText(200, "")));
  const { bucket } = rigAt(server.endpoint);
  const query = { "list-type": "2", prefix: key, "a b": "", versionId: "4_z+/=" };
  await bucket.call(getCall(key, { query, headers: { "x-amz-meta-a": "one  two" } }));
  const request = parseHead(server.requests[0]!.head);
  const [path = "", search = ""] = request.target.split("?");
  expect(decodeURIComponent(path)).toBe(`/the-bucket/${key}`);
  expect(Object.fromEntries(search.split("&").map(pairOf))).toEqual(query);
  const { signed, signature } = claimOf(request);
  expect(signed).toBe("host;x-amz-content-sha256;x-amz-date;x-amz-meta-a");
  expect(signature).toBe(signatureOf(request, signed, SECRET, "us-test-1"));
});

function pairOf(text: string): string[] {
  return text.split("=").map((part) => decodeURIComponent(part));
}

test("a body is covered by its SHA-256 and its MD5, and both are signed", async () => {
  await using server = await rawServer((socket) => socket.write(httpText(200, "")), {
    whole: true,
  });
  const { bucket } = rigAt(
    server.endpoint,
    {},
    {
      credentials: { keyId: "KEYID", secret: SECRET, sessionToken: "a-token" },
    },
  );
  await bucket.call(putCall(utf8("hello")));
  const request = parseHead(server.requests[0]!.head);
  expect(request.headers).toMatchObject({
    "x-amz-content-sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    "content-md5": "XUFAKrxLKna5cZ2REBfFkg==",
    "content-length": "5",
    "x-amz-security-token": "a-token",
  });
  const { signed, signature } = claimOf(request);
  expect(signed).toBe("content-md5;host;x-amz-content-sha256;x-amz-date;x-amz-security-token");
  expect(signature).toBe(signatureOf(request, signed, SECRET, "us-test-1"));
});

test("an empty body is a body; no body has no MD5", () => {
  const empty = prepare(putCall(new Uint8Array(0)), "the-bucket", HASH);
  expect(empty.headers["content-md5"]).toBe("1B2M2Y8AsgTpgAmY7PhCfg==");
  const none = prepare(getCall(), "the-bucket", HASH);
  expect(none.headers).toEqual({ "x-amz-content-sha256": EMPTY });
});

test("hashes that the caller knows are not made again", () => {
  const hash = {
    md5: (): Uint8Array => expect.unreachable(),
    sha256: (): Uint8Array => expect.unreachable(),
  };
  const call = putCall(utf8("x"), { md5: new Uint8Array(16), sha256: new Uint8Array(32) });
  const { headers } = prepare(call, "the-bucket", hash);
  expect(headers["x-amz-content-sha256"]).toBe("0".repeat(64));
  expect(headers["content-md5"]).toBe("AAAAAAAAAAAAAAAAAAAAAA==");
});

test.each(["é", " a", "a ", "a\nb", "a\tb", "\0"])("the header value %j is refused", (value) => {
  const call = getCall("a", { headers: { "x-amz-meta-a": value } });
  try {
    prepare(call, "the-bucket", HASH);
    expect.unreachable();
  } catch (error) {
    expect(isBunkerError(error, "invalid-argument")).toBe(true);
  }
});

test("each day has its key, and the key is asked for anew after days", async () => {
  const signer = new Signer(serviceAt("http://127.0.0.1:1"));
  const prepared = prepare(getCall(), "the-bucket", HASH);
  for (let day = 0; day < 12; day++) {
    const time = EXAMPLE_TIME + day * 86_400_000;
    const { headers } = await signer.sign(prepared, time);
    const request = {
      method: "GET",
      target: "/the-bucket/a",
      headers: { host: "127.0.0.1:1", ...Object.fromEntries(headers) },
    };
    const { signed, signature } = claimOf(request);
    expect(signature).toBe(signatureOf(request, signed, SECRET, "us-test-1"));
  }
});
