// Phrase: showing the recovery phrase on the terminal, and asking for two of its words.

import { randomInt } from "node:crypto";
import { BunkerError } from "../base/errors.ts";
import type { Messages } from "./messages.ts";
import { promptSecret, showOnTerminal } from "./prompt.ts";

const TRY_COUNT = 3;

/** Shows the phrase and has two words typed back. Returns false where there is no terminal. */
export async function confirmPhrase(phrase: string, messages: Messages): Promise<boolean> {
  if (!process.stderr.isTTY || !showPhrase(phrase)) return false;
  await askWords(phrase.split(" "), messages);
  return true;
}

/** Shows the phrase on the terminal, never on stdout. Returns false where there is none. */
export function showPhrase(phrase: string): boolean {
  const words = phrase
    .split(" ")
    .map((word, i) => `${String(i + 1).padStart(2)}. ${word.padEnd(10)}`);
  const rows = [0, 1, 2, 3, 4, 5].map((row) => words.slice(row * 4, row * 4 + 4).join(""));
  const text = [
    "",
    "The recovery phrase. Write it down on paper: it opens the store when the passphrase is lost,",
    "and whoever has it can read everything.",
    "",
    ...rows,
    "",
    "",
  ].join("\n");
  return showOnTerminal(text);
}

async function askWords(list: readonly string[], messages: Messages): Promise<void> {
  const first = randomInt(0, list.length);
  const second = (first + 1 + randomInt(0, list.length - 1)) % list.length;
  for (const position of [first, second]) {
    for (let attempt = 1; ; attempt++) {
      const hint = "the phrase can be shown again with: bunker key phrase";
      const label = `word ${position + 1} of the phrase`;
      // An empty answer is a wrong one: it must not end what has gone well so far.
      const typed = await promptSecret({ label, confirm: false, takesEmpty: true, hint });
      if (typed.trim().toLowerCase() === list[position]) break;
      if (attempt === TRY_COUNT) {
        throw new BunkerError("wrong-key", "the phrase was not typed as it was shown");
      }
      messages.notice("that is another word: please look again");
    }
  }
}
