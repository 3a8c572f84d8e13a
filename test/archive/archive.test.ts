// Archive: every golden store that was ever made is still checked and restored as it was meant.
//
// Stores are copied first and never written to; what cannot be found in them is a failure.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

import { contentBytes, walk } from "../support/compare.ts";
import { tempDir } from "../support/temp.ts";
import { bunker, describeFolder, type Expected } from "./describe.ts";
import { makeArchive } from "./make.ts";

const ARCHIVE_BYTES_MAX = 300 * 1000;
const TIMEOUT_MS = 120_000;

const archives = [...new Bun.Glob("v*/*/README.md").scanSync(import.meta.dir)]
  .map((path) => join(import.meta.dir, path, ".."))
  .sort();

interface Archive {
  readonly expected: Expected;
  readonly passphrase: string;
  readonly phrase: string;
}

function readArchive(folder: string): Archive {
  const text = readFileSync(join(folder, "README.md"), "utf8");
  const secret = (name: string): string => {
    const found = new RegExp(`^- ${name}: \`(.+)\`$`, "m").exec(text)?.[1];
    if (found === undefined) throw new Error(`${folder}/README.md names no ${name.toLowerCase()}`);
    return found;
  };
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Expected;
  return { expected, passphrase: secret("Passphrase"), phrase: secret("Recovery phrase") };
}

function exercise(folder: string, way: "passphrase" | "phrase"): void {
  using temporary = tempDir();
  const archive = readArchive(folder);
  const at = (name: string): string => join(temporary.path, name);
  cpSync(join(folder, "store"), at("store"), { recursive: true });
  writeFileSync(at("phrase"), archive.phrase);
  const secret: Record<string, string> =
    way === "passphrase"
      ? { BUNKER_PASSPHRASE: archive.passphrase }
      : { BUNKER_PHRASE_FILE: at("phrase") };
  const world = { home: at("home"), store: at("store"), secret };
  expect(bunker(world, "check", "--read-data")).toContain("no errors");
  const { snapshots } = archive.expected;
  const listed = bunker(world, "snapshots").trim().split("\n");
  expect(listed.map((line) => line.slice(0, 10))).toEqual(
    snapshots.map(({ id }) => id.slice(0, 10)),
  );
  for (const { id, entries } of snapshots) {
    bunker(world, "restore", id, "--to", at(id));
    expect(describeFolder(at(id))).toEqual([...entries]);
  }
}

test("there are golden stores", () => {
  expect(archives).not.toEqual([]);
});

describe.each(archives.map((folder) => [relative(import.meta.dir, folder), folder] as const))(
  "the golden store %s",
  (_, folder) => {
    test("is small", () => {
      expect(contentBytes(walk(folder))).toBeLessThan(ARCHIVE_BYTES_MAX);
    });

    test("opens with its passphrase", () => exercise(folder, "passphrase"), TIMEOUT_MS);

    test("opens with its recovery phrase", () => exercise(folder, "phrase"), TIMEOUT_MS);
  },
);

describe("a golden store that is made now", () => {
  let folder = "";

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "bunker-archive-"));
    makeArchive(folder);
  }, TIMEOUT_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("restores as it was described", () => exercise(folder, "passphrase"), TIMEOUT_MS);

  test("has three snapshots and all kinds of names", () => {
    const [first, second, third] = readArchive(folder).expected.snapshots;
    const paths = first!.entries.map(({ path }) => path);
    expect(paths).toContain("odd-%ff%fe%80");
    expect(paths).toContain("%c3%bcn%c3%af%0a%e2%9d%84 %25");
    expect(first!.entries.filter(({ sameAs }) => sameAs !== undefined)).toHaveLength(1);
    expect(second!.entries).not.toEqual([...first!.entries]);
    expect(third!.entries.map(({ path }) => path)).toEqual(["", "odd-%ff%fe%80"]);
  });

  test("a restored file that differs is noticed", () => {
    const path = join(folder, "expected.json");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace(/"sha256": "./, '"sha256": "x'));
    try {
      expect(() => exercise(folder, "passphrase")).toThrow();
    } finally {
      writeFileSync(path, text);
    }
  });
});
