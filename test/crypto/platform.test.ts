// Both platforms meet the published vectors, and give the same answers to random questions.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatBytes, equalBytes, utf8 } from "../../src/base/bytes.ts";
import { release } from "../../src/base/platform.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import {
  bytesOf,
  counting,
  faultOf,
  flipped,
  hex,
  platforms,
  portable,
  shared,
} from "./platforms.ts";

const EMPTY = new Uint8Array(0);

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16.
const GCM_VECTORS = [
  {
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    plain: "",
    associated: "",
    sealed: "530f8afbc74536b9a963b4f1c4cb738b",
  },
  {
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    plain: "00".repeat(16),
    associated: "",
    sealed: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
  },
  {
    key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    nonce: "cafebabefacedbaddecaf888",
    plain:
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    sealed:
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
  },
];

// RFC 5869, appendices A.1 to A.3.
const HKDF_VECTORS = [
  {
    key: "0b".repeat(22),
    salt: "000102030405060708090a0b0c",
    info: "f0f1f2f3f4f5f6f7f8f9",
    output: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  },
  {
    key: hex(counting(80))!,
    salt: hex(counting(80, 0x60))!,
    info: hex(counting(80, 0xb0))!,
    output:
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09" +
      "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
  },
  {
    key: "0b".repeat(22),
    salt: "",
    info: "",
    output: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  },
];

// RFC 8032 §7.1, tests 1 to 3.
const ED25519_VECTORS = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
];

// The order of Ed25519's group, little-endian: added to a signature's second half, it is the same
// signature for a verifier that does not look (RFC 8032 §5.1.7 forbids it).
const ED25519_ORDER = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

describe.each(platforms)("%s platform", (_, platform) => {
  test("random bytes have the length asked for and differ", () => {
    for (const byteCount of [0, 1, 32, 200_000]) {
      const bytes = platform.random(byteCount);
      expect(bytes.length).toBe(byteCount);
      if (byteCount >= 32) expect(equalBytes(bytes, platform.random(byteCount))).toBe(false);
    }
    // Beyond WebCrypto's bound of 65,536 at once, too.
    expect(
      platform
        .random(200_000)
        .subarray(199_900)
        .some((byte) => byte !== 0),
    ).toBe(true);
  });

  test("SHA-256 meets FIPS 180-4's examples", async () => {
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    expect(hex(await platform.sha256(utf8("abc")))).toBe(abc);
    expect(hex(await platform.sha256(EMPTY))).toBe(none);
  });

  test.each(HKDF_VECTORS)("HKDF meets RFC 5869 %#", async ({ key, salt, info, output }) => {
    const okm = await platform.hkdf(bytesOf(key), bytesOf(salt), bytesOf(info), output.length / 2);
    expect(hex(okm)).toBe(output);
  });

  test.each(GCM_VECTORS)("AES-256-GCM meets its vectors %#", async (vector) => {
    const [key, nonce, associated] = [vector.key, vector.nonce, vector.associated].map(bytesOf);
    const sealed = await platform.sealGcm(key!, nonce!, associated!, bytesOf(vector.plain));
    expect(hex(sealed)).toBe(vector.sealed);
    const opened = await platform.openGcm(key!, nonce!, associated!, sealed);
    expect(hex(opened)).toBe(vector.plain);
  });

  test("AES-256-GCM opens nothing that was touched", async () => {
    const [key, nonce, associated] = [counting(32), counting(12), utf8("associated")];
    const sealed = await platform.sealGcm(key, nonce, associated, utf8("plain"));
    for (let at = 0; at < sealed.length; at++) {
      expect(
        await platform.openGcm(key, nonce, associated, flipped(sealed, at, at % 8)),
      ).toBeUndefined();
      expect(
        await platform.openGcm(key, nonce, associated, sealed.subarray(0, at)),
      ).toBeUndefined();
    }
    expect(await platform.openGcm(flipped(key, 3), nonce, associated, sealed)).toBeUndefined();
    expect(await platform.openGcm(key, flipped(nonce, 11), associated, sealed)).toBeUndefined();
    expect(await platform.openGcm(key, nonce, flipped(associated, 0), sealed)).toBeUndefined();
    expect(hex(await platform.openGcm(key, nonce, associated, sealed))).toBe(hex(utf8("plain")));
  });

  test.each(ED25519_VECTORS)("Ed25519 meets RFC 8032 %#", async (vector) => {
    const [seed, publicKey, message] = [vector.seed, vector.publicKey, vector.message].map(bytesOf);
    const signature = await platform.sign(seed!, message!);
    expect(hex(signature)).toBe(vector.signature);
    expect(hex(await platform.signingPublicKey(seed!))).toBe(vector.publicKey);
    expect(await platform.verify(publicKey!, message!, signature)).toBe(true);
  });

  test("Ed25519 refuses what is no signature", async () => {
    const seed = counting(32);
    const publicKey = await platform.signingPublicKey(seed);
    const message = utf8("message");
    const signature = await platform.sign(seed, message);
    for (let at = 0; at < 64; at++) {
      expect(await platform.verify(publicKey, message, flipped(signature, at, at % 8))).toBe(false);
    }
    expect(await platform.verify(publicKey, flipped(message, 0), signature)).toBe(false);
    expect(await platform.verify(publicKey, message, signature.subarray(0, 63))).toBe(false);
    expect(await platform.verify(publicKey, message, EMPTY)).toBe(false);
    expect(await platform.verify(publicKey.subarray(1), message, signature)).toBe(false);
    expect(await platform.verify(new Uint8Array(32).fill(255), message, signature)).toBe(false);
    expect(await platform.verify(publicKey, message, withOrderAdded(signature))).toBe(false);
  });

  test("X25519 meets RFC 7748 §6.1", async () => {
    const privateKey = bytesOf("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    const publicKey = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    expect(hex(await platform.agreementPublicKey(privateKey))).toBe(publicKey);
  });

  test("takes views of shared memory", async () => {
    const [key, nonce, plain] = [shared(counting(32)), shared(counting(12)), shared(counting(100))];
    const sealed = shared(await platform.sealGcm(key, nonce, plain, plain));
    expect(hex(await platform.openGcm(key, nonce, plain, sealed))).toBe(hex(counting(100)));
    expect(hex(await platform.sha256(plain))).toBe(hex(await platform.sha256(counting(100))));
    const okm = await platform.hkdf(key, nonce, plain, 32);
    expect(hex(okm)).toBe(hex(await platform.hkdf(counting(32), counting(12), counting(100), 32)));
    const signature = shared(await platform.sign(key, plain));
    const publicKey = shared(await platform.signingPublicKey(key));
    expect(await platform.verify(publicKey, plain, signature)).toBe(true);
  });

  test("refuses keys of another length as a fault of ours", async () => {
    const seal = () => platform.sealGcm(counting(16), counting(12), EMPTY, EMPTY);
    expect(await faultOf(seal)).toContain("a key has 32 bytes");
    const sign = () => platform.sign(counting(31), EMPTY);
    expect(await faultOf(sign)).toContain("a private key has 32 bytes");
  });
});

describe("the two platforms", () => {
  const bytes = (min: number, max = min) => fc.uint8Array({ minLength: min, maxLength: max });

  test("seal alike and open each other's", async () => {
    const property = fc.asyncProperty(
      bytes(32),
      bytes(12),
      bytes(0, 50),
      bytes(0, 3000),
      async (key, nonce, associated, plain) => {
        const sealed = nativePlatform.sealGcm(key, nonce, associated, plain);
        expect(hex(await portable.sealGcm(key, nonce, associated, plain))).toBe(hex(sealed));
        expect(hex(nativePlatform.openGcm(key, nonce, associated, sealed))).toBe(hex(plain));
        expect(hex(await portable.openGcm(key, nonce, associated, sealed))).toBe(hex(plain));
      },
    );
    await fc.assert(property, { numRuns: 50 });
  });

  test("seal alike around the pieces in which the native one works", async () => {
    const piece = 64 * 1024;
    for (const byteCount of [piece - 1, piece, piece + 1, 2 * piece, 3 * piece + 17]) {
      const plain = counting(byteCount);
      const sealed = nativePlatform.sealGcm(counting(32), counting(12), EMPTY, plain);
      const other = await portable.sealGcm(counting(32), counting(12), EMPTY, plain);
      expect(equalBytes(sealed, other)).toBe(true);
      const opened = nativePlatform.openGcm(counting(32), counting(12), EMPTY, other);
      expect(opened !== undefined && equalBytes(opened, plain)).toBe(true);
      expect(
        nativePlatform.openGcm(counting(32), counting(12), EMPTY, flipped(other, 9)),
      ).toBeUndefined();
    }
  });

  test("derive, sign and agree alike", async () => {
    const property = fc.asyncProperty(bytes(32), bytes(0, 200), async (seed, message) => {
      for (const [ours, theirs] of [
        [
          nativePlatform.hkdf(seed, message, message, 77),
          portable.hkdf(seed, message, message, 77),
        ],
        [nativePlatform.sign(seed, message), portable.sign(seed, message)],
        [nativePlatform.signingPublicKey(seed), portable.signingPublicKey(seed)],
        [nativePlatform.agreementPublicKey(seed), portable.agreementPublicKey(seed)],
        [nativePlatform.sha256(message), portable.sha256(message)],
      ] as const) {
        expect(hex(ours)).toBe(hex(await theirs));
      }
    });
    await fc.assert(property, { numRuns: 30 });
  });
});

describe("native platform's memory", () => {
  const plain = counting(100_000);
  const [key, nonce] = [counting(32), counting(12)];

  test("every output owns its memory, so that it can be released", async () => {
    for (const byteCount of [0, 1, 40, 5000, 100_000]) {
      const part = plain.subarray(0, byteCount);
      const sealed = nativePlatform.sealGcm(key, nonce, EMPTY, part);
      const frame = nativePlatform.compress(part, 3);
      const outputs = [
        sealed,
        frame,
        nativePlatform.openGcm(key, nonce, EMPTY, sealed)!,
        nativePlatform.decompress(frame, byteCount),
        await nativePlatform.compressPooled(part, 3),
        nativePlatform.sha256(part),
        nativePlatform.md5(part),
        nativePlatform.sign(key, part),
        nativePlatform.hkdf(key, part, nonce, 32),
      ];
      for (const output of outputs) {
        expect(output.constructor).toBe(Uint8Array);
        expect([output.byteOffset, output.buffer.byteLength]).toEqual([0, output.length]);
        release(output);
        expect(output.length).toBe(0);
      }
    }
  });

  test("releasing one output leaves the others", () => {
    const first = nativePlatform.sealGcm(key, nonce, EMPTY, plain.subarray(0, 50));
    const second = nativePlatform.sealGcm(key, nonce, EMPTY, plain.subarray(0, 50));
    const expected = hex(second);
    release(first);
    expect(hex(second)).toBe(expected);
  });

  test("MD5 meets RFC 1321", () => {
    expect(hex(nativePlatform.md5(utf8("abc")))).toBe("900150983cd24fb0d6963f7d28e17f72");
  });

  test("the pool refuses shared memory", async () => {
    expect(await faultOf(() => nativePlatform.compressPooled(shared(plain), 3))).toContain(
      "shared memory",
    );
  });
});

function withOrderAdded(signature: Uint8Array): Uint8Array {
  const order = bytesOf(ED25519_ORDER);
  const sum = signature.slice(32);
  let carry = 0;
  for (let i = 0; i < 32; i++) {
    carry += sum[i]! + order[i]!;
    sum[i] = carry;
    carry >>= 8;
  }
  return concatBytes(signature.subarray(0, 32), sum);
}
