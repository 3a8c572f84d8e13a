// Verify: one pack, read whole: its name, its trailer, and every blob in it.

import { type Bytes, equalBytes } from "../base/bytes.ts";
import { isBunkerError, isDamage, messageOf } from "../base/errors.ts";
import type { BlobId, ObjectId } from "../base/ids.ts";
import { release } from "../base/platform.ts";
import { decodePack, openBlob, type PackKind } from "../format/pack.ts";
import { kindNumber } from "../format/header.ts";
import { packName } from "../format/names.ts";
import type { BlobReader } from "../store/blobs.ts";
import { readTrailer } from "../store/trailers.ts";
import type { Catalog } from "../store/catalog.ts";
import type { PlacedBlob } from "../format/trailer.ts";
import { notePack } from "../store/presence.ts";
import type { Run } from "../store/run.ts";
import { getObject } from "../store/objects.ts";
import type { Store } from "../store/store.ts";

export interface PackVerdict {
  readonly bytes: number;
  /** The blobs that do not open. */
  readonly badBlobs: readonly BlobId[];
}

/** Reads a pack and opens all of it, as far as the key allows; what is wrong becomes a finding. */
export async function verifyPack(
  store: Store,
  reader: BlobReader,
  catalog: Catalog,
  id: ObjectId & Uint8Array<ArrayBuffer>,
): Promise<PackVerdict> {
  const name = packName(id);
  const bytes = await getObject(store.storage, name);
  if (bytes === undefined) {
    store.findings.add(name, "this pack is missing");
    return { bytes: 0, badBlobs: idsInCatalog(catalog, id) };
  }
  const isItself = equalBytes(await store.platform.sha256(bytes), id);
  if (!isItself)
    store.findings.add(name, `${name} is damaged: its content is not what its name says`);
  if (store.keyring.owner === undefined) return { bytes: bytes.length, badBlobs: [] };
  const badBlobs = await openAll(store, reader, { name, id, bytes, catalog });
  notePack(store, id, isItself && badBlobs.length === 0);
  return { bytes: bytes.length, badBlobs };
}

interface WholePack {
  readonly name: string;
  readonly id: ObjectId & Uint8Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly catalog: Catalog;
}

async function openAll(store: Store, reader: BlobReader, pack: WholePack): Promise<BlobId[]> {
  const bad: BlobId[] = [];
  try {
    const packKey = await reader.packKey(pack.id);
    const { kind, blobs } = await blobsOfPack(store, pack);
    for (const blob of blobs) {
      if (!(await opens(store, { packKey, kind, blob, bytes: pack.bytes }))) bad.push(blob.id);
    }
    if (bad.length > 0) {
      store.findings.add(pack.name, `${pack.name} is damaged: ${bad.length} blobs do not open`);
    }
    return bad;
  } catch (error) {
    if (!isDamage(error)) throw error;
    store.findings.add(pack.name, `${pack.name} is damaged: ${messageOf(error)}`);
    return idsInCatalog(pack.catalog, pack.id);
  }
}

// By the pack's own trailer, or where that is damaged, by the index.
async function blobsOfPack(
  store: Store,
  pack: WholePack,
): Promise<{ readonly kind: PackKind; readonly blobs: readonly PlacedBlob[] }> {
  try {
    return await decodePack(store, pack.bytes);
  } catch (error) {
    if (!isBunkerError(error, "corrupt")) throw error;
    store.findings.add(pack.name, error);
    const listed = catalogBlobs(pack.catalog, pack.id);
    if (listed === undefined)
      return await readTrailer(store, { name: pack.name, bytes: pack.bytes.length });
    return listed;
  }
}

async function opens(
  store: Store,
  of: {
    readonly packKey: Bytes;
    readonly kind: PackKind;
    readonly blob: PlacedBlob;
    readonly bytes: Uint8Array<ArrayBuffer>;
  },
): Promise<boolean> {
  const { packKey, kind, blob, bytes } = of;
  const sealed = bytes.subarray(blob.offset, blob.offset + blob.storedBytes);
  if (sealed.length !== blob.storedBytes) return false;
  try {
    const idOf = (space: PackKind, plain: Bytes) => store.core.idOf(space, plain);
    const plain = await openBlob(store.platform, { ...blob, packKey, kind }, sealed, idOf);
    release(plain);
    return true;
  } catch (error) {
    if (isBunkerError(error, "corrupt")) return false;
    throw error;
  }
}

function catalogBlobs(
  catalog: Catalog,
  id: ObjectId,
): { readonly kind: PackKind; readonly blobs: readonly PlacedBlob[] } | undefined {
  for (const { run } of catalog.runs) {
    const pack = packIn(run, id);
    if (pack < 0) continue;
    const kind = run.packAt(pack).kind === kindNumber("tree") ? "tree" : "data";
    return { kind, blobs: blobsIn(run, pack) };
  }
  return undefined;
}

function packIn(run: Run, id: ObjectId): number {
  for (let pack = 0; pack < run.counts.packs; pack++) {
    if (equalBytes(run.packAt(pack).id, id)) return pack;
  }
  return -1;
}

function blobsIn(run: Run, pack: number): PlacedBlob[] {
  const blobs: PlacedBlob[] = [];
  for (let i = 0; i < run.counts.blobs; i++) {
    if (run.packOf(i) !== pack) continue;
    const { codec, ...blob } = run.blobAt(i);
    blobs.push({ ...blob, id: run.idAt(i), codec: codec === 0 ? 0 : 1 });
  }
  return blobs;
}

function idsInCatalog(catalog: Catalog, id: ObjectId): BlobId[] {
  return catalogBlobs(catalog, id)?.blobs.map((blob) => blob.id) ?? [];
}
