// ls: lists what is in a snapshot.

import { type Bytes, concatBytes, utf8 } from "../../base/bytes.ts";
import type { Entry, EntryType } from "../../base/entry.ts";
import { hexId } from "../../base/ids.ts";
import { BlobReader } from "../../store/blobs.ts";
import { requireOwner } from "../../store/keyring.ts";
import { childrenOf, findNode, isFolder, nameOfNode, type Node } from "../../store/paths.ts";
import { findSnapshot, loadManifests } from "../../store/snapshots.ts";
import { type CommandDefinition, OPEN_OPTIONS } from "../command.ts";
import { EXIT } from "../exit.ts";
import { jsonName, printableName, printableText } from "../names.ts";
import { withStore } from "../session.ts";
import { parseSnapshotWord } from "../snapshot-word.ts";
import type { Wiring } from "../wiring.ts";
import { localTime } from "./snapshots.ts";

const LETTERS: Readonly<Record<EntryType, string>> = {
  file: "-",
  folder: "d",
  link: "l",
  fifo: "p",
  socket: "s",
  char: "c",
  block: "b",
  object: "o",
};

interface Listing {
  readonly wiring: Wiring;
  readonly reader: BlobReader;
  readonly long: boolean;
  readonly recursive: boolean;
  readonly json: boolean;
}

export const ls: CommandDefinition = {
  name: "ls",
  description: [
    "List the files in a snapshot.",
    "",
    "SNAP is latest, latest:TAG, or the beginning of an id as bunker snapshots lists them.",
  ].join("\n"),
  words: "SNAP[:PATH]",
  wordCount: [1, 1],
  options: {
    ...OPEN_OPTIONS,
    long: { type: "boolean", short: "l", description: "Show mode, owner, size and time" },
    recursive: {
      type: "boolean",
      short: "R",
      description: "Also what is in the folders, all the way down",
    },
  },
  examples: ["bunker ls latest", "bunker ls -lR latest:/home/me/documents"],
  run(wiring, words) {
    const word = parseSnapshotWord(words.positionals[0] ?? "");
    return withStore(wiring, words, async (store) => {
      requireOwner(store.keyring, "listing a snapshot");
      const { snapshot } = await findSnapshot(store, await loadManifests(store), word);
      const reader = new BlobReader(store);
      const node = await findNode(reader, snapshot, word.path ?? new Uint8Array(0));
      const listing = {
        wiring,
        reader,
        long: words.flag("long"),
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
    if (listing.recursive && isFolder(child)) await listFolder(listing, child, childPath);
  }
}

async function show({ wiring, long, json }: Listing, node: Node, path: Bytes): Promise<void> {
  if (json) await wiring.output.json(jsonOf(node, path));
  else
    await wiring.output.line(
      long && node.kind === "entry" ? longLine(node.entry, path) : shortLine(node, path),
    );
}

function shortLine(node: Node, path: Bytes): string {
  return isFolder(node) ? `${printableName(path)}/` : printableName(path);
}

function longLine(entry: Entry, path: Bytes): string {
  const user = printableText(entry.userName ?? String(entry.userId));
  const owner = `${user}:${printableText(entry.groupName ?? String(entry.groupId))}`;
  const time = localTime(entry.modified.seconds * 1000);
  const size =
    entry.device === undefined ? entry.size : `${entry.device.major},${entry.device.minor}`;
  const target = entry.target === undefined ? "" : ` -> ${printableName(entry.target)}`;
  const mode = LETTERS[entry.type] + modeText(entry.mode);
  return `${mode} ${owner} ${String(size).padStart(12)} ${time} ${printableName(path)}${target}`;
}

/** `rwxr-xr-x`, with s, S, t and T where they belong. */
export function modeText(mode: number): string {
  const bits = "rwxrwxrwx".split("").map((letter, i) => ((mode >> (8 - i)) & 1 ? letter : "-"));
  const special = [
    [0o4000, 2, "s"],
    [0o2000, 5, "s"],
    [0o1000, 8, "t"],
  ] as const;
  for (const [bit, at, letter] of special) {
    if ((mode & bit) !== 0) bits[at] = bits[at] === "x" ? letter : letter.toUpperCase();
  }
  return bits.join("");
}

function jsonOf(node: Node, path: Bytes): Record<string, unknown> {
  if (node.kind === "way") return { ...jsonName(path, "path"), type: "folder" };
  const { entry } = node;
  return {
    ...jsonName(path, "path"),
    type: entry.type,
    mode: entry.mode,
    userId: entry.userId,
    groupId: entry.groupId,
    ...(entry.userName === undefined ? {} : { userName: entry.userName }),
    ...(entry.groupName === undefined ? {} : { groupName: entry.groupName }),
    size: entry.size,
    modified: entry.modified,
    ...(entry.target === undefined ? {} : jsonName(entry.target, "target")),
    ...(entry.hardLink === undefined ? {} : { hardLink: entry.hardLink }),
    ...(entry.device === undefined ? {} : { device: entry.device }),
    ...(entry.unstable === true ? { unstable: true } : {}),
    content: entry.content.map((id) => hexId(id)),
  };
}
