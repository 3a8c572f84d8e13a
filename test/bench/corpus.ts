// Corpus: the files that the benchmarks back up, made once in a folder of their own.
//
// 60,000 small files, taken from this machine's own /usr (so that their kinds and sizes are real),
// completed by made-up ones where there are fewer; a file of 500 MB of text, and one of 500 MB of
// random bytes.

import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../support/random.ts";

export const SMALL_FILE_COUNT = 60_000;
export const LARGE_FILE_BYTES = 500_000_000;
const SMALL_BYTES_MAX = 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;
const TREES = ["/usr/share", "/usr/lib", "/usr/include", "/usr/local"];

export interface Corpus {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/** Makes the corpus in `folder` unless it is there. */
export function makeCorpus(folder: string): Corpus {
  const path = join(folder, "corpus");
  const facts = join(folder, "corpus.json");
  if (existsSync(facts)) return JSON.parse(readFileSync(facts, "utf8")) as Corpus;
  mkdirSync(path, { recursive: true });
  const small = copySmall(path);
  const text = textBytes(path, join(path, "text.bin"));
  const random = randomFile(join(path, "random.bin"));
  const corpus = { path, files: small.files + 2, bytes: small.bytes + text + random };
  writeFileSync(facts, JSON.stringify(corpus));
  return corpus;
}

function copySmall(path: string): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  const copy = (from: string, to: string): void => {
    let entries;
    try {
      entries = readdirSync(from, { withFileTypes: true });
    } catch {
      return; // A folder that went away, or is not ours to read: there are others.
    }
    mkdirSync(to, { recursive: true });
    for (const entry of entries) {
      if (files >= SMALL_FILE_COUNT) return;
      const source = join(from, entry.name);
      if (entry.isDirectory()) copy(source, join(to, entry.name));
      if (!entry.isFile()) continue;
      const { size } = statSync(source);
      if (size > SMALL_BYTES_MAX) continue;
      copyFileSync(source, join(to, entry.name));
      files += 1;
      bytes += size;
    }
  };
  for (const tree of TREES) copy(tree, join(path, tree.slice(1).replaceAll("/", "-")));
  const random = seededRandom(1);
  for (mkdirSync(join(path, "made")); files < SMALL_FILE_COUNT; files++) {
    const content = words(random, 1 + random.int(20_000));
    writeFileSync(join(path, "made", `file-${files}.txt`), content);
    bytes += content.length;
  }
  return { files, bytes };
}

function words(random: ReturnType<typeof seededRandom>, byteCount: number): string {
  let text = "";
  while (text.length < byteCount) text += `${random.int(50_000).toString(36)} `;
  return text.slice(0, byteCount);
}

// Real text, each piece begun at another place, so that no two chunks are the same.
function textBytes(path: string, target: string): number {
  const pool: Buffer[] = [];
  const gather = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (pool.length > 4000) return;
      const file = join(folder, entry.name);
      if (entry.isDirectory()) gather(file);
      else if (/\.(txt|py|h|html|xml|md|c|sh|pl|pm|conf|json|svg)$/.test(entry.name)) {
        pool.push(readFileSync(file));
      }
    }
  };
  gather(path);
  const random = seededRandom(2);
  const file = openSync(target, "wx");
  let written = 0;
  while (written < LARGE_FILE_BYTES) {
    const text = pool[random.int(pool.length)] ?? Buffer.from(words(random, PIECE_BYTES));
    const piece = text.subarray(random.int(Math.max(1, text.length >> 2)));
    const marked = Buffer.concat([Buffer.from(`${written} ${random.int(2 ** 31)}\n`), piece]);
    written += writeSync(file, marked.subarray(0, LARGE_FILE_BYTES - written));
  }
  closeSync(file);
  return written;
}

function randomFile(target: string): number {
  const random = seededRandom(3);
  const file = openSync(target, "wx");
  for (let written = 0; written < LARGE_FILE_BYTES;) {
    const piece = random.bytes(Math.min(PIECE_BYTES, LARGE_FILE_BYTES - written));
    written += writeSync(file, piece);
  }
  closeSync(file);
  return LARGE_FILE_BYTES;
}
