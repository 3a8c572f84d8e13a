// The pack writer: what it makes is a pack by docs/format.md, and its reader gets the blobs back.

import { expect, test } from "bun:test";
import type { Bytes } from "../../src/base/bytes.ts";
import { copyBytes } from "../../src/base/bytes.ts";
import { PACK_BLOB_COUNT_MAX, PACK_BYTES_TARGET } from "../../src/base/limits.ts";
import { CODEC_RAW, compressBlob } from "../../src/crypto/compress.ts";
import { deriveOwnerKeys } from "../../src/crypto/derive.ts";
import { decodePack, openBlob, openPackKey, type PackKind } from "../../src/format/pack.ts";
import { padme, type PlacedBlob } from "../../src/format/trailer.ts";
import { blobsOf, type FinishedPack, PackWriter } from "../../src/store/pack-writer.ts";
import { failureOf } from "../support/failure.ts";
import { type SeededRandom, withSeed } from "../support/random.ts";
import { newCore, SECRET } from "../support/store.ts";
import { testPlatform } from "../support/world.ts";

const platform = testPlatform();
const owner = await deriveOwnerKeys(platform, copyBytes(SECRET));
const core = newCore();
core.setKeys(owner);

function newWriter(kind: PackKind = "data", targetBytes = 1 << 20): PackWriter {
  return new PackWriter({ core, platform, keys: owner, kind, targetBytes, withMd5: true });
}

function addTo(writer: PackWriter, kind: PackKind, plain: Bytes): void {
  const { codec, bytes } = compressBlob(platform, plain, { level: 3 });
  writer.add({ id: core.idOf(kind, plain), plainBytes: plain.length, codec, bytes });
}

const context = { platform, keys: { ...owner } };

async function openAll(pack: FinishedPack): Promise<Bytes[]> {
  const { kind, header, sealedKey, blobs } = await decodePack(context, pack.bytes);
  expect(kind).toBe(pack.kind);
  const packKey = await openPackKey(context, header, sealedKey);
  return Promise.all(blobs.map((blob) => openOne(pack, packKey, blob)));
}

function openOne(pack: FinishedPack, packKey: Bytes, blob: PlacedBlob): Promise<Bytes> {
  const sealed = pack.bytes.subarray(blob.offset, blob.offset + blob.storedBytes);
  const about = { ...blob, packKey, kind: pack.kind };
  return openBlob(platform, about, sealed, (space, bytes) => core.idOf(space, bytes));
}

// Raw ones and such as shrink, from one byte on.
function plainsOf(random: SeededRandom, count: number): Bytes[] {
  return Array.from({ length: count }, (_, i) => {
    const noise = random.bytes(1 + random.int(3000));
    return i % 2 === 0 ? noise : new Uint8Array(1 + random.int(30_000)).fill(i);
  });
}

for (const kind of ["data", "tree"] as const) {
  test(`a ${kind} pack gives back what went in, and is named by what it is`, () =>
    withSeed(async (random) => {
      const writer = newWriter(kind);
      const plains = plainsOf(random, 50);
      for (const plain of plains) addTo(writer, kind, plain);
      const pack = await writer.finish();
      expect(await openAll(pack)).toEqual(plains.map((plain) => new Uint8Array(plain)));
      expect(pack.id).toEqual(
        new Uint8Array(new Bun.CryptoHasher("sha256").update(pack.bytes).digest()),
      );
      expect(Buffer.from(pack.md5)).toEqual(
        Buffer.from(new Bun.CryptoHasher("md5").update(pack.bytes).digest()),
      );
      expect(padme(pack.bytes.length)).toBe(pack.bytes.length);
      expect(writer.isEmpty).toBe(true);
    }));
}

test("a writer makes one pack after another, each with a key of its own", () =>
  withSeed(async (random) => {
    const writer = newWriter();
    const plain = random.bytes(5000);
    const seen = new Set<string>();
    for (let i = 0; i < 3; i++) {
      addTo(writer, "data", plain);
      const pack = await writer.finish();
      expect(await openAll(pack)).toEqual([plain]);
      seen.add(Buffer.from(pack.bytes).toString("base64"));
    }
    expect(seen.size).toBe(3);
  }));

test("what one writer had left another one takes over", () =>
  withSeed(async (random) => {
    const other = newCore();
    other.setKeys(owner);
    const parts = { core: other, platform, keys: owner, kind: "data", withMd5: true } as const;
    const leaving = new PackWriter({ ...parts, targetBytes: 1 << 20 });
    const staying = newWriter();
    const [first, second] = [plainsOf(random, 10), plainsOf(random, 10)];
    for (const plain of first) addTo(staying, "data", plain);
    for (const plain of second) addTo(leaving, "data", plain);
    const drained = leaving.drain();
    expect(leaving.isEmpty).toBe(true);
    for (const blob of blobsOf(drained)) staying.add(blob);
    const plains = [...first, ...second].map((plain) => new Uint8Array(plain));
    expect(await openAll(await staying.finish())).toEqual(plains);
    addTo(leaving, "data", first[0]!);
    expect(await openAll(await leaving.finish())).toEqual(plains.slice(0, 1));
  }));

test("an empty writer has nothing to hand over and nothing to finish", async () => {
  const writer = newWriter();
  expect([...blobsOf(writer.drain())]).toEqual([]);
  expect(await failureOf(writer.finish())).toBeInstanceOf(Error);
});

test("a pack stays within its target, whatever goes in", () =>
  withSeed(async (random) => {
    for (const targetBytes of [64 * 1024, 300_000, 1 << 20]) {
      const writer = newWriter("data", targetBytes);
      for (let full = false; !full;) {
        const bytes = random.bytes(1 + random.int(9000));
        full = !writer.fits(bytes.length);
        if (!full) {
          writer.add({
            id: core.idOf("data", bytes),
            plainBytes: bytes.length,
            codec: CODEC_RAW,
            bytes,
          });
        }
      }
      const pack = await writer.finish();
      expect(pack.bytes.length).toBeLessThanOrEqual(targetBytes);
      expect(pack.bytes.length).toBeGreaterThan(targetBytes / 2);
    }
  }));

test("the largest chunk goes into a pack of any target", () =>
  withSeed(async (random) => {
    const writer = newWriter("data", 64 * 1024);
    const plain = random.bytes(4 * 1024 * 1024);
    expect(writer.fits(plain.length)).toBe(true);
    addTo(writer, "data", plain);
    expect(writer.fits(1)).toBe(false);
    expect(await openAll(await writer.finish())).toEqual([plain]);
  }));

test("a pack of tiny blobs ends at the format's count or the target's bytes", async () => {
  const writer = newWriter("data", PACK_BYTES_TARGET);
  const bytes = new Uint8Array(1);
  const id = new Uint8Array(32);
  let count = 0;
  for (; writer.fits(1); count++) {
    new DataView(id.buffer).setUint32(0, count);
    writer.add({ id, plainBytes: 1, codec: CODEC_RAW, bytes });
  }
  expect(count).toBeLessThan(PACK_BLOB_COUNT_MAX);
  const pack = await writer.finish();
  expect((await decodePack(context, pack.bytes)).blobs.length).toBe(count);
});
