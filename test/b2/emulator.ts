// Emulator: Backblaze B2 by its S3 API, for tests: strict where B2 is, in memory, on loopback.
//
//   await using b2 = await Emulator.start();
//   b2.createBucket("photos-2020", { lock: true, defaultRetention: { mode: "compliance", days: 30 } });
//   const { keyId, secret } = b2.createKey({ bucket: "photos-2020", prefix: "a/" });
//   … b2.endpoint, b2.region …; b2.faults.plan({ what: "busy", operation: "PutObject", nth: 3 });
//   b2.clock.advance(31 * 86_400_000); b2.requests.filter((one) => one.operation === "PutObject")

import { type Server, createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { Account } from "./account.ts";
import { authenticate } from "./auth.ts";
import { makeBucket } from "./buckets.ts";
import { Clock, type TimeSource } from "./clock.ts";
import { Content } from "./content.ts";
import { admit, carryOut } from "./dispatch.ts";
import type { Answer, Body, RequestRecord, Target } from "./exchange.ts";
import { type Fault, Faults } from "./faults.ts";
import { type AppKey, type KeyOptions, KeyRing } from "./keys.ts";
import { type LifecycleRule, runLifecycle } from "./lifecycle.ts";
import type { Seen } from "./listing.ts";
import { type Lock, type LockMode, defaultLock, parseMode } from "./locks.ts";
import type { BucketState, Version } from "./state.ts";
import { type Core, handle } from "./transport.ts";

/** Some hundred megabytes. */
const RECORDS_MAX = 200_000;

export interface EmulatorOptions {
  /** Whether buckets have object lock unless they say otherwise. */
  readonly lock?: boolean;
  /** A clock to follow, or a time to stand still at; else the machine's. */
  readonly clock?: TimeSource | number;
  readonly region?: string;
  readonly port?: number;
}

export interface BucketOptions {
  readonly lock?: boolean;
  readonly defaultRetention?: { readonly mode: LockWord; readonly days: number };
  readonly lifecycle?: readonly LifecycleRule[];
}

export type LockWord = LockMode | Lowercase<LockMode>;

export interface PlantOptions {
  readonly modified?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly lock?: { readonly mode: LockWord; readonly until: number };
  /** A marker instead of bytes. */
  readonly marker?: boolean;
}

/** A version as tests see it. */
export interface SeenVersion {
  readonly versionId: string;
  readonly bytes: number;
  readonly etag: string;
  readonly modified: number;
  readonly hidden: boolean;
  readonly latest: boolean;
  readonly lock: Lock | undefined;
  readonly legalHold: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

export class Emulator {
  readonly endpoint: string;
  readonly account: Account;
  readonly clock: Clock;
  readonly faults = new Faults();
  readonly keys = new KeyRing();
  /** Every call so far, of very many the newer half; may be emptied by setting its length. */
  readonly requests: RequestRecord[] = [];
  /** The most calls that were under way at once. */
  concurrentMax = 0;
  /** How long every answer waits, so that calls overlap. */
  latencyMs = 0;
  readonly #options: EmulatorOptions;
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;
  readonly #crashes: unknown[];

  private constructor(options: EmulatorOptions, listening: Listening) {
    this.#options = options;
    this.account = new Account(options.region ?? "us-west-004");
    this.clock = new Clock(options.clock);
    this.endpoint = `http://127.0.0.1:${listening.port}`;
    this.#server = listening.server;
    this.#sockets = listening.sockets;
    this.#crashes = listening.crashes;
  }

  /** Listens on a free port of 127.0.0.1, or on the one given. */
  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
    const listening = await listen(options.port ?? 0);
    const emulator = new Emulator(options, listening);
    const core = emulator.#core(listening.crashes);
    let runningCount = 0;
    listening.server.on("request", (message, response) => {
      emulator.concurrentMax = Math.max(emulator.concurrentMax, ++runningCount);
      core.concurrent = runningCount;
      response.on("close", () => runningCount--);
      handle(core, message, response).catch((error: unknown) => core.crashed(error));
    });
    return emulator;
  }

  get region(): string {
    return this.account.region;
  }

  createBucket(name: string, options: BucketOptions = {}): void {
    const lock =
      options.lock ?? (this.#options.lock === true || options.defaultRetention !== undefined);
    const bucket = makeBucket(this.account, name, lock, this.clock.now());
    const { defaultRetention, lifecycle } = options;
    if (defaultRetention !== undefined) {
      bucket.defaultRetention = {
        mode: parseMode(defaultRetention.mode),
        days: defaultRetention.days,
      };
    }
    bucket.lifecycle = lifecycle ?? [];
  }

  createKey(options: KeyOptions = {}): AppKey {
    return this.keys.create(options, this.clock.now());
  }

  /** The account's master key, which S3 refuses. */
  createMasterKey(): AppKey {
    return this.keys.create({}, this.clock.now(), true);
  }

  /** Names in order, also those whose newest version is a marker. */
  keysOf(bucket: string): readonly string[] {
    return this.bucket(bucket).keys;
  }

  /** Newest first. */
  versionsOf(bucket: string, key: string): SeenVersion[] {
    return this.bucket(bucket)
      .versionsOf(key)
      .map((version, i) => ({
        versionId: version.versionId,
        bytes: version.content.bytes,
        etag: version.etag,
        modified: version.modified,
        hidden: version.marker,
        latest: i === 0,
        lock: version.lock,
        legalHold: version.legalHold,
        headers: version.headers,
      }));
  }

  /** The stored bytes of a version, the newest if none is named. */
  read(bucket: string, key: string, versionId?: string): Uint8Array<ArrayBuffer> {
    return this.#version(bucket, key, versionId).content.copy();
  }

  /** Puts a version on top without a request; locked as the bucket's rule says, or as asked. */
  plant(
    bucketName: string,
    key: string,
    bytes: Uint8Array | string,
    { modified = this.clock.now(), headers = {}, lock, marker = false }: PlantOptions = {},
  ): string {
    const bucket = this.bucket(bucketName);
    const content = marker ? new Content([]) : Content.of(Buffer.from(bytes));
    const own = lock && { mode: parseMode(lock.mode), until: lock.until };
    const inherited = marker ? undefined : defaultLock(bucket, modified);
    return bucket.add({ key, modified, marker, content, headers, lock: own ?? inherited })
      .versionId;
  }

  /** Changes stored bytes behind everybody's back, as a failing disk would; its sum stays. */
  damage(
    bucket: string,
    key: string,
    change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array,
    versionId?: string,
  ): void {
    const version = this.#version(bucket, key, versionId);
    version.content = Content.of(change(version.content.copy()));
  }

  /** Loses a version, as a provider might, whatever its lock. */
  lose(bucket: string, key: string, versionId?: string): void {
    this.bucket(bucket).remove(this.#version(bucket, key, versionId));
  }

  /** A day's run of the lifecycle rules, at the clock's time. docs/b2.md A8 */
  runDaily(): void {
    runLifecycle(this.account, this.clock.now());
  }

  /** Throws if there is none of this name. */
  bucket(name: string): BucketState {
    const bucket = this.account.buckets.get(name);
    if (bucket === undefined) throw new Error(`no bucket ${name} in the emulator`);
    return bucket;
  }

  #version(bucket: string, key: string, versionId: string | undefined): Version {
    const state = this.bucket(bucket);
    const found = versionId === undefined ? state.newest(key) : state.find(key, versionId);
    if (found === undefined) throw new Error(`no version of ${key} in ${bucket}`);
    return found;
  }

  #core(crashes: unknown[]): Core & { concurrent: number } {
    const { account, clock, faults, requests, keys } = this;
    let requestCount = 0;
    return {
      concurrent: 0,
      now: () => clock.now(),
      wait: async () => {
        if (this.latencyMs > 0) await Bun.sleep(this.latencyMs);
      },
      requestId: () => (++requestCount).toString(16).padStart(16, "0"),
      record(record) {
        if (requests.length >= RECORDS_MAX) requests.splice(0, RECORDS_MAX / 2);
        requests.push(record);
      },
      takeFault({ operation, bucket, key }) {
        return faults.take({ operation, bucket, key }, this.concurrent);
      },
      admit(target) {
        const now = clock.now();
        const by = authenticate(target, { keys, region: account.region, now });
        admit(account, target, by, now);
        return by;
      },
      carryOut(target: Target, by: AppKey, body: Body, fault: Fault | undefined): Answer {
        const seen = seenWith(account, target, fault);
        return carryOut(account, { ...target, by, body, now: clock.now() }, seen);
      },
      crashed: (error) => void crashes.push(error),
    };
  }

  /** Ends all connections; throws if the emulator itself failed in between. */
  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    await promise;
    if (this.#crashes.length > 0) throw new AggregateError(this.#crashes, "the emulator failed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

interface Listening {
  readonly server: Server;
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
  readonly crashes: unknown[];
}

async function listen(port: number): Promise<Listening> {
  const server = createServer();
  // Clients decide how long they keep a connection, and how long an upload takes.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.timeout = 0;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.on("error", reject);
  server.listen(port, "127.0.0.1", resolve);
  await promise;
  return { server, port: (server.address() as AddressInfo).port, sockets, crashes: [] };
}

/** All, but for a stale list those that came last. docs/b2.md A9 */
function seenWith(account: Account, { bucket }: Target, fault: Fault | undefined): Seen {
  const state = account.buckets.get(bucket ?? "");
  if (fault?.what !== "stale-list" || state === undefined) return () => true;
  const all = state.keys.flatMap((key) => state.versionsOf(key));
  // Ids of a bucket grow with time.
  const newest = all.sort((a, b) => (a.versionId < b.versionId ? 1 : -1));
  const unseen = new Set(newest.slice(0, fault.versionCount ?? 1));
  return (version) => !unseen.has(version);
}
