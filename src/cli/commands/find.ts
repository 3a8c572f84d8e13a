// find: says where files are, across all snapshots.

import { BunkerError } from "../../base/errors.ts";
import { hexId } from "../../base/ids.ts";
import { PathPatterns } from "../../base/path-patterns.ts";
import { Find, type Match } from "../../jobs/find.ts";
import { BlobReader } from "../../store/blobs.ts";
import { requireOwner } from "../../store/keyring.ts";
import { type FoundSnapshot, loadManifests, readSnapshot } from "../../store/snapshots.ts";
import type { Store } from "../../store/store.ts";
import { systemWorld } from "../../system/world.ts";
import { type CommandDefinition, OPEN_OPTIONS, type Words } from "../command.ts";
import { entryLine, jsonOfNode } from "../entry-text.ts";
import { EXIT } from "../exit.ts";
import { FILTER_OPTIONS, filterOf, isFiltered } from "../find-filter.ts";
import { printableName } from "../names.ts";
import { breather, monitorOf, withStore } from "../session.ts";
import { parseSnapshotWord, type SnapshotWord } from "../snapshot-word.ts";
import { WantedSnapshots } from "../wanted-snapshots.ts";
import type { Wiring } from "../wiring.ts";

export const find: CommandDefinition = {
  name: "find",
  description: [
    "Find files in all snapshots, the oldest first.",
    "",
    "A PATTERN is of names (*.txt), of the ends of paths where it has a slash (docs/*.txt), and of",
    "whole paths where it begins with one (/home/me/**/*.txt); with a slash at its end, of folders.",
    "* is any characters, ? is one, [a-z] one of these, [!a-z] none of these, ** any number of",
    "folders; \\ takes a character as it is, and \\xHH is a byte, as names are shown. Put it in quotes.",
    "Without --long, each line is what restore and cat take. The status is 0 where nothing is found too.",
  ].join("\n"),
  words: "[PATTERN…]",
  wordCount: [0, Number.POSITIVE_INFINITY],
  options: {
    ...OPEN_OPTIONS,
    "ignore-case": { type: "boolean", short: "i", description: "Take a for A" },
    ...FILTER_OPTIONS,
    snapshot: {
      type: "string",
      multiple: true,
      valueHint: "SNAP",
      description: "Only in this snapshot",
    },
    latest: { type: "boolean", description: "Only in the latest snapshot" },
    long: { type: "boolean", short: "l", description: "Show mode, owner, size and time" },
    human: { type: "boolean", description: "With --long: sizes as 1.2 MiB" },
  },
  examples: [
    'bunker find "*.odt" --newer 7d',
    'bunker find -i "invoice*" --type f --long',
    "bunker find --larger 1GiB --latest",
    'bunker find "/home/me/**/*.txt" --snapshot 5d41402abc',
  ],
  run(wiring, words) {
    const { positionals } = words;
    if (positionals.length === 0 && !isFiltered(words)) {
      throw new BunkerError("invalid-argument", "expected a pattern, or what to look for", {
        hint: "see: bunker find --help",
      });
    }
    const given = positionals.length === 0 ? ["*"] : positionals;
    const patterns = new PathPatterns(given, { ignoreCase: words.flag("ignore-case") });
    const accepts = filterOf(words, systemWorld.now());
    const wanted = wantedSnapshots(words);
    const monitor = monitorOf(wiring);
    return withStore(wiring, words, async (store) => {
      requireOwner(store.keyring, "finding files");
      const breathe = breather(wiring.interruption);
      const job = new Find(store, new BlobReader(store), { patterns, accepts, breathe });
      try {
        for await (const found of snapshotsOf(wiring, store, wanted)) {
          await job.search(found, (match) => {
            monitor.clear();
            return show(wiring, words, match);
          });
        }
        return EXIT.done;
      } finally {
        monitor.finish();
      }
    });
  },
};

function wantedSnapshots(words: Words): SnapshotWord[] {
  const texts = [...words.texts("snapshot"), ...(words.flag("latest") ? ["latest"] : [])];
  return texts.map((text) => {
    const word = parseSnapshotWord(text);
    if (word.path === undefined) return word;
    const message = `--snapshot: expected a snapshot without a path, found ${text}`;
    throw new BunkerError("invalid-argument", message, { hint: "say the path as a pattern" });
  });
}

// Each once, the oldest first; without a word all that can be read.
async function* snapshotsOf(
  { messages }: Wiring,
  store: Store,
  wanted: readonly SnapshotWord[],
): AsyncGenerator<FoundSnapshot> {
  const manifests = await loadManifests(store);
  const ids = new Set<string>();
  const snapshots = new WantedSnapshots(messages, store, manifests);
  for (const word of wanted) ids.add(hexId((await snapshots.find(word)).manifest.id));
  for (const manifest of manifests.offered) {
    if (wanted.length > 0 && !ids.has(hexId(manifest.id))) continue;
    const snapshot = await readSnapshot(store, manifest);
    if (snapshot !== undefined) yield { manifest, snapshot };
  }
}

async function show(wiring: Wiring, words: Words, { found, path, node }: Match): Promise<void> {
  const id = hexId(found.manifest.id);
  if (words.flag("json")) {
    const time = new Date(found.manifest.time).toISOString();
    await wiring.output.json({ snapshot: id, time, ...jsonOfNode(node, path) });
    return;
  }
  const name = `${id.slice(0, 10)}:/${printableName(path)}`;
  const choices = { long: words.flag("long"), human: words.flag("human") };
  await wiring.output.line(entryLine(node, name, choices));
}
