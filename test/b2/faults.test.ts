// Faults: each one does what it says, to the call it is meant for (docs/b2.md A10).

import { expect, test } from "bun:test";

import { BUCKET, START, type Fixture, openFixture, textsOf } from "./fixture.ts";
import { FAULT_KINDS, type Fault, type FaultKind, Faults } from "./faults.ts";

const GET = { path: `/${BUCKET}/a` };
const TEXT = "0123456789".repeat(1000);

/** What came of a PUT: its status or an error, and whether it was stored. */
async function outcome(fixture: Fixture, what: FaultKind) {
  fixture.b2.faults.plan({ what, operation: "PutObject" });
  const answer = await fixture.put("a", TEXT).then(
    ({ status, code }) => `${status} ${code}`,
    () => "cut",
  );
  expect(fixture.b2.faults.waiting).toEqual([]);
  return [answer, fixture.b2.keysOf(BUCKET).length === 1];
}

test.each([
  ["error", "500 InternalError", false],
  ["busy", "503 ServiceUnavailable", false],
  ["slow-down", "503 SlowDown", false],
  ["request-timeout", "400 RequestTimeout", false],
  ["too-small", "400 InvalidRequest", false],
  ["html", "502 undefined", false],
  ["reset-before", "cut", false],
  ["reset-midway", "cut", false],
  ["reset-after", "cut", true],
  ["late", "500 InternalError", true],
] as const)("%s: a PUT is answered %s, stored: %p", async (what, answer, stored) => {
  await using fixture = await openFixture();
  expect(await outcome(fixture, what)).toEqual([answer, stored]);
  // The next one is well.
  expect((await fixture.put("a", TEXT)).status).toBe(200);
});

test.each([
  ["hang", false],
  ["hang-after", true],
] as const)("%s: no answer ever, stored: %p", async (what, stored) => {
  await using fixture = await openFixture();
  const { faults } = fixture.b2;
  faults.plan({ what, key: "a" });
  const hung = fixture.put("a", TEXT).then(
    () => "answered",
    () => "cut",
  );
  // Others are served; by then the first has long been read.
  for (let i = 0; i < 20; i++) expect((await fixture.put("b", "x")).status).toBe(200);
  while (fixture.b2.requests.find((one) => one.key === "a")?.bytesIn !== TEXT.length) {
    await fixture.put("b", "x");
  }
  expect(fixture.b2.keysOf(BUCKET).includes("a")).toBe(stored);
  expect(fixture.b2.requests.find((one) => one.key === "a")?.status).toBe(0);
  await fixture.b2.stop();
  expect(await hung).toBe("cut");
});

test("slow-down says when to come back", async () => {
  await using fixture = await openFixture();
  fixture.b2.faults.plan({ what: "slow-down", retryAfterSeconds: 7 });
  expect((await fixture.put("a")).headers.get("retry-after")).toBe("7");
});

test("a proxy's page may come with any status", async () => {
  await using fixture = await openFixture();
  fixture.b2.faults.plan({ what: "html", status: 200 });
  const page = await fixture.ask(GET);
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html"]);
  expect(page.text).toStartWith("<html>");
});

/** What came of a GET's body until it ended or broke. */
async function read(fixture: Fixture, fault: Fault): Promise<[string, number]> {
  await fixture.put("a", TEXT);
  fixture.b2.faults.plan({ ...fault, operation: "GetObject" });
  try {
    return ["whole", (await fixture.ask(GET)).bytes.length];
  } catch {
    return ["cut", fixture.b2.requests.at(-1)!.bytesOut];
  }
}

test("a truncated answer breaks off where it was told", async () => {
  await using fixture = await openFixture();
  expect(await read(fixture, { what: "truncated", bytes: 4000 })).toEqual(["cut", 4000]);
  expect((await fixture.ask(GET)).text).toBe(TEXT);
});

test("a slow answer comes in pieces, and whole", async () => {
  await using fixture = await openFixture();
  expect(await read(fixture, { what: "slow", bytes: 3000, delayMs: 1 })).toEqual(["whole", 10_000]);
});

test("an answer that hangs in the middle has its first half", async () => {
  await using fixture = await openFixture();
  const reading = read(fixture, { what: "hang-midway", bytes: 5000 });
  while (fixture.b2.requests.at(-1)?.bytesOut !== 5000) await Bun.sleep(0);
  await fixture.b2.stop();
  expect(await reading).toEqual(["cut", 5000]);
});

test("wrong bytes differ in one bit, and what is stored stays", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", TEXT);
  fixture.b2.faults.plan({ what: "wrong-bytes" });
  const { bytes } = await fixture.ask(GET);
  const stored = Buffer.from(TEXT);
  const wrong = bytes.filter((byte, i) => byte !== stored[i]);
  expect([bytes.length, wrong.length]).toEqual([TEXT.length, 1]);
  expect((await fixture.ask(GET)).text).toBe(TEXT);
});

test("a stale list lacks what came last", async () => {
  await using fixture = await openFixture();
  for (const key of ["c", "b", "a"]) await fixture.put(key);
  fixture.b2.faults.plan({ what: "stale-list", versionCount: 2 });
  const list = async (query: string) =>
    textsOf(await fixture.ask({ path: `/${BUCKET}`, query }), "Key");
  expect(await list("list-type=2")).toEqual(["c"]);
  expect(await list("list-type=2")).toEqual(["a", "b", "c"]);
  fixture.b2.faults.plan({ what: "stale-list" });
  expect(await list("versions=")).toEqual(["b", "c"]);
});

test("a stale list still has the version that was there before", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "old");
  await fixture.ask({ method: "DELETE", path: `/${BUCKET}/a` });
  fixture.b2.faults.plan({ what: "stale-list" });
  const reply = await fixture.ask({ path: `/${BUCKET}`, query: "list-type=2" });
  expect(textsOf(reply, "Size")).toEqual(["3"]);
});

test("a wrong date is in the answer alone", async () => {
  await using fixture = await openFixture();
  fixture.b2.faults.plan({ what: "wrong-date", skewMs: -600_000 });
  const put = await fixture.put("a");
  expect(put.headers.get("date")).toBe(new Date(START - 600_000).toUTCString());
  expect((await fixture.put("a")).headers.get("date")).toBe(new Date(START).toUTCString());
});

test("a fault waits for its call: the nth of an operation, a key, a bucket", async () => {
  await using fixture = await openFixture();
  const { faults } = fixture.b2;
  faults.plan(
    { what: "busy", operation: "PutObject", key: /^a/, nth: 2, times: 2 },
    { what: "error", bucket: "elsewhere" },
  );
  const statuses: number[] = [];
  for (const key of ["b", "a1", "b", "a2", "a3", "a4", "b"]) {
    statuses.push((await fixture.put(key)).status);
  }
  expect(statuses).toEqual([200, 200, 200, 503, 503, 200, 200]);
  expect(faults.waiting.map((one) => one.what)).toEqual(["error"]);
  expect(faults.fired.map((one) => one.key)).toEqual(["a2", "a3"]);
  faults.clear();
  expect(faults.waiting).toEqual([]);
});

test("a fault for ever is never waited for", () => {
  const faults = new Faults();
  faults.plan({ what: "busy", times: Number.POSITIVE_INFINITY });
  for (let i = 0; i < 5; i++) expect(faults.take({ operation: "PutObject" }, 1)?.what).toBe("busy");
  expect(faults.waiting).toEqual([]);
});

test("the same seed gives the same faults, and retries get through", () => {
  const drawAll = () => {
    const faults = new Faults();
    faults.random({ seed: 7, share: 0.9, kinds: FAULT_KINDS, inARowMax: 2 });
    return Array.from(
      { length: 60 },
      () => faults.take({ operation: "PutObject", key: "a" }, 1)?.what,
    );
  };
  const drawn = drawAll();
  expect(drawn).toEqual(drawAll());
  const text = drawn.map((what) => (what === undefined ? "." : "x")).join("");
  expect(text).not.toContain("xxx");
  expect(text).toContain("xx.");
});

test("chance keeps to its operations", () => {
  const faults = new Faults();
  faults.random({ seed: 1, share: 1, kinds: ["busy"], operations: ["GetObject"] });
  expect(faults.take({ operation: "PutObject" }, 1)).toBeUndefined();
  expect(faults.take({ operation: "GetObject" }, 1)?.what).toBe("busy");
});

test("too many calls at once are told to slow down", async () => {
  await using fixture = await openFixture();
  const { b2 } = fixture;
  b2.faults.plan({ what: "hang", times: 2, key: "hung" });
  b2.faults.throttle = { concurrentMax: 2, operation: "PutObject", retryAfterSeconds: 2 };
  expect((await fixture.put("a")).status).toBe(200);
  const hung = [1, 2].map(() => fixture.put("hung").catch(() => undefined));
  while (b2.requests.filter((one) => one.key === "hung").length < 2) await Bun.sleep(0);
  const slowed = await fixture.put("a");
  expect([slowed.status, slowed.headers.get("retry-after")]).toEqual([503, "2"]);
  expect((await fixture.ask(GET)).status).toBe(200);
  b2.faults.clear();
  expect((await fixture.put("a")).status).toBe(200);
  expect(b2.concurrentMax).toBe(3);
  await b2.stop();
  await Promise.all(hung);
});

test("latency keeps calls under way, so that they overlap", async () => {
  await using fixture = await openFixture();
  fixture.b2.latencyMs = 20;
  const keys = ["a", "b", "c", "d"];
  await Promise.all(keys.map((key) => fixture.put(key)));
  expect(fixture.b2.concurrentMax).toBe(4);
});
