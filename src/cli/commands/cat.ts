// cat: writes a file of a snapshot to stdout.

import type { Bytes } from "../../base/bytes.ts";
import type { Entry } from "../../base/entry.ts";
import { BunkerError } from "../../base/errors.ts";
import { release } from "../../base/platform.ts";
import { withHoles } from "../../destination/archive.ts";
import { BlobReader } from "../../store/blobs.ts";
import { requireOwner } from "../../store/keyring.ts";
import { findNode } from "../../store/paths.ts";
import { loadManifests } from "../../store/snapshots.ts";
import { readContent } from "../../store/trees.ts";
import {
  BUCKET_OPTIONS,
  COMMON_OPTIONS,
  type CommandDefinition,
  OPEN_OPTIONS,
} from "../command.ts";
import { EXIT } from "../exit.ts";
import { withStore } from "../session.ts";
import { parseSnapshotWord } from "../snapshot-word.ts";
import { WantedSnapshots } from "../wanted-snapshots.ts";

// Each is released when the next is asked for.
async function* chunksOf(reader: BlobReader, entry: Entry): AsyncGenerator<Bytes> {
  for (const id of await readContent(reader, entry)) {
    const plain = await reader.read("data", id);
    yield plain;
    release(plain);
  }
}

const { store: storeOption, help } = COMMON_OPTIONS;

export const cat: CommandDefinition = {
  name: "cat",
  description: "Write files of a snapshot to stdout. Every byte is verified before it is written.",
  words: "SNAP:PATH…",
  wordCount: [1, Number.POSITIVE_INFINITY],
  options: {
    store: storeOption,
    help,
    ...BUCKET_OPTIONS,
    label: OPEN_OPTIONS.label,
    trust: OPEN_OPTIONS.trust,
  },
  examples: ["bunker cat latest:/letter.txt >letter.txt"],
  run(wiring, words) {
    const wanted = words.positionals.map((word) => parseSnapshotWord(word));
    return withStore(wiring, words, async (store) => {
      requireOwner(store.keyring, "reading a file");
      const wantedSnapshots = new WantedSnapshots(
        wiring.messages,
        store,
        await loadManifests(store),
      );
      const reader = new BlobReader(store);
      for (const word of wanted) {
        const { snapshot } = await wantedSnapshots.find(word);
        const node = await findNode(reader, snapshot, word.path ?? new Uint8Array(0));
        if (node.kind !== "entry" || (node.entry.type !== "file" && node.entry.type !== "object")) {
          const found = node.kind === "entry" ? node.entry.type : "folder";
          throw new BunkerError("invalid-argument", `expected a file, found a ${found}`, {
            hint: "look at it with: bunker ls -l",
          });
        }
        for await (const piece of withHoles(node.entry, chunksOf(reader, node.entry))) {
          await wiring.output.write(piece);
          await wiring.output.flush();
        }
      }
      return EXIT.done;
    });
  },
};
