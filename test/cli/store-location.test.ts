// What people call a store, and what is refused without being repeated.

import { describe, expect, test } from "bun:test";

import {
  formatStoreLocation,
  parseStoreLocation,
  type StoreLocation,
} from "../../src/cli/store-location.ts";
import { codeOf } from "../support/failure.ts";

const bucket = (scheme: "b2" | "s3", name: string, prefix = ""): StoreLocation => ({
  kind: "bucket",
  scheme,
  bucket: name,
  prefix,
});

test.each([
  ["b2://my-bucket", bucket("b2", "my-bucket")],
  ["b2://my-bucket/", bucket("b2", "my-bucket")],
  ["B2://my-bucket/a", bucket("b2", "my-bucket", "a/")],
  ["b2://my-bucket/a/b/", bucket("b2", "my-bucket", "a/b/")],
  ["b2://my-bucket/Ä b/%41+'(*)!~", bucket("b2", "my-bucket", "Ä b/%41+'(*)!~/")],
  ["b2://my-bucket/a@b", bucket("b2", "my-bucket", "a@b/")],
  ["s3://abc", bucket("s3", "abc")],
  ["s3://my.bucket-1/x", bucket("s3", "my.bucket-1", "x/")],
  ["/mnt/b2://x", { kind: "folder", path: "/mnt/b2://x" }],
  ["store", { kind: "folder", path: "store" }],
  ["./b2:x", { kind: "folder", path: "./b2:x" }],
  ["c:/x", { kind: "folder", path: "c:/x" }],
  ["@home", { kind: "named", name: "home" }],
  ["@a-B_9", { kind: "named", name: "a-B_9" }],
] as const)("%s", (text, location) => {
  const parsed = parseStoreLocation(text);
  expect(parsed).toEqual(location as StoreLocation);
  expect(parseStoreLocation(formatStoreLocation(parsed))).toEqual(parsed);
});

test.each([
  ["", "found nothing"],
  ["@", "a store's name has"],
  ["@a b", "a store's name has"],
  ["@a/b", "a store's name has"],
  [`@${"a".repeat(65)}`, "a store's name has"],
  ["@__proto__", "a store's name has"],
  ["b2:bucket:path", "expected b2://BUCKET/PREFIX"],
  ["s3:/bucket", "expected s3://BUCKET/PREFIX"],
  ["https://s3.example.com/bucket", "expected b2:// or s3://, found https://"],
  ["s3+http://bucket", "expected b2:// or s3://, found s3+http://"],
  ["b2://", "6 to 63"],
  ["b2://short", "6 to 63"],
  ["b2://my.bucket", "6 to 63"],
  ["b2://My-Bucket", "upper-case letters can't be reached by S3"],
  [`b2://${"a".repeat(64)}`, "6 to 63"],
  ["s3://ab", "3 to 63"],
  ["s3://Bucket", "3 to 63"],
  ["s3://a..b", "3 to 63"],
  ["s3://-ab", "3 to 63"],
  ["s3://10.0.0.1/x", "3 to 63"],
  ["s3://a_b", "3 to 63"],
  ["b2://my-bucket//", "without empty parts"],
  ["b2://my-bucket/a//b", "without empty parts"],
  ["b2://my-bucket/./b", "without empty parts"],
  ["b2://my-bucket/a/..", "without empty parts"],
  ["b2://my-bucket/a\nb", "without control characters"],
  ["b2://my-bucket/a\u0085b", "without control characters"],
  ["b2://my-bucket/a\ud800b", "without control characters"],
  [`b2://my-bucket/${"a".repeat(513)}`, "at most 512 bytes"],
])("%j is refused", (text, message) => {
  const parse = (): unknown => parseStoreLocation(text);
  expect(codeOf(parse)).toBe("invalid-argument");
  expect(parse).toThrow(message);
});

describe("an address with a secret is refused, and not repeated", () => {
  test.each([
    "b2://id:hunter2@my-bucket/prefix",
    "b2://hunter2@my-bucket",
    "b2://id:hunt/er2@my-bucket/prefix",
    "s3://id:hunter2/x@bucket",
    "s3://my-bucket/prefix?key=hunter2",
    "s3://my-bucket?secret=hunter2",
    "b2://my-bucket#hunter2",
    "https://id:hunter2@s3.example.com/bucket",
    "b2://hunter2/hunter2\u0000",
    "b2://Hunter2Hunter2/x",
    "@hunter2:hunter2",
  ])("%j", (text) => {
    let found: unknown;
    try {
      parseStoreLocation(text);
    } catch (error) {
      found = error;
    }
    const shown = JSON.stringify(found, Object.getOwnPropertyNames(found));
    expect(shown).toContain("invalid-argument");
    expect(shown.toLowerCase()).not.toContain("hunt");
  });
});
