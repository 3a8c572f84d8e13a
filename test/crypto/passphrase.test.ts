// Argon2id: RFC 9106's vector has associated data, which hash-wasm does not take. So the runtime's
// own meets the vector, and ours equals the runtime's on random parameters.

import { describe, expect, test } from "bun:test";
import { argon2Sync } from "node:crypto";
import { nativePlatform } from "../../src/system/platform.ts";
import fc from "fast-check";
import { isBunkerError } from "../../src/base/errors.ts";
import { ARGON_LANES_MAX, ARGON_MEMORY_KIB_MAX, ARGON_PASSES_MAX } from "../../src/base/limits.ts";
import { STRETCHED_BYTES, stretchPassphrase } from "../../src/crypto/passphrase.ts";
import { counting, faultOf, hex } from "./platforms.ts";

const cheap = { memoryKib: 16, passes: 1, lanes: 1 };

test("the reference meets RFC 9106 §5.3", () => {
  const tag = argon2Sync("argon2id", {
    message: new Uint8Array(32).fill(1),
    nonce: new Uint8Array(16).fill(2),
    secret: new Uint8Array(8).fill(3),
    associatedData: new Uint8Array(12).fill(4),
    memory: 32,
    passes: 3,
    parallelism: 4,
    tagLength: 32,
  });
  expect(hex(tag)).toBe("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
});

/** Cheap costs within RFC 9106's bounds. */
const cost = fc
  .record({
    lanes: fc.integer({ min: 1, max: 4 }),
    more: fc.integer({ min: 0, max: 40 }),
    passes: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ lanes, more, passes }) => ({ lanes, passes, memoryKib: 8 * lanes + more }));

describe("stretchPassphrase", () => {
  test("equals the reference", async () => {
    const property = fc.asyncProperty(
      fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" }),
      fc.uint8Array({ minLength: 16, maxLength: 32 }),
      cost,
      async (passphrase, salt, { memoryKib, passes, lanes }) => {
        const expected = argon2Sync("argon2id", {
          message: Buffer.from(passphrase.normalize("NFC")),
          nonce: salt,
          memory: memoryKib,
          passes,
          parallelism: lanes,
          tagLength: STRETCHED_BYTES,
        });
        const stretched = await stretchPassphrase(passphrase, salt, { memoryKib, passes, lanes });
        expect(hex(stretched)).toBe(hex(expected));
        const at = { memoryKib, passes, lanes };
        const native = await stretchPassphrase(passphrase, salt, at, nativePlatform);
        expect(hex(native)).toBe(hex(expected));
      },
    );
    await fc.assert(property, { numRuns: 50 });
  });

  test("takes a passphrase for the same however it is composed, and no more than that", async () => {
    const stretch = async (passphrase: string) =>
      hex(await stretchPassphrase(passphrase, counting(16), cheap));
    expect(await stretch("caf\u00e9")).toBe(await stretch("cafe\u0301"));
    expect(await stretch("\ufb01le")).not.toBe(await stretch("file"));
    expect(await stretch("word")).not.toBe(await stretch("word "));
    expect(await stretch("word")).not.toBe(await stretch("Word"));
  });

  test("depends on the salt and on each part of the cost", async () => {
    const stretch = async (salt: Uint8Array, at: typeof cheap) =>
      hex(await stretchPassphrase("word", salt, at));
    const all = await Promise.all([
      stretch(counting(16), cheap),
      stretch(counting(17), cheap),
      stretch(counting(16), { ...cheap, memoryKib: 24 }),
      stretch(counting(16), { ...cheap, passes: 2 }),
      stretch(counting(16), { ...cheap, lanes: 2 }),
    ]);
    expect(new Set(all).size).toBe(all.length);
  });

  test.each([
    { ...cheap, memoryKib: ARGON_MEMORY_KIB_MAX + 1 },
    { ...cheap, memoryKib: 2 ** 32 },
    { ...cheap, memoryKib: 7 },
    { ...cheap, memoryKib: 16, lanes: 3 },
    { ...cheap, memoryKib: Number.NaN },
    { ...cheap, memoryKib: 16.5 },
    { ...cheap, passes: 0 },
    { ...cheap, passes: ARGON_PASSES_MAX + 1 },
    { ...cheap, lanes: 0 },
    { memoryKib: 1024, passes: 1, lanes: ARGON_LANES_MAX + 1 },
  ])("refuses the cost %j", async (bad) => {
    const error = await stretchPassphrase("word", counting(16), bad).catch(
      (thrown: unknown) => thrown,
    );
    expect(isBunkerError(error, "invalid-argument")).toBe(true);
  });

  test("refuses an empty passphrase, and a salt of another length as a fault of ours", async () => {
    const error = await stretchPassphrase("", counting(16), cheap).catch(
      (thrown: unknown) => thrown,
    );
    expect(isBunkerError(error, "invalid-argument")).toBe(true);
    for (const salt of [counting(15), counting(33)]) {
      expect(await faultOf(() => stretchPassphrase("word", salt, cheap))).toContain("a salt has");
    }
  });
});
