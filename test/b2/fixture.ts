// Fixture: an emulator with one bucket, and calls to it by one key or another.

import { type Ask, type Reply, type Signer, call, md5Base64 } from "./client.ts";
import { type BucketOptions, Emulator, type EmulatorOptions } from "./emulator.ts";
import type { AppKey, Capability, KeyOptions } from "./keys.ts";

export const BUCKET = "bucket-1";
export const START = Date.UTC(2026, 0, 15, 12);

export type Caller = (ask: Ask) => Promise<Reply>;

export interface Fixture extends AsyncDisposable {
  readonly b2: Emulator;
  readonly signer: Signer;
  /** By a key that may do all but what the default leaves out. */
  readonly ask: Caller;
  /** By another key; its clock is the emulator's. */
  as(options: KeyOptions): Caller;
  may(...capabilities: readonly Capability[]): Caller;
  put(key: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<Reply>;
}

/** The emulator's clock stands at START; what is asked of it is signed by the same clock. */
export async function openFixture(
  bucket: BucketOptions = {},
  options: EmulatorOptions = {},
): Promise<Fixture> {
  const b2 = await Emulator.start({ clock: START, ...options });
  b2.createBucket(BUCKET, bucket);
  const signerOf = (key: AppKey): Signer => ({
    endpoint: b2.endpoint,
    region: b2.region,
    keyId: key.keyId,
    secret: key.secret,
    now: () => b2.clock.now(),
  });
  const signer = signerOf(b2.createKey());
  const as = (key: KeyOptions): Caller => {
    const own = signerOf(b2.createKey(key));
    return (ask) => call(own, ask);
  };
  return {
    b2,
    signer,
    ask: (ask) => call(signer, ask),
    as,
    may: (...capabilities) => as({ capabilities }),
    put: (key, body = "", headers = {}) =>
      call(signer, {
        method: "PUT",
        path: `/${BUCKET}/${key}`,
        body,
        headers: { "content-md5": md5Base64(body), ...headers },
      }),
    [Symbol.asyncDispose]: () => b2.stop(),
  };
}

/** The texts of all elements of this name, in order. */
export function textsOf({ text }: Reply, name: string): string[] {
  return [...text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map(
    ([, found]) => found!,
  );
}

/** Of the first one. */
export function textOf(reply: Reply, name: string): string | undefined {
  return textsOf(reply, name)[0];
}
