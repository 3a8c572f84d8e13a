// snapshots: lists what can be restored.

import { hexId } from "../../base/ids.ts";
import { localTime } from "../entry-text.ts";
import { printableText, jsonName, printableName } from "../names.ts";
import { type CommandDefinition, OPEN_OPTIONS } from "../command.ts";
import { EXIT } from "../exit.ts";
import { formatBytes, formatCounted } from "../progress.ts";
import { withStore } from "../session.ts";
import { type FoundSnapshot, loadManifests, readSnapshot } from "../../store/snapshots.ts";
import { requireOwner } from "../../store/keyring.ts";

export const snapshots: CommandDefinition = {
  name: "snapshots",
  description: "List the snapshots, the oldest first.",
  wordCount: [0, 0],
  options: {
    ...OPEN_OPTIONS,
    tag: {
      type: "string",
      multiple: true,
      valueHint: "TAG",
      description: "Only those with this tag, of several with all",
    },
    host: { type: "string", valueHint: "NAME", description: "Only those of this machine" },
  },
  examples: ["bunker snapshots --tag daily --host laptop"],
  run: (wiring, words) =>
    withStore(wiring, words, async (store) => {
      requireOwner(store.keyring, "listing snapshots");
      const { offered } = await loadManifests(store);
      if (offered.length === 0) {
        wiring.messages.notice("there is no snapshot yet: make one with bunker backup");
      }
      const tags = words.texts("tag");
      const host = words.text("host");
      let shownCount = 0;
      for (const manifest of offered) {
        const snapshot = await readSnapshot(store, manifest);
        if (snapshot === undefined) continue;
        if (!tags.every((tag) => snapshot.tags.includes(tag))) continue;
        if (host !== undefined && snapshot.host !== host) continue;
        shownCount += 1;
        const found = { manifest, snapshot };
        if (words.flag("json")) await wiring.output.json(jsonOf(found));
        else await wiring.output.line(lineOf(found));
      }
      if (shownCount === 0 && offered.length > 0) {
        wiring.messages.notice("no snapshot has what was asked for");
      }
      return EXIT.done;
    }),
};

export function lineOf({ manifest, snapshot }: FoundSnapshot): string {
  const { counts, roots, tags, host, description } = snapshot;
  return [
    hexId(manifest.id).slice(0, 10),
    localTime(manifest.time),
    printableText(host),
    formatCounted(counts.files, "file"),
    formatBytes(counts.contentBytes),
    roots.map((root) => printableName(root.path)).join(" "),
    ...(tags.length > 0 ? [`[${tags.map(printableText).join(" ")}]`] : []),
    ...(counts.problems > 0 ? [formatCounted(counts.problems, "problem")] : []),
    ...(description === undefined ? [] : [`(${printableText(description)})`]),
  ].join("  ");
}

export function jsonOf({ manifest, snapshot }: FoundSnapshot): Record<string, unknown> {
  const { roots, start, end, ...rest } = snapshot;
  return {
    id: hexId(manifest.id),
    number: manifest.number,
    writer: hexId(manifest.signer),
    time: new Date(manifest.time).toISOString(),
    ...rest,
    start: new Date(start).toISOString(),
    end: new Date(end).toISOString(),
    roots: roots.map((root) => jsonName(root.path, "path")),
  };
}
