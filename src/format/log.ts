// The owner log, replayed: what is in force (docs/format.md §9.2). Pure.

import { assert } from "../base/assert.ts";
import { type Bytes, equalBytes, hexOf } from "../base/bytes.ts";
import type { BucketPlace } from "../base/place.ts";
import { type HexId, hexId, type ObjectId, type SignerId } from "../base/ids.ts";
import type { Reference } from "./context.ts";
import { compareReferences } from "./fields.ts";
import { entriesOf, Order } from "./order.ts";
import type { LockPolicy, LogEntry, LogRecord, RecordKind } from "./record.ts";

export interface Location {
  /** 16 bytes. */
  readonly locationId: Bytes;
  /** Absent: a folder. */
  readonly bucket?: BucketPlace;
}

export interface SignerState {
  readonly publicKey: SignerId;
  readonly role: "writer" | "keeper";
  readonly label: string;
  /** Sorted; none: any. */
  readonly hosts: readonly string[];
  /** Seconds. */
  readonly lockCap?: number;
  readonly rhythm?: number;
  /** False: revoked; only `accepted` of it still counts. */
  readonly certified: boolean;
  readonly accepted: ReadonlySet<HexId>;
}

export interface LogState {
  /** Absent where the log is empty or its beginning is missing. */
  readonly genesis: (LogRecord & { readonly kind: "genesis" }) | undefined;
  readonly policy: LockPolicy | undefined;
  readonly locations: readonly Location[];
  /** Every key ever certified. */
  readonly signers: ReadonlyMap<HexId, SignerState>;
  readonly removedManifests: ReadonlySet<HexId>;
  readonly condemnedPacks: ReadonlySet<HexId>;
  readonly sweptPacks: ReadonlySet<HexId>;
  /** Old pack -> the new packs of every substitution that names it. */
  readonly substitutions: ReadonlyMap<HexId, readonly (readonly ObjectId[])[]>;
  readonly setAside: ReadonlySet<HexId>;
  /** Records that no other known one names: what a new record's heads are. By number, then id. */
  readonly heads: readonly Reference[];
  /** Heads named by known records that are neither known nor covered by a checkpoint. */
  readonly missing: readonly Reference[];
  /** For people: what does not fit together. Deletion is refused while there is any. */
  readonly conflicts: readonly string[];
  /**
   * Whether an object of this signer is accepted: a manifest or a segment of a writer, a heartbeat
   * of a keeper. A key certified for the one role is foreign in the other.
   */
  readonly accepts: (signer: SignerId, id: ObjectId, role?: "writer" | "keeper") => boolean;
}

type Placed<K extends RecordKind> = LogEntry & {
  readonly record: LogRecord & { readonly kind: K };
};

/**
 * Replays the records, given in any order. Without a location id no removal, undo, condemnation or
 * sweep counts. What a record that is in force only by a checkpoint says is read here: throws
 * `corrupt` and `unsupported-version`.
 */
export function replayLog(entries: readonly LogEntry[], locationId?: Bytes): LogState {
  const known = entriesOf(entries);
  const order = new Order(known.all, known.checkpoints);
  const counting = known.all.filter((entry) => !order.isSuperseded(entry));
  const genesis = ofKind(counting, "genesis");
  const signers = signersOf(counting, order);
  const locations = locationsOf(counting);
  const here = atLocation(counting, locationId);
  return {
    genesis: genesis[0]?.record,
    policy: policyOf(counting, order),
    locations,
    signers,
    removedManifests: removedOf(here, order),
    ...deletionsOf(here),
    substitutions: substitutionsOf(counting),
    setAside: new Set(ofKind(counting, "setAside").flatMap(({ record }) => record.ids.map(hexId))),
    heads: order.heads(),
    missing: order.missing(),
    conflicts: [...conflictsOf(genesis, locations), ...roleConflictsOf(counting)],
    accepts: (signer, id, role = "writer") => {
      const state = signers.get(hexId(signer));
      return state?.role === role && (state.certified || state.accepted.has(hexId(id)));
    },
  };
}

/**
 * The id by which the location records name a place: a folder by what stands in its own file, a
 * bucket by endpoint, bucket and prefix. `undefined` where none does, or several do.
 */
export function findLocation(
  state: LogState,
  place: { readonly folderId: Bytes } | BucketPlace,
): Bytes | undefined {
  const found = state.locations.filter(({ locationId, bucket }) =>
    "folderId" in place
      ? bucket === undefined && equalBytes(locationId, place.folderId)
      : bucket !== undefined && textOfPlace(bucket) === textOfPlace(place),
  );
  return found.length === 1 ? found[0]?.locationId : undefined;
}

function ofKind<K extends RecordKind>(entries: readonly LogEntry[], kind: K): readonly Placed<K>[] {
  return entries.filter((entry): entry is Placed<K> => entry.record.kind === kind);
}

/** Of policies none of which is before another, the strictest value of each. */
function policyOf(entries: readonly LogEntry[], order: Order): LockPolicy | undefined {
  const policies = order.latest(ofKind(entries, "policy")).map(({ record }) => record);
  const first = policies[0];
  if (first === undefined) return undefined;
  const modes = ["none", "governance", "compliance"] as const;
  return {
    mode: modes[Math.max(...policies.map(({ mode }) => modes.indexOf(mode)))] ?? first.mode,
    period: Math.max(...policies.map(({ period }) => period)),
    floor: Math.max(...policies.map(({ floor }) => floor)),
    grace: Math.max(...policies.map(({ grace }) => grace)),
  };
}

function locationsOf(entries: readonly LogEntry[]): readonly Location[] {
  const locations = new Map<string, Location>();
  for (const { record } of ofKind(entries, "location")) {
    const { locationId, bucket } = record;
    const place = bucket === undefined ? "folder" : textOfPlace(bucket);
    locations.set(`${hexOf(locationId)} ${place}`, {
      locationId,
      ...(bucket === undefined ? {} : { bucket }),
    });
  }
  return [...locations.values()];
}

function textOfPlace({ endpoint, bucket, prefix }: BucketPlace): string {
  return JSON.stringify([endpoint, bucket, prefix]);
}

function signersOf(entries: readonly LogEntry[], order: Order): ReadonlyMap<HexId, SignerState> {
  const signers = new Map<HexId, SignerState>();
  const byKey = Map.groupBy(ofKind(entries, "certificate"), ({ record }) =>
    hexId(record.publicKey),
  );
  const revocations = Map.groupBy(ofKind(entries, "revocation"), ({ record }) =>
    hexId(record.publicKey),
  );
  for (const [key, certificates] of byKey) {
    signers.set(key, signerOf(certificates, revocations.get(key) ?? [], order));
  }
  return signers;
}

/** A certificate counts unless a revocation is after it or concurrent; the last one gives the facts. */
function signerOf(
  certificates: readonly Placed<"certificate">[],
  revocations: readonly Placed<"revocation">[],
  order: Order,
): SignerState {
  const counting = certificates.filter(
    (certificate) => !revocations.some((revocation) => order.undoes(revocation, certificate)),
  );
  const candidates = order.latest(counting.length > 0 ? counting : certificates);
  const last = [...candidates].sort(compareReferences).at(-1);
  assert(last !== undefined, "every key here has a certificate");
  const { publicKey, role, label, hosts, lockCap, rhythm } = last.record;
  const accepted = order.latest(revocations).flatMap(({ record }) => record.accepted.map(hexId));
  return {
    publicKey,
    role,
    label,
    hosts,
    ...(lockCap === undefined ? {} : { lockCap }),
    ...(rhythm === undefined ? {} : { rhythm }),
    certified: counting.length > 0,
    accepted: new Set(accepted),
  };
}

function atLocation(
  entries: readonly LogEntry[],
  locationId: Bytes | undefined,
): readonly LogEntry[] {
  if (locationId === undefined) return [];
  return entries.filter(({ record }) => {
    const isLocal =
      record.kind === "removal" ||
      record.kind === "undo" ||
      record.kind === "condemnation" ||
      record.kind === "sweep";
    return isLocal && equalBytes(record.locationId, locationId);
  });
}

function removedOf(here: readonly LogEntry[], order: Order): ReadonlySet<HexId> {
  const undos = new Map<HexId, Placed<"undo">[]>();
  for (const undo of ofKind(here, "undo")) {
    for (const { id } of undo.record.manifests) {
      const list = undos.get(hexId(id)) ?? [];
      undos.set(hexId(id), [...list, undo]);
    }
  }
  const removed = new Set<HexId>();
  for (const removal of ofKind(here, "removal")) {
    for (const { id } of removal.record.manifests) {
      const undone = (undos.get(hexId(id)) ?? []).some((undo) => order.undoes(undo, removal));
      if (!undone) removed.add(hexId(id));
    }
  }
  return removed;
}

function deletionsOf(here: readonly LogEntry[]): Pick<LogState, "condemnedPacks" | "sweptPacks"> {
  const sweeps = ofKind(here, "sweep");
  const sweptPacks = new Set(sweeps.flatMap(({ record }) => record.packs.map(hexId)));
  const condemnedPacks = new Set<HexId>();
  for (const { id, record } of ofKind(here, "condemnation")) {
    const own = sweeps.filter((sweep) => equalBytes(sweep.record.condemnation, id));
    const spared = new Set(own.flatMap((sweep) => sweep.record.spared.map(hexId)));
    for (const pack of record.packs) if (!spared.has(hexId(pack))) condemnedPacks.add(hexId(pack));
  }
  return { condemnedPacks, sweptPacks };
}

function substitutionsOf(entries: readonly LogEntry[]): LogState["substitutions"] {
  const substitutions = new Map<HexId, readonly (readonly ObjectId[])[]>();
  for (const { record } of ofKind(entries, "substitution")) {
    for (const pack of record.packs) {
      const old = hexId(pack.old);
      substitutions.set(old, [...(substitutions.get(old) ?? []), pack.new]);
    }
  }
  return substitutions;
}

function conflictsOf(
  genesis: readonly LogEntry[],
  locations: readonly Location[],
): readonly string[] {
  const conflicts: string[] = [];
  if (genesis.length > 1) conflicts.push("the log has several beginnings");
  const places = Map.groupBy(locations, ({ bucket }) =>
    bucket === undefined ? undefined : textOfPlace(bucket),
  );
  for (const [place, named] of places) {
    if (place !== undefined && named.length > 1)
      conflicts.push(`the place ${place} has several ids`);
  }
  const ids = Map.groupBy(locations, ({ locationId }) => hexOf(locationId));
  for (const [id, named] of ids) {
    if (named.length > 1) conflicts.push(`location ${id} is several places`);
  }
  return conflicts;
}

function roleConflictsOf(entries: readonly LogEntry[]): readonly string[] {
  const certificates = ofKind(entries, "certificate");
  const byKey = Map.groupBy(certificates, ({ record }) => hexId(record.publicKey));
  return [...byKey]
    .filter(([, own]) => new Set(own.map(({ record }) => record.role)).size > 1)
    .map(([key]) => `key ${key} is certified in two roles`);
}
