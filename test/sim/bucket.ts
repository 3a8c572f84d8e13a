// A store in the emulated bucket, through a client whose waits are short: for sweeps of faults.

import { openBucket } from "../../src/s3/service.ts";
import { openBucketStorage } from "../../src/storage/bucket.ts";
import { thoroughStorage } from "../../src/storage/thorough.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { systemWorld } from "../../src/system/world.ts";
import { Emulator } from "../b2/emulator.ts";
import { HASH } from "../s3/rig.ts";
import { backUp, restoreTo, runCheck } from "../support/jobs.ts";
import { Client, makeStore } from "../support/store.ts";

const BUCKET = "store-bucket";
const PREFIX = "mine/";
/** Waits are so many times shorter than they say. */
const HASTE = 200;
const PATIENCE = { budgetMs: 60_000, idleMs: 30_000, answerMs: 40_000 };

export class BucketRig implements AsyncDisposable {
  readonly b2: Emulator;
  readonly #key: { readonly keyId: string; readonly secret: string };

  private constructor(b2: Emulator) {
    this.b2 = b2;
    this.#key = b2.createKey();
  }

  /** An empty store. */
  static async start(): Promise<BucketRig> {
    const b2 = await Emulator.start();
    b2.createBucket(BUCKET);
    const rig = new BucketRig(b2);
    await makeStore(rig.storage());
    return rig;
  }

  /** Each is a program of its own: it has learned nothing yet. */
  storage(): Storage {
    const { endpoint, region } = this.b2;
    let ahead = 0;
    const world = {
      ...systemWorld,
      now: () => systemWorld.now() + ahead,
      // Time does pass, for a budget to end, but nobody waits for it; the clock is put right again.
      sleep: async (milliseconds: number) => {
        ahead += Math.min(milliseconds, 2000);
        await systemWorld.sleep(1);
      },
    };
    const bucket = openBucket({ endpoint, region, credentials: this.#key }, BUCKET, {
      world,
      hash: HASH,
      patience: PATIENCE,
      timer: (milliseconds, run) => {
        const timer = setTimeout(run, milliseconds / HASTE);
        return () => clearTimeout(timer);
      },
    });
    return openBucketStorage(bucket, { prefix: PREFIX, location: `b2://${BUCKET}/${PREFIX}` });
  }

  async backUp(client: Client, source: string): Promise<{ readonly problems: readonly unknown[] }> {
    return backUp(client, await client.open(this.storage()), [source]);
  }

  /** By a machine that knows nothing. */
  async restore(to: string): Promise<{ readonly problems: readonly unknown[] }> {
    return restoreTo(await new Client().open(this.storage()), to, { existing: "replace" });
  }

  /** What a thorough check with all data finds. */
  async findings(client: Client): Promise<readonly string[]> {
    const store = await client.open(thoroughStorage(this.storage()));
    const { findings } = await runCheck(store, 1);
    return findings.map(({ subject, message }) => `${subject}: ${message}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.b2[Symbol.asyncDispose]();
  }
}
