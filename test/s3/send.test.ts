// Sending, against servers that misbehave to the byte. Nothing here waits for a clock: waits are
// over at once, and time-outs go off by hand.

import { expect, test } from "bun:test";
import { hexOf, textOf, utf8 } from "../../src/base/bytes.ts";
import { type BunkerError, isBunkerError } from "../../src/base/errors.ts";
import { S3Failure } from "../../src/s3/failure.ts";
import {
  type Answering,
  errorXml,
  getCall,
  handTimer,
  HASH,
  httpText,
  putCall,
  rawServer,
  rigAt,
  SECRET,
  thrownBy,
} from "./rig.ts";

const MIB = 1024 * 1024;
const ok: Answering = (socket) => socket.write(httpText(200, "hello"));

/** Misbehaves the first times, then answers as it should. */
function first(count: number, bad: Answering, good: Answering = ok): Answering {
  return (socket, head, index) => (index < count ? bad : good)(socket, head, index);
}

async function failureOf(promise: Promise<unknown>): Promise<[BunkerError, S3Failure]> {
  const error = await thrownBy(promise);
  if (!isBunkerError(error) || !(error.cause instanceof S3Failure)) throw error;
  return [error, error.cause];
}

/** Lets what is under way go on, without a clock. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000_000; i++) {
    if (condition()) return;
    await new Promise<void>((next) => setImmediate(next));
  }
  throw new Error("it never came to that");
}

test("a get: the bytes, the headers, the tally and the server's time", async () => {
  const date = "Wed, 01 Jan 2020 00:01:00 GMT";
  await using server = await rawServer((socket) =>
    socket.write(httpText(200, "hello", [`Date: ${date}`, "ETag: x"])),
  );
  const { bucket } = rigAt(server.endpoint);
  const answer = await bucket.call(getCall("dir/a b"));
  expect(textOf(answer.bytes)).toBe("hello");
  expect(answer.bytes.buffer.byteLength).toBe(5);
  expect(answer.headers.get("etag")).toBe("x");
  expect(server.requests[0]?.head).toStartWith("GET /the-bucket/dir/a%20b HTTP/1.1\r\n");
  expect(server.requests[0]?.head).toMatch(/^accept-encoding: identity\r?$/im);
  expect(bucket.tally.snapshot()).toMatchObject({
    requests: { GetObject: 1 },
    bytesDown: 5,
    retryCount: 0,
  });
  expect(bucket.clock.skewMs).toBeWithin(59_000, 60_001);
});

test("a large body comes whole into one buffer of its length", async () => {
  const stored = new Uint8Array(16 * MIB).map((_, i) => (i * 31) >> 3);
  using server = Bun.serve({ port: 0, fetch: () => new Response(stored) });
  const { bucket } = rigAt(`http://127.0.0.1:${server.port}`);
  const { bytes } = await bucket.call(getCall("a", { answerBytesMax: 16 * MIB }));
  expect(bytes.length).toBe(bytes.buffer.byteLength);
  expect(hexOf(HASH.sha256(bytes))).toBe(hexOf(HASH.sha256(stored)));
});

test("a body of unknown length comes whole", async () => {
  await using server = await rawServer((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n");
    socket.write("2\r\nlo\r\n0\r\n\r\n");
  });
  const { bytes } = await rigAt(server.endpoint).bucket.call(getCall());
  expect(textOf(bytes)).toBe("hello");
});

test("what is stored packed comes as it is stored", async () => {
  const packed = Bun.gzipSync(utf8("hello ".repeat(100)));
  await using server = await rawServer((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}`);
    socket.write("\r\n\r\n");
    socket.write(packed);
  });
  const { bytes, headers } = await rigAt(server.endpoint).bucket.call(getCall());
  expect(hexOf(bytes)).toBe(hexOf(packed));
  expect(headers.get("content-encoding")).toBe("gzip");
});

test.each([0, 5, 65_536, 65_537, 16 * MIB + 3])("a put of %p bytes arrives whole", async (size) => {
  const body = new Uint8Array(size).map((_, i) => i * 7);
  let got = { sha256: "", length: "", chunked: "" };
  using server = Bun.serve({
    port: 0,
    async fetch(request) {
      const sha256 = hexOf(HASH.sha256(await request.bytes()));
      const length = request.headers.get("content-length") ?? "none";
      got = { sha256, length, chunked: request.headers.get("transfer-encoding") ?? "none" };
      return new Response("");
    },
  });
  const { bucket } = rigAt(`http://127.0.0.1:${server.port}`);
  await bucket.call(putCall(body));
  expect(got).toEqual({ sha256: hexOf(HASH.sha256(body)), length: `${size}`, chunked: "none" });
  expect(bucket.tally.snapshot().bytesUp).toBe(size);
  expect(body.buffer.byteLength).toBe(size); // Still the caller's.
});

test("a put of shared memory arrives whole, small and large", async () => {
  const sizes: number[] = [];
  using server = Bun.serve({
    port: 0,
    async fetch(request) {
      sizes.push((await request.bytes()).filter((byte) => byte === 9).length);
      return new Response("");
    },
  });
  const { bucket } = rigAt(`http://127.0.0.1:${server.port}`);
  for (const size of [10, 100_000]) {
    await bucket.call(putCall(new Uint8Array(new SharedArrayBuffer(size)).fill(9)));
  }
  expect(sizes).toEqual([10, 100_000]);
});

test("a post without a body says that it has none", async () => {
  await using server = await rawServer(ok);
  const { bucket } = rigAt(server.endpoint);
  const call = { operation: "CreateMultipartUpload", method: "POST", key: "a" } as const;
  await bucket.call({ ...call, query: { uploads: "" }, answerBytesMax: 100 });
  expect(server.requests[0]?.head).toStartWith("POST /the-bucket/a?uploads= HTTP/1.1");
  expect(server.requests[0]?.head).toMatch(/^content-length: 0\r?$/im);
});

test.each([
  ["before anything happened", false],
  ["after it happened", true],
])("a connection reset %s is tried again over a fresh one", async (_, whole) => {
  await using server = await rawServer(
    first(2, (socket) => socket.resetAndDestroy()),
    { whole },
  );
  const { bucket, retries, sleeps } = rigAt(server.endpoint);
  const { bytes } = await bucket.call(putCall(new Uint8Array(300_000)));
  expect(textOf(bytes)).toBe("hello");
  expect(server.requests.map(({ connection }) => connection)).toEqual([0, 1, 2]);
  expect(retries).toHaveLength(2);
  expect(retries[0]).toStartWith("PutObject of a: the connection broke (ECONNRESET); trying again");
  expect(sleeps).toHaveLength(2);
  expect(bucket.tally.snapshot()).toMatchObject({ requestCount: 3, retryCount: 2 });
});

test("good answers come over one connection, what follows a failure does not", async () => {
  const busy: Answering = (socket) =>
    socket.write(httpText(503, errorXml("ServiceUnavailable", "no tomes available")));
  await using server = await rawServer((socket, head, index) =>
    (index === 2 ? busy : ok)(socket, head, index),
  );
  const { bucket } = rigAt(server.endpoint);
  for (let i = 0; i < 3; i++) await bucket.call(getCall());
  expect(server.requests.map(({ connection }) => connection)).toEqual([0, 0, 0, 1]);
});

test.each([
  ["ends early", (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel")],
  [
    "is reset early",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
      setImmediate(() => socket.resetAndDestroy());
    },
  ],
  [
    "ends within its chunks",
    (socket) => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"),
  ],
] as [string, Answering][])("an answer that %s is no answer", async (_, bad) => {
  await using server = await rawServer(first(1, bad));
  const { bucket, retries } = rigAt(server.endpoint);
  expect(textOf((await bucket.call(getCall())).bytes)).toBe("hello");
  expect(retries[0]).toMatch(/the answer was cut off|the connection broke/);
});

test.each(["abc", "-1", "5, 6"])("the Content-Length %p is no HTTP", async (length) => {
  await using server = await rawServer((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nhello`),
  );
  const [error] = await failureOf(rigAt(server.endpoint).bucket.call(getCall()));
  expect(error.code).toBe("unavailable");
  expect(server.requests).toHaveLength(3);
});

test("nothing behind the said length is taken for a body", async () => {
  await using server = await rawServer((socket) =>
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello"),
  );
  expect(textOf((await rigAt(server.endpoint).bucket.call(getCall())).bytes)).toBe("hel");
});

test("an answer longer than allowed is refused without being read", async () => {
  await using server = await rawServer((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1e12}\r\n\r\nhello`);
  });
  const { bucket } = rigAt(server.endpoint);
  const error = await thrownBy(bucket.call(getCall("a", { answerBytesMax: 1000 })));
  expect(isBunkerError(error, "corrupt")).toBe(true);
  expect(String(error)).toContain("at most 1000 bytes, found 1000000000000 or more");
  expect(server.requests).toHaveLength(1);
});

test("nor is more taken of an answer that does not say how long it is", async () => {
  using server = Bun.serve({
    port: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        }),
      ),
  });
  const { bucket } = rigAt(`http://127.0.0.1:${server.port}`);
  const error = await thrownBy(bucket.call(getCall("a", { answerBytesMax: MIB })));
  expect(isBunkerError(error, "corrupt")).toBe(true);
  expect(bucket.tally.snapshot().bytesDown).toBeLessThan(8 * MIB);
});

test("a service that never answers is given up, after as long as is allowed", async () => {
  await using server = await rawServer(first(1, () => undefined));
  const { timer, fire, asked } = handTimer();
  const { bucket, retries } = rigAt(server.endpoint, { timer });
  const answer = bucket.call(getCall());
  await until(() => server.requests.length === 1);
  expect(fire()).toBe(true);
  expect(textOf((await answer).bytes)).toBe("hello");
  expect(asked[0]).toBe(120_000);
  expect(retries[0]).toContain("the service does not answer (Timeout: no answer for 120 seconds)");
});

test("a body that stops on its way down is given up", async () => {
  const bad: Answering = (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
  await using server = await rawServer(first(1, bad));
  const { timer, fire } = handTimer();
  const { bucket, retries } = rigAt(server.endpoint, { timer });
  const answer = bucket.call(getCall());
  await until(() => bucket.tally.snapshot().bytesDown === 3);
  await until(() => fire());
  await answer;
  expect(retries[0]).toContain("no byte received for 30 seconds");
});

test("a body that stops on its way up is given up, and its bytes stay the caller's", async () => {
  let stuck = true;
  await using server = await rawServer((socket, head, index) => {
    if (index > 0) ok(socket, head, index);
    else if (stuck) socket.pause();
  });
  const { timer, fire } = handTimer();
  const { bucket, retries } = rigAt(server.endpoint, { timer });
  const body = new Uint8Array(64 * MIB).fill(1);
  const answer = bucket.call(putCall(body));
  let before = -1;
  // Until the buffers of the system are full and nothing moves any more.
  await until(() => {
    const { bytesUp } = bucket.tally.snapshot();
    const stands = bytesUp === before && bytesUp > 0;
    before = bytesUp;
    return stands && server.requests.length === 1;
  });
  expect(bucket.tally.snapshot().bytesUp).toBeLessThan(body.length);
  await until(() => retries.length > 0 || (fire(), false));
  stuck = false;
  await answer;
  expect(retries[0]).toMatch(/no byte sent for 30 seconds/);
  expect(body.length).toBe(64 * MIB);
});

test("a body that trickles is waited for, however long it takes", async () => {
  const { timer, asked, count } = handTimer();
  await using server = await rawServer((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n");
    let left = 50;
    const drip = (): void => {
      if (left-- <= 0) return;
      socket.write("x", () => setImmediate(drip));
    };
    drip();
  });
  const { bucket, world } = rigAt(server.endpoint, { timer });
  const answer = bucket.call(getCall());
  world.advance(86_400_000);
  expect((await answer).bytes).toHaveLength(50);
  // Each piece began the time anew, and in the end no timer is left.
  expect(asked.filter((time) => time === 30_000).length).toBeGreaterThan(2);
  expect(count()).toBe(0);
});

test("503 SlowDown: Retry-After is honoured, and fewer go at once", async () => {
  const xml = errorXml("SlowDown", "Please reduce your request rate.");
  const slow: Answering = (socket) => socket.write(httpText(503, xml, ["Retry-After: 7"]));
  await using server = await rawServer(first(1, slow));
  const { bucket, sleeps, retries } = rigAt(server.endpoint);
  await bucket.call(getCall());
  expect(sleeps[0]).toBeWithin(7000, 7501);
  expect(retries[0]).toStartWith(
    "GetObject of a: the service asks to slow down (503 SlowDown: Please reduce your request rate.); trying again in ",
  );
});

test("a service that stays busy is given up when the budget is used", async () => {
  await using server = await rawServer((socket) =>
    socket.write(httpText(503, errorXml("SlowDown"))),
  );
  const { bucket, sleeps } = rigAt(server.endpoint);
  const [error, failure] = await failureOf(bucket.call(getCall("the/key")));
  expect(error).toMatchObject({ code: "unavailable", subject: "the/key" });
  expect(error.message).toEndWith(`, after ${server.requests.length} attempts`);
  expect(failure).toMatchObject({ status: 503, code: "SlowDown", requestId: "R1" });
  const slept = sleeps.reduce((sum, time) => sum + time, 0);
  expect(slept).toBeWithin(600_000, 900_000);
});

test.each([
  [501, "NotImplemented", "words", "io"],
  [400, "InvalidArgument", "Unsupported header 'x-amz-checksum-crc32'", "io"],
  [403, "AccessDenied", "words", "denied"],
  [403, "AccessDenied", "Transaction cap exceeded", "full"],
  [404, "NoSuchBucket", "words", "no-store"],
  [404, "NoSuchKey", "words", "not-found"],
] as const)("%p %s: %s is tried once, and is %s", async (status, name, words, code) => {
  const answer = httpText(status, errorXml(name, words));
  await using server = await rawServer((socket) => socket.write(answer));
  const { bucket } = rigAt(server.endpoint);
  const [error] = await failureOf(bucket.call(getCall()));
  expect(error.code).toBe(code);
  expect(server.requests).toHaveLength(1);
  expect(bucket.tally.snapshot().retryCount).toBe(0);
});

test("the caller's bound of tries holds", async () => {
  await using server = await rawServer((socket) => socket.write(httpText(500, errorXml("X"))));
  await failureOf(rigAt(server.endpoint).bucket.call(getCall("a", { tries: 2 })));
  expect(server.requests).toHaveLength(2);
});

test("an accepted status is an answer, a proxy's page with that status is none", async () => {
  const page: Answering = (socket) =>
    socket.write(httpText(404, "<html><title>Not Found</title></html>"));
  const none: Answering = (socket) => socket.write(httpText(404, errorXml("NoSuchKey")));
  await using server = await rawServer(first(1, page, none));
  const { bucket, retries } = rigAt(server.endpoint);
  const answer = await bucket.call(getCall("a", { accept: [404] }));
  expect(answer.status).toBe(404);
  expect(textOf(answer.bytes)).toContain("NoSuchKey");
  expect(retries[0]).toContain("something other than an S3 service answers (404: Not Found)");
});

test("a head has no body, whatever its length says; its 404 is one", async () => {
  await using server = await rawServer((socket, _, index) =>
    socket.write(
      `HTTP/1.1 ${index === 0 ? 200 : 404} X\r\nContent-Length: 1000000\r\nETag: e\r\n\r\n`,
    ),
  );
  const { bucket } = rigAt(server.endpoint);
  const call = { operation: "HeadObject", method: "HEAD", key: "a", answerBytesMax: 0 } as const;
  const { bytes, headers } = await bucket.call(call);
  expect([bytes.length, headers.get("content-length")]).toEqual([0, "1000000"]);
  const [error] = await failureOf(bucket.call(call));
  expect(error.code).toBe("not-found");
});

test("a redirect is refused, and nothing goes where it points", async () => {
  await using other = await rawServer(ok);
  await using server = await rawServer((socket) =>
    socket.write(httpText(307, "", [`Location: ${other.endpoint}/`])),
  );
  const [error] = await failureOf(rigAt(server.endpoint).bucket.call(getCall()));
  expect(error.code).toBe("denied");
  expect(error.message).toContain("sends elsewhere, which is not followed");
  expect([server.requests.length, other.requests.length]).toEqual([1, 0]);
});

test("a clock that is far off is said with both times", async () => {
  const late = ["Date: Wed, 01 Jan 2020 01:00:00 GMT"];
  await using server = await rawServer((socket) =>
    socket.write(httpText(403, errorXml("RequestTimeTooSkewed"), late)),
  );
  const { bucket } = rigAt(server.endpoint);
  const [error] = await failureOf(bucket.call(getCall()));
  expect(error.code).toBe("denied");
  expect(error.message).toContain(
    "this machine's clock says 2020-01-01T00:00:00Z, the service's says 2020-01-01T01:00:00Z",
  );
  expect(() => bucket.clock.check()).toThrow("this machine's clock");
});

test("what is signed later is signed by the service's clock", async () => {
  const date = ["Date: Wed, 01 Jan 2020 00:04:00 GMT"];
  await using server = await rawServer((socket) => socket.write(httpText(200, "", date)));
  const { bucket } = rigAt(server.endpoint);
  await bucket.call(getCall());
  await bucket.call(getCall());
  const dates = server.requests.map(({ head }) => /x-amz-date: (\S+)/i.exec(head)?.[1]);
  expect(dates).toEqual(["20200101T000000Z", "20200101T000400Z"]);
});

test("the clock of a proxy is not the service's", async () => {
  const page = httpText(502, "<html></html>", ["Date: Wed, 01 Jan 2030 00:00:00 GMT"]);
  await using server = await rawServer(first(1, (socket) => socket.write(page)));
  const { bucket } = rigAt(server.endpoint);
  await bucket.call(getCall());
  expect(bucket.clock.skewMs).toBeUndefined();
});

test("nobody there: three attempts, then the end; once there was an answer, more", async () => {
  const server = await rawServer((socket) => socket.end(httpText(200, "", ["Connection: close"])));
  const { bucket } = rigAt(server.endpoint);
  const { bucket: stranger } = rigAt(server.endpoint);
  await bucket.call(getCall());
  await server[Symbol.asyncDispose]();
  const [error] = await failureOf(stranger.call(getCall()));
  expect(error.message).toContain("the service cannot be reached (ECONNREFUSED), after 3 attempts");
  await failureOf(bucket.call(getCall()));
  expect(bucket.tally.snapshot().requestCount).toBeGreaterThan(10);
});

test("an early refusal ends the upload, and its connection with it", async () => {
  await using server = await rawServer((socket) => {
    socket.write(httpText(403, errorXml("AccessDenied")));
  });
  const { bucket } = rigAt(server.endpoint);
  const body = new Uint8Array(64 * MIB);
  const [error] = await failureOf(bucket.call(putCall(body)));
  expect(error.code).toBe("denied");
  expect(bucket.tally.snapshot().bytesUp).toBeLessThan(body.length);
  await until(() => server.closedCount() === 1);
});

test("a refusal stays one where its words never come", async () => {
  await using server = await rawServer((socket) => {
    socket.write("HTTP/1.1 403 X\r\nContent-Length: 100\r\n\r\n<Error>");
  });
  const { timer, fire } = handTimer();
  const { bucket } = rigAt(server.endpoint, { timer });
  const failed = failureOf(bucket.call(getCall()));
  await until(() => bucket.tally.snapshot().bytesDown > 0);
  await until(fire);
  const [error] = await failed;
  expect(error.code).toBe("denied");
  expect(server.requests).toHaveLength(1);
});

test.each(["while it is sent", "before it is sent"])("interrupted %s", async (when) => {
  await using server = await rawServer(() => undefined);
  const { bucket } = rigAt(server.endpoint);
  const controller = new AbortController();
  if (when === "before it is sent") controller.abort();
  const answer = thrownBy(bucket.call(getCall("a", { signal: controller.signal })));
  if (when === "while it is sent") await until(() => server.requests.length === 1);
  controller.abort();
  expect(isBunkerError(await answer, "interrupted")).toBe(true);
  expect(server.requests.length).toBe(when === "while it is sent" ? 1 : 0);
});

test("interrupted while waiting for the next attempt", async () => {
  await using server = await rawServer((socket) =>
    socket.write(httpText(503, errorXml("SlowDown"))),
  );
  const controller = new AbortController();
  const { bucket } = rigAt(server.endpoint, {
    onRetry: () => controller.abort(),
  });
  const error = await thrownBy(bucket.call(getCall("a", { signal: controller.signal })));
  expect(isBunkerError(error, "interrupted")).toBe(true);
  expect(server.requests).toHaveLength(1);
});

test("one signal for many calls collects no listeners", async () => {
  const busy: Answering = (socket) => socket.write(httpText(503, errorXml("SlowDown")));
  await using server = await rawServer(first(1, busy));
  const { bucket } = rigAt(server.endpoint, { limits: { connections: 1, requestsPerSecond: 1 } });
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof add>) => (listeners--, remove(...args));
  await Promise.all(Array.from({ length: 5 }, () => bucket.call(getCall("a", { signal }))));
  expect(server.requests).toHaveLength(6);
  expect(listeners).toBe(0);
});

test("requests keep their pace", async () => {
  await using server = await rawServer(ok);
  const { bucket, sleeps } = rigAt(server.endpoint, { limits: { requestsPerSecond: 2 } });
  for (let i = 0; i < 6; i++) await bucket.call(getCall());
  expect(sleeps.reduce((sum, time) => sum + time, 0)).toBeWithin(1800, 2001);
});

test("uploads keep their pace, and do not time out while they keep it", async () => {
  await using server = await rawServer(ok, { whole: true });
  const { timer, count } = handTimer();
  const { bucket, sleeps } = rigAt(server.endpoint, {
    timer,
    limits: { uploadBytesPerSecond: 80_000, downloadBytesPerSecond: 10, requestsPerSecond: 1 },
  });
  await bucket.call(putCall(new Uint8Array(800_000)));
  const slept = sleeps.reduce((sum, time) => sum + time, 0);
  expect(slept).toBeWithin(8900, 9101);
  expect(count()).toBe(0);
});

test("no more connections than allowed, and no fewer", async () => {
  const waiting: (() => void)[] = [];
  let most = 0;
  using server = Bun.serve({
    port: 0,
    async fetch() {
      const { promise, resolve } = Promise.withResolvers<void>();
      most = Math.max(most, waiting.push(resolve));
      // Answered three by three: with fewer at once nothing would get on.
      if (waiting.length >= 3) setImmediate(() => waiting.splice(0).forEach((answer) => answer()));
      await promise;
      return new Response("");
    },
  });
  const { bucket } = rigAt(`http://127.0.0.1:${server.port}`, { limits: { connections: 3 } });
  await Promise.all(Array.from({ length: 30 }, () => bucket.call(getCall())));
  expect(most).toBe(3);
});

test("a refusal halves how many go at once, good answers bring them back", async () => {
  const waiting: (() => void)[] = [];
  let answer = httpText(503, errorXml("SlowDown"));
  await using server = await rawServer((socket) => {
    waiting.push(() => socket.write(answer));
  });
  const { bucket } = rigAt(server.endpoint, { limits: { connections: 4 } });
  /** So many come at once, and no more before they are answered. */
  const wave = async (count: number): Promise<void> => {
    await until(() => waiting.length >= count);
    for (let i = 0; i < 200; i++) await new Promise<void>((next) => setImmediate(next));
    expect(waiting).toHaveLength(count);
    for (const go of waiting.splice(0)) go();
  };
  const calls = Promise.all(Array.from({ length: 13 }, () => bucket.call(getCall())));
  await wave(4);
  answer = httpText(200, "");
  await wave(2);
  await wave(3);
  await wave(4);
  await wave(4);
  await calls;
});

test("nothing small waits behind data", async () => {
  await using server = await rawServer((socket, head, index) => {
    if (head.startsWith("HEAD")) ok(socket, head, index);
  });
  const { bucket } = rigAt(server.endpoint, { limits: { connections: 1 } });
  const controller = new AbortController();
  const data = thrownBy(bucket.call(getCall("a", { signal: controller.signal })));
  await until(() => server.requests.length === 1);
  await bucket.call({ operation: "HeadObject", method: "HEAD", key: "a", answerBytesMax: 0 });
  controller.abort();
  expect(isBunkerError(await data, "interrupted")).toBe(true);
});

test("no message ever shows a secret, whatever a service repeats", async () => {
  const token = "T0K3N";
  const echo: Answering = (socket, head) =>
    socket.write(httpText(403, errorXml("SignatureDoesNotMatch", `${SECRET} ${head} ${token}`)));
  await using server = await rawServer(echo);
  const credentials = { keyId: "KEYID", secret: SECRET, sessionToken: token };
  const { bucket } = rigAt(server.endpoint, {}, { credentials });
  const error = await thrownBy(bucket.call(getCall()));
  const shown = Bun.inspect(error, { depth: 10 });
  expect(shown).toContain("SignatureDoesNotMatch");
  expect(shown).not.toContain(SECRET);
  expect(shown).not.toContain(token);
  expect(shown).not.toContain("Signature=");
  expect(Bun.inspect(bucket, { depth: 10 })).not.toContain(SECRET);
});
