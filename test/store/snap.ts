// Snapshots for the store's tests, made straight by the store writer: one file of given chunks.

import { type Bytes, copyBytes, utf8 } from "../../src/base/bytes.ts";
import type { EncodedObject } from "../../src/format/context.ts";
import type { Snapshot } from "../../src/format/snapshot.ts";
import { PackWriter } from "../../src/store/pack-writer.ts";
import { judgePack, listPacks } from "../../src/store/presence.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import type { Store } from "../../src/store/store.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import type { Client } from "../support/store.ts";
import { testPlatform } from "../support/world.ts";

export interface SnapOptions {
  readonly tags?: readonly string[];
  /** Called when everything but the manifest is stored. */
  readonly beforeCommit?: () => Promise<void>;
}

/** Stores each chunk that is not known in a pack of its own, and makes a snapshot of all. */
export async function snap(
  client: Client,
  store: Store,
  chunks: readonly Bytes[],
  options: SnapOptions = {},
): Promise<{ readonly manifest: EncodedObject | undefined; readonly writer: StoreWriter }> {
  const manifests = await loadManifests(store);
  const catalog = await store.catalog();
  catalog.mark(judgePack(store, await listPacks(store, catalog.packs().keys())));
  const writer = new StoreWriter(store, catalog);
  const content = chunks.map((chunk) => store.core.idOf("data", chunk));
  for (const [i, id] of content.entries()) {
    if (catalog.findUsable(id) < 0) await putAlone(client, store, writer, chunks[i]!);
    writer.needs.add(id, 0);
  }
  await options.beforeCommit?.();
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const snapshot = snapshotOf(content, size, options.tags ?? []);
  return { manifest: await writer.commit(manifests, () => snapshot), writer };
}

async function putAlone(
  client: Client,
  store: Store,
  writer: StoreWriter,
  chunk: Bytes,
): Promise<void> {
  const pack = new PackWriter({
    core: client.laneCore,
    platform: testPlatform(),
    keys: store.keys,
    kind: "data",
    targetBytes: 1 << 20,
    withMd5: true,
  });
  const id = store.core.idOf("data", chunk);
  pack.add({ id, plainBytes: chunk.length, codec: 0, bytes: chunk });
  const finished = await pack.finish();
  await writer.putPack({ ...finished, bytes: copyBytes(finished.bytes) });
}

function snapshotOf(content: readonly Bytes[], size: number, tags: readonly string[]): Snapshot {
  return {
    host: "host",
    user: "user",
    roots: [
      {
        path: utf8("/file"),
        entry: {
          name: utf8("file"),
          type: "file",
          mode: 0o600,
          userId: 1,
          groupId: 1,
          modified: { seconds: 1, nanoseconds: 2 },
          size,
          content,
        },
      },
    ],
    tags: [...tags].sort(),
    start: 1,
    end: 2,
    counts: {
      files: 1,
      folders: 0,
      others: 0,
      contentBytes: size,
      newBlobs: 0,
      storedBytes: 0,
      problems: 0,
    },
    program: "test",
  };
}
