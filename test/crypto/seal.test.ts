// Seals: CFRG's vector for our suite, RFC 9180's nearest one, and what must not open.

import { describe, expect, spyOn, test } from "bun:test";
import { Aes128Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { hpkeOpen, hpkeSeal } from "../../src/crypto/hpke.ts";
import { openFrom, SEAL_OVERHEAD_BYTES, sealTo } from "../../src/crypto/seal.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { bytesOf, counting, faultOf, flipped, hex, shared } from "./platforms.ts";

// The same in all vectors: "Ode on a Grecian Urn", "Count-0", "Beauty is truth, truth beauty".
const info = bytesOf("4f6465206f6e2061204772656369616e2055726e");
const associated = bytesOf("436f756e742d30");
const plain = bytesOf("4265617574792069732074727574682c20747275746820626561757479");

// draft-irtf-cfrg-hpke, test-vectors.json at 5f503c5: mode 0, kem 0x0020, kdf 0x0001, aead 0x0002.
const CFRG = {
  ikmE: "2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9",
  skRm: "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
  pkRm: "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c",
  enc: "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
  ct: "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
};

// RFC 9180, appendix A.1.1: the same but for AES-128-GCM.
const RFC = {
  ikmE: "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
  skRm: "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
  pkRm: "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
  enc: "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
  ct: "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
};

describe("HPKE", () => {
  test("meets CFRG's vector", async () => {
    const context = { info, associated };
    const sealed = await hpkeSeal(bytesOf(CFRG.pkRm), context, plain, bytesOf(CFRG.ikmE));
    expect(hex(sealed)).toBe(CFRG.enc + CFRG.ct);
    expect(hex(await hpkeOpen(bytesOf(CFRG.skRm), context, sealed))).toBe(hex(plain));
  });

  test("meets RFC 9180 A.1 up to the cipher, and the library meets the rest", async () => {
    const context = { info, associated };
    const sealed = await hpkeSeal(bytesOf(RFC.pkRm), context, plain, bytesOf(RFC.ikmE));
    expect(hex(sealed.subarray(0, 32))).toBe(RFC.enc);
    const suite = new CipherSuite({
      kem: new DhkemX25519HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new Aes128Gcm(),
    });
    const recipientPublicKey = await suite.kem.deserializePublicKey(bytesOf(RFC.pkRm));
    const params = { recipientPublicKey, info, ekm: bytesOf(RFC.ikmE) };
    const { ct } = await suite.seal(params, plain, associated);
    expect(hex(new Uint8Array(ct))).toBe(RFC.ct);
  });
});

describe("seal", () => {
  const privateKey = counting(32, 7);
  const publicKey = nativePlatform.agreementPublicKey(privateKey);

  test("opens for the private key alone, with the same info and associated data", async () => {
    const sealed = await sealTo(publicKey, info, associated, plain);
    expect(sealed.length).toBe(plain.length + SEAL_OVERHEAD_BYTES);
    expect(hex(await openFrom(privateKey, info, associated, sealed))).toBe(hex(plain));
    expect(await openFrom(counting(32, 9), info, associated, sealed)).toBeUndefined();
    expect(await openFrom(privateKey, utf8("other"), associated, sealed)).toBeUndefined();
    expect(await openFrom(privateKey, info, utf8("other"), sealed)).toBeUndefined();
  });

  test("never comes out the same twice", async () => {
    const first = await sealTo(publicKey, info, associated, plain);
    const second = await sealTo(publicKey, info, associated, plain);
    expect(hex(first.subarray(0, 32))).not.toBe(hex(second.subarray(0, 32)));
    expect(hex(first)).not.toBe(hex(second));
  });

  test("opens from nothing that was touched or cut", async () => {
    const sealed = await sealTo(publicKey, info, associated, plain);
    for (let at = 0; at < sealed.length; at++) {
      expect(
        await openFrom(privateKey, info, associated, flipped(sealed, at, at % 7)),
      ).toBeUndefined();
      expect(await openFrom(privateKey, info, associated, sealed.subarray(0, at))).toBeUndefined();
    }
    expect(
      await openFrom(privateKey, info, associated, concatBytes(sealed, Uint8Array.of(0))),
    ).toBeUndefined();
  });

  // With such an ephemeral key the shared secret would be known to all.
  test("opens from no ephemeral key of low order", async () => {
    for (const point of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))]) {
      const sealed = concatBytes(point, new Uint8Array(48));
      expect(await openFrom(privateKey, info, associated, sealed)).toBeUndefined();
    }
  });

  test("does not come out where a fault happened while it was made", async () => {
    const { subtle } = globalThis.crypto;
    const encrypt = subtle.encrypt.bind(subtle);
    const spy = spyOn(subtle, "encrypt").mockImplementationOnce(async (...question) => {
      const right = new Uint8Array(await encrypt(...question));
      return flipped(right, 5).buffer;
    });
    try {
      const fault = await faultOf(() => sealTo(publicKey, info, associated, plain));
      expect(fault).toBe("a seal comes out the same twice");
    } finally {
      spy.mockRestore();
    }
  });

  test("refuses a recipient of low order", async () => {
    expect(await faultOf(() => sealTo(new Uint8Array(32), info, associated, plain))).not.toBe("");
  });

  test("holds for any content, from shared memory too", async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const property = fc.asyncProperty(
      bytes,
      bytes,
      bytes,
      async (anyInfo, anyAssociated, anyPlain) => {
        const sealed = await sealTo(
          shared(publicKey),
          shared(anyInfo),
          shared(anyAssociated),
          shared(anyPlain),
        );
        const opened = await openFrom(shared(privateKey), anyInfo, anyAssociated, shared(sealed));
        expect(hex(opened)).toBe(hex(anyPlain));
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });
});
