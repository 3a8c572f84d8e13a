// Stores for tests: made without Argon2's costs, and opened by clients that are machines of their
// own, each with its label, its local folders and its cores.

import { type Bytes, copyBytes, utf8 } from "../../src/base/bytes.ts";
import { hexId } from "../../src/base/ids.ts";
import type { World } from "../../src/base/world.ts";
import { type Core, instantiateCore } from "../../src/core/core.ts";
import { deriveOwnerKeys } from "../../src/crypto/derive.ts";
import type { WriterBundle } from "../../src/format/bundle.ts";
import type { WriteContext } from "../../src/format/context.ts";
import type { LogRecord } from "../../src/format/record.ts";
import { encodeSlot } from "../../src/format/slot.ts";
import type { Storage } from "../../src/storage/storage.ts";
import type { LocalRoot, StoreContext } from "../../src/store/context.ts";
import { certificateOf } from "../../src/store/create.ts";
import { Findings } from "../../src/store/findings.ts";
import { keyringOfSecret, ownerBundle, requireOwner } from "../../src/store/keyring.ts";
import { OwnerLog } from "../../src/store/log.ts";
import { Store } from "../../src/store/store.ts";
import type { Secret } from "../../src/store/unlock.ts";
import { loadCoreBytes } from "../../src/system/core-file.ts";
import { memoryRoot } from "./local.ts";
import { seededRandom } from "./random.ts";
import { testPlatform, testWorld } from "./world.ts";

export const PASSPHRASE = "a passphrase for tests";
export const LABEL = "machine";
/** Least costs: what is tested is never how hard a passphrase is to guess. */
const FAST = { memoryKib: 8, passes: 1, lanes: 1 };
export const SECRET: Bytes = Uint8Array.from({ length: 32 }, (_, i) => i);

export const coreModule = new WebAssembly.Module(loadCoreBytes());
export const newCore = (): Core => instantiateCore(coreModule);

export interface ClientOptions {
  readonly label?: string;
  readonly local?: LocalRoot;
  readonly secret?: Secret;
  readonly world?: World;
}

/** A machine with Bunker on it: it may open stores again and again. */
export class Client {
  readonly local: LocalRoot;
  readonly label: string;
  readonly world: World;
  readonly core = newCore();
  readonly laneCore = newCore();
  readonly #secret: Secret;

  constructor(options: ClientOptions = {}) {
    this.local = options.local ?? memoryRoot();
    this.label = options.label ?? LABEL;
    this.world = options.world ?? testWorld();
    this.#secret = options.secret ?? { kind: "phrase", secret: SECRET };
  }

  contextOf(storage: Storage): StoreContext {
    const { world, core, local } = this;
    const seed = utf8(this.label).reduce((sum, byte) => sum * 31 + byte, 7);
    const platform = testPlatform(seededRandom((seed + world.now()) >>> 0));
    return { platform, world, core, storage, local, program: "test" };
  }

  async open(
    storage: Storage,
    options: { readonly trust?: readonly string[]; readonly secret?: Secret } = {},
  ): Promise<Store> {
    const { trust, secret = this.#secret } = options;
    const opening = { label: this.label, ...(trust === undefined ? {} : { trust }) };
    const store = await Store.open(this.contextOf(storage), secret, opening);
    if (store.keyring.shared !== undefined) this.core.setKeys(store.keyring.shared);
    return store;
  }
}

export interface NewTestStore {
  readonly secret?: Bytes;
  readonly label?: string;
  /** Of its one key slot. */
  readonly passphrase?: string;
  readonly graceSeconds?: number;
}

/** Makes a store as `init` does; nobody remembers it. */
export async function makeStore(storage: Storage, options: NewTestStore = {}): Promise<void> {
  const client = new Client({ label: options.label ?? LABEL });
  const context = client.contextOf(storage);
  const { platform } = context;
  const keyring = await keyringOfSecret(
    platform,
    copyBytes(options.secret ?? SECRET),
    client.label,
  );
  const { storeId, agreementPublic, signingPublic } = keyring.keys;
  const { passphrase = PASSPHRASE, secret = SECRET } = options;
  await putSlot(context, { passphrase, secret });
  const state = client.local.state(hexId(storeId));
  const log = await OwnerLog.open(context, keyring, state, new Findings());
  const time = client.world.now();
  const bucket = storage.bucketPlace;
  const folderId = bucket === undefined ? await storage.locationId(true) : undefined;
  const locationId = copyBytes(folderId ?? new Uint8Array(16).fill(7));
  const grace = options.graceSeconds ?? 0;
  const records: LogRecord[] = [
    {
      kind: "genesis",
      time,
      agreementPublic,
      signingPublic,
      chunkBytes: { min: 1, average: 2, max: 3 },
      packBytesTarget: 1,
      program: "test",
    },
    { kind: "policy", time, mode: "none", period: 0, floor: 0, grace },
    { kind: "location", time, locationId, ...(bucket === undefined ? {} : { bucket }) },
    certificateOf(keyring, time),
  ];
  for (const record of records) await log.append(record);
}

/** Puts a cheap key slot for a secret; returns its name. */
export async function putSlot(
  context: StoreContext,
  slot: { readonly passphrase: string; readonly secret: Bytes },
): Promise<string> {
  const keyring = await keyringOfSecret(context.platform, copyBytes(slot.secret), LABEL);
  const owner = requireOwner(keyring, "a slot");
  const write: WriteContext = {
    platform: context.platform,
    keys: keyring.keys,
    keyed: (key, bytes) => context.core.keyedBlake3(key, bytes),
    signer: { seed: owner.signingSeed, publicKey: owner.signingPublic },
  };
  const encoded = await encodeSlot(write, {
    passphrase: slot.passphrase,
    bundle: ownerBundle(owner),
    label: "test",
    created: context.world.now(),
    stretching: FAST,
  });
  await context.storage.put(encoded.name, encoded.bytes);
  return encoded.name;
}

/** The key of a machine that may add snapshots and read none; it is not certified yet. */
export async function writerBundle(label: string, secret: Bytes = SECRET): Promise<WriterBundle> {
  const platform = testPlatform();
  const owner = await deriveOwnerKeys(platform, secret);
  const { agreementPublic, signingPublic, dataIdKey, treeIdKey, cutKey, indexKey } = owner;
  const signerSeed = seededRandom(label.length + 77).bytes(32);
  const shared = { agreementPublic, signingPublic, dataIdKey, treeIdKey, cutKey, indexKey };
  return { role: "writer", ...shared, signerSeed, label };
}

/** The owner certifies a writer. */
export async function certify(store: Store, bundle: WriterBundle): Promise<void> {
  const publicKey = await store.platform.signingPublicKey(bundle.signerSeed);
  const time = store.world.now();
  const { label } = bundle;
  await store.log.append({
    kind: "certificate",
    time,
    role: "writer",
    publicKey,
    label,
    hosts: [],
  });
}

/** All names in a storage, sorted. */
export async function namesIn(storage: Storage, prefix = ""): Promise<string[]> {
  const objects = await Array.fromAsync(storage.list(prefix));
  return objects.map(({ name }) => name);
}

/** A copy of a storage's objects, to spoil and to put back. */
export async function objectsIn(storage: Storage): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of await namesIn(storage)) objects.set(name, (await storage.get(name))!);
  return objects;
}
