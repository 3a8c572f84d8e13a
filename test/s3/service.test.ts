// Services: endpoints, names and limits that can be; regions that a host names.

import { expect, test } from "bun:test";
import { isBunkerError } from "../../src/base/errors.ts";
import { type Limits, openBucket, regionOf, type S3Service } from "../../src/s3/service.ts";
import { testWorld } from "../support/world.ts";
import { HASH, serviceAt } from "./rig.ts";

function refusalOf(service: S3Service, name = "the-bucket", limits: Limits = {}): string {
  try {
    openBucket(service, name, { world: testWorld(), hash: HASH, limits });
    return "";
  } catch (error) {
    expect(isBunkerError(error, "invalid-argument")).toBe(true);
    return String(error);
  }
}

test.each([
  "https://s3.us-west-004.backblazeb2.com",
  "https://s3.example.com:9000/",
  "http://localhost:9000",
  "http://127.0.0.1:1",
  "http://127.1.2.3",
  "http://[::1]:80",
])("the endpoint %p can be", (endpoint) => {
  expect(refusalOf(serviceAt(endpoint))).toBe("");
});

test.each([
  ["http://s3.example.com", "begins with https://"],
  ["http://127.0.0.1.example.com", "begins with https://"],
  ["http://localhost.example.com", "begins with https://"],
  ["ftp://localhost", "begins with https://"],
  ["s3.example.com", "expected an endpoint such as"],
  ["", "expected an endpoint such as"],
  ["https://s3.example.com/bucket", "without a path"],
  ["https://s3.example.com?x", "without a path"],
  ["https://user:pass-word@s3.example.com", "without a name and a password"],
])("the endpoint %p cannot be", (endpoint, why) => {
  const refusal = refusalOf(serviceAt(endpoint));
  expect(refusal).toContain(why);
  expect(refusal).not.toContain("pass-word");
});

test("names, keys, regions and limits are checked", () => {
  const good = serviceAt("https://s3.example.com");
  expect(refusalOf(good, "a/b")).toContain("the name of a bucket");
  expect(refusalOf({ ...good, region: "" })).toContain("a region");
  expect(refusalOf({ ...good, credentials: { keyId: "", secret: "x" } })).toContain("a key id");
  expect(refusalOf(good, "the-bucket", { connections: 0 })).toContain("connections");
  expect(refusalOf(good, "the-bucket", { connections: 1.5 })).toContain("connections");
  expect(refusalOf(good, "the-bucket", { uploadBytesPerSecond: 0 })).toContain("found 0");
  expect(refusalOf(good, "the-bucket", { requestsPerSecond: Number.NaN })).toContain("NaN");
});

test("a bucket says where it is without any key", () => {
  const bucket = openBucket(serviceAt("https://s3.example.com:9000"), "the-bucket", {
    world: testWorld(),
    hash: HASH,
  });
  expect(bucket.location).toBe("bucket the-bucket at s3.example.com:9000");
});

test.each([
  ["https://s3.us-west-004.backblazeb2.com", "us-west-004"],
  ["https://bucket.s3.eu-central-003.backblazeb2.com/", "eu-central-003"],
  ["https://s3.us-west-004.backblazeb2.com.example.com", undefined],
  ["https://s3.amazonaws.com", undefined],
  ["nonsense", undefined],
])("the region of %p", (endpoint, region) => {
  expect(regionOf(endpoint)).toBe(region);
});
