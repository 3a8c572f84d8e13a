// Packs: the core's layout is what the format says, and what a trailer must not say.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { storeU32, utf8 } from "../../src/base/bytes.ts";
import { encodeHeader, HEADER_BYTES } from "../../src/format/header.ts";
import {
  blobAssociated,
  blobNonce,
  decodePack,
  openBlob,
  openPackKey,
  sealPackKey,
  sealTrailer,
  trailerSalt,
} from "../../src/format/pack.ts";
import { CODEC_PADDING, padme } from "../../src/format/trailer.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { newCore } from "../core/instance.ts";
import {
  buildPack,
  type ForgedPack,
  id,
  idOf,
  keyed,
  keys,
  outcomeOf,
  platform,
  run,
} from "./fixture.ts";

const context = { platform, keys };

test("a Padmé length has zeros below, is no shorter, and at most 12 % longer", () => {
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 64 * 2 ** 20 }), (bytes) => {
      const length = padme(bytes);
      expect(length).toBeGreaterThanOrEqual(bytes);
      expect(length).toBeLessThan(bytes * 1.12);
      expect(padme(length)).toBe(length);
      const exponent = Math.floor(Math.log2(length));
      const kept = Math.floor(Math.log2(exponent)) + 1;
      expect(length % 2 ** (exponent - kept)).toBe(0);
    }),
  );
});

test("a pack that the core laid out is read", async () => {
  const builder = newCore().pack;
  const packKey = platform.random(32);
  const plains = [utf8("first"), run(200_000), utf8("third ".repeat(1000))];
  builder.begin(new Uint8Array(HEADER_BYTES), new Uint8Array(80));
  const put = async (blobId: Uint8Array, plain: Uint8Array, content: Uint8Array, codec: number) => {
    const associated = blobAssociated("data", blobId);
    const nonce = blobNonce(builder.count);
    const sealed = await platform.sealGcm(packKey, nonce, associated, content);
    builder.append(blobId, sealed.length, plain.length, codec).set(sealed);
  };
  for (const [i, plain] of plains.entries()) {
    const codec = i === 2 ? 1 : 0;
    const content = codec === 1 ? nativePlatform.compress(plain, 3) : plain;
    await put(Uint8Array.from(idOf("data", plain)), plain, content, codec);
  }
  const zeros = new Uint8Array(builder.paddingBytes());
  await put(id(0), zeros, zeros, CODEC_PADDING);
  const trailer = builder.trailer();
  const salt = trailerSalt(keyed, keys.indexKey, platform.random(32), trailer);
  const header = encodeHeader({ kind: "data", salt });
  const bytes = Uint8Array.from(builder.finish(await sealTrailer(context, header, trailer)));
  bytes.set(header);
  bytes.set(await sealPackKey(keys, header, packKey), HEADER_BYTES);

  const pack = await decodePack(context, bytes);
  expect(await openPackKey(context, pack.header, pack.sealedKey)).toEqual(packKey);
  expect(pack.blobs.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2]);
  for (const [i, blob] of pack.blobs.entries()) {
    const sealed = bytes.subarray(blob.offset, blob.offset + blob.storedBytes);
    const opened = await openBlob(platform, { ...blob, packKey, kind: "data" }, sealed, idOf);
    expect(opened).toEqual(plains[i]!);
  }
});

describe("a trailer is refused", () => {
  const blobs = [{ plain: utf8("short") }];
  const spoiled = (spoilTrailer: (plain: Uint8Array) => void): ForgedPack => ({
    kind: "data",
    blobs,
    spoilTrailer,
  });
  const set = (at: number, value: number) =>
    spoiled((plain) => {
      storeU32(plain, at, value);
    });
  const second = 4 + 44;
  const wrong: Readonly<Record<string, ForgedPack>> = {
    "without any record": set(0, 0),
    "with more records than it has room for": set(0, 1000),
    "with more records than a pack may have": set(0, 65_537),
    "with raw lengths that do not fit": set(4 + 36, 6),
    "with a blob of no bytes": set(4 + 36, 0),
    "with a blob of more than 4 MiB": spoiled((plain) => {
      storeU32(plain, 4 + 36, 4 * 2 ** 20 + 1);
      storeU32(plain, 4 + 40, 1);
    }),
    "with a codec that nobody knows": set(4 + 40, 3),
    "with padding before the end": set(4 + 40, CODEC_PADDING),
    "without padding at the end": set(second + 40, 0),
    "with a padding's id that is not zero": set(second, 1),
    "with a padding whose lengths do not fit": set(second + 36, 1),
    "with bytes after the last record": set(second + 44, 1),
  };
  for (const [what, pack] of Object.entries(wrong)) {
    test(what, async () => {
      const decoding = decodePack(context, await buildPack(pack));
      expect(await outcomeOf(decoding)).toBe("corrupt");
    });
  }
});

test("without the private key no pack opens, and it is said why", async () => {
  const bytes = await buildPack({ kind: "data", blobs: [] });
  const { header, sealedKey } = await decodePack(context, bytes);
  const { agreementPrivate: _, ...writersKeys } = keys;
  const opening = openPackKey({ platform, keys: writersKeys }, header, sealedKey);
  expect(await outcomeOf(opening)).toBe("wrong-key");
});
