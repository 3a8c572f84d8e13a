// Make: a golden store, which every later version has to open.
//
//   bun test/archive/make.ts            remakes test/archive/v1/small
//
// A store that was released with is never remade. All secrets in it are for tests alone.

import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { seededRandom } from "../support/random.ts";
import { tempDir } from "../support/temp.ts";
import { bunker, describeFolder, type Expected } from "./describe.ts";

const PASSPHRASE = "a passphrase of a golden störe";
const ODD_NAME = Buffer.from([0x6f, 0x64, 0x64, 0x2d, 0xff, 0xfe, 0x80]);

/** Makes a store with three snapshots, its README.md and its expected.json in a new folder. */
export function makeArchive(folder: string): void {
  using temporary = tempDir();
  const [home, tree, store] = ["home", "tree", "store"].map((name) => join(temporary.path, name));
  for (const path of [home!, tree!, store!]) mkdirSync(path);
  const world = { home: home!, store: store!, secret: { BUNKER_PASSPHRASE: PASSPHRASE } };
  const phraseFile = join(temporary.path, "phrase");
  bunker(world, "init", "--phrase-file", phraseFile);
  const snapshots = [fillTree, changeTree, emptyTree].map((change) => {
    change(tree!);
    bunker(world, "backup", tree!, "--tag", change.name);
    return { id: newestId(store!), entries: describeFolder(tree!) };
  });
  mkdirSync(folder, { recursive: true });
  cpSync(store!, join(folder, "store"), { recursive: true });
  makeOrdinary(join(folder, "store"));
  const expected: Expected = { snapshots };
  writeFileSync(join(folder, "expected.json"), `${JSON.stringify(expected, undefined, 2)}\n`);
  writeFileSync(join(folder, "README.md"), readme(readFileSync(phraseFile, "utf8").trim()));
}

function fillTree(tree: string): void {
  const at = (...parts: string[]): string => join(tree, ...parts);
  mkdirSync(at("folder/empty"), { recursive: true });
  writeFileSync(at("file"), "the content of a file\n");
  writeFileSync(at("nothing"), "");
  writeFileSync(at("random"), seededRandom(1).bytes(3000));
  writeFileSync(at("folder/zeros"), Buffer.alloc(2 * 1024 * 1024));
  writeFileSync(at("ünï\n❄ %"), "a name with a newline");
  writeFileSync(Buffer.concat([Buffer.from(at("/")), ODD_NAME]), "a name that is not UTF-8");
  symlinkSync("../file", at("folder/link"));
  symlinkSync(Buffer.from([0x2f, 0xff, 0x01]), at("dangling"));
  linkSync(at("random"), at("folder/second name of random"));
  chmodSync(at("nothing"), 0o4751);
  chmodSync(at("folder/empty"), 0o1733);
  utimesSync(at("nothing"), 0, -86_400.5);
  utimesSync(at("folder/empty"), 0, 4_102_444_800.25);
}

function changeTree(tree: string): void {
  writeFileSync(join(tree, "file"), "other content, and a longer one\n");
  writeFileSync(join(tree, "folder/later"), seededRandom(2).bytes(500));
  chmodSync(join(tree, "random"), 0o600);
  rmSync(join(tree, "dangling"));
}

function emptyTree(tree: string): void {
  for (const name of readdirSync(tree, { encoding: "buffer" })) {
    if (name.equals(ODD_NAME)) continue;
    rmSync(Buffer.concat([Buffer.from(`${tree}/`), name]), { recursive: true });
  }
}

function newestId(store: string): string {
  const names = readdirSync(join(store, "snapshots"), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.includes("/"))
    .sort()
    .at(-1)!
    .slice(-64);
}

// A folder store is read-only; a work tree is not, and other users have to read it.
function makeOrdinary(path: string): void {
  const isFolder = statSync(path).isDirectory();
  chmodSync(path, isFolder ? 0o755 : 0o644);
  if (isFolder) for (const name of readdirSync(path)) makeOrdinary(join(path, name));
}

function readme(phrase: string): string {
  return `# A golden store

Made by \`bun test/archive/make.ts\`; every later version has to check and restore it as
\`expected.json\` says. Its secrets are for tests alone.

- Passphrase: \`${PASSPHRASE}\`
- Recovery phrase: \`${phrase}\`
`;
}

if (import.meta.main) {
  const folder = join(import.meta.dir, "v1/small");
  rmSync(folder, { recursive: true, force: true });
  makeArchive(folder);
}
