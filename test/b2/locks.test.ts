// Locks: what they forbid, who may do what about them, and when they end (docs/b2.md A4, A7).

import { expect, test } from "bun:test";

import { md5Base64 } from "./client.ts";
import { BUCKET, type Caller, type Fixture, START, openFixture, textOf } from "./fixture.ts";
import { CAPABILITIES } from "./keys.ts";
import type { LockMode } from "./locks.ts";

const PATH = `/${BUCKET}/a`;
const DAY_MS = 86_400_000;
const dayText = (days: number): string => new Date(START + days * DAY_MS).toISOString();

function lockHeaders(mode: LockMode, days: number): Record<string, string> {
  return {
    "x-amz-object-lock-mode": mode,
    "x-amz-object-lock-retain-until-date": dayText(days),
  };
}

function retain(ask: Caller, mode: string, until: string, headers: Record<string, string> = {}) {
  const body =
    mode === ""
      ? "<Retention/>"
      : `<Retention><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`;
  const md5 = { "content-md5": md5Base64(body) };
  return ask({
    method: "PUT",
    path: PATH,
    query: "retention=",
    body,
    headers: { ...md5, ...headers },
  });
}

function deleteVersion(fixture: Fixture, ask: Caller, headers: Record<string, string> = {}) {
  const { versionId } = fixture.b2.versionsOf(BUCKET, "a").find((one) => !one.hidden)!;
  return ask({ method: "DELETE", path: PATH, query: `versionId=${versionId}`, headers });
}

const BYPASS = { "x-amz-bypass-governance-retention": "true" };
const mighty = (fixture: Fixture): Caller => fixture.may(...CAPABILITIES);

test.each(["COMPLIANCE", "GOVERNANCE"] as const)("%s ends when its date has come", async (mode) => {
  await using fixture = await openFixture({ lock: true });
  await fixture.put("a", "text", lockHeaders(mode, 10));
  const denied = await deleteVersion(fixture, fixture.ask);
  expect([denied.status, denied.code]).toEqual([403, "AccessDenied"]);
  fixture.b2.clock.advance(10 * DAY_MS - 1);
  expect((await deleteVersion(fixture, fixture.ask)).status).toBe(403);
  fixture.b2.clock.advance(1);
  expect((await deleteVersion(fixture, fixture.ask)).status).toBe(204);
});

test("nobody gets past COMPLIANCE, and a governed version goes for who may and says so", async () => {
  await using fixture = await openFixture({ lock: true });
  const all = mighty(fixture);
  await fixture.put("a", "text", lockHeaders("COMPLIANCE", 10));
  expect((await deleteVersion(fixture, all, BYPASS)).status).toBe(403);
  fixture.b2.lose(BUCKET, "a");
  await fixture.put("a", "text", lockHeaders("GOVERNANCE", 10));
  expect((await deleteVersion(fixture, all)).status).toBe(403);
  expect((await deleteVersion(fixture, fixture.ask, BYPASS)).status).toBe(403);
  expect((await deleteVersion(fixture, all, BYPASS)).status).toBe(204);
});

test("a lock guards its version, not the name", async () => {
  await using fixture = await openFixture({ lock: true });
  await fixture.put("a", "old", lockHeaders("COMPLIANCE", 10));
  expect((await fixture.put("a", "new")).status).toBe(200);
  expect((await fixture.ask({ method: "DELETE", path: PATH })).status).toBe(204);
  const versions = fixture.b2.versionsOf(BUCKET, "a");
  expect(versions.map((one) => [one.hidden, one.lock?.mode])).toEqual([
    [true, undefined],
    [false, undefined],
    [false, "COMPLIANCE"],
  ]);
});

test("COMPLIANCE only grows", async () => {
  await using fixture = await openFixture({ lock: true });
  const all = mighty(fixture);
  await fixture.put("a", "text", lockHeaders("COMPLIANCE", 10));
  expect((await retain(all, "COMPLIANCE", dayText(9), BYPASS)).status).toBe(403);
  expect((await retain(all, "GOVERNANCE", dayText(20), BYPASS)).status).toBe(403);
  expect((await retain(all, "", "", BYPASS)).status).toBe(403);
  expect((await retain(fixture.ask, "COMPLIANCE", dayText(20))).status).toBe(200);
  expect(fixture.b2.versionsOf(BUCKET, "a")[0]?.lock?.until).toBe(START + 20 * DAY_MS);
});

test("GOVERNANCE is shortened and removed by who may; it can be made COMPLIANCE", async () => {
  await using fixture = await openFixture({ lock: true });
  const all = mighty(fixture);
  await fixture.put("a", "text", lockHeaders("GOVERNANCE", 10));
  expect((await retain(fixture.ask, "GOVERNANCE", dayText(9))).status).toBe(403);
  expect((await retain(fixture.ask, "GOVERNANCE", dayText(11))).status).toBe(200);
  expect((await retain(all, "GOVERNANCE", dayText(5), BYPASS)).status).toBe(200);
  expect((await retain(all, "", "", BYPASS)).status).toBe(200);
  expect(fixture.b2.versionsOf(BUCKET, "a")[0]?.lock).toBeUndefined();
  await retain(fixture.ask, "GOVERNANCE", dayText(10));
  expect((await retain(fixture.ask, "COMPLIANCE", dayText(10))).status).toBe(200);
  expect((await retain(all, "GOVERNANCE", dayText(30), BYPASS)).status).toBe(403);
});

test("retention needs a date to come, of the right form, and a bucket with lock", async () => {
  await using fixture = await openFixture({ lock: true });
  fixture.b2.createBucket("bucket-2");
  await fixture.put("a", "text");
  for (const until of [dayText(-1), new Date(START).toISOString(), "tomorrow", "2026-02-30"]) {
    expect((await retain(fixture.ask, "GOVERNANCE", until)).code).toBe("InvalidArgument");
  }
  expect((await retain(fixture.ask, "FOREVER", dayText(1))).code).toBe("InvalidArgument");
  expect((await retain(fixture.ask, "GOVERNANCE", "2026-03-01T00:00:00.5+01:00")).status).toBe(200);
  const headers = { ...lockHeaders("COMPLIANCE", 1), "content-md5": md5Base64("") };
  const elsewhere = await fixture.ask({ method: "PUT", path: "/bucket-2/a", headers });
  expect([elsewhere.status, elsewhere.code]).toEqual([400, "InvalidRequest"]);
  const half = { "x-amz-object-lock-mode": "COMPLIANCE" };
  expect((await fixture.put("b", "x", half)).code).toBe("InvalidArgument");
});

test("retention is of a version: of the newest, if none is named", async () => {
  await using fixture = await openFixture({ lock: true });
  const old = (await fixture.put("a", "old")).headers.get("x-amz-version-id");
  await fixture.put("a", "planted by a thief");
  await retain(fixture.ask, "COMPLIANCE", dayText(3));
  const [newest, oldest] = fixture.b2.versionsOf(BUCKET, "a");
  expect([newest?.lock?.mode, oldest?.lock]).toEqual(["COMPLIANCE", undefined]);
  const query = `retention=&versionId=${old}`;
  const get = await fixture.ask({ path: PATH, query });
  expect(get.code).toBe("NoSuchObjectLockConfiguration");
  const shown = await fixture.ask({ path: PATH, query: "retention=" });
  expect([textOf(shown, "Mode"), textOf(shown, "RetainUntilDate")]).toEqual([
    "COMPLIANCE",
    dayText(3),
  ]);
  const denied = await fixture.may("readFiles")({ path: PATH, query: "retention=" });
  expect(denied.status).toBe(403);
});

test("HEAD shows a lock to who may see it", async () => {
  await using fixture = await openFixture({ lock: true });
  await fixture.put("a", "text", {
    ...lockHeaders("COMPLIANCE", 10),
    "x-amz-object-lock-legal-hold": "ON",
  });
  const shown = async (ask: Caller) => {
    const { headers } = await ask({ method: "HEAD", path: PATH });
    return ["mode", "retain-until-date", "legal-hold"].map((name) =>
      headers.get(`x-amz-object-lock-${name}`),
    );
  };
  expect(await shown(fixture.ask)).toEqual(["COMPLIANCE", dayText(10), "ON"]);
  expect(await shown(fixture.may("readFiles"))).toEqual([null, null, null]);
  expect(await shown(fixture.may("readFiles", "readFileRetentions"))).toEqual([
    "COMPLIANCE",
    dayText(10),
    null,
  ]);
});

test("a legal hold has no date, and bypassing does not help", async () => {
  await using fixture = await openFixture({ lock: true });
  const all = mighty(fixture);
  await fixture.put("a", "text");
  const hold = (status: string) => {
    const body = `<LegalHold><Status>${status}</Status></LegalHold>`;
    const headers = { "content-md5": md5Base64(body) };
    return all({ method: "PUT", path: PATH, query: "legal-hold=", body, headers });
  };
  expect((await hold("ON")).status).toBe(200);
  expect((await hold("MAYBE")).code).toBe("MalformedXML");
  expect(textOf(await all({ path: PATH, query: "legal-hold=" }), "Status")).toBe("ON");
  fixture.b2.clock.advance(10_000 * DAY_MS);
  const later = await deleteVersion(fixture, all, BYPASS);
  expect(later.status).toBe(403);
  expect((await hold("OFF")).status).toBe(200);
  expect((await deleteVersion(fixture, all)).status).toBe(204);
});

function configure(ask: Caller, inner: string, headers: Record<string, string> = {}) {
  const body = `<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
    <ObjectLockEnabled>Enabled</ObjectLockEnabled>${inner}</ObjectLockConfiguration>`;
  const md5 = { "content-md5": md5Base64(body) };
  return ask({
    method: "PUT",
    path: `/${BUCKET}`,
    query: "object-lock=",
    body,
    headers: { ...md5, ...headers },
  });
}
const rule = (inner: string): string =>
  `<Rule><DefaultRetention>${inner}</DefaultRetention></Rule>`;

test("lock is enabled later with the token alone, and locks nothing that is there", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "text");
  const inner = rule("<Mode>COMPLIANCE</Mode><Days>30</Days>");
  const refused = await configure(fixture.ask, inner);
  expect([refused.status, refused.code]).toEqual([400, "InvalidRequest"]);
  const token = { "x-amz-bucket-object-lock-token": "1" };
  expect((await configure(fixture.ask, inner, token)).status).toBe(200);
  await fixture.put("b", "text");
  const [old] = fixture.b2.versionsOf(BUCKET, "a");
  const [fresh] = fixture.b2.versionsOf(BUCKET, "b");
  expect([old?.lock, fresh?.lock?.until]).toEqual([undefined, START + 30 * DAY_MS]);
});

test("the default rule can be weakened and removed; what is locked stays so", async () => {
  await using fixture = await openFixture({ defaultRetention: { mode: "compliance", days: 30 } });
  const get = () => fixture.ask({ path: `/${BUCKET}`, query: "object-lock=" });
  const shown = await get();
  expect([textOf(shown, "Mode"), textOf(shown, "Days")]).toEqual(["COMPLIANCE", "30"]);
  await fixture.put("a", "text");
  expect((await configure(fixture.ask, "")).status).toBe(200);
  expect(textOf(await get(), "Mode")).toBeUndefined();
  expect(textOf(await get(), "ObjectLockEnabled")).toBe("Enabled");
  await fixture.put("b", "text");
  const lockOf = (key: string) => fixture.b2.versionsOf(BUCKET, key)[0]?.lock?.mode;
  expect([lockOf("a"), lockOf("b")]).toEqual(["COMPLIANCE", undefined]);
});

test.each([
  ["<Mode>COMPLIANCE</Mode><Years>2</Years>", 200],
  ["<Mode>COMPLIANCE</Mode><Days>3000</Days>", 200],
  ["<Mode>COMPLIANCE</Mode><Days>3001</Days>", 400],
  ["<Mode>COMPLIANCE</Mode><Days>0</Days>", 400],
  ["<Mode>COMPLIANCE</Mode>", 400],
  ["<Mode>COMPLIANCE</Mode><Days>1</Days><Years>1</Years>", 400],
  ["<Days>1</Days>", 400],
])("the default rule %s gives %i", async (inner, status) => {
  await using fixture = await openFixture({ lock: true });
  expect((await configure(fixture.ask, rule(inner))).status).toBe(status);
});

test("headers of a write go before the bucket's default", async () => {
  await using fixture = await openFixture({ defaultRetention: { mode: "compliance", days: 30 } });
  await fixture.put("a", "text", lockHeaders("GOVERNANCE", 1));
  expect(fixture.b2.versionsOf(BUCKET, "a")[0]?.lock).toEqual({
    mode: "GOVERNANCE",
    until: START + DAY_MS,
  });
});

test("a bucket is made with lock over S3", async () => {
  await using fixture = await openFixture();
  const headers = { "x-amz-bucket-object-lock-enabled": "true" };
  await fixture.ask({ method: "PUT", path: "/bucket-2", headers });
  const shown = await fixture.ask({ path: "/bucket-2", query: "object-lock=" });
  expect(textOf(shown, "ObjectLockEnabled")).toBe("Enabled");
});
