// The vectors of what has no seal of its own: CBOR, trees, bundles, key files, segments' sections.

import { type Bytes, concatBytes, storeU32, utf8 } from "../../src/base/bytes.ts";
import {
  type Bundle,
  type KeeperBundle,
  encodeBundle,
  formatKeyFile,
} from "../../src/format/bundle.ts";
import { type Cbor, type CborMap, encodeCbor } from "../../src/format/cbor-encoder.ts";
import { encodeSegmentBody } from "../../src/format/records.ts";
import { buildSegmentBody, type SegmentPack } from "../../src/format/segment.ts";
import { encodeContentList, encodeTreePage, encodeTreePages } from "../../src/format/tree.ts";
import { encodeKeyText } from "../../src/crypto/text.ts";
import { id, keeper, owner, run, secret, writer } from "../format/fixture.ts";
import { allTypes } from "../format/samples.ts";
import type { Expectation, Vector } from "./vector.ts";

type Row = readonly [comment: string, bytes: Bytes | string];

function rows(kind: string, expect: Expectation, list: readonly Row[]): readonly Vector[] {
  return list.map(([comment, bytes]) => ({
    kind,
    expect,
    comment,
    bytes: typeof bytes === "string" ? Uint8Array.fromHex(bytes.replaceAll(" ", "")) : bytes,
  }));
}

export function plainVectors(): readonly Vector[] {
  return [
    ...cborVectors(),
    ...treeVectors(),
    ...bundleVectors(),
    ...keyVectors(),
    ...bodyVectors(),
  ];
}

function cborVectors(): readonly Vector[] {
  return [
    ...rows("cbor", "ok", [
      [
        "integers of every length, up to 53 bits",
        "86 17 1818 190100 1a00010000 1b001fffffffffffff 3b001ffffffffffffe",
      ],
      ["keys: 1, 24, 256, then -1 and -25", "a5 01 01 1818 02 190100 03 20 04 3818 05"],
      ["arrays nested 16 deep", `${"81".repeat(16)} 00`],
      ["a text with two, three and four bytes a character", "69 c3a9 e282ac f09f9882"],
    ]),
    ...rows("cbor", "corrupt", [
      ["a float", "f93c00"],
      ["null", "f6"],
      ["undefined", "f7"],
      ["false", "f4"],
      ["a tag", "c000"],
      ["an array of indefinite length", "9f00ff"],
      ["a byte string of indefinite length", "5f4100ff"],
      ["23 in two bytes", "1817"],
      ["a length in more bytes than it needs", "580100"],
      ["an integer of 54 bits", "1b0020000000000000"],
      ["a negative integer of 54 bits", "3b001fffffffffffff"],
      ["keys that are not sorted", "a2 02 00 01 00"],
      ["a negative key before an unsigned one", "a2 20 00 01 00"],
      ["a key twice", "a2 01 00 01 00"],
      ["a text as a key", "a1 6161 00"],
      ["bad UTF-8", "62 c328"],
      ["a surrogate in UTF-8", "63 eda080"],
      ["arrays nested 17 deep", `${"81".repeat(17)} 00`],
      ["a byte left over", "0000"],
      ["nothing at all", ""],
      ["a byte string that is cut off", "4200"],
      ["an array of four thousand million members", "9affffffff"],
      ["a map without its last value", "a1 01"],
      ["a reserved length", "1c00"],
    ]),
  ];
}

function entryWith(changes: readonly (readonly [number, Cbor | undefined])[]): CborMap {
  const base: [number, Cbor][] = [
    [0, utf8("a")],
    [1, 1],
    [2, 0o644],
    [3, 1000],
    [4, 1000],
    [7, 0],
  ];
  const map = new Map<number, Cbor>(base);
  for (const [key, value] of changes) {
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }
  return map;
}

function pageWith(...entries: readonly CborMap[]): Bytes {
  return encodeCbor([0, entries]);
}

function treeVectors(): readonly Vector[] {
  const named = (name: Bytes) => entryWith([[0, name]]);
  const bad = (comment: string, ...changes: (readonly [number, Cbor | undefined])[]): Row => [
    comment,
    pageWith(entryWith(changes)),
  ];
  return [
    ...rows("tree", "ok", [
      ["entries of all types", encodeTreePage(allTypes())],
      ["no entries", encodeTreePage([])],
      ["a key that this version does not know", pageWith(entryWith([[28, "later"]]))],
      [
        "pages",
        encodeTreePages([
          { firstName: utf8("a"), id: id(1) },
          { firstName: utf8("b"), id: id(2) },
        ]),
      ],
      ["ids of chunks", encodeContentList("ids", [id(2), id(1), id(2)])],
      ["ids of content lists", encodeContentList("lists", [id(2), id(1)])],
    ]),
    ...rows("tree", "unsupported-version", [
      ["a form that this version does not know", encodeCbor([4, []])],
      ["an entry with a key below 0", pageWith(entryWith([[-1, 1]]))],
    ]),
    ...rows("tree", "corrupt", [
      ["entries that are not sorted", pageWith(named(utf8("b")), named(utf8("a")))],
      ["a name twice", pageWith(named(utf8("a")), named(utf8("a")))],
      bad("an empty name", [0, utf8("")]),
      bad("a name of one dot", [0, utf8(".")]),
      bad("a name of two dots", [0, utf8("..")]),
      bad("a slash in a name", [0, utf8("a/b")]),
      bad("a NUL in a name", [0, utf8("a\0")]),
      bad("a name of 4,097 bytes", [0, run(4097, 1).map((byte) => byte | 64)]),
      bad("a name that is a text", [0, "a"]),
      bad("no name", [0, undefined]),
      bad("type 9", [1, 9]),
      bad("mode 4,096", [2, 4096]),
      bad("a user id below 0", [3, -1]),
      bad("no time of modification", [7, undefined]),
      bad("nanoseconds that are 0", [8, 0]),
      bad("a thousand million nanoseconds", [8, 1e9]),
      bad("a size that is 0", [9, 0]),
      bad("a file that points somewhere", [10, utf8("b")]),
      bad("a link that points nowhere", [1, 3]),
      bad("a hard-link group of 0", [11, 0]),
      bad("a device without numbers", [1, 6]),
      bad("a device with three numbers", [1, 6], [12, [1, 2, 3]]),
      bad("a folder with a size", [1, 2], [9, 1]),
      bad("a folder with two trees", [1, 2], [15, concatBytes(id(1), id(2))]),
      bad("a socket with content", [1, 5], [15, id(1)]),
      bad("attributes that are not sorted", [
        13,
        [
          [utf8("b"), utf8("")],
          [utf8("a"), utf8("")],
        ],
      ]),
      bad("no attributes at all", [13, []]),
      bad(
        "holes that touch",
        [9, 10],
        [
          14,
          [
            [0, 2],
            [2, 2],
          ],
        ],
      ),
      bad("a hole beyond the end", [9, 10], [14, [[0, 11]]]),
      bad("a hole of nothing", [9, 10], [14, [[0, 0]]]),
      bad("content and content lists", [9, 1], [15, id(1)], [16, id(1)]),
      bad("33 bytes of content ids", [9, 1], [15, run(33)]),
      bad("content ids of no bytes", [15, utf8("")]),
      bad("unstable as a number", [17, 1]),
      bad("a file with a key in a bucket", [18, utf8("k")]),
      bad("an object without a key", [1, 8]),
      bad(
        "an object whose tags are not sorted",
        [1, 8],
        [18, utf8("k")],
        [
          27,
          [
            ["b", ""],
            ["a", ""],
          ],
        ],
      ),
      bad("an object's lock of mode 3", [1, 8], [18, utf8("k")], [26, [3, 0, 0]]),
      [
        "pages that are not sorted",
        encodeCbor([
          1,
          [
            [utf8("b"), id(1)],
            [utf8("a"), id(2)],
          ],
        ]),
      ],
      ["no pages", encodeCbor([1, []])],
      ["a page with an id of 31 bytes", encodeCbor([1, [[utf8("a"), run(31)]]])],
      ["a list of no ids", encodeCbor([2, utf8("")])],
      ["a third member", encodeCbor([0, [], 0])],
      ["no array", encodeCbor(new Map())],
    ]),
  ];
}

const publicKeys = {
  agreementPublic: owner.agreementPublic,
  signingPublic: owner.signingPublic,
};
export const ownerBundle: Bundle = { role: "owner", secret, ...publicKeys };
export const writerBundle: Bundle = {
  role: "writer",
  ...publicKeys,
  dataIdKey: owner.dataIdKey,
  treeIdKey: owner.treeIdKey,
  cutKey: owner.cutKey,
  indexKey: owner.indexKey,
  signerSeed: writer.seed,
  label: "test writer",
};
export const keeperBundle: KeeperBundle = {
  role: "keeper",
  ...publicKeys,
  indexKey: owner.indexKey,
  signerSeed: keeper.seed,
  label: "test keeper",
};

function bundleVectors(): readonly Vector[] {
  const withoutKey = { ...keeperBundle, indexKey: new Uint8Array(31) };
  const otherSecret = { ...ownerBundle, secret: run(32, 1) };
  const labelled = (label: string): Bytes => encodeBundle({ ...keeperBundle, label });
  const greedy = new Map<number, Cbor>([
    [1, 3],
    [2, secret],
    [3, owner.agreementPublic],
    [4, owner.signingPublic],
    [8, owner.indexKey],
    [9, keeper.seed],
    [10, "test keeper"],
  ]);
  return [
    ...rows("bundle", "ok", [
      ["an owner's", encodeBundle(ownerBundle)],
      ["a writer's", encodeBundle(writerBundle)],
      ["a keeper's", encodeBundle(keeperBundle)],
    ]),
    ...rows("bundle", "corrupt", [
      ["an owner secret that does not derive the public keys", encodeBundle(otherSecret)],
      ["a key of 31 bytes", encodeBundle(withoutKey)],
      ["a keeper with the owner secret", encodeCbor(greedy)],
      ["an empty label", labelled("")],
      ["a label of 256 bytes", labelled("é".repeat(128))],
      ["role 4", encodeCbor(new Map([[1, 4]]))],
    ]),
    ...rows("bundle", "unsupported-version", [
      [
        "a key below 0",
        encodeCbor(
          new Map<number, Cbor>([
            [1, 1],
            [-1, 1],
          ]),
        ),
      ],
    ]),
  ];
}

function keyVectors(): readonly Vector[] {
  const text = formatKeyFile(writerBundle);
  const wrong = (comment: string, spoiled: string): Row => [comment, utf8(spoiled)];
  return [
    ...rows("key file", "ok", [
      ["a writer's", utf8(text)],
      [
        "an owner's, wrapped and in capitals",
        utf8(formatKeyFile(ownerBundle).toUpperCase().replace(/.{60}/g, "$&\n")),
      ],
    ]),
    ...rows("key file", "wrong-key", [
      wrong(
        "a letter changed",
        text.slice(0, -9) + (text.at(-9) === "q" ? "p" : "q") + text.slice(-8),
      ),
      wrong("the last letter is missing", text.slice(0, -1)),
      wrong("a writer's key that says keeper", encodeKeyText("keeper", encodeBundle(writerBundle))),
      wrong("no key at all", "hello"),
      wrong("nothing", ""),
    ]),
  ];
}

export function samplePacks(): readonly SegmentPack[] {
  const blob = (byte: number, storedBytes: number) =>
    ({ id: id(byte), storedBytes, plainBytes: storedBytes - 16, codec: 0 }) as const;
  return [
    { id: id(9), bytes: 20_000, md5: run(16), kind: "data", blobs: [blob(3, 116), blob(1, 216)] },
    {
      id: id(8),
      bytes: 30_000,
      md5: run(16, 1),
      kind: "tree",
      blobs: [blob(2, 316), blob(1, 416)],
    },
  ];
}

function bodyVectors(): readonly Vector[] {
  const good = encodeSegmentBody(buildSegmentBody(samplePacks()));
  const packs = 8;
  const blobs = packs + 2 * 56;
  const changed = (comment: string, at: number, value: number): Row => {
    const bytes = good.slice();
    storeU32(bytes, at, value);
    return [comment, bytes];
  };
  const swapped = (at: number): Bytes => {
    const [a, b] = [good.slice(at, at + 56), good.slice(at + 56, at + 112)];
    return concatBytes(good.subarray(0, at), b, a, good.subarray(at + 112));
  };
  return [
    ...rows("segment section", "ok", [
      ["two packs that share a blob", good],
      ["no packs", new Uint8Array(8)],
    ]),
    ...rows("segment section", "corrupt", [
      ["packs that are not sorted", swapped(packs)],
      ["blobs that are not sorted", swapped(blobs + 56)],
      ["a blob twice in one pack, by id and pack", swapped(blobs)],
      changed("a blob in a pack that is not there", blobs + 3 * 56 + 32, 2),
      changed("a blob that begins in the header", blobs + 40, 127),
      changed("a blob that ends beyond its pack", blobs + 40, 29_990),
      changed("a blob with ordinal 65,536", blobs + 36, 65_536),
      changed("a raw blob whose lengths do not fit", blobs + 48, 401),
      changed("a blob of codec 2", blobs + 52, 2),
      changed("a blob of no bytes", blobs + 48, 0),
      changed("a pack of 127 bytes", packs + 32, 127),
      changed("a pack of more than 64 MiB", packs + 32, 64 * 2 ** 20 + 1),
      changed("a pack that is a segment", packs + 52, 5),
      changed("a reserved byte that is not zero", packs + 52, 0x0103),
      changed("one blob more than there are", 4, 5),
      ["a byte left over", concatBytes(good, new Uint8Array(1))],
      ["seven bytes", new Uint8Array(7)],
    ]),
  ];
}
