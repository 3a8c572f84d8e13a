// Lifecycle: rules by S3, and what a day's run does (docs/b2.md A2, A8).

import { expect, test } from "bun:test";

import { md5Base64 } from "./client.ts";
import { BUCKET, type Fixture, openFixture, textOf, textsOf } from "./fixture.ts";

const DAY_MS = 86_400_000;

function putRules({ ask }: Fixture, rules: string) {
  const body = `<LifecycleConfiguration>${rules}</LifecycleConfiguration>`;
  const headers = { "content-md5": md5Base64(body) };
  return ask({ method: "PUT", path: `/${BUCKET}`, query: "lifecycle=", body, headers });
}

const rule = (inner: string, status = "Enabled"): string =>
  `<Rule><ID>r</ID><Status>${status}</Status>${inner}</Rule>`;
const KEEP_LAST =
  "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>";

test("rules are written, read and removed", async () => {
  await using fixture = await openFixture();
  const inner = `<Filter><Prefix>a/</Prefix></Filter><Expiration><Days>3</Days></Expiration>${KEEP_LAST}
    <AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>`;
  expect((await putRules(fixture, rule(inner))).status).toBe(200);
  const get = () => fixture.ask({ path: `/${BUCKET}`, query: "lifecycle=" });
  const shown = await get();
  expect(
    ["ID", "Prefix", "Days", "NoncurrentDays", "DaysAfterInitiation", "Status"].map((name) =>
      textOf(shown, name),
    ),
  ).toEqual(["r", "a/", "3", "1", "7", "Enabled"]);
  const gone = await fixture.ask({ method: "DELETE", path: `/${BUCKET}`, query: "lifecycle=" });
  expect(gone.status).toBe(204);
  expect((await get()).code).toBe("NoSuchLifecycleConfiguration");
});

test.each([
  [rule("<Transition><Days>1</Days></Transition>"), "InvalidArgument"],
  [rule(KEEP_LAST, "Disabled"), "InvalidArgument"],
  [rule("<Expiration><Days>0</Days></Expiration>"), "InvalidArgument"],
  ["", "MalformedXML"],
  [rule(KEEP_LAST).repeat(101), "MalformedXML"],
])("rules that B2 has not are refused: %s", async (rules, code) => {
  await using fixture = await openFixture();
  expect((await putRules(fixture, rules)).code).toBe(code);
  expect((await putRules(fixture, rule(KEEP_LAST).repeat(100))).status).toBe(200);
});

function hiddenOf({ b2 }: Fixture, key: string): boolean[] {
  return b2.versionsOf(BUCKET, key).map((one) => one.hidden);
}

test("an old upload is hidden, and what is hidden goes later", async () => {
  const lifecycle = [{ prefix: "a/", daysToHiding: 3, daysToDeleting: 2 }];
  await using fixture = await openFixture({ lifecycle });
  const { b2 } = fixture;
  await fixture.put("a/x");
  await fixture.put("b/x");
  b2.clock.advance(3 * DAY_MS - 1);
  b2.runDaily();
  expect(hiddenOf(fixture, "a/x")).toEqual([false]);
  b2.clock.advance(1);
  b2.runDaily();
  expect(hiddenOf(fixture, "a/x")).toEqual([true, false]);
  b2.clock.advance(2 * DAY_MS);
  b2.runDaily();
  // The marker goes with the last version below it.
  expect(b2.keysOf(BUCKET)).toEqual(["b/x"]);
});

test("keep only the last version: a thief's hide is the end after a day", async () => {
  await using fixture = await openFixture({ lifecycle: [{ prefix: "", daysToDeleting: 1 }] });
  const { b2 } = fixture;
  await fixture.put("hidden");
  await fixture.put("twice", "1");
  await fixture.put("twice", "2");
  await fixture.ask({ method: "DELETE", path: `/${BUCKET}/hidden` });
  b2.clock.advance(DAY_MS);
  b2.runDaily();
  expect(b2.keysOf(BUCKET)).toEqual(["twice"]);
  expect(b2.versionsOf(BUCKET, "twice")).toHaveLength(1);
  expect(Buffer.from(b2.read(BUCKET, "twice")).toString()).toBe("2");
});

test("locked versions stay until their lock ends", async () => {
  await using fixture = await openFixture({
    lifecycle: [{ prefix: "", daysToDeleting: 1 }],
    defaultRetention: { mode: "compliance", days: 10 },
  });
  const { b2 } = fixture;
  await fixture.put("a", "kept");
  await fixture.ask({ method: "DELETE", path: `/${BUCKET}/a` });
  b2.clock.advance(5 * DAY_MS);
  b2.runDaily();
  expect(hiddenOf(fixture, "a")).toEqual([true, false]);
  b2.clock.advance(5 * DAY_MS);
  b2.runDaily();
  expect(b2.keysOf(BUCKET)).toEqual([]);
});

test("unfinished uploads are cancelled", async () => {
  await using fixture = await openFixture({ lifecycle: [{ prefix: "a", daysToCancelling: 7 }] });
  const { b2, ask } = fixture;
  for (const key of ["a", "b"]) {
    await ask({ method: "POST", path: `/${BUCKET}/${key}`, query: "uploads=" });
  }
  b2.clock.advance(7 * DAY_MS);
  b2.runDaily();
  expect(textsOf(await ask({ path: `/${BUCKET}`, query: "uploads=" }), "Key")).toEqual(["b"]);
});
