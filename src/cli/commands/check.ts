// check: looks a store through for damage and tampering.

import { BunkerError } from "../../base/errors.ts";
import { check } from "../../jobs/check.ts";
import type { Store } from "../../store/store.ts";
import { type CommandDefinition, OPEN_OPTIONS, type Words } from "../command.ts";
import { EXIT, type ExitStatus } from "../exit.ts";
import { shownSubject } from "../messages.ts";
import { formatBytes, formatCounted } from "../progress.ts";
import { breather, monitorOf, withStore } from "../session.ts";
import { usageFields } from "../usage-report.ts";

export const checkCommand: CommandDefinition = {
  name: "check",
  description: [
    "Check a store for damage and tampering.",
    "",
    "Without options: is everything there that the snapshots need? With --read-data also: is every",
    "byte of it what it should be? That reads the whole store.",
  ].join("\n"),
  // A word is refused in `run`, which knows what it was meant for.
  wordCount: [0, 1],
  options: {
    ...OPEN_OPTIONS,
    "read-data": { type: "boolean", description: "Read and verify all stored data" },
    "read-data-share": {
      type: "string",
      valueHint: "N%",
      description: "The same as --read-data=N%: only a share, chosen anew each time",
    },
  },
  examples: ["bunker check", "bunker check --read-data=10%"],
  rewrite: (argument) => argument.replace(/^--read-data=/, "--read-data-share="),
  run(wiring, words) {
    refuseWord(words);
    const dataShare = shareOf(words);
    const monitor = monitorOf(wiring);
    const work = async (store: Store): Promise<ExitStatus> => {
      try {
        const result = await check(store, { dataShare, breathe: breather() }, monitor);
        monitor.finish();
        if (store.keyring.owner === undefined) {
          wiring.messages.notice("this key can't read snapshots: their files were not checked");
        }
        const findings = store.findings.all.map(({ subject, message }) => ({
          subject: shownSubject(subject),
          message,
        }));
        if (words.flag("json")) {
          const usage = usageFields(store.storage.usage?.());
          await wiring.output.json({ ...result, findings, ...usage });
        } else {
          const { snapshots, packs, packsRead, bytesRead, files } = result;
          const read =
            packsRead > 0
              ? `, ${formatCounted(packsRead, "pack")} read (${formatBytes(bytesRead)})`
              : "";
          const outcome =
            findings.length === 0 ? "no errors" : formatCounted(findings.length, "finding");
          await wiring.output.line(
            `checked ${formatCounted(snapshots, "snapshot")}, ${formatCounted(packs, "pack")}, ` +
              `${formatCounted(files, "file")}${read}: ${outcome}`,
          );
        }
        return EXIT.done;
      } finally {
        monitor.finish();
      }
    };
    return withStore(wiring, words, work, { tellsUsage: true, isThorough: true });
  },
};

// `--read-data` takes its value only behind a "=", since it may stand without one.
function refuseWord(words: Words): void {
  const [word] = words.positionals;
  if (word === undefined) return;
  const isShare = words.flag("read-data") && /^[\d.]+%$/.test(word);
  throw new BunkerError("invalid-argument", `expected options only, found ${word}`, {
    hint: isShare ? `for a share write: --read-data=${word}` : "see: bunker check --help",
  });
}

function shareOf(words: Words): number {
  const text = words.text("read-data-share");
  if (text === undefined) return words.flag("read-data") ? 1 : 0;
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  const share = Number(percent) / 100;
  if (percent === undefined || !(share > 0 && share <= 1)) {
    throw new BunkerError("invalid-argument", `--read-data: expected 1% to 100%, found ${text}`);
  }
  return share;
}
