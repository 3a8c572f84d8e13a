// Emulator: what tests see of it, objects too large for memory, and its own command.

import { expect, test } from "bun:test";

import { Content, ContentWriter } from "./content.ts";
import { call, md5Hex, signedHeaders } from "./client.ts";
import { Emulator } from "./emulator.ts";
import { BUCKET, START, openFixture } from "./fixture.ts";
import { withSeed } from "../support/random.ts";

test("calls are recorded with what they moved", async () => {
  await using fixture = await openFixture();
  const { b2 } = fixture;
  await fixture.put("a", "text");
  await fixture.ask({ path: `/${BUCKET}/a` });
  await fixture.ask({ path: `/${BUCKET}/b` });
  await fetch(`${b2.endpoint}/${BUCKET}?tagging`);
  const seen = b2.requests.map(({ operation, key, bytesIn, status, code }) => [
    operation,
    key,
    bytesIn,
    status,
    code,
  ]);
  expect(seen).toEqual([
    ["PutObject", "a", 4, 200, undefined],
    ["GetObject", "a", 0, 200, undefined],
    ["GetObject", "b", 0, 404, "NoSuchKey"],
    ["Unknown", undefined, 0, 501, "NotImplemented"],
  ]);
  expect(b2.requests[1]?.bytesOut).toBe(4);
});

test("versions are planted, damaged and lost behind everybody's back", async () => {
  await using fixture = await openFixture({ defaultRetention: { mode: "governance", days: 1 } });
  const { b2 } = fixture;
  const first = b2.plant(BUCKET, "a", "first", { modified: START - 1000 });
  b2.plant(BUCKET, "a", "second", { lock: { mode: "compliance", until: START + 5 } });
  b2.plant(BUCKET, "a", "", { marker: true });
  expect(b2.versionsOf(BUCKET, "a")).toMatchObject([
    { hidden: true, latest: true, lock: undefined },
    { bytes: 6, lock: { mode: "COMPLIANCE", until: START + 5 } },
    { bytes: 5, etag: md5Hex("first"), lock: { mode: "GOVERNANCE" }, modified: START - 1000 },
  ]);
  b2.damage(BUCKET, "a", (bytes) => bytes.fill(0x78), first);
  const query = `versionId=${first}`;
  const got = await fixture.ask({ path: `/${BUCKET}/a`, query });
  expect([got.text, got.headers.get("etag")]).toEqual(["xxxxx", `"${md5Hex("first")}"`]);
  b2.lose(BUCKET, "a", first);
  expect(b2.versionsOf(BUCKET, "a")).toHaveLength(2);
  expect(() => b2.read(BUCKET, "a", first)).toThrow("no version");
  expect(() => b2.keysOf("elsewhere")).toThrow("no bucket");
});

test("the clock follows another, stands still, or goes with the machine's", async () => {
  let time = 1000;
  await using b2 = await Emulator.start({ clock: { now: () => time } });
  expect(b2.clock.now()).toBe(1000);
  time = 2000;
  b2.clock.advance(500);
  expect(b2.clock.now()).toBe(2500);
  b2.clock.set(10);
  expect(b2.clock.now()).toBe(10);
});

test("without a clock of its own it goes by the machine's, as other programs do", async () => {
  await using b2 = await Emulator.start({ lock: true });
  b2.createBucket("bucket-1");
  expect(b2.bucket("bucket-1").lockEnabled).toBe(true);
  const { keyId, secret } = b2.createKey();
  const signer = { endpoint: b2.endpoint, region: b2.region, keyId, secret, now: Date.now };
  expect((await call(signer, { path: "/bucket-1" })).status).toBe(200);
});

/** A body of zeros that nobody holds as a whole. */
function zeros(mebibytes: number): ReadableStream<Uint8Array> {
  const piece = new Uint8Array(1_048_576);
  let left = mebibytes;
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(piece);
      else controller.close();
    },
  });
}

test("zeros take no memory, and come back", async () => {
  await using fixture = await openFixture();
  const { b2, signer } = fixture;
  const path = `/${BUCKET}/zeros`;
  const { host: _, ...headers } = signedHeaders(signer, {
    method: "PUT",
    path,
    sha256: "UNSIGNED-PAYLOAD",
  });
  const bytes = 128 * 1_048_576;
  const put = await fetch(b2.endpoint + path, {
    method: "PUT",
    headers: { ...headers, "content-length": String(bytes) },
    body: zeros(128),
  });
  const hash = new Bun.CryptoHasher("md5");
  for (let i = 0; i < 128; i++) hash.update(new Uint8Array(1_048_576));
  expect([put.status, put.headers.get("etag")]).toEqual([200, `"${hash.digest("hex")}"`]);
  const { content } = b2.bucket(BUCKET).newest("zeros")!;
  expect([content.bytes, content.keptBytes]).toEqual([bytes, 0]);
  const got = await fetch(b2.endpoint + path, {
    headers: signedHeaders(signer, { path }),
  });
  let received = 0;
  for await (const chunk of got.body!) received += chunk.length;
  expect(received).toBe(bytes);
});

test("20 GB of zeros are an object like others", async () => {
  await using fixture = await openFixture();
  const { b2 } = fixture;
  const bucket = b2.bucket(BUCKET);
  bucket.add({
    key: "a",
    modified: START,
    content: new Content([20e9, Buffer.from("end")]),
    etag: "x",
  });
  const headers = { range: "bytes=19999999998-" };
  const got = await fixture.ask({ path: `/${BUCKET}/a`, headers });
  expect([got.status, got.text]).toEqual([206, "\0\0end"]);
  const head = await fixture.ask({ method: "HEAD", path: `/${BUCKET}/a` });
  expect(head.headers.get("content-length")).toBe("20000000003");
});

test("content gives back what it was given, from any place", async () => {
  await withSeed((random) => {
    const writer = new ContentWriter();
    const whole: Uint8Array[] = [];
    for (let i = 0; i < 40; i++) {
      const chunk = random.bytes(random.int(200_000));
      if (random.int(2) === 0) chunk.fill(0);
      writer.add(chunk);
      whole.push(chunk);
    }
    const bytes = Buffer.concat(whole);
    const content = writer.finish();
    expect(content.bytes).toBe(bytes.length);
    for (let i = 0; i < 40; i++) {
      const offset = random.int(bytes.length);
      const length = random.int(bytes.length - offset + 1);
      const expected = bytes.subarray(offset, offset + length);
      expect(Buffer.from(content.copy(offset, length)).equals(expected)).toBe(true);
      expect(Buffer.from(content.slice(offset, length).copy()).equals(expected)).toBe(true);
    }
  });
});

test("a body that breaks off is not stored", async () => {
  await using fixture = await openFixture();
  const { b2, signer } = fixture;
  const headers = signedHeaders(signer, { method: "PUT", path: `/${BUCKET}/a`, body: "whole" });
  const lines = Object.entries({ ...headers, "content-length": "5" });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const { promise, resolve } = Promise.withResolvers<void>();
  const { hostname, port } = new URL(b2.endpoint);
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: { data: () => undefined, close: () => resolve() },
  });
  socket.write(`PUT /${BUCKET}/a HTTP/1.1\r\n${head}\r\nwho`);
  while (b2.requests[0]?.bytesIn !== 3) await Bun.sleep(0);
  socket.terminate();
  await promise;
  expect((await fixture.put("b")).status).toBe(200);
  expect(b2.keysOf(BUCKET)).toEqual(["b"]);
});

test("it runs by itself for other programs", async () => {
  const command = [process.execPath, `${import.meta.dir}/server.ts`, "--bucket", "bucket-9"];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  try {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk);
      if (text.includes("BUNKER_STORE=")) break;
    }
    const valueOf = (name: string) => new RegExp(`\\b${name}=(\\S+)`).exec(text)![1]!;
    const signer = {
      endpoint: valueOf("AWS_ENDPOINT_URL"),
      region: valueOf("AWS_REGION"),
      keyId: valueOf("AWS_ACCESS_KEY_ID"),
      secret: valueOf("AWS_SECRET_ACCESS_KEY"),
      now: Date.now,
    };
    expect((await call(signer, { path: "/bucket-9" })).status).toBe(200);
  } finally {
    child.kill();
    await child.exited;
  }
});
