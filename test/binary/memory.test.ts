// Memory in the compiled program: the core's never grows, the pool's input stays as it is, the
// runtime's outputs are given back, and no frame is decoded to more than its blob.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";

import { type Place, placeWithStore } from "../support/bunker.ts";
import { type Plant, runPlanted } from "../support/planted.ts";
import { seededRandom } from "../support/random.ts";

/** Shrinks to a half and repeats nothing. */
const textOf = (byteCount: number, seed: number): string =>
  Buffer.from(seededRandom(seed).bytes(byteCount / 2)).toString("hex");

let place: Place;

beforeAll(() => {
  place = placeWithStore();
  // From 32 MiB on a file's chunks are compressed by the pool.
  place.write("things/huge", textOf(34 << 20, 1));
  for (let i = 0; i < 20; i++) place.write(`things/${i}`, textOf(1 << 20, 2 + i));
  place.lines(["backup", "things", "--lanes", "1"]);
});

afterAll(() => place[Symbol.dispose]());

/** A new store, so that everything is compressed and packed. */
function runOnce(words: readonly string[], plant: Plant): readonly string[] {
  using fresh = placeWithStore();
  const here = { BUNKER_STORE: fresh.at("store"), HOME: fresh.at("home") };
  const { stderr, status, notes } = runPlanted(place, words, plant, here);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return notes;
}

test("the core's memory cannot grow, in main or a lane: views of it hold", () => {
  const tryToGrow: Plant["main"] = ({ note }) => {
    const { Instance } = WebAssembly;
    const watched = function (module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      const instance = new Instance(module, imports);
      const memory = instance.exports["memory"] as WebAssembly.Memory | undefined;
      try {
        memory?.grow(1);
        note(`${Bun.isMainThread}: ${memory === undefined ? "no memory" : "grew"}`);
      } catch (error) {
        note(`${Bun.isMainThread}: ${(error as Error).name}`);
      }
      return instance;
    };
    (WebAssembly as { Instance: unknown }).Instance = watched;
  };
  const notes = runOnce(["backup", "things", "--lanes", "2"], { main: tryToGrow, lane: tryToGrow });
  expect(new Set(notes)).toEqual(new Set(["lane", "true: RangeError", "false: RangeError"]));
});

test("the pool's input is not shared, and is not touched while it is read", () => {
  const watch: Plant["main"] = ({ note }) => {
    const real = Bun.zstdCompress;
    const sumOf = (bytes: unknown): string => String(Bun.hash.crc32(bytes as Uint8Array));
    Bun.zstdCompress = async (plain, options) => {
      const { buffer } = plain as Uint8Array;
      const before = sumOf(plain);
      const frame = await real(plain, options);
      const same = buffer instanceof ArrayBuffer && sumOf(plain) === before;
      note(same ? "pooled" : "shared or changed");
      return frame;
    };
  };
  const notes = runOnce(["backup", "things", "--lanes", "2"], { main: watch, lane: watch });
  expect(new Set(notes)).toEqual(new Set(["lane", "pooled"]));
  expect(notes.filter((line) => line === "pooled").length).toBeGreaterThan(10);
});

describe("outputs of the runtime are given back as soon as they are used up", () => {
  /** Holds on to all outputs of some calls, and notes how many bytes of them were there at once. */
  const WATCHED: Plant["main"] = ({ note }) => {
    const held: Uint8Array[] = [];
    let most = 0;
    let all = 0;
    const hold = (output: Uint8Array): void => {
      all += output.length;
      held.push(new Uint8Array(output.buffer as ArrayBuffer));
      let now = 0;
      for (const bytes of held) now += bytes.length;
      most = Math.max(most, now);
    };
    const { zstdCompressSync, zstdDecompressSync } = Bun;
    Bun.zstdCompressSync = (plain, options) => {
      const output = zstdCompressSync(plain, options);
      hold(output);
      return output;
    };
    Bun.zstdDecompressSync = (frame) => {
      const output = zstdDecompressSync(frame);
      hold(output);
      return output;
    };
    // Those of the cipher come from a module whose functions are bound: their class is changed.
    const crypto = process.getBuiltinModule("node:crypto");
    const [key, nonce] = [new Uint8Array(32), new Uint8Array(12)];
    for (const make of [crypto.createCipheriv, crypto.createDecipheriv]) {
      const cipher = make("aes-256-gcm", key, nonce);
      const prototype = Object.getPrototypeOf(cipher) as {
        update: (this: unknown, input: Uint8Array) => Buffer;
      };
      const { update } = prototype;
      prototype.update = function (input) {
        const output = update.call(this, input);
        // Small ones share their memory with others.
        if (output.length >= 16_384) hold(output);
        return output;
      };
    }
    process.on("exit", () => note(`${all} ${most}`));
  };

  /** `[all, most at once]` in MiB. */
  const sizesOf = (notes: readonly string[]): number[] =>
    notes
      .at(-1)!
      .split(" ")
      .map((size) => Number(size) / (1 << 20));

  test("in a backup", () => {
    const [all, most] = sizesOf(runOnce(["backup", "things", "--lanes", "1"], { main: WATCHED }));
    expect(all).toBeGreaterThan(40);
    expect(most).toBeLessThan(6);
  });

  test("in a restore", () => {
    const words = ["restore", "latest", "--to", "copy", "--lanes", "1"];
    const { status, notes } = runPlanted(place, words, { main: WATCHED });
    expect(status).toBe(0);
    const [all, most] = sizesOf(notes);
    expect(all).toBeGreaterThan(60);
    expect(most).toBeLessThan(16);
  });
});

const BAD_FRAMES: Readonly<Record<string, Plant["main"]>> = {
  "two joined frames": () => {
    const real = Bun.zstdCompressSync;
    Bun.zstdCompressSync = (plain, options) => {
      const frame = real(plain, options);
      if ((plain as Uint8Array).length < 100_000) return frame;
      return Buffer.from(Uint8Array.of(...frame, ...real("more")).buffer);
    };
  },
  "a frame with something after it": () => {
    const real = Bun.zstdCompressSync;
    Bun.zstdCompressSync = (plain, options) => {
      const frame = real(plain, options);
      if ((plain as Uint8Array).length < 100_000) return frame;
      return Buffer.from(Uint8Array.of(...frame, 0).buffer);
    };
  },
  "a cut frame": () => {
    const real = Bun.zstdCompressSync;
    Bun.zstdCompressSync = (plain, options) => {
      const frame = real(plain, options);
      if ((plain as Uint8Array).length < 100_000) return frame;
      return Buffer.from(frame.slice(0, frame.length - 1).buffer.slice(0, frame.length - 1));
    };
  },
  "a bomb": () => {
    const real = Bun.zstdCompressSync;
    Bun.zstdCompressSync = (plain, options) =>
      real((plain as Uint8Array).length < 100_000 ? plain : new Uint8Array(64 << 20), options);
  },
};

describe("a blob that was stored as", () => {
  test.each(Object.keys(BAD_FRAMES))("%s is damage, and is not decoded", (name) => {
    using other = placeWithStore();
    other.write("things/a", textOf(200_000, 1));
    const made = runPlanted(other, ["backup", "things"], { main: BAD_FRAMES[name]! });
    expect(made).toMatchObject({ stderr: "", status: 0 });
    const watch: Plant["main"] = ({ note }) => {
      const real = Bun.zstdDecompressSync;
      Bun.zstdDecompressSync = (frame) => {
        const plain = real(frame);
        if (plain.length > 50_000) note(`decoded ${plain.length}`);
        return plain;
      };
    };
    for (const words of ["check --read-data", "cat latest:/a", "restore latest --to copy"]) {
      const found = runPlanted(other, words.split(" "), { main: watch });
      expect(found).toMatchObject({ status: 13, notes: [] });
      expect(found.stderr).toContain("does not open");
      if (words.startsWith("cat")) expect(found.stdout).toBe("");
    }
    expect(existsSync(other.at("work/copy/a"))).toBe(false);
  });
});
