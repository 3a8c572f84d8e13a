// Caps: what is refused when they are reached, and when they start anew (docs/b2.md A10, A11).

import { expect, test } from "bun:test";

import { BUCKET, openFixture, textOf } from "./fixture.ts";

const GET = { path: `/${BUCKET}/a` };
const LIST = { path: `/${BUCKET}`, query: "list-type=2" };

test("each class has its own cap; class A is not touched by the others'", async () => {
  await using fixture = await openFixture();
  const { caps } = fixture.b2.account;
  await fixture.put("a", "text");
  caps.callsMax.B = 2;
  caps.callsMax.C = 1;
  expect((await fixture.ask(GET)).status).toBe(200);
  expect((await fixture.ask({ ...GET, method: "HEAD" })).status).toBe(200);
  const denied = await fixture.ask(GET);
  expect([denied.status, denied.code]).toEqual([403, "AccessDenied"]);
  expect(textOf(denied, "Message")).toContain("Transaction cap exceeded");
  expect((await fixture.ask(LIST)).status).toBe(200);
  expect((await fixture.ask(LIST)).status).toBe(403);
  expect((await fixture.put("b")).status).toBe(200);
  expect((await fixture.ask({ method: "DELETE", path: `/${BUCKET}/b` })).status).toBe(204);
  expect(caps.calls).toEqual({ A: 3, B: 2, C: 1 });
});

test("a day ends at midnight, Greenwich time", async () => {
  // The fixture's clock stands at noon.
  await using fixture = await openFixture();
  await fixture.put("a", "text");
  fixture.b2.account.caps.callsMax.B = 0;
  fixture.b2.clock.advance(12 * 3_600_000 - 1);
  expect((await fixture.ask(GET)).status).toBe(403);
  fixture.b2.account.caps.callsMax.B = 1;
  expect((await fixture.ask(GET)).status).toBe(200);
  expect((await fixture.ask(GET)).status).toBe(403);
  fixture.b2.clock.advance(1);
  expect((await fixture.ask(GET)).status).toBe(200);
});

test("storage has a cap, parts count too, and deleting makes room", async () => {
  await using fixture = await openFixture();
  fixture.b2.account.caps.storageBytesMax = 10;
  expect((await fixture.put("a", "0123456")).status).toBe(200);
  const denied = await fixture.put("b", "0123");
  expect([denied.status, denied.code]).toEqual([403, "AccessDenied"]);
  expect(textOf(denied, "Message")).toContain("storage cap exceeded");
  const path = `/${BUCKET}/c`;
  const uploadId = textOf(
    await fixture.ask({ method: "POST", path, query: "uploads=" }),
    "UploadId",
  );
  const part = (body: string) =>
    fixture.ask({ method: "PUT", path, query: `partNumber=1&uploadId=${uploadId}`, body });
  expect((await part("0123")).status).toBe(403);
  expect((await part("012")).status).toBe(200);
  expect((await fixture.put("d", "0")).status).toBe(403);
  const { versionId } = fixture.b2.versionsOf(BUCKET, "a")[0]!;
  // Hiding makes no room.
  await fixture.ask({ method: "DELETE", path: `/${BUCKET}/a` });
  expect((await fixture.put("d", "0")).status).toBe(403);
  await fixture.ask({ method: "DELETE", path: `/${BUCKET}/a`, query: `versionId=${versionId}` });
  expect((await fixture.put("d", "0")).status).toBe(200);
});

test("downloads have a cap of bytes", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "0123456789");
  fixture.b2.account.caps.downloadBytesMax = 15;
  expect((await fixture.ask(GET)).status).toBe(200);
  const denied = await fixture.ask(GET);
  expect([denied.status, denied.code]).toEqual([403, "AccessDenied"]);
  expect(textOf(denied, "Message")).toContain("download bandwidth");
  expect((await fixture.ask({ ...GET, headers: { range: "bytes=0-4" } })).status).toBe(206);
  expect((await fixture.ask({ ...GET, method: "HEAD" })).status).toBe(200);
});

test("an account that is in arrears is refused all", async () => {
  await using fixture = await openFixture();
  await fixture.put("a", "text");
  fixture.b2.account.caps.accountTrouble = true;
  for (const ask of [GET, LIST, { ...GET, method: "DELETE" }]) {
    const denied = await fixture.ask(ask);
    expect(denied.status).toBe(403);
    expect(denied.text).toContain("account_trouble");
  }
});
