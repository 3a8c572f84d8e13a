// Bucket probe: tries what a store needs of a bucket, with canaries, and tells what it found.
//
// Nothing is tried that could not be taken back: settings are only read, and no lock is made longer.
// Whether a key may delete shows on the mark that hides a canary: marks have no locks.

import type { World } from "../base/world.ts";
import { failureOf } from "../s3/ask.ts";
import type { Caller } from "../s3/call.ts";
import type { ServerClock } from "../s3/clock.ts";
import { listObjects } from "../s3/list.ts";
import { getRetention, type ObjectLock } from "../s3/lock.ts";
import { deleteVersion, getObject, headObject, hideObject, putObject } from "../s3/objects.ts";
import { defaultLockOf, judgeBucket, type LockChoice } from "./bucket-safety.ts";
import {
  type BucketSettings,
  type Dialect,
  isRefusal,
  readBucketSettings,
} from "./bucket-settings.ts";
import { trySpeed } from "./bucket-speed.ts";
import { Canaries } from "./canary.ts";
import {
  CANARY_BYTES,
  clockOutcome,
  type Outcome,
  Probing,
  type ProbeRow,
  readOutcome,
} from "./probe.ts";

export interface BucketProbe {
  readonly caller: Caller & { readonly clock: ServerClock };
  readonly world: World;
  /** Of the store's keys: empty, or ends with a slash. */
  readonly prefix: string;
  readonly dialect: Dialect;
  /** The least of locks that is accepted. */
  readonly least: LockChoice;
  readonly speed: boolean;
  tell(row: ProbeRow): Promise<void>;
}

/** Probes a bucket. Throws where there is no bucket, no connection, or a cap is reached. */
export async function probeBucket(probe: BucketProbe): Promise<Probing> {
  const probing = new Probing(probe.world, (row) => probe.tell(row));
  await new BucketProbing(probe, probing).run();
  return probing;
}

class BucketProbing {
  readonly #probe: BucketProbe;
  readonly #caller: Caller;
  readonly #probing: Probing;
  readonly #canaries: Canaries;
  readonly #key: string;
  readonly #first: Uint8Array<ArrayBuffer>;
  readonly #second: Uint8Array<ArrayBuffer>;
  #versionId: string | undefined;
  #listsVersions = false;
  #isLocked = false;
  /** When the canary's lock ends, where it was seen. */
  #lockedUntil: number | undefined;

  constructor(probe: BucketProbe, probing: Probing) {
    const { caller, world, prefix } = probe;
    this.#probe = probe;
    this.#caller = caller;
    this.#probing = probing;
    this.#canaries = new Canaries(caller, world, prefix);
    this.#key = `${this.#canaries.prefix}canary`;
    this.#first = world.random(CANARY_BYTES);
    this.#second = world.random(CANARY_BYTES);
  }

  async run(): Promise<void> {
    await this.#tryLists();
    const settings = await this.#lookAtSettings();
    const isPut = await this.#probing.step("put", () => this.#put());
    if (!isPut) {
      const found = "not tried: nothing could be put";
      return this.#probing.row({ what: "the rest", found, judgement: "warn" });
    }
    try {
      await this.#tryObjects();
      await this.#measure();
      await this.#tryVersions(settings);
    } finally {
      await this.#probing.step("left behind", () => this.#cleanUp());
    }
  }

  async #tryLists(): Promise<void> {
    const { clock } = this.#probe.caller;
    await this.#probing.step("list", async () => {
      const found = listObjects(this.#caller, this.#canaries.prefix);
      const { ms } = await this.#probing.timed(() => Array.fromAsync(found));
      return { found: `answered in ${ms} ms`, judgement: "ok", milliseconds: ms };
    });
    const skewMs = clock.skewMs;
    if (skewMs !== undefined) {
      await this.#probing.row({ what: "clock", ...clockOutcome(skewMs) });
    }
    this.#listsVersions = await this.#probing.step("list versions", () => this.#tryVersionList());
  }

  async #tryVersionList(): Promise<Outcome> {
    try {
      await this.#canaries.versions();
      return { found: "allowed", judgement: "ok" };
    } catch (error) {
      const status = failureOf(error)?.status ?? 0;
      if (![405, 501].includes(status)) throw error;
      return this.#unlessAccepted(`the service has none (${status})`);
    }
  }

  async #lookAtSettings(): Promise<BucketSettings> {
    const { dialect, prefix, least } = this.#probe;
    const settings = await readBucketSettings(this.#caller, dialect);
    for (const { what, found, judgement, means } of judgeBucket(settings, prefix, least)) {
      const text = means === undefined ? found : `${found}: ${means}`;
      await this.#probing.row({ what, found: text, judgement });
    }
    return settings;
  }

  async #put(): Promise<Outcome> {
    const putting = (): ReturnType<typeof putObject> =>
      putObject(this.#caller, this.#key, this.#first);
    const { value, ms } = await this.#probing.timed(putting);
    this.#versionId = value.versionId;
    return { found: `${CANARY_BYTES} bytes in ${ms} ms`, judgement: "ok", milliseconds: ms };
  }

  async #tryObjects(): Promise<void> {
    const probing = this.#probing;
    await probing.step("get", async () => {
      const got = await getObject(this.#caller, this.#key);
      return readOutcome(got?.bytes, this.#first);
    });
    await probing.step("get a part", async () => {
      const range = { offset: 100, length: 50 };
      const got = await getObject(this.#caller, this.#key, { range });
      return readOutcome(got?.bytes, this.#first.subarray(100, 150));
    });
    await probing.step("put with a wrong MD5", () => this.#putWrongly());
    await probing.step("list what is new", async () => {
      for await (const { key } of listObjects(this.#caller, this.#canaries.prefix)) {
        if (key === this.#key) return { found: "it is listed at once", judgement: "ok" };
      }
      return { found: "it is not listed at once", judgement: "warn" };
    });
  }

  // Sent once: what does not fit is asked for again elsewhere.
  async #putWrongly(): Promise<Outcome> {
    try {
      await this.#caller.call({
        operation: "PutObject",
        method: "PUT",
        key: `${this.#canaries.prefix}wrong`,
        body: this.#first,
        md5: this.#caller.hash.md5(this.#second),
        answerBytesMax: 1024 * 1024,
        tries: 1,
      });
      return { found: "taken: the service does not check what arrives", judgement: "warn" };
    } catch (error) {
      if (failureOf(error)?.status !== 400) throw error;
      return { found: "refused, as it must be", judgement: "ok" };
    }
  }

  async #tryVersions(settings: BucketSettings): Promise<void> {
    const probing = this.#probing;
    await probing.step("put again", () => this.#overwrite());
    const versionId = this.#versionId;
    if (versionId === undefined) return;
    let markerId: string | undefined;
    await probing.step("hide", async () => {
      markerId = await hideObject(this.#caller, this.#key);
      const isHidden = (await getObject(this.#caller, this.#key)) === undefined;
      if (!isHidden) return { found: "it is still shown", judgement: "warn" };
      const got = await getObject(this.#caller, this.#key, { versionId });
      return readOutcome(got?.bytes, this.#first, "hidden, and still there by its version");
    });
    await probing.step("lock", () => this.#lookAtLock(settings, versionId));
    const mark = markerId;
    const mayDelete = mark !== undefined && (await this.#tryDeletion(mark));
    await probing.step("delete what is stored", () => this.#deleteStored(versionId, mayDelete));
    await this.#probing.row({
      what: "other rights",
      found: "not tried: whether the key may change locks, rules, or bypass governance",
      judgement: "ok",
    });
  }

  async #overwrite(): Promise<Outcome> {
    await putObject(this.#caller, this.#key, this.#second);
    const versionId = this.#versionId;
    if (versionId === undefined) {
      return this.#unlessAccepted("the first object is gone: a second one of its name replaces it");
    }
    const got = await getObject(this.#caller, this.#key, { versionId });
    return readOutcome(got?.bytes, this.#first, "a version of its own, and the first one is kept");
  }

  async #lookAtLock(settings: BucketSettings, versionId: string): Promise<Outcome> {
    const lock = await this.#seenLock(versionId);
    if (lock !== undefined) {
      this.#isLocked = true;
      this.#lockedUntil = lock.until;
      const found = `${lock.mode.toUpperCase()} until ${dateText(lock.until)}`;
      const isEnough = lock.mode === "compliance" || this.#probe.least !== "compliance";
      return { found, judgement: isEnough ? "ok" : "bad" };
    }
    if (defaultLockOf(settings) === undefined) return this.#unlessAccepted("none");
    const right = this.#probe.dialect === "b2" ? "readFileRetentions" : "s3:GetObjectRetention";
    this.#isLocked = true; // By the bucket's settings; the refusal to delete will say.
    return { found: `not seen: the key lacks ${right}, or there is none`, judgement: "warn" };
  }

  // Not every service tells it with a HEAD (versitygw: not that of a default retention).
  async #seenLock(versionId: string): Promise<ObjectLock | undefined> {
    const head = await headObject(this.#caller, this.#key, { versionId });
    if (head?.lock !== undefined) return head.lock;
    try {
      return await getRetention(this.#caller, this.#key, versionId);
    } catch (error) {
      if (isRefusal(error) || failureOf(error)?.status === 501) return undefined;
      throw error;
    }
  }

  async #tryDeletion(markerId: string): Promise<boolean> {
    let mayDelete = false;
    await this.#probing.step("delete a mark", async () => {
      try {
        await deleteVersion(this.#caller, this.#key, markerId);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return { found: "refused: this key deletes nothing", judgement: "ok" };
      }
      mayDelete = true;
      const found = "allowed: this key can delete for good what is not locked";
      return { found, judgement: "warn" };
    });
    return mayDelete;
  }

  async #deleteStored(versionId: string, mayDelete: boolean): Promise<Outcome> {
    try {
      await deleteVersion(this.#caller, this.#key, versionId);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const found = mayDelete
        ? "refused: the lock holds"
        : "refused: the key may not, whatever its lock";
      return { found, judgement: "ok" };
    }
    const isGone = (await headObject(this.#caller, this.#key, { versionId })) === undefined;
    if (!isGone) return { found: "answered, and not done", judgement: "warn" };
    if (!this.#isLocked) return { found: "done: it was not locked", judgement: "warn" };
    return { found: "done, though it was locked: locks do not hold here", judgement: "bad" };
  }

  async #measure(): Promise<void> {
    await this.#probing.step("latency", () =>
      this.#probing.latency(() => headObject(this.#caller, this.#key), "requests"),
    );
    if (this.#probe.speed) await trySpeed(this.#caller, this.#probing, this.#canaries.prefix);
  }

  async #cleanUp(): Promise<Outcome> {
    const hasVersions = this.#listsVersions && this.#versionId !== undefined;
    const { count, bytes } = await this.#canaries.remove(hasVersions);
    if (count === 0) return { found: "nothing", judgement: "ok" };
    const what = `${count} ${count === 1 ? "version" : "versions"}, ${bytes} bytes, hidden`;
    if (this.#lockedUntil === undefined) {
      const until = this.#isLocked ? "until their lock ends" : "until a key deletes them";
      return { found: `${what}, ${until}`, judgement: "ok" };
    }
    const until = `locked until ${dateText(this.#lockedUntil)}`;
    return { found: `${what}, ${until}`, judgement: "ok" };
  }

  /** What is bad, unless the user has said that no locks are fine. */
  #unlessAccepted(found: string): Outcome {
    return { found, judgement: this.#probe.least === "none" ? "warn" : "bad" };
  }
}

/** A moment to the minute, in UTC. */
export function dateText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
