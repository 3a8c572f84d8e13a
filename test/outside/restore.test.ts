// Outside: a stranger's restorer, written in Python from docs/format.md alone, against the binary.
//
// What the program stored has to come back byte for byte through code that shares nothing with it;
// and what was changed afterwards has to be refused by it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  cpSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeFolder, type Expected } from "../archive/describe.ts";
import { compareFolders } from "../support/compare.ts";
import { seededRandom } from "../support/random.ts";
import { findPython } from "./python.ts";

const BINARY = join(import.meta.dir, "../../dist/bunker");
const ARCHIVE = join(import.meta.dir, "../archive");
const RESTORER = join(import.meta.dir, "restore.py");
/** In NFD, so that the restorer has to normalize it. */
const PASSPHRASE = "ein passwo\u0308rtchen";
/** With names this long, so many that the program writes the folder in several pages. */
const MANY_COUNT = 4000;
const manyName = (index: number): string => `name-${index}-`.padEnd(250, "x");
const TIMEOUT_MS = 120_000;

const python = findPython();
if (python === undefined) {
  console.log("skipped: the independent restorer needs python3 and test/outside/requirements.txt");
}
// In CI a missing Python is a failure, not a skip.
const isThere = python !== undefined || process.env["CI"] === "true";

let folder = "";
const at = (...parts: string[]): string => join(folder, ...parts);

beforeAll(() => {
  if (!isThere) return;
  folder = mkdtempSync(join(tmpdir(), "bunker-outside-"));
  makeTree();
  mkdirSync(at("store"));
  bunker("init", "--phrase-file", at("phrase"));
  bunker("backup", at("tree"));
  writeFileSync(at("tree/later"), "came later");
  rmSync(at("tree/many", manyName(17)));
  bunker("backup", at("tree"));
  writeFileSync(at("passphrase"), PASSPHRASE);
}, TIMEOUT_MS);

afterAll(() => {
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

/** Holes before, between and behind the data, which are one chunk. */
function makeSparse(path: string): void {
  const file = openSync(path, "w");
  ftruncateSync(file, 9 * 1024 * 1024);
  writeSync(file, seededRandom(2).bytes(70_000), 0, 70_000, 1024 * 1024);
  writeSync(file, "in the middle", 5 * 1024 * 1024);
  closeSync(file);
}

function makeTree(): void {
  mkdirSync(at("tree/many"), { recursive: true });
  mkdirSync(at("tree/deep/er/est/empty"), { recursive: true });
  for (let i = 0; i < MANY_COUNT; i++) writeFileSync(at("tree/many", manyName(i)), `content ${i}`);
  writeFileSync(at("tree/big"), seededRandom(1).bytes(5 * 1024 * 1024));
  writeFileSync(at("tree/same over and over"), Buffer.alloc(3 * 1024 * 1024, "over"));
  writeFileSync(at("tree/nothing"), "");
  makeSparse(at("tree/sparse"));
  writeFileSync(at("tree/ünï\n❄"), "a name with a newline");
  const odd = Buffer.concat([Buffer.from(at("tree/odd-")), Buffer.from([0xff, 0xfe, 0x80])]);
  writeFileSync(odd, "a name that is not UTF-8");
  symlinkSync("../nothing", at("tree/deep/link"));
  symlinkSync(Buffer.from([0x2f, 0xff, 0x01]), at("tree/dangling"));
  linkSync(at("tree/big"), at("tree/deep/er/second name"));
  linkSync(at("tree/big"), at("tree/zz third name"));
  chmodSync(at("tree/nothing"), 0o4751);
  chmodSync(at("tree/deep/er"), 0o1733);
  utimesSync(at("tree/nothing"), 0, -86_400.5);
  utimesSync(at("tree/deep"), 0, 4_102_444_800.25);
}

function bunker(...options: string[]): void {
  const { success, stderr } = Bun.spawnSync([BINARY, ...options], {
    env: {
      PATH: "/usr/bin:/bin",
      HOME: folder,
      BUNKER_STORE: at("store"),
      BUNKER_PASSPHRASE: PASSPHRASE,
    },
  });
  if (!success) throw new Error(`bunker ${options.join(" ")} failed\n${stderr.toString()}`);
}

function restore(
  store: string,
  ...options: string[]
): { status: number; out: string; error: string } {
  if (python === undefined) throw new Error("no python3 with the packages of requirements.txt");
  const { exitCode, stdout, stderr } = Bun.spawnSync([python, RESTORER, store, ...options]);
  return { status: exitCode, out: stdout.toString(), error: stderr.toString() };
}

function byPhrase(store: string, ...options: string[]): ReturnType<typeof restore> {
  return restore(store, ...options, "--phrase-file", at("phrase"));
}

describe.skipIf(!isThere)("a restorer written from the format document alone", () => {
  test(
    "restores the newest snapshot by the passphrase",
    () => {
      const options = [at("by passphrase"), "--passphrase-file", at("passphrase")];
      expect(restore(at("store"), ...options)).toEqual({ status: 0, out: "", error: "" });
      const { differences, fileCount } = compareFolders(at("tree"), at("by passphrase"));
      expect(differences).toEqual([]);
      expect(fileCount).toBe(MANY_COUNT + 8);
      expect(statSync(at("by passphrase/sparse")).blocks * 512).toBeLessThan(1024 * 1024);
    },
    TIMEOUT_MS,
  );

  test(
    "restores an older snapshot by the recovery phrase",
    () => {
      const lines = byPhrase(at("store"), "--list").out.trim().split("\n");
      expect(lines).toHaveLength(2);
      const options = [at("by phrase"), "--snapshot", lines[0]!.slice(0, 64)];
      expect(byPhrase(at("store"), ...options)).toEqual({ status: 0, out: "", error: "" });
      const names = readdirSync(at("by phrase"));
      expect(names).not.toContain("later");
      expect(readFileSync(at("by phrase/many", manyName(17)), "utf8")).toBe("content 17");
    },
    TIMEOUT_MS,
  );

  test.each([...new Bun.Glob("v*/*").scanSync({ cwd: ARCHIVE, onlyFiles: false })])(
    "restores every snapshot of the golden store %s",
    (name) => {
      const archive = join(ARCHIVE, name);
      const expected = readFileSync(join(archive, "expected.json"), "utf8");
      const readme = readFileSync(join(archive, "README.md"), "utf8");
      const phrase = at(`phrase ${name.replaceAll("/", " ")}`);
      writeFileSync(phrase, /^- Recovery phrase: `(.+)`$/m.exec(readme)?.[1] ?? "");
      for (const { id, entries } of (JSON.parse(expected) as Expected).snapshots) {
        const options = [at(id), "--snapshot", id, "--phrase-file", phrase];
        expect(restore(join(archive, "store"), ...options).error).toBe("");
        expect(describeFolder(at(id))).toEqual([...entries]);
      }
    },
    TIMEOUT_MS,
  );

  test("refuses a wrong passphrase and a wrong phrase", () => {
    writeFileSync(at("wrong"), "another");
    const { status, error } = restore(at("store"), "--list", "--passphrase-file", at("wrong"));
    expect(error).toContain("opens no key slot");
    expect(status).toBe(1);
    const words = readFileSync(at("phrase"), "utf8").trim().split(/\s+/);
    writeFileSync(at("wrong"), [...words.slice(1), "zoo"].join(" "));
    expect(restore(at("store"), "--list", "--phrase-file", at("wrong")).status).toBe(1);
  });

  test.each(["packs", "owner", "snapshots"])(
    "refuses a changed byte in each object of %s",
    (room) => {
      const spoilt = copyOf(`spoilt ${room}`);
      for (const path of objectsIn(join(spoilt, room))) changeByte(path);
      const { status, error } = byPhrase(spoilt, at(`from spoilt ${room}`));
      expect(error).toMatch(/not those that its name promises/);
      expect(status).toBe(1);
    },
    TIMEOUT_MS,
  );

  test.each(["owner", "snapshots"])(
    "refuses a changed byte in an object of %s whose name was made to fit",
    (room) => {
      const spoilt = copyOf(`renamed ${room}`);
      for (const path of objectsIn(join(spoilt, room))) {
        const id = changeByte(path);
        renameSync(path, `${path.slice(0, -id.length)}${id}`);
      }
      const { status, error } = byPhrase(spoilt, at(`from renamed ${room}`));
      expect(error).toContain("the signature is wrong");
      expect(status).toBe(1);
    },
    TIMEOUT_MS,
  );
});

function copyOf(name: string): string {
  cpSync(at("store"), at(name), { recursive: true });
  return at(name);
}

function objectsIn(room: string): string[] {
  const names = readdirSync(room, { recursive: true, encoding: "utf8" });
  const paths = names.filter((name) => /[0-9a-f]{64}$/.test(name)).map((name) => join(room, name));
  return paths.filter((path) => statSync(path).isFile());
}

/** Returns the id that the object would have now. */
function changeByte(path: string): string {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
