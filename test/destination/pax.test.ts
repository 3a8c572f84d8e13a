// What an extended header says: times, attributes, lists of access.

import { describe, expect, test } from "bun:test";

import { textOf, utf8 } from "../../src/base/bytes.ts";
import { aclText } from "../../src/destination/acl.ts";
import { addAttributes, PaxRecords, paxTime } from "../../src/destination/pax.ts";
import { fileNamed } from "./members.ts";

test.each([
  [0, 0, "0"],
  [12, 500_000_000, "12.5"],
  [12, 1, "12.000000001"],
  [-1, 500_000_000, "-0.5"],
  [-2, 0, "-2"],
  [-2, 999_999_999, "-1.000000001"],
  [9_999_999_999, 123_456_789, "9999999999.123456789"],
])("the time %d s and %d ns is %s", (seconds, nanoseconds, text) => {
  expect(paxTime({ seconds, nanoseconds })).toBe(text);
});

describe("a record counts itself", () => {
  test.each([1, 4, 5, 93, 94, 95, 96, 990, 991, 992, 993])("with %d bytes", (count) => {
    const records = new PaxRecords();
    records.add("a", "x".repeat(count));
    const text = textOf(records.joined());
    expect(Number.parseInt(text, 10)).toBe(text.length);
    expect(text).toEndWith(` a=${"x".repeat(count)}\n`);
  });
});

test("a name that is not UTF-8 says so once", () => {
  const records = new PaxRecords();
  records.addName("path", Uint8Array.of(0x61, 0xff));
  records.addName("linkpath", Uint8Array.of(0xfe));
  expect(Buffer.from(records.joined()).toString("latin1")).toBe(
    "21 hdrcharset=BINARY\n11 path=a\xff\n14 linkpath=\xfe\n",
  );
});

test("attributes are raw, and what would end the key is escaped", () => {
  const records = new PaxRecords();
  const attributes = [{ name: utf8("user.a=b%"), value: Uint8Array.of(0, 10, 255) }];
  addAttributes(records, { ...fileNamed("a"), attributes });
  expect(Buffer.from(records.joined()).toString("latin1")).toBe(
    "34 SCHILY.xattr.user.a%3Db%25=\0\n\xff\n",
  );
});

const OWNER = [1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff];
const NAMED = [2, 0, 4, 0, 0xe8, 3, 0, 0];
const OTHER = [0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];

test("a list of access becomes text", () => {
  const list = Uint8Array.of(2, 0, 0, 0, ...OWNER, ...NAMED, ...OTHER);
  expect(aclText(list)).toBe("user::rw-,user:1000:r--,other::---");
});

test.each([
  ["cut off", [2, 0, 0, 0, ...OWNER.slice(1)]],
  ["of another version", [3, 0, 0, 0, ...OWNER]],
  ["with an unknown tag", [2, 0, 0, 0, 3, ...OWNER.slice(1)]],
  ["empty", []],
])("a list that is %s is none", (_, bytes) => {
  expect(aclText(Uint8Array.from(bytes))).toBeUndefined();
});
