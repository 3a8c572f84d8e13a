// Create: a new store where there is none.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import {
  CHUNK_BYTES_AVERAGE,
  CHUNK_BYTES_MAX,
  CHUNK_BYTES_MIN,
  PACK_BYTES_TARGET,
} from "../base/limits.ts";
import { hexId } from "../base/ids.ts";
import type { WriteContext } from "../format/context.ts";
import type { LockPolicy, LogRecord } from "../format/record.ts";
import { encodeSlot } from "../format/slot.ts";
import type { StoreContext } from "./context.ts";
import { Findings } from "./findings.ts";
import { type Keyring, keyringOfSecret, ownerBundle, requireOwner } from "./keyring.ts";
import { OwnerLog } from "./log.ts";
import { changeMemory } from "./memory.ts";
import { keepObject, listNames } from "./objects.ts";
import { rememberStore } from "./known.ts";
import { hasStore } from "./unlock.ts";

export interface NewStore {
  readonly passphrase: string;
  /** Names this machine. */
  readonly label: string;
  readonly policy: LockPolicy;
}

export interface CreatedStore {
  readonly keyring: Keyring;
  /** The owner secret: the recovery phrase is exactly this. */
  readonly secret: Bytes;
}

/** Makes a store. Throws `exists` where anything of one is there already. */
export async function createStore(context: StoreContext, options: NewStore): Promise<CreatedStore> {
  await refuseExisting(context);
  const secret = context.platform.random(32);
  const keyring = await keyringOfSecret(context.platform, secret, options.label);
  const { bucketPlace } = context.storage;
  const locationId =
    bucketPlace === undefined ? await folderId(context) : context.platform.random(16);
  await addSlot(context, keyring, options.passphrase, "init");
  const state = context.local.state(storeIdText(keyring));
  const log = await OwnerLog.open(context, keyring, state, new Findings());
  for (const record of firstRecords(context, keyring, options.policy, locationId)) {
    await log.append(record);
  }
  await refuseRace(context, log);
  log.remember();
  rememberStore(context, keyring.keys.storeId);
  return { keyring, secret };
}

async function folderId({ storage }: StoreContext): Promise<Bytes> {
  const id = await storage.locationId(true);
  if (id !== undefined) return id;
  throw new BunkerError("denied", `${storage.location} can't be given an id`);
}

function firstRecords(
  context: StoreContext,
  keyring: Keyring,
  policy: LockPolicy,
  locationId: Bytes,
): LogRecord[] {
  const time = context.world.now();
  const { bucketPlace } = context.storage;
  return [
    {
      kind: "genesis",
      time,
      agreementPublic: keyring.keys.agreementPublic,
      signingPublic: keyring.keys.signingPublic,
      chunkBytes: { min: CHUNK_BYTES_MIN, average: CHUNK_BYTES_AVERAGE, max: CHUNK_BYTES_MAX },
      packBytesTarget: PACK_BYTES_TARGET,
      program: context.program,
    },
    { kind: "policy", time, ...policy },
    {
      kind: "location",
      time,
      locationId,
      ...(bucketPlace === undefined ? {} : { bucket: bucketPlace }),
    },
    certificateOf(keyring, time),
  ];
}

/** The owner's certificate for this machine's own signer. */
export function certificateOf(keyring: Keyring, time: number): LogRecord {
  return {
    kind: "certificate",
    time,
    role: "writer",
    publicKey: keyring.signer.publicKey,
    label: keyring.label,
    hosts: [],
  };
}

/** Adds a key slot for the owner's bundle and keeps a copy of it. Returns its name. */
export async function addSlot(
  context: StoreContext,
  keyring: Keyring,
  passphrase: string,
  label: string,
): Promise<string> {
  const owner = requireOwner(keyring, "a key slot");
  const write: WriteContext = {
    platform: context.platform,
    keys: keyring.keys,
    keyed: (key, bytes) => context.core.keyedBlake3(key, bytes),
    signer: { seed: owner.signingSeed, publicKey: owner.signingPublic },
  };
  const slot = await encodeSlot(write, {
    passphrase,
    bundle: ownerBundle(owner),
    label,
    created: context.world.now(),
  });
  await context.storage.put(slot.name, slot.bytes);
  const state = context.local.state(storeIdText(keyring));
  keepObject(state, slot.name, slot.bytes);
  changeMemory(state, (now) => ({
    slotNames: [...new Set([...now.slotNames, slot.name])].sort(),
  }));
  return slot.name;
}

export function storeIdText(keyring: Keyring): string {
  return hexId(keyring.keys.storeId);
}

async function refuseExisting(context: StoreContext): Promise<void> {
  if (!(await hasStore(context))) return;
  throw new BunkerError("exists", `there is a store at ${context.storage.location} already`, {
    subject: context.storage.location,
    hint: "choose another place, or use that store",
  });
}

// Two at once: each sees the other's first record when it lists again, and both refuse.
async function refuseRace(context: StoreContext, log: OwnerLog): Promise<void> {
  const own = log.state.genesis;
  for (const name of await listNames(context.storage, "owner/0000000001-")) {
    if (name === log.firstName && own !== undefined) continue;
    throw new BunkerError(
      "exists",
      `another store was made at ${context.storage.location} meanwhile`,
      {
        hint: "empty the place and run init once",
      },
    );
  }
}
