// Phrase: the owner secret as 24 words (BIP-39, English), for paper.
//
// Messages name a word by its place only: they may end up in a log, and the phrase must not.

import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { assert } from "../base/assert.ts";
import { type Bytes, copyBytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";

export const PHRASE_WORD_COUNT = 24;
const SECRET_BYTES = 32;

/** The 24 words of a 32-byte secret, with one space between them. */
export function phraseOf(secret: Bytes): string {
  assert(
    secret.length === SECRET_BYTES,
    `a secret has ${SECRET_BYTES} bytes, not ${secret.length}`,
  );
  return entropyToMnemonic(copyBytes(secret), wordlist);
}

/**
 * Reads a phrase as people type it: any white space, any case, words numbered or not ("7. word").
 *
 * Throws `wrong-key` with what is wrong: the count, the place of an unknown word, or the checksum.
 */
export function parsePhrase(text: string): Uint8Array<ArrayBuffer> {
  const words = wordsOf(text);
  if (words.length !== PHRASE_WORD_COUNT) {
    throw wrong(`expected a recovery phrase of ${PHRASE_WORD_COUNT} words, found ${words.length}`);
  }
  const known = new Set(wordlist);
  const unknown = words.flatMap((word, index) => (known.has(word) ? [] : [index + 1]));
  if (unknown.length > 0) {
    throw wrong(`recovery phrase: no such word in the list, at place ${unknown.join(", ")}`);
  }
  try {
    return copyBytes(mnemonicToEntropy(words.join(" "), wordlist));
  } catch (error) {
    // Nothing else is left that could be wrong. Its text may quote the phrase, so it is no cause.
    assert(error instanceof Error, "the phrase library throws errors");
    throw wrong("recovery phrase: the words are known, but they do not fit together");
  }
}

function wordsOf(text: string): string[] {
  const spaced = text.normalize("NFKD").toLowerCase();
  const unnumbered = spaced.replace(/(^|\s)\d{1,2}(?:[.):]|(?=\s))/g, "$1 ");
  return unnumbered.split(/\s+/).filter((word) => word !== "");
}

function wrong(message: string): BunkerError {
  return new BunkerError("wrong-key", message, {
    hint: "compare each word and their order with the paper",
  });
}
