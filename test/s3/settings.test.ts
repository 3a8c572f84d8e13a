// Settings of a bucket, as services write them.

import { describe, expect, test } from "bun:test";
import { textOf } from "../../src/base/bytes.ts";
import { getLifecycle } from "../../src/s3/lifecycle.ts";
import {
  createBucket,
  getCors,
  getLocation,
  getLockConfiguration,
  getVersioning,
  headBucket,
} from "../../src/s3/settings.ts";
import { failureFrom, FakeCaller, refusal, type Said, xml } from "./fake.ts";

const DENIED = refusal(403, "AccessDenied");

describe("a bucket", () => {
  test("is there or not", async () => {
    const caller = new FakeCaller([{}]);
    expect(await headBucket(caller)).toBe(true);
    expect(caller.calls[0]).toMatchObject({ operation: "HeadBucket", method: "HEAD" });
    expect(caller.calls[0]).not.toHaveProperty("key");
    expect(await headBucket(new FakeCaller([{ status: 404 }]))).toBe(false);
    const html = { "content-type": "text/html" };
    await failureFrom(headBucket(new FakeCaller([{ status: 404, headers: html }])));
    expect((await failureFrom(headBucket(new FakeCaller([{ status: 403 }])))).code).toBe("denied");
  });

  test("is made, with locks if asked for", async () => {
    const caller = new FakeCaller([{}]);
    expect(await createBucket(caller)).toBe(true);
    expect(caller.calls[0]).toMatchObject({
      operation: "CreateBucket",
      method: "PUT",
      headers: {},
    });
    expect(caller.calls[0]).not.toHaveProperty("body");
    await createBucket(caller, { lock: true });
    expect(caller.calls[1]!.headers).toEqual({ "x-amz-bucket-object-lock-enabled": "true" });
    await createBucket(caller, { region: "eu-central-1" });
    expect(textOf(caller.calls[2]!.body!)).toBe(
      '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        "<LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>",
    );
  });

  test("that exists is ours or another's", async () => {
    const ours = new FakeCaller([refusal(409, "BucketAlreadyOwnedByYou")]);
    expect(await createBucket(ours)).toBe(false);
    const error = await failureFrom(
      createBucket(new FakeCaller([refusal(409, "BucketAlreadyExists")])),
    );
    expect(error.code).toBe("exists");
    expect(error.hint).toContain("take another");
    expect((await failureFrom(createBucket(new FakeCaller([DENIED])))).code).toBe("denied");
  });

  test.each([
    ["us-west-004", "us-west-004"],
    ["\n  eu-west-1\n", "eu-west-1"],
    ["", "us-east-1"],
  ])("has a location: %j", async (text, region) => {
    const caller = new FakeCaller([{ body: xml("LocationConstraint", text) }]);
    expect(await getLocation(caller)).toBe(region);
    expect(caller.queries()).toEqual([{ location: "" }]);
  });
});

describe("versioning", () => {
  const said = (content: string): FakeCaller =>
    new FakeCaller([{ body: xml("VersioningConfiguration", content) }]);

  test("is on, suspended or was never on", async () => {
    const caller = said("<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>");
    expect(await getVersioning(caller)).toBe("enabled");
    expect(caller.queries()).toEqual([{ versioning: "" }]);
    expect(await getVersioning(said("<Status>Suspended</Status>"))).toBe("suspended");
    expect(await getVersioning(said(""))).toBe("off");
    expect(await getVersioning(said("\n  "))).toBe("off");
  });

  test("is not guessed", async () => {
    await failureFrom(getVersioning(said("<Status>Maybe</Status>")));
    await failureFrom(getVersioning(new FakeCaller([{ body: xml("Other", "") }])));
    expect((await failureFrom(getVersioning(new FakeCaller([DENIED])))).code).toBe("denied");
  });
});

describe("the lock configuration", () => {
  const said = (content: string): FakeCaller =>
    new FakeCaller([{ body: xml("ObjectLockConfiguration", content) }]);
  const rule = (content: string): string =>
    "<ObjectLockEnabled>Enabled</ObjectLockEnabled>" +
    `<Rule><DefaultRetention>${content}</DefaultRetention></Rule>`;

  test("is read", async () => {
    const caller = said(rule("<Mode>COMPLIANCE</Mode><Days>30</Days>"));
    expect(await getLockConfiguration(caller)).toEqual({
      enabled: true,
      default: { mode: "compliance", days: 30 },
    });
    expect(caller.queries()).toEqual([{ "object-lock": "" }]);
    expect(
      await getLockConfiguration(said(rule("<Mode>GOVERNANCE</Mode><Years>2</Years>"))),
    ).toEqual({ enabled: true, default: { mode: "governance", days: 730 } });
  });

  test.each([
    ["<ObjectLockEnabled>Enabled</ObjectLockEnabled>", { enabled: true }],
    [rule(""), { enabled: true }],
    ["<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule/>", { enabled: true }],
    ["", { enabled: false }],
  ])("may have no default: %s", async (content, expected) => {
    expect(await getLockConfiguration(said(content))).toEqual(expected);
  });

  test("that was never set is off", async () => {
    const caller = new FakeCaller([refusal(404, "ObjectLockConfigurationNotFoundError")]);
    expect(await getLockConfiguration(caller)).toEqual({ enabled: false });
  });

  test.each<[string, FakeCaller, string]>([
    ["that can't be seen", new FakeCaller([DENIED]), "denied"],
    ["of no bucket", new FakeCaller([refusal(404, "NoSuchBucket")]), "no-store"],
    ["of a proxy", new FakeCaller([{ status: 404, body: "<html></html>" }]), "unavailable"],
    ["without a mode", said(rule("<Days>1</Days>")), "unavailable"],
    ["without days", said(rule("<Mode>COMPLIANCE</Mode>")), "unavailable"],
    ["with strange days", said(rule("<Mode>COMPLIANCE</Mode><Days>x</Days>")), "unavailable"],
  ])("%s is an error, not off", async (_, caller, code) => {
    expect((await failureFrom(getLockConfiguration(caller))).code as string).toBe(code);
  });
});

describe("lifecycle rules", () => {
  const said = (...rules: readonly string[]): FakeCaller => {
    const content = rules.map((rule) => `<Rule>${rule}</Rule>`).join("");
    return new FakeCaller([{ body: xml("LifecycleConfiguration", content) }]);
  };
  const ON = "<Status>Enabled</Status>";
  const none = { enabled: true, prefix: "", narrowed: false, deletesMarkers: false, others: [] };

  test.each<[string, string, object]>([
    [
      "hides",
      `<ID>1</ID>${ON}<Prefix/><Expiration><Days>3</Days></Expiration>`,
      { id: "1", expireDays: 3 },
    ],
    [
      "hides from a day on",
      `${ON}<Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>`,
      { expireFrom: Date.UTC(2030, 0, 1) },
    ],
    [
      "deletes what is hidden",
      `${ON}<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>` +
        "<NewerNoncurrentVersions>5</NewerNoncurrentVersions></NoncurrentVersionExpiration>",
      { deleteHiddenDays: 1, hiddenKept: 5 },
    ],
    [
      "aborts uploads",
      `${ON}<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>` +
        "</AbortIncompleteMultipartUpload>",
      { abortUploadDays: 7 },
    ],
    [
      "deletes markers",
      `${ON}<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>`,
      { deletesMarkers: true },
    ],
    ["is off", "<Status>Disabled</Status>", { enabled: false }],
    ["has its prefix at the top", `${ON}<Prefix>a/</Prefix>`, { prefix: "a/" }],
    [
      "has its prefix in a filter",
      `<Filter><Prefix>a &amp; b/</Prefix></Filter>${ON}`,
      { prefix: "a & b/" },
    ],
    ["has an empty filter", `<Filter/>${ON}`, {}],
    [
      "is for some objects",
      `<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>${ON}`,
      { narrowed: true },
    ],
    [
      "is for some objects of a prefix",
      `<Filter><And><Prefix>a/</Prefix><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></And>` +
        `</Filter>${ON}`,
      { prefix: "a/", narrowed: true },
    ],
    [
      "moves objects",
      `${ON}<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>`,
      { others: ["Transition"] },
    ],
    [
      "has parts that nobody knows",
      `${ON}<Expiration><Days>1</Days><Hours>2</Hours></Expiration>`,
      { expireDays: 1, others: ["Hours"] },
    ],
    [
      "has an action twice",
      `${ON}<Expiration><Days>9</Days></Expiration><Expiration><Days>1</Days></Expiration>`,
      { expireDays: 9, others: ["Expiration"] },
    ],
  ])("one that %s", async (_, rule, expected) => {
    const caller = said(rule);
    expect(await getLifecycle(caller)).toEqual([{ ...none, ...expected }]);
    expect(caller.queries()).toEqual([{ lifecycle: "" }]);
  });

  test("of several kinds at once, and several", async () => {
    const first =
      `<ID>all</ID><Filter><Prefix></Prefix></Filter>${ON}<Expiration><Days>1</Days></Expiration>` +
      "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>";
    const rules = await getLifecycle(said(first, ON));
    expect(rules).toEqual([{ ...none, id: "all", expireDays: 1, deleteHiddenDays: 2 }, none]);
  });

  test("that were never set are none", async () => {
    expect(await getLifecycle(said())).toEqual([]);
    const caller = new FakeCaller([refusal(404, "NoSuchLifecycleConfiguration")]);
    expect(await getLifecycle(caller)).toEqual([]);
  });

  test("that can't be seen or read are errors", async () => {
    expect((await failureFrom(getLifecycle(new FakeCaller([DENIED])))).code).toBe("denied");
    await failureFrom(getLifecycle(said("<Expiration><Days>1</Days></Expiration>")));
    await failureFrom(getLifecycle(said(`${ON}<Expiration><Days>soon</Days></Expiration>`)));
    await failureFrom(getLifecycle(new FakeCaller([{ status: 200, body: "<html></html>" }])));
  });
});

describe("rules for other sites", () => {
  test("are read", async () => {
    const rule =
      "<CORSRule><ID>x</ID><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>" +
      "<AllowedOrigin>*</AllowedOrigin></CORSRule>";
    const caller = new FakeCaller([{ body: xml("CORSConfiguration", rule) }]);
    expect(await getCors(caller)).toEqual([{ id: "x", origins: ["*"], methods: ["GET", "PUT"] }]);
    expect(caller.queries()).toEqual([{ cors: "" }]);
  });

  test("that were never set are none", async () => {
    const none: Said = refusal(404, "NoSuchCORSConfiguration");
    expect(await getCors(new FakeCaller([none]))).toEqual([]);
    expect((await failureFrom(getCors(new FakeCaller([DENIED])))).code).toBe("denied");
  });
});
