// The key tree's values are the format's: pinned, computed by another library (Python's hmac and
// cryptography) from the same texts. And what a signature covers.

import { describe, expect, test } from "bun:test";
import { deriveOwnerKeys, deriveSigner, objectKey, storeIdOf } from "../../src/crypto/derive.ts";
import { SIGNATURE_BYTES, signedMessage } from "../../src/crypto/sign.ts";
import { type Bytes, utf8 } from "../../src/base/bytes.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { counting, faultOf, hex, platforms } from "./platforms.ts";

const secret = counting(32);

const OWNER_KEYS = {
  secret: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
  agreementPrivate: "c0fb6e19add366d8ffd5d13ec99075aa107d3ed36f4458ea208fe545368c6284",
  agreementPublic: "f22376f53dd818c14b3f8936dc279dd13d8ec62ada1d180128c52470e4cd0102",
  signingSeed: "590b6c9e7a09369d0fd527e5583cfea4b84e4972a032ba61113d003d89d0ba0d",
  signingPublic: "d310edef47f29cf637fded3ee8e9e0473201da2e9cc2733b99e6e76d4c6f21d0",
  storeId: "92a15419babd3dc3ad0cb67b1ab28c4e800feeb3126be8e4e3e1fd4ab7da507c",
  dataIdKey: "eaea6e87bf73d5e1ae1175046312dbf14ac5f25bb6c6f76623189152e038b6f9",
  treeIdKey: "6b13d635c6ec98e11af434eea37692795c3006bdfeee3fbfc2231ea810b61495",
  cutKey: "dd29d90c61ed5d61671a996497cdebe3b1d26557bcb553df353d1b5b81807dea",
  indexKey: "db547b7bbc8637eaf75c75f62b9bf896f8144c77ae81b8396fee625e6037eb5e",
};

describe.each(platforms)("derive on the %s platform", (_, platform) => {
  test("gives the owner's keys of format 1", async () => {
    const keys = await deriveOwnerKeys(platform, secret);
    const found = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, hex(key)]));
    expect(found).toEqual(OWNER_KEYS);
  });

  test("gives a machine's keys by role and label", async () => {
    const writer = await deriveSigner(platform, secret, "writer", "alpha");
    expect(hex(writer.seed)).toBe(
      "02ce8a6236e9a6a5c22622397be15459e36f9c5963c0300ed460dc7fa9203222",
    );
    expect(hex(writer.publicKey)).toBe(
      "d9b7a4779a10849020e96413374c8d012227f28e2e4f048aeaeb10c7f273b097",
    );
    const keeper = await deriveSigner(platform, secret, "keeper", "alpha");
    expect(hex(keeper.seed)).toBe(
      "e2d18e174546ecc1c72fb96ff9e513a27c78d5f31a0daa456228079013d8660c",
    );
  });

  test("gives each object its own key", async () => {
    const key = await objectKey(platform, counting(32), counting(32, 32), "segment 1");
    expect(hex(key)).toBe("b90a53fb033b17d5e6f100909a8bd6d167a341f00ef9c4449bded89d5a6c1435");
    const other = await objectKey(platform, counting(32), counting(32, 33), "segment 1");
    expect(hex(other)).not.toBe(hex(key));
  });
});

test("no two keys of the tree are equal", async () => {
  const keys = await deriveOwnerKeys(nativePlatform, secret);
  const signers = await Promise.all([
    deriveSigner(nativePlatform, secret, "writer", "a"),
    deriveSigner(nativePlatform, secret, "writer", "b"),
    deriveSigner(nativePlatform, secret, "keeper", "a"),
  ]);
  const all = [
    ...Object.values<Bytes>({ ...keys }),
    ...signers.flatMap(({ seed, publicKey }) => [seed, publicKey]),
  ];
  expect(new Set(all.map((key) => hex(key))).size).toBe(all.length);
});

test("the store id depends on each public key and their order", async () => {
  const [first, second] = [counting(32), counting(32, 100)];
  const id = hex(await storeIdOf(nativePlatform, first, second));
  expect(hex(await storeIdOf(nativePlatform, second, first))).not.toBe(id);
  expect(hex(await storeIdOf(nativePlatform, first, counting(32, 101)))).not.toBe(id);
});

test("labels and secrets of another form are faults of ours", async () => {
  for (const label of ["", "\ud800"]) {
    const fault = await faultOf(() => deriveSigner(nativePlatform, secret, "writer", label));
    expect(fault).toContain("well-formed");
  }
  expect(await faultOf(() => deriveOwnerKeys(nativePlatform, counting(31)))).toContain("32 bytes");
  expect(await faultOf(() => objectKey(nativePlatform, secret, counting(8), "x 1"))).toContain(
    "a salt has",
  );
});

test("a signed message is the prefix, the kind, the store and the bytes", () => {
  const message = signedMessage(5, counting(32), utf8("body"));
  const expected = `${hex(utf8("bunker/1"))}05${hex(counting(32))}${hex(utf8("body"))}`;
  expect(hex(message)).toBe(expected);
  expect(() => signedMessage(256, counting(32), utf8(""))).toThrow("one byte");
  expect(() => signedMessage(1, counting(31), utf8(""))).toThrow("32 bytes");
});

test("a signature has the length the format gives it", () => {
  expect(nativePlatform.sign(secret, utf8("")).length).toBe(SIGNATURE_BYTES);
});
