// The vectors: each is read as it says; none is missing, stale, or of a kind that nobody reads.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packName, parseName, type ObjectName, formatName } from "../../src/format/names.ts";
import { withSeed } from "../support/random.ts";
import { makeVectors } from "../vector/make.ts";
import { EXPECTATIONS, formatVector, judge, parseVector, type Vector } from "../vector/vector.ts";
import { platform } from "./fixture.ts";

const FOLDER = join(import.meta.dir, "../vector");
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));
const vectors = new Map<string, Vector>(
  files.map((name) => [name, parseVector(readFileSync(join(FOLDER, name), "utf8"))]),
);
const good = [...vectors.values()].filter((vector) => vector.expect === "ok");

describe("every vector is read as it says", () => {
  for (const [name, vector] of vectors) {
    test(name, async () => {
      const { outcome, facts } = await judge(vector);
      expect(outcome).toBe(vector.expect);
      expect(facts).toBe(vector.facts);
    });
  }
});

test("the files are what the program makes today, all of them", async () => {
  const made = await makeVectors();
  expect(files.sort()).toEqual([...made.keys()].sort());
  for (const [name, vector] of made) {
    expect(readFileSync(join(FOLDER, name), "utf8")).toBe(formatVector(vector));
  }
});

test("all outcomes occur, and at least as many are bad as good, of all kinds", () => {
  const outcomes = new Set([...vectors.values()].map((vector) => vector.expect));
  expect([...outcomes].sort()).toEqual([...EXPECTATIONS].sort());
  expect(vectors.size).toBeGreaterThanOrEqual(2 * good.length);
  for (const kind of new Set([...vectors.values()].map((vector) => vector.kind))) {
    const own = [...vectors.values()].filter((vector) => vector.kind === kind);
    expect(own.some((vector) => vector.expect === "ok")).toBeTrue();
    expect(own.some((vector) => vector.expect !== "ok")).toBeTrue();
  }
});

const objects = good.filter((vector) => vector.name !== undefined);
// Nobody opens a pack's padding, nor reads its length twice: there, the name alone decides.
const signed = objects.filter((vector) => vector.kind !== "pack");

describe("an object with a flipped bit is refused", () => {
  test("under its own name", async () => {
    await withSeed(async (random) => {
      for (const vector of objects) {
        for (let i = 0; i < 20; i++) {
          const spoiled = flipped(vector, random.int(8 * vector.bytes.length));
          expect((await judge(spoiled)).outcome).toBe("corrupt");
        }
      }
    });
  });

  test("under a name that fits", async () => {
    await withSeed(async (random) => {
      for (const vector of signed) {
        for (let i = 0; i < 40; i++) {
          const bit = random.int(8 * (i < 20 ? 200 : vector.bytes.length));
          const { outcome } = await judge(await renamed(flipped(vector, bit)));
          expect(`${vector.comment}, bit ${bit}: ${outcome}`).not.toEndWith(": ok");
        }
      }
    });
  });

  test("in every bit of a pack's header, key and first blob", async () => {
    const pack = good.find((vector) => vector.kind === "pack" && vector.comment.includes("raw"));
    for (let bit = 0; bit < 8 * (128 + 21); bit++) {
      const { outcome } = await judge(await renamed(flipped(pack!, bit)));
      expect(`bit ${bit}: ${outcome}`).not.toEndWith(": ok");
    }
  });
});

function flipped(vector: Vector, bit: number): Vector {
  const bytes = Uint8Array.from(vector.bytes);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return { ...vector, bytes };
}

/** As somebody would who can write to the place, but has no key. */
async function renamed(vector: Vector): Promise<Vector> {
  const parts = parseName(vector.name!) as ObjectName;
  const id = await platform.sha256(vector.bytes);
  return { ...vector, name: parts.kind === "pack" ? packName(id) : formatName({ ...parts, id }) };
}
