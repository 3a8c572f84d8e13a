// Locks: what is sent, and what a service says of an object that has none.

import { expect, test } from "bun:test";
import { textOf } from "../../src/base/bytes.ts";
import { getLegalHold, getRetention, putLegalHold, putRetention } from "../../src/s3/lock.ts";
import { formatTime, parseTime } from "../../src/s3/time.ts";
import { failureFrom, FakeCaller, refusal, type Said, xml } from "./fake.ts";

const YEAR_2030 = Date.UTC(2030, 0, 1);

function retention(mode: string, until: string): Said {
  const content = `<Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate>`;
  return { body: xml("Retention", content) };
}

test.each([
  ["2030-01-01T00:00:00Z", YEAR_2030],
  ["2030-01-01T00:00:00.5Z", YEAR_2030 + 500],
  ["2030-01-01T00:00:00.999999999Z", YEAR_2030 + 999],
])("a lock until %s is read", async (text, until) => {
  const caller = new FakeCaller([retention("COMPLIANCE", text)]);
  expect(await getRetention(caller, "a", "1")).toEqual({ mode: "compliance", until });
  expect(caller.calls[0]).toMatchObject({
    operation: "GetObjectRetention",
    method: "GET",
    key: "a",
    query: { retention: "", versionId: "1" },
  });
});

test.each<[string, Said]>([
  ["AWS, B2, radosgw", refusal(404, "NoSuchObjectLockConfiguration")],
  ["versitygw", refusal(400, "NoSuchObjectLockConfiguration")],
  [
    "AWS, of a bucket without locks",
    refusal(400, "InvalidRequest", "Bucket is missing Object Lock Configuration"),
  ],
  [
    "AWS, of another call",
    refusal(400, "InvalidRequest", "Bucket is missing ObjectLockConfiguration"),
  ],
  [
    "radosgw, of a bucket without locks",
    refusal(400, "InvalidRequest", "bucket object lock not configured"),
  ],
])("no lock, as said by %s", async (_, said) => {
  expect(await getRetention(new FakeCaller([said]), "a")).toBeUndefined();
  expect(await getLegalHold(new FakeCaller([said]), "a")).toBe(false);
});

test("versitygw calls the document by another name", async () => {
  const { body } = retention("GOVERNANCE", "2030-01-01T00:00:00Z");
  const named = (body as string).replaceAll(/(<\/?)Retention/g, "$1ObjectLockRetention");
  expect(await getRetention(new FakeCaller([{ body: named }]), "a")).toEqual({
    mode: "governance",
    until: YEAR_2030,
  });
});

test("a document without words is no lock", async () => {
  expect(await getRetention(new FakeCaller([retention("", "")]), "a")).toBeUndefined();
});

test("an empty document is no lock", async () => {
  expect(await getRetention(new FakeCaller([{ body: xml("Retention", "") }]), "a")).toBeUndefined();
  expect(await getLegalHold(new FakeCaller([{ body: xml("LegalHold", "") }]), "a")).toBe(false);
});

test.each<[string, Said, string]>([
  ["a denial", refusal(403, "AccessDenied"), "denied"],
  ["a missing object", refusal(404, "NoSuchKey"), "not-found"],
  ["a missing bucket", refusal(404, "NoSuchBucket"), "no-store"],
  ["another bad request", refusal(400, "InvalidRequest", "Missing header"), "io"],
  ["another mode", retention("FOREVER", "2030-01-01T00:00:00Z"), "unavailable"],
  ["half a lock", { body: xml("Retention", "<Mode>COMPLIANCE</Mode>") }, "unavailable"],
  ["a strange time", retention("COMPLIANCE", "Tue, 01 Jan 2030 00:00:00 GMT"), "unavailable"],
  ["an impossible time", retention("COMPLIANCE", "2030-13-01T00:00:00Z"), "unavailable"],
])("%s is an error, not a missing lock", async (_, said, code) => {
  const error = await failureFrom(getRetention(new FakeCaller([said]), "a", "1"));
  expect(error.code as string).toBe(code);
});

test("a lock is set on a version, in whole seconds that are no earlier", async () => {
  const caller = new FakeCaller([{}]);
  await putRetention(caller, "a", "1", { mode: "governance", until: YEAR_2030 - 1 });
  const [call] = caller.calls;
  expect(call).toMatchObject({
    operation: "PutObjectRetention",
    method: "PUT",
    key: "a",
    query: { retention: "", versionId: "1" },
    headers: { "content-type": "application/xml" },
  });
  expect(textOf(call!.body!)).toBe(
    '<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>GOVERNANCE</Mode>' +
      "<RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate></Retention>",
  );
});

test("what a service keeps of a lock can be set again: it is no shortening", () => {
  for (const until of [YEAR_2030, YEAR_2030 + 1, YEAR_2030 + 500, YEAR_2030 + 999]) {
    const kept = parseTime(formatTime(until), "a lock");
    expect(kept).toBeGreaterThanOrEqual(until);
    expect(parseTime(formatTime(kept), "a lock")).toBe(kept);
  }
});

test("without a version id none is sent, and an empty one is a fault", async () => {
  const caller = new FakeCaller([{}]);
  const lock = { mode: "compliance", until: YEAR_2030 } as const;
  await putRetention(caller, "a", undefined, lock);
  expect(caller.queries()).toEqual([{ retention: "" }]);
  await expect(putRetention(caller, "a", "", lock)).rejects.toThrow("not empty");
});

test("no call lifts a governance lock", async () => {
  const caller = new FakeCaller([{}]);
  await putRetention(caller, "a", "1", { mode: "governance", until: YEAR_2030 });
  await putLegalHold(caller, "a", "1", false);
  for (const { headers } of caller.calls) expect(Object.keys(headers!)).toEqual(["content-type"]);
});

test("a legal hold is read and set", async () => {
  const held = (status: string): Said => ({ body: xml("LegalHold", `<Status>${status}</Status>`) });
  const caller = new FakeCaller([held("ON"), held("OFF"), {}, {}]);
  expect(await getLegalHold(caller, "a", "1")).toBe(true);
  expect(await getLegalHold(caller, "a", "1")).toBe(false);
  await putLegalHold(caller, "a", "1", true);
  await putLegalHold(caller, "a", "1", false);
  expect(caller.queries()).toEqual(Array(4).fill({ "legal-hold": "", versionId: "1" }));
  expect(textOf(caller.calls[2]!.body!)).toContain("<Status>ON</Status>");
  expect(textOf(caller.calls[3]!.body!)).toContain("<Status>OFF</Status>");
});
