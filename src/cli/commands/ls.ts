// ls: lists what is in a snapshot.

import { type Bytes, concatBytes, textOf, utf8 } from "../../base/bytes.ts";
import { isDamage, messageOf } from "../../base/errors.ts";
import { BlobReader } from "../../store/blobs.ts";
import { requireOwner } from "../../store/keyring.ts";
import { childrenOf, findNode, isFolder, nameOfNode, type Node } from "../../store/paths.ts";
import { loadManifests } from "../../store/snapshots.ts";
import type { Store } from "../../store/store.ts";
import { type CommandDefinition, OPEN_OPTIONS } from "../command.ts";
import { entryLine, jsonOfNode, type LineChoices } from "../entry-text.ts";
import { EXIT } from "../exit.ts";
import { printableName } from "../names.ts";
import { withStore } from "../session.ts";
import { parseSnapshotWord } from "../snapshot-word.ts";
import { WantedSnapshots } from "../wanted-snapshots.ts";
import type { Wiring } from "../wiring.ts";

interface Listing extends LineChoices {
  readonly wiring: Wiring;
  readonly store: Store;
  readonly reader: BlobReader;
  /** The word that was given: findings begin with it. */
  readonly word: string;
  readonly recursive: boolean;
  readonly json: boolean;
}

export const ls: CommandDefinition = {
  name: "ls",
  description: [
    "List the files in a snapshot.",
    "",
    "SNAP is latest, latest:TAG, or the beginning of an id as bunker snapshots lists them. In the",
    "long form, + behind the mode is an access control list, @ are other extended attributes.",
  ].join("\n"),
  words: "SNAP[:PATH]",
  wordCount: [1, 1],
  options: {
    ...OPEN_OPTIONS,
    long: { type: "boolean", short: "l", description: "Show mode, owner, size and time" },
    human: { type: "boolean", description: "With --long: sizes as 1.2 MiB" },
    recursive: {
      type: "boolean",
      short: "R",
      description: "Also what is in the folders, all the way down",
    },
  },
  examples: [
    "bunker ls latest",
    "bunker ls -lR latest:/letters",
    "bunker ls --json 5d41402abc:/photos",
  ],
  run(wiring, words) {
    const [given = ""] = words.positionals;
    const word = parseSnapshotWord(given);
    return withStore(wiring, words, async (store) => {
      requireOwner(store.keyring, "listing a snapshot");
      const wanted = new WantedSnapshots(wiring.messages, store, await loadManifests(store));
      const { snapshot } = await wanted.find(word);
      const reader = new BlobReader(store);
      const node = await findNode(reader, snapshot, word.path ?? new Uint8Array(0));
      const listing = {
        wiring,
        store,
        reader,
        word: given,
        long: words.flag("long"),
        human: words.flag("human"),
        recursive: words.flag("recursive"),
        json: words.flag("json"),
      };
      if (isFolder(node)) await listFolder(listing, node, new Uint8Array(0));
      else await show(listing, node, nameOfNode(node));
      return EXIT.done;
    });
  },
};

async function listFolder(listing: Listing, folder: Node, path: Bytes): Promise<void> {
  for await (const child of childrenOf(listing.reader, folder)) {
    const name = nameOfNode(child);
    const childPath = path.length === 0 ? name : concatBytes(path, utf8("/"), name);
    await show(listing, child, childPath);
    if (listing.recursive && isFolder(child)) await listBelow(listing, child, childPath);
  }
}

// A folder on the way that can't be read is named, and the rest is listed all the same.
async function listBelow(listing: Listing, folder: Node, path: Bytes): Promise<void> {
  try {
    await listFolder(listing, folder, path);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const message = `this folder can't be read: ${messageOf(error)}`;
    listing.store.findings.add(`${textOf(path)} in ${listing.word}`, message);
  }
}

async function show(listing: Listing, node: Node, path: Bytes): Promise<void> {
  const { output } = listing.wiring;
  if (listing.json) await output.json(jsonOfNode(node, path));
  else await output.line(entryLine(node, printableName(path), listing));
}
