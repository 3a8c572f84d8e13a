// Link groups against a map, whatever numbers a snapshot gives its groups, and what they cost.

import { expect, test } from "bun:test";
import { textOf, utf8 } from "../../src/base/bytes.ts";
import type { PlaceInTree } from "../../src/destination/destination.ts";
import { LinkGroups } from "../../src/jobs/link-groups.ts";
import { withSeed } from "../support/random.ts";

const text = (place: PlaceInTree | undefined) =>
  place && [...place.folder, place.name].map((part) => textOf(part)).join("/");

test("random groups in random folders: as a map says", () =>
  withSeed((random) => {
    const groups = new LinkGroups();
    for (let round = 0; round < 2; round++) {
      const expected = new Map<number, PlaceInTree | undefined>();
      const folders = Array.from({ length: 50 }, (_, i) =>
        Array.from({ length: i % 7 }, (_none, depth) => utf8(`f${i}-${depth}`)),
      );
      for (let i = 0; i < 20_000; i++) {
        const group = random.int(4) === 0 ? 1 + random.int(100) : 2 ** random.int(53) + i;
        const name = utf8(`name ${i}${"-".repeat(random.int(200))}`);
        const place = { folder: folders[random.int(50)]!, name };
        expect(groups.has(group)).toBe(expected.has(group));
        const lost = random.int(10) === 0;
        groups.set(group, lost ? undefined : place);
        expected.set(group, lost ? undefined : place);
      }
      for (const [group, place] of expected) expect(text(groups.get(group))).toBe(text(place));
      expect(groups.get(-1)).toBeUndefined();
      groups.clear();
      for (const group of expected.keys()) expect(groups.has(group)).toBe(false);
    }
  }));

test("a path longer than a slab is kept whole", () => {
  const groups = new LinkGroups();
  const folder = Array.from({ length: 8000 }, () => utf8("d".repeat(200)));
  groups.set(1, { folder, name: utf8("a") });
  groups.set(2, { folder: [], name: utf8("b") });
  expect(text(groups.get(1))).toBe(`${`${"d".repeat(200)}/`.repeat(8000)}a`);
  expect(text(groups.get(2))).toBe("b");
});

test("a million groups cost what is said of them", () => {
  const groups = new LinkGroups();
  let folder: Uint8Array[] = [];
  for (let i = 0; i < 1_000_000; i++) {
    if (i % 10 === 0) folder = ["home", "somebody", "photos", `of ${i}`].map(utf8);
    groups.set(i + 1, { folder, name: utf8(`image-${String(i).padStart(7, "0")}.jp`) });
  }
  expect(groups.memoryBytes).toBeLessThanOrEqual(50_000_000);
  expect(text(groups.get(500_005))).toBe("home/somebody/photos/of 500000/image-0500004.jp");
});
