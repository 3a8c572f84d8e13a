// Listing: pages, order, tokens, delimiters, and versions with their markers (docs/b2.md A3, A9).

import { expect, test } from "bun:test";

import { withSeed } from "../support/random.ts";
import type { Reply } from "./client.ts";
import { BUCKET, type Fixture, openFixture, textOf, textsOf } from "./fixture.ts";
import { compareNames } from "./state.ts";

const list = ({ ask }: Fixture, query: string): Promise<Reply> =>
  ask({ path: `/${BUCKET}`, query });

function plantAll({ b2 }: Fixture, keys: readonly string[]): void {
  for (const key of keys) b2.plant(BUCKET, key, key);
}

test("names are ordered by their UTF-8 bytes, not by JavaScript's units", async () => {
  await using fixture = await openFixture();
  const keys = ["a", "Z", "\uff5e", "\u{1f600}", "ä", "a/b", "a.b", "a b", "\ud7ff", "b"];
  plantAll(fixture, keys);
  const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(byBytes).not.toEqual(keys.toSorted());
  expect(textsOf(await list(fixture, "list-type=2"), "Key")).toEqual(byBytes);
});

test("the order of any names is that of their bytes", async () => {
  await withSeed((random) => {
    const pool = ["a", "/", "ä", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{1f600}"];
    const name = () => Array.from({ length: random.int(5) }, () => pool[random.int(8)]).join("");
    for (let i = 0; i < 2000; i++) {
      const [a, b] = [name(), name()];
      const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(Math.sign(compareNames(a, b))).toBe(expected);
    }
  });
});

test.each([
  ["list-type=2", "NextContinuationToken", "continuation-token"],
  ["delimiter=!", "NextMarker", "marker"],
])("pages with %s have all names once", async (query, field, parameter) => {
  await using fixture = await openFixture();
  const keys = Array.from({ length: 25 }, (_, i) => `k${String(i).padStart(2, "0")}`);
  plantAll(fixture, keys);
  const found: string[] = [];
  let next: string | undefined;
  let pageCount = 0;
  do {
    const from = next === undefined ? "" : `&${parameter}=${encodeURIComponent(next)}`;
    const page = await list(fixture, `${query.replace("!", "%21")}${from}&max-keys=10`);
    found.push(...textsOf(page, "Key"));
    next = textOf(page, field);
    expect(textOf(page, "IsTruncated")).toBe(String(next !== undefined));
    pageCount++;
  } while (next !== undefined);
  expect([found, pageCount]).toEqual([keys, 3]);
});

test("a page has at most 1,000 names, whatever is asked", async () => {
  await using fixture = await openFixture();
  const keys = Array.from({ length: 1001 }, (_, i) => `k${String(i).padStart(4, "0")}`);
  plantAll(fixture, keys);
  for (const query of ["list-type=2&max-keys=5000", "max-keys=5000", "versions=&max-keys=5000"]) {
    const page = await list(fixture, query);
    expect(textsOf(page, "Key")).toHaveLength(1000);
    expect(textOf(page, "IsTruncated")).toBe("true");
    expect(textOf(page, "MaxKeys")).toBe("1000");
  }
});

test("tokens are opaque: others are refused", async () => {
  await using fixture = await openFixture();
  plantAll(fixture, ["a", "b"]);
  const page = await list(fixture, "list-type=2&max-keys=1");
  expect(textOf(page, "NextContinuationToken")).not.toContain("a");
  for (const token of ["a", "", "Yg%3D%3D"]) {
    const reply = await list(fixture, `list-type=2&continuation-token=${token}`);
    expect([reply.status, reply.code]).toEqual([400, "InvalidArgument"]);
  }
});

test("a page that ends goes on where it ended, whatever happened since", async () => {
  await using fixture = await openFixture();
  plantAll(fixture, ["a", "b", "d"]);
  const page = await list(fixture, "list-type=2&max-keys=2");
  fixture.b2.lose(BUCKET, "b");
  plantAll(fixture, ["c", "aa"]);
  const token = encodeURIComponent(textOf(page, "NextContinuationToken")!);
  const rest = await list(fixture, `list-type=2&continuation-token=${token}`);
  expect(textsOf(rest, "Key")).toEqual(["c", "d"]);
});

test("prefix, start-after and marker", async () => {
  await using fixture = await openFixture();
  plantAll(fixture, ["a", "b/1", "b/2", "b/3", "c"]);
  const keys = async (query: string) => textsOf(await list(fixture, query), "Key");
  expect(await keys("list-type=2&prefix=b%2F")).toEqual(["b/1", "b/2", "b/3"]);
  expect(await keys("list-type=2&prefix=b%2F&start-after=b%2F1")).toEqual(["b/2", "b/3"]);
  expect(await keys("list-type=2&start-after=b%2F2")).toEqual(["b/3", "c"]);
  expect(await keys("marker=b%2F2")).toEqual(["b/3", "c"]);
  expect(await keys("list-type=2&prefix=z")).toEqual([]);
});

test("a delimiter folds names, and folded ones count", async () => {
  await using fixture = await openFixture();
  plantAll(fixture, ["a", "b/1", "b/2", "b/c/3", "d/4", "e"]);
  const whole = await list(fixture, "list-type=2&delimiter=%2F");
  expect(textsOf(whole, "Key")).toEqual(["a", "e"]);
  expect(textsOf(whole, "Prefix")).toEqual(["b/", "d/", ""]);
  expect(textOf(whole, "KeyCount")).toBe("4");
  const found: string[] = [];
  let token = "";
  do {
    const page = await list(fixture, `list-type=2&delimiter=%2F&max-keys=1${token}`);
    found.push(...textsOf(page, "Key"), ...textsOf(page, "Prefix").filter((one) => one !== ""));
    const next = textOf(page, "NextContinuationToken");
    token = next === undefined ? "" : `&continuation-token=${encodeURIComponent(next)}`;
  } while (token !== "");
  expect(found).toEqual(["a", "b/", "d/", "e"]);
  const deeper = await list(fixture, "list-type=2&delimiter=%2F&prefix=b%2F");
  expect(textsOf(deeper, "Prefix")).toEqual(["b/c/", "b/"]);
});

test("names that XML can't carry come with encoding-type=url", async () => {
  await using fixture = await openFixture();
  const keys = ["a\u0001b", "line\nend", "x&y <z> +%20/ä"];
  plantAll(fixture, keys);
  const encoded = await list(fixture, "list-type=2&encoding-type=url");
  expect(textOf(encoded, "EncodingType")).toBe("url");
  expect(textsOf(encoded, "Key").map(decodeURIComponent)).toEqual(keys);
  expect(textsOf(encoded, "Key").join("")).not.toMatch(/[+ &<]/);
  expect((await list(fixture, "encoding-type=base64")).code).toBe("InvalidArgument");
});

test("hidden names are in the list of versions alone", async () => {
  await using fixture = await openFixture();
  const { b2 } = fixture;
  plantAll(fixture, ["a", "b"]);
  b2.plant(BUCKET, "a", "newer");
  await fixture.ask({ method: "DELETE", path: `/${BUCKET}/b` });
  expect(textsOf(await list(fixture, "list-type=2"), "Key")).toEqual(["a"]);
  const versions = await list(fixture, "versions=");
  expect(textsOf(versions, "VersionId").sort()).toEqual(
    [...b2.versionsOf(BUCKET, "a"), ...b2.versionsOf(BUCKET, "b")]
      .map((one) => one.versionId)
      .sort(),
  );
  // Markers first; of each name the newest is the latest.
  expect(textsOf(versions, "Key")).toEqual(["b", "a", "a", "b"]);
  expect(textsOf(versions, "IsLatest")).toEqual(["true", "true", "false", "false"]);
  expect(textsOf(versions, "Size")).toEqual(["5", "1", "1"]);
  b2.account.markersFirst = false;
  expect(textsOf(await list(fixture, "versions="), "Key")).toEqual(["a", "a", "b", "b"]);
});

test.each([1, 2, 3])("versions come %i a page, each once, newest first", async (pageCount) => {
  await using fixture = await openFixture();
  const { b2 } = fixture;
  b2.account.markersFirst = false;
  const planted = ["a", "a", "b", "a", "c", "b"].map((key) => [key, b2.plant(BUCKET, key, "x")]);
  planted.push(["c", b2.plant(BUCKET, "c", "", { marker: true })]);
  const expected = ["a", "b", "c"].flatMap((key) =>
    planted.filter(([name]) => name === key).reverse(),
  );
  const found: string[][] = [];
  let from = "";
  do {
    const page = await list(fixture, `versions=&max-keys=${pageCount}${from}`);
    const ids = textsOf(page, "VersionId");
    textsOf(page, "Key").forEach((key, i) => found.push([key, ids[i]!]));
    const key = textOf(page, "NextKeyMarker");
    const id = textOf(page, "NextVersionIdMarker");
    from = key === undefined ? "" : `&key-marker=${key}&version-id-marker=${id}`;
  } while (from !== "");
  expect(found).toEqual(expected as string[][]);
});

test("a key marker alone starts behind all versions of its name", async () => {
  await using fixture = await openFixture();
  plantAll(fixture, ["a", "a", "b"]);
  expect(textsOf(await list(fixture, "versions=&key-marker=a"), "Key")).toEqual(["b"]);
  const wrong = await list(fixture, "versions=&key-marker=a&version-id-marker=x");
  expect(wrong.code).toBe("InvalidArgument");
});

test("a version that went while it was the marker loses nothing", async () => {
  await using fixture = await openFixture();
  const { b2 } = fixture;
  plantAll(fixture, ["a", "a", "a"]);
  const page = await list(fixture, "versions=&max-keys=2");
  const marker = textOf(page, "NextVersionIdMarker")!;
  b2.lose(BUCKET, "a", marker);
  const rest = await list(fixture, `versions=&key-marker=a&version-id-marker=${marker}`);
  const oldest = b2.versionsOf(BUCKET, "a").at(-1)!.versionId;
  expect(textsOf(rest, "VersionId")).toEqual([oldest]);
});

test("versions are folded too, each folder once over all pages", async () => {
  await using fixture = await openFixture();
  plantAll(fixture, ["a", "b/1", "b/1", "b/2", "c/1", "d"]);
  const found: string[] = [];
  let from = "";
  do {
    const page = await list(fixture, `versions=&delimiter=%2F&max-keys=1${from}`);
    found.push(...textsOf(page, "Key"), ...textsOf(page, "Prefix").filter((one) => one !== ""));
    const key = textOf(page, "NextKeyMarker");
    const id = textOf(page, "NextVersionIdMarker");
    from = key === undefined ? "" : `&key-marker=${encodeURIComponent(key)}`;
    if (id !== undefined) from += `&version-id-marker=${id}`;
  } while (from !== "");
  expect(found).toEqual(["a", "b/", "c/", "d"]);
});
