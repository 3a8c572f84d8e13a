// Platform of any runtime with WebCrypto (browser, edge): the same answers as the native one, awaited.

import { assert, present } from "../base/assert.ts";
import { type Bytes, concatBytes, copyBytes, parseHex } from "../base/bytes.ts";
import type { Platform } from "../base/platform.ts";
import { loadZstd } from "./zstd.ts";

type Owned = Uint8Array<ArrayBuffer>;

const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** WebCrypto gives no more at once. */
const RANDOM_BYTES_MAX = 65_536;

// RFC 8410: what stands before a raw private key in PKCS #8.
const ED25519_PRIVATE = parseHex("302e020100300506032b657004220420")!;
const X25519_PRIVATE = parseHex("302e020100300506032b656e04220420")!;

/** Makes the platform; `zstdWasm` is the module that `loadZstd` takes. */
export async function portablePlatform(zstdWasm: Bytes): Promise<Platform> {
  const zstd = await loadZstd(zstdWasm);
  return {
    random,
    sha256: async (bytes) => new Uint8Array(await subtle().digest("SHA-256", unshared(bytes))),
    hkdf,
    sealGcm,
    openGcm,
    sign,
    verify,
    signingPublicKey,
    agreementPublicKey,
    decompress: (frame, plainBytes) => zstd.decompress(frame, plainBytes),
  };
}

function random(byteCount: number): Owned {
  const bytes = new Uint8Array(byteCount);
  for (let at = 0; at < byteCount; at += RANDOM_BYTES_MAX) {
    globalThis.crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES_MAX));
  }
  return bytes;
}

async function hkdf(key: Bytes, salt: Bytes, info: Bytes, byteCount: number): Promise<Owned> {
  const base = await subtle().importKey("raw", unshared(key), "HKDF", false, ["deriveBits"]);
  const params = { name: "HKDF", hash: "SHA-256", salt: unshared(salt), info: unshared(info) };
  return new Uint8Array(await subtle().deriveBits(params, base, byteCount * 8));
}

async function sealGcm(key: Bytes, nonce: Bytes, associated: Bytes, plain: Bytes): Promise<Owned> {
  const params = { name: "AES-GCM", iv: unshared(nonce), additionalData: unshared(associated) };
  const cipherKey = await gcmKey(key, "encrypt");
  return new Uint8Array(await subtle().encrypt(params, cipherKey, unshared(plain)));
}

async function openGcm(
  key: Bytes,
  nonce: Bytes,
  associated: Bytes,
  sealed: Bytes,
): Promise<Owned | undefined> {
  const params = { name: "AES-GCM", iv: unshared(nonce), additionalData: unshared(associated) };
  const cipherKey = await gcmKey(key, "decrypt");
  if (sealed.length < TAG_BYTES) return undefined;
  try {
    return new Uint8Array(await subtle().decrypt(params, cipherKey, unshared(sealed)));
  } catch (error) {
    if ((error as { name?: unknown }).name === "OperationError") return undefined;
    throw error;
  }
}

async function gcmKey(key: Bytes, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  assert(key.length === KEY_BYTES, `a key has ${KEY_BYTES} bytes, not ${key.length}`);
  return subtle().importKey("raw", unshared(key), "AES-GCM", false, [usage]);
}

async function sign(seed: Bytes, message: Bytes): Promise<Owned> {
  const key = await privateKeyOf("Ed25519", seed, false);
  return new Uint8Array(await subtle().sign("Ed25519", key, unshared(message)));
}

async function verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  if (publicKey.length !== KEY_BYTES) return false;
  let key: CryptoKey;
  try {
    key = await subtle().importKey("raw", unshared(publicKey), "Ed25519", false, ["verify"]);
  } catch {
    return false; // Some runtimes refuse 32 bytes that are no point here, others below.
  }
  return subtle().verify("Ed25519", key, unshared(signature), unshared(message));
}

async function signingPublicKey(seed: Bytes): Promise<Owned> {
  const jwk = await subtle().exportKey("jwk", await privateKeyOf("Ed25519", seed, true));
  const base64 = present(jwk.x, "an Ed25519 key has x").replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function agreementPublicKey(privateKey: Bytes): Promise<Owned> {
  const key = await privateKeyOf("X25519", privateKey, false);
  const basePoint = new Uint8Array(KEY_BYTES);
  basePoint[0] = 9;
  const point = await subtle().importKey("raw", basePoint, "X25519", false, []);
  return new Uint8Array(await subtle().deriveBits({ name: "X25519", public: point }, key, 256));
}

async function privateKeyOf(
  curve: "Ed25519" | "X25519",
  raw: Bytes,
  extractable: boolean,
): Promise<CryptoKey> {
  assert(raw.length === KEY_BYTES, `a private key has ${KEY_BYTES} bytes, not ${raw.length}`);
  const signing = curve === "Ed25519";
  const der = concatBytes(signing ? ED25519_PRIVATE : X25519_PRIVATE, raw);
  return subtle().importKey("pkcs8", der, curve, extractable, [signing ? "sign" : "deriveBits"]);
}

function subtle(): SubtleCrypto {
  return globalThis.crypto.subtle;
}

// WebCrypto refuses views of shared memory.
function unshared(bytes: Bytes): Owned {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Owned) : copyBytes(bytes);
}
