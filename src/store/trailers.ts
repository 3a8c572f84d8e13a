// Trailers: what a pack says of itself, for packs that no index segment lists.

import type { Bytes } from "../base/bytes.ts";
import { isDamage } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import { HEADER_BYTES } from "../format/header.ts";
import { PACK_PREFIX, parseName } from "../format/names.ts";
import { decodePackHeader, openTrailer, type PackKind } from "../format/pack.ts";
import { sortedBody, writePack } from "../format/records.ts";
import { type PlacedBlob, trailerBytes } from "../format/trailer.ts";
import type { StoredObject } from "../storage/storage.ts";
import { getObject, shownVersions } from "./objects.ts";
import { damaged, missing } from "./pack-bytes.ts";
import { encodePlacedRecords } from "./pack-writer.ts";
import { RECORD_BYTES } from "./run.ts";
import { joinRun } from "./segments.ts";
import type { Store } from "./store.ts";
import { listObjects } from "./strangers.ts";

/** A pack as it is stored under a name, perhaps not as the newest version of it. */
interface StoredPack extends Pick<StoredObject, "name" | "bytes"> {
  readonly versionId?: string;
}

/**
 * Reads the trailers of packs that no segment lists, so that a lost index loses nothing.
 * Returns whether anything new was found.
 */
export async function indexUnlisted(store: Store): Promise<boolean> {
  const catalog = await store.catalog();
  const known = catalog.packs();
  let found = false;
  for await (const object of listObjects(store.storage, PACK_PREFIX)) {
    const parsed = parseName(object.name);
    if (parsed?.kind !== "pack" || known.has(hexId(parsed.id))) continue;
    const run = await runOf(store, object);
    if (run === undefined) continue;
    catalog.add(run, { trusted: false });
    found = true;
  }
  return found;
}

async function runOf(store: Store, { name, bytes }: StoredObject): Promise<Bytes | undefined> {
  try {
    return await runOfTrailer(store, { name, bytes });
  } catch (error) {
    if (!isDamage(error)) throw error;
    store.findings.add(name, error);
  }
  for (const version of await shownVersions(store.storage, name)) {
    try {
      return await runOfTrailer(store, version);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return undefined;
}

async function runOfTrailer(store: Store, pack: StoredPack): Promise<Bytes> {
  const { kind, blobs } = await readTrailer(store, pack);
  const parsed = parseName(pack.name);
  const id = parsed?.kind === "pack" ? parsed.id : new Uint8Array(32);
  const record = new Uint8Array(RECORD_BYTES);
  writePack(record, 0, { id, bytes: pack.bytes, md5: new Uint8Array(16), kind });
  return joinRun(undefined, sortedBody(record, encodePlacedRecords(blobs)));
}

/** The blobs of a pack by its own trailer. Throws `corrupt` and `not-found`. */
export async function readTrailer(
  store: Store,
  pack: StoredPack,
): Promise<{ readonly kind: PackKind; readonly blobs: readonly PlacedBlob[] }> {
  const { bytes } = pack;
  const header = await readRange(store, pack, 0, HEADER_BYTES);
  const tail = await readRange(store, pack, Math.max(0, bytes - 4), 4);
  const length = trailerBytes(tail, bytes);
  const sealed = await readRange(store, pack, bytes - 4 - length, length);
  const blobs = await openTrailer(store, header, sealed, bytes);
  return { kind: decodePackHeader(header).kind, blobs };
}

async function readRange(
  store: Store,
  { name, versionId }: StoredPack,
  offset: number,
  length: number,
): Promise<Bytes> {
  const bytes = await getObject(store.storage, name, {
    range: { offset, length },
    ...(versionId === undefined ? {} : { versionId }),
  });
  if (bytes === undefined) throw missing(name);
  if (bytes.length !== length) throw damaged(name, "it is cut short");
  return bytes;
}
