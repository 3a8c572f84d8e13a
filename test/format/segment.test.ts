// Index segments: built, joined, and read; their records stand where the format says.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { compareBytes, hexOf, loadU32 } from "../../src/base/bytes.ts";
import {
  blobAt,
  decodeSegmentBody,
  encodeSegmentBody,
  packAt,
  type SegmentBody,
} from "../../src/format/records.ts";
import {
  buildSegmentBody,
  encodeSegment,
  mergeSegmentBodies,
  readSegment,
  type SegmentPack,
} from "../../src/format/segment.ts";
import { asWriter, id, run, writer } from "./fixture.ts";

const ids = fc.uint8Array({ minLength: 32, maxLength: 32 });
const blobs = fc
  .tuple(fc.oneof(ids, fc.nat(3).map(id)), fc.integer({ min: 1, max: 4 * 2 ** 20 }), fc.nat(1))
  .map(([blobId, plainBytes, codec]) => ({
    id: blobId,
    plainBytes,
    storedBytes: codec === 0 ? plainBytes + 16 : 100,
    codec: codec === 0 ? (0 as const) : (1 as const),
  }));
const packs = fc.uniqueArray(
  fc
    .tuple(
      ids,
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.boolean(),
      fc.array(blobs, { maxLength: 8 }),
    )
    .map(([packId, md5, isTree, own]): SegmentPack => ({
      id: packId,
      bytes: 64 * 2 ** 20,
      md5,
      kind: isTree ? "tree" : "data",
      blobs: own,
    })),
  { maxLength: 6, selector: (pack) => hexOf(pack.id) },
);

/** What a body says of each blob, in no order; of one that is twice in a pack the first. */
function sayings(body: SegmentBody): string[] {
  return Array.from({ length: body.blobCount }, (_, i) => {
    const { packIndex, id: blobId, ...rest } = blobAt(body, i);
    return [hexOf(packAt(body, packIndex).id), hexOf(blobId), Object.values(rest)].join();
  });
}

function expected(list: readonly SegmentPack[]): string[] {
  return list.flatMap((pack) => {
    const seen = new Map<string, string>();
    let offset = 128;
    for (const [ordinal, { id: blobId, storedBytes, plainBytes, codec }] of pack.blobs.entries()) {
      const facts = [ordinal, offset, storedBytes, plainBytes, codec];
      if (!seen.has(hexOf(blobId))) {
        seen.set(hexOf(blobId), [hexOf(pack.id), hexOf(blobId), facts].join());
      }
      offset += storedBytes;
    }
    return [...seen.values()];
  });
}

test("a body says of every blob where it is", () => {
  fc.assert(
    fc.property(packs, (list) => {
      const body = decodeSegmentBody(encodeSegmentBody(buildSegmentBody(list)));
      expect(sayings(body).map(inOrder).sort()).toEqual(expected(list).map(inOrder).sort());
      const facts = Array.from({ length: body.packCount }, (_, i) => packAt(body, i));
      const given = list.map(({ id: own, bytes, md5, kind }) => ({ id: own, bytes, md5, kind }));
      expect(facts).toEqual(given.sort((a, b) => compareBytes(a.id, b.id)));
    }),
  );
});

// The members of a record come in the order of the type, not of the format.
function inOrder(saying: string): string {
  return saying.split(",").sort().join();
}

test("bodies that are joined say what one of all packs would", () => {
  fc.assert(
    fc.property(packs, fc.nat(6), fc.nat(6), (list, from, to) => {
      const bodies = [list.slice(0, to), list.slice(Math.min(from, to)), []].map(buildSegmentBody);
      const whole = encodeSegmentBody(buildSegmentBody(list));
      expect(encodeSegmentBody(mergeSegmentBodies(bodies))).toEqual(whole);
    }),
  );
});

test("a record has its numbers where the format says", () => {
  const blob = { id: id(5), storedBytes: 116, plainBytes: 100, codec: 0 } as const;
  const pack = {
    id: id(1),
    bytes: 20_000,
    md5: run(16),
    kind: "tree",
    blobs: [blob, blob],
  } as const;
  const second = { ...blob, id: id(4), codec: 1 } as const;
  const bytes = encodeSegmentBody(buildSegmentBody([{ ...pack, blobs: [blob, second] }]));
  expect(bytes.length).toBe(8 + 56 + 2 * 56);
  expect([bytes[8 + 52], loadU32(bytes, 8 + 32)]).toEqual([4, 20_000]);
  const numbers = Array.from({ length: 6 }, (_, i) => loadU32(bytes, 64 + 32 + 4 * i));
  expect(numbers).toEqual([0, 1, 128 + 116, 116, 100, 1]);
  expect(buildSegmentBody([pack]).blobCount).toBe(1);
});

test("a hundred thousand blobs are sorted", () => {
  const many = Array.from({ length: 100 }, (_, i): SegmentPack => ({
    id: id(i),
    bytes: 64 * 2 ** 20,
    md5: run(16),
    kind: "data",
    blobs: Array.from({ length: 1000 }, (_unused, j) => ({
      id: run(32, i * 7 + j * 13),
      storedBytes: 116,
      plainBytes: 100,
      codec: 0,
    })),
  }));
  const body = decodeSegmentBody(encodeSegmentBody(buildSegmentBody(many)));
  expect(body.packCount).toBe(100);
  expect(body.blobCount).toBe(100 * 256); // The ids of each pack are 256 different ones.
});

test("a segment is read as it was written", async () => {
  const list = [{ id: id(1), bytes: 20_000, md5: run(16), kind: "data", blobs: [] }] as const;
  const given = { number: 1, time: 5, replaces: [], body: buildSegmentBody(list) };
  const { name, bytes, id: own } = await encodeSegment(asWriter, given);
  expect(bytes.length).toBe(16 * 1024);
  const read = await readSegment(asWriter, name, bytes);
  expect(read).toEqual({ ...given, id: own, signer: writer.publicKey });
});
