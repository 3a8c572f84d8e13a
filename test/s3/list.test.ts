// Listing: pages, encodings, and all the ways in which a list can be wrong.

import { describe, expect, test } from "bun:test";
import { utf8, compareBytes } from "../../src/base/bytes.ts";
import { compareKeys, KeyOrder } from "../../src/s3/key-order.ts";
import { listObjects, listPrefixes, listVersions } from "../../src/s3/list.ts";
import { failureFrom, FakeCaller, refusal, type Said, xml } from "./fake.ts";

const MD5 = "d41d8cd98f00b204e9800998ecf8427e";

function object(key: string, more = ""): string {
  return (
    `<Contents><Key>${key}</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>` +
    `<ETag>&quot;${MD5}&quot;</ETag><Size>17</Size>${more}</Contents>`
  );
}

function page(content: string, next?: string, encoded = true): Said {
  const end =
    next === undefined
      ? "<IsTruncated>false</IsTruncated>"
      : `<IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`;
  const encoding = encoded ? "<EncodingType>url</EncodingType>" : "";
  return { body: xml("ListBucketResult", `<Name>b</Name>${encoding}${end}${content}`) };
}

async function keysOf(caller: FakeCaller, prefix = "", options = {}): Promise<string[]> {
  return (await Array.fromAsync(listObjects(caller, prefix, options))).map(({ key }) => key);
}

describe("objects", () => {
  test("a page is asked for with all that it needs, and read", async () => {
    const caller = new FakeCaller([page(object("p/a", "<StorageClass>STANDARD</StorageClass>"))]);
    const found = await Array.fromAsync(
      listObjects(caller, "p/", { after: "p/A", delimiter: "/" }),
    );
    const modified = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    expect(found).toEqual([
      { key: "p/a", bytes: 17, etag: MD5, modified, storageClass: "STANDARD" },
    ]);
    expect(caller.calls[0]).toMatchObject({ operation: "ListObjects", method: "GET" });
    expect(caller.queries()).toEqual([
      {
        "list-type": "2",
        prefix: "p/",
        delimiter: "/",
        "start-after": "p/A",
        "encoding-type": "url",
        "max-keys": "1000",
      },
    ]);
  });

  test("pages follow each other by their tokens, which are given back as they are", async () => {
    const token = "1+/=%2B a&amp;b";
    const caller = new FakeCaller([
      page(object("a") + object("b"), token),
      page("", "2"),
      page(object("c")),
    ]);
    expect(await keysOf(caller, "", { after: "0" })).toEqual(["a", "b", "c"]);
    const tokens = caller.queries().map((query) => query["continuation-token"]);
    expect(tokens).toEqual([undefined, "1+/=%2B a&b", "2"]);
    expect(caller.queries()[1]!["start-after"]).toBeUndefined();
  });

  test("2,500 objects are three pages", async () => {
    const keys = Array.from({ length: 2500 }, (_, i) => `k${String(i).padStart(5, "0")}`);
    const caller = new FakeCaller(({ query }) => {
      const start = Number(query!["continuation-token"] ?? 0);
      const text = keys.slice(start, start + 1000).map((key) => object(key));
      return page(text.join(""), start + 1000 < keys.length ? String(start + 1000) : undefined);
    });
    expect(await keysOf(caller)).toEqual(keys);
    expect(caller.calls).toHaveLength(3);
  });

  test("nothing is an empty list", async () => {
    expect(await keysOf(new FakeCaller([page("")]))).toEqual([]);
  });

  test.each([
    ["a+b", "a b"],
    ["a%2Bb", "a+b"],
    ["a%20b", "a b"],
    ["100%25", "100%"],
    ["%252F", "%2F"],
    ["a%0Ab%0D", "a\nb\r"],
    ["%26lt%3B", "&lt;"],
    ["&lt;", "<"],
    ["a/b%2Fc", "a/b/c"],
    ["%C3%A4%F0%9F%98%80", "ä😀"],
    ["+a%20", " a "],
  ])("the encoded key %j is %j", async (written, key) => {
    expect(await keysOf(new FakeCaller([page(object(written!))]))).toEqual([key!]);
  });

  test.each([
    ["a+b", "a+b"],
    ["100%", "100%"],
    ["%2F", "%2F"],
    ["&lt;&amp;lt;&#10;&#xD;", "<&lt;\n\r"],
    ["0012", "0012"],
    [" a ", " a "],
  ])("where the service doesn't encode, %j is %j", async (written, key) => {
    expect(await keysOf(new FakeCaller([page(object(written), undefined, false)]))).toEqual([key]);
  });

  test("keys come in the order of their bytes, also beyond U+FFFF", async () => {
    const keys = ["a", "a!", "a/b", "aa", "\u{e000}", "\u{fffd}", "\u{1f600}", "\u{1f601}"];
    const text = keys.map((key) => object(encodeURIComponent(key))).join("");
    expect(await keysOf(new FakeCaller([page(text)]))).toEqual(keys);
  });

  test.each([
    ["out of order", page(object("b") + object("a"))],
    ["twice", page(object("a") + object("a"))],
    ["surrogates as UTF-16 sorts them", page(object("%F0%9F%98%80") + object("%EE%80%80"))],
  ])("keys %s fail the listing", async (_, said) => {
    const error = await failureFrom(keysOf(new FakeCaller([said])));
    expect(error.code).toBe("unavailable");
    expect(error.message).toContain("bucket fake at 127.0.0.1");
  });

  test("a service that ignores what was asked for is noticed", async () => {
    const said = new FakeCaller([page(object("a") + object("p/b"))]);
    expect((await failureFrom(keysOf(said, "p/"))).message).toContain('under "p/"');
    const ignoresAfter = new FakeCaller([page(object("a") + object("b"))]);
    await failureFrom(keysOf(ignoresAfter, "", { after: "a" }));
    const ignoresToken = new FakeCaller([page(object("a"), "1"), page(object("a"), "2")]);
    await failureFrom(keysOf(ignoresToken));
  });

  test("tokens that lead nowhere fail the listing", async () => {
    const same = new FakeCaller([page("", "1")]);
    expect((await failureFrom(keysOf(same))).message).toContain("nowhere");
    expect(same.calls).toHaveLength(2);
    const empty = new FakeCaller((_, index) => page("", String(index)));
    expect((await failureFrom(keysOf(empty))).message).toContain("nowhere");
    expect(empty.calls.length).toBeLessThan(1100);
    const two = new FakeCaller((_, index) => page(object(`k${index % 2}`), String(index % 2)));
    await failureFrom(keysOf(two));
    expect(two.calls).toHaveLength(3);
  });

  const whole = page(object("a") + object("b")).body as string;
  const broken: [string, Said][] = [
    ["cut in the middle", { body: whole.slice(0, whole.length / 2) }],
    ["cut between two objects", { body: whole.slice(0, whole.indexOf("</Contents>") + 11) }],
    ["cut before its end", { body: whole.slice(0, -1) }],
    ["empty", { body: "" }],
    ["a page of a proxy", { body: "<html><body>login</body></html>" }],
    ["an error", { body: refusal(200, "InternalError").body! }],
    ["without a key", page(object("").replace("<Key></Key>", ""))],
    ["with an empty key", page(object(""))],
    ["without a length", page(object("a").replace("<Size>17</Size>", ""))],
    ["with a negative length", page(object("a").replace("17", "-1"))],
    ["without a time", page(object("a").replace(/<LastM.*LastModified>/, ""))],
    ["with a strange time", page(object("a").replace("2026-", "26-"))],
    ["without an end", { body: whole.replace("<IsTruncated>false</IsTruncated>", "") }],
    ["truncated, without a token", { body: whole.replace(">false<", ">true<") }],
    ["badly encoded", page(object("a%ZZ"))],
    ["encoded, not UTF-8", page(object("%FF"))],
  ];

  test.each(broken)("a page that is %s is asked for again", async (_, said) => {
    const caller = new FakeCaller([page(object("0"), "t"), said, said, page(object("z"))]);
    expect(await keysOf(caller)).toEqual(["0", "z"]);
    expect(caller.queries().map((query) => query["continuation-token"])).toEqual([
      undefined,
      "t",
      "t",
      "t",
    ]);
  });

  test.each(broken)("a page that stays %s fails the listing", async (_, said) => {
    const caller = new FakeCaller([page(object("0"), "t"), said]);
    expect((await failureFrom(keysOf(caller))).code).toBe("unavailable");
    expect(caller.calls).toHaveLength(4);
  });

  test("a page that is refused fails the listing", async () => {
    const caller = new FakeCaller([page(object("0"), "t"), refusal(403, "AccessDenied")]);
    expect((await failureFrom(keysOf(caller))).code).toBe("denied");
    const gone = new FakeCaller([page(object("0"), "t"), refusal(404, "NoSuchBucket")]);
    expect((await failureFrom(keysOf(gone))).code).toBe("no-store");
  });

  test("a missing ETag is none", async () => {
    const bare = object("a").replace(/<ETag>.*<\/ETag>/, "");
    const [found] = await Array.fromAsync(listObjects(new FakeCaller([page(bare)]), ""));
    expect(found).toMatchObject({ key: "a", etag: "" });
  });

  test("stops by its signal, between pages too", async () => {
    const stop = new AbortController();
    const caller = new FakeCaller([page(object("a"), "1"), page(object("b"))]);
    const listing = listObjects(caller, "", { signal: stop.signal });
    const rest = (async () => {
      for await (const _ of listing) stop.abort();
    })();
    expect(rest).rejects.toThrow();
    await rest.catch(() => undefined);
    expect(caller.calls).toHaveLength(1);
  });

  test("folders are listed apart from objects", async () => {
    const folders = ["p/a%2B/", "p/b/"].map(
      (prefix) => `<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`,
    );
    const said = [page(object("p/0") + folders[0], "1"), page(object("p/z") + folders[1])];
    const prefixes = listPrefixes(new FakeCaller(said), "p/", { delimiter: "/" });
    expect(await Array.fromAsync(prefixes)).toEqual(["p/a+/", "p/b/"]);
    expect(await keysOf(new FakeCaller(said), "p/", { delimiter: "/" })).toEqual(["p/0", "p/z"]);
    const twice = new FakeCaller([page(folders[0]!, "1"), page(folders[0]!)]);
    await failureFrom(Array.fromAsync(listPrefixes(twice, "p/", { delimiter: "/" })));
  });
});

interface Entry {
  readonly key: string;
  readonly id: string;
  readonly second?: number;
  readonly latest?: boolean;
  readonly hidden?: boolean;
}

function entry({ key, id, second = 0, latest = false, hidden = false }: Entry): string {
  const name = hidden ? "DeleteMarker" : "Version";
  const content = hidden ? "" : `<ETag>"${MD5}"</ETag><Size>17</Size>`;
  const time = `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;
  return (
    `<${name}><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>${latest}</IsLatest>` +
    `<LastModified>${time}</LastModified>${content}</${name}>`
  );
}

function versionPage(entries: readonly Entry[], next = "", encoded = true): Said {
  const end = `<IsTruncated>${next !== ""}</IsTruncated>${next}`;
  const encoding = encoded ? "<EncodingType>url</EncodingType>" : "";
  return { body: xml("ListVersionsResult", encoding + end + entries.map(entry).join("")) };
}

function nextMarkers(key: string, id?: string): string {
  const version = id === undefined ? "" : `<NextVersionIdMarker>${id}</NextVersionIdMarker>`;
  return `<NextKeyMarker>${key}</NextKeyMarker>${version}`;
}

async function idsOf(caller: FakeCaller, prefix = ""): Promise<string[]> {
  const found = await Array.fromAsync(listVersions(caller, prefix));
  return found.map(({ key, versionId }) => `${key}@${versionId}`);
}

describe("versions", () => {
  test("versions and delete markers are read as they stand", async () => {
    const caller = new FakeCaller([
      versionPage([
        { key: "a", id: "3", second: 3, latest: true, hidden: true },
        { key: "a", id: "2", second: 2 },
        { key: "a", id: "1", second: 1, hidden: true },
        { key: "b", id: "null", latest: true },
      ]),
    ]);
    const found = await Array.fromAsync(listVersions(caller, ""));
    const at = (second: number): number => Date.UTC(2026, 0, 1, 0, 0, second);
    expect(found).toEqual([
      { key: "a", versionId: "3", bytes: 0, etag: "", modified: at(3), latest: true, hidden: true },
      {
        key: "a",
        versionId: "2",
        bytes: 17,
        etag: MD5,
        modified: at(2),
        latest: false,
        hidden: false,
      },
      {
        key: "a",
        versionId: "1",
        bytes: 0,
        etag: "",
        modified: at(1),
        latest: false,
        hidden: true,
      },
      {
        key: "b",
        versionId: "null",
        bytes: 17,
        etag: MD5,
        modified: at(0),
        latest: true,
        hidden: false,
      },
    ]);
    expect(caller.queries()).toEqual([
      { versions: "", prefix: "", "encoding-type": "url", "max-keys": "1000" },
    ]);
  });

  test("pages follow each other by both markers, in the middle of a key too", async () => {
    const caller = new FakeCaller([
      versionPage([{ key: "a%2B", id: "2" }], nextMarkers("a%2B", "2")),
      versionPage([{ key: "a%2B", id: "1" }], nextMarkers("b")),
      versionPage([{ key: "c", id: "1" }]),
    ]);
    expect(await idsOf(caller, "")).toEqual(["a+@2", "a+@1", "c@1"]);
    const [, second, third] = caller.queries();
    expect(second).toMatchObject({ "key-marker": "a+", "version-id-marker": "2" });
    expect(third).toMatchObject({ "key-marker": "b" });
    expect(third).not.toHaveProperty("version-id-marker");
  });

  test("what a page ended with is told once, where the next begins with it (versitygw)", async () => {
    const caller = new FakeCaller([
      versionPage([{ key: "a", id: "2" }], nextMarkers("a", "2")),
      versionPage(
        [
          { key: "a", id: "2" },
          { key: "a", id: "1" },
        ],
        nextMarkers("a", "1"),
      ),
      versionPage([{ key: "a", id: "1" }]),
    ]);
    expect(await idsOf(caller)).toEqual(["a@2", "a@1"]);
    const older = new FakeCaller([
      versionPage([{ key: "a", id: "2" }], nextMarkers("a", "2")),
      versionPage([{ key: "a", id: "1" }], nextMarkers("a", "1")),
      versionPage([{ key: "a", id: "2" }]),
    ]);
    await failureFrom(idsOf(older));
  });

  test("a key to list after is not listed, whether the service begins with it or not", async () => {
    const caller = new FakeCaller([
      versionPage(
        [
          { key: "a%2B", id: "2" },
          { key: "a%2B", id: "1" },
        ],
        nextMarkers("b"),
      ),
      versionPage([{ key: "b", id: "1" }]),
    ]);
    const found = await Array.fromAsync(listVersions(caller, "", { after: "a+" }));
    expect(found.map(({ key }) => key)).toEqual(["b"]);
    expect(caller.queries()[0]).toMatchObject({ "key-marker": "a+" });
    expect(caller.queries()[0]).not.toHaveProperty("version-id-marker");
  });

  test("a marker that is not encoded among encoded keys is the last key (radosgw)", async () => {
    const caller = new FakeCaller([
      versionPage([{ key: "a%2Bb%2520", id: "2" }], nextMarkers("a+b%20", "2")),
      versionPage([]),
    ]);
    await idsOf(caller);
    expect(caller.queries()[1]).toMatchObject({ "key-marker": "a+b%20" });
  });

  test("where all markers come before all versions, they are merged (versitygw)", async () => {
    const entries: Entry[] = [
      { key: "a", id: "4", second: 4, latest: true, hidden: true },
      { key: "b", id: "2", second: 2, hidden: true },
      { key: "d", id: "1", second: 1, latest: true, hidden: true },
      { key: "a", id: "3", second: 3 },
      { key: "b", id: "3", second: 3, latest: true },
      { key: "b", id: "1", second: 1 },
      { key: "c", id: "1", second: 1, latest: true },
    ];
    const order = ["a@4", "a@3", "b@3", "b@2", "b@1", "c@1", "d@1"];
    expect(await idsOf(new FakeCaller([versionPage(entries)]))).toEqual(order);
    const turned = [...entries.slice(3), ...entries.slice(0, 3)];
    expect(await idsOf(new FakeCaller([versionPage(turned)]))).toEqual(order);
  });

  test("of two from the same second the latest is the first", async () => {
    const entries: Entry[] = [
      { key: "a", id: "1" },
      { key: "a", id: "2", latest: true, hidden: true },
    ];
    expect(await idsOf(new FakeCaller([versionPage(entries)]))).toEqual(["a@2", "a@1"]);
  });

  test("where they are mixed, their order is the service's", async () => {
    // A multipart upload's time is that of its begin, so times may fall and rise.
    const entries: Entry[] = [
      { key: "a", id: "4", second: 1 },
      { key: "a", id: "3", second: 3, hidden: true },
      { key: "a", id: "2", second: 5 },
    ];
    expect(await idsOf(new FakeCaller([versionPage(entries)]))).toEqual(["a@4", "a@3", "a@2"]);
  });

  test.each<[string, Entry[]]>([
    [
      "keys out of order",
      [
        { key: "b", id: "1" },
        { key: "a", id: "1" },
      ],
    ],
    [
      "a version twice",
      [
        { key: "a", id: "1" },
        { key: "a", id: "1" },
      ],
    ],
    [
      "markers out of order",
      [
        { key: "b", id: "1", hidden: true },
        { key: "a", id: "1", hidden: true },
        { key: "c", id: "1" },
      ],
    ],
    [
      "versions out of order, after markers",
      [
        { key: "a", id: "1", hidden: true },
        { key: "c", id: "1" },
        { key: "b", id: "1" },
      ],
    ],
  ])("%s fail the listing", async (_, entries) => {
    expect((await failureFrom(idsOf(new FakeCaller([versionPage(entries)])))).code).toBe(
      "unavailable",
    );
  });

  test("markers that lead in a circle fail the listing", async () => {
    const one = versionPage([{ key: "a", id: "1" }], nextMarkers("a", "1"));
    await failureFrom(idsOf(new FakeCaller([one])));
    const two = versionPage([{ key: "a", id: "2" }], nextMarkers("a", "2"));
    const circle = new FakeCaller((_, index) => (index % 2 === 0 ? one : two));
    await failureFrom(idsOf(circle));
    expect(circle.calls).toHaveLength(3);
  });

  const good = versionPage([{ key: "a", id: "1" }]).body as string;
  test.each([
    ["truncated without a marker", good.replace(">false</IsT", ">true</IsT")],
    ["without a version id", good.replace("<VersionId>1</VersionId>", "")],
    ["without the latest", good.replace("<IsLatest>false</IsLatest>", "")],
    ["cut", good.slice(0, -30)],
    ["of another kind", page(object("a")).body as string],
  ])("a page that is %s fails the listing, after two more tries", async (_, body) => {
    const caller = new FakeCaller([{ body }]);
    expect((await failureFrom(idsOf(caller))).code).toBe("unavailable");
    expect(caller.calls).toHaveLength(3);
  });
});

describe("the order of keys", () => {
  test("is that of their UTF-8", () => {
    const units = ["", "a", "b", "\u{7f}", "\u{80}", "\u{7ff}", "\u{800}", "\u{d7ff}", "\u{e000}"];
    units.push("\u{ffff}", "\u{10000}", "\u{1f600}", "\u{10ffff}");
    const keys = units.flatMap((unit) => [unit, `${unit}a`, `x${unit}`, `${unit}\u{10000}`]);
    for (const a of keys)
      for (const b of keys)
        expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(compareBytes(utf8(a), utf8(b))));
  });

  test("versions of one key are checked without end", () => {
    const order = new KeyOrder("a list", "", undefined);
    for (let i = 0; i < 250_000; i++) order.add("a", String(i));
    expect(() => order.add("a", "249999")).toThrow("each once");
  });
});
