// Damage and newer versions, as the command line tells of them. What is damaged how, and found by
// what, is the store's own matrix; here it is the words and the statuses.

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { BY_PASSPHRASE, type Place, placeWithStore } from "../support/bunker.ts";
import { seededRandom } from "../support/random.ts";

/** Three files of one chunk each, in one pack, in this order. */
function backUpThree(place: Place): void {
  const random = seededRandom(1);
  for (const name of ["a", "b", "c"]) place.write(`things/${name}`, random.bytes(300_000));
  place.lines(["backup", "things"]);
}

function objectsIn(place: Place, folder: string): string[] {
  return readdirSync(place.at("store", folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((one, other) => statSync(other).size - statSync(one).size);
}

function change(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

test("a changed byte in a pack: 13, with the object and the file, and all else comes back", () => {
  using place = placeWithStore();
  backUpThree(place);
  const [pack = ""] = objectsIn(place, "packs");
  change(pack, 450_000);
  expect(place.run(["check"]).status).toBe(0); // Without reading data it is not seen.

  const checked = place.run(["check", "--read-data"]);
  expect(checked.stderr).toContain(
    `bunker: warning: packs/${basename(dirname(pack))}/${basename(pack)} is damaged`,
  );
  expect(checked.stderr).toMatch(/bunker: warning: [0-9a-f]{10}:\/b: /);
  expect(checked.stdout).toMatch(/: 2 findings\n$/);
  expect(checked.status).toBe(13);

  const restored = place.run(["restore", "latest", "--to", "copy"]);
  expect(restored.stderr).toContain(basename(pack));
  expect(restored.stderr).toContain("bunker: warning: b: ");
  expect(restored.stdout).toStartWith("restored 2 files ");
  expect(restored.status).toBe(13);
  expect(readdirSync(place.at("work/copy")).sort()).toEqual(["a", "c"]);
  for (const name of ["a", "c"]) {
    const original = readFileSync(place.at("work/things", name));
    expect(original.equals(readFileSync(place.at("work/copy", name)))).toBe(true);
  }

  const written = place.run(["cat", "latest:/b"]);
  expect(written.stdout).toBe("");
  expect(written.stderr).toContain(basename(pack));
  expect(written.status).toBe(13);
  expect(place.run(["cat", "latest:/a"]).status).toBe(0);
});

test("a snapshot whose top can't be read: 13, named as a path of it", () => {
  using place = placeWithStore();
  backUpThree(place);
  const packs = objectsIn(place, "packs");
  rmSync(packs.at(-1)!); // The small one has the trees.
  const checked = place.run(["check"]);
  expect(checked.stderr).toMatch(/bunker: warning: [0-9a-f]{10}:\/: this folder can't be read/);
  expect(checked.stderr).not.toContain("::");
  expect(checked.status).toBe(13);
  const { findings } = JSON.parse(place.run(["check", "--json"]).stdout) as {
    findings: readonly { subject: string }[];
  };
  expect(findings.map(({ subject }) => subject)).toContainEqual(
    expect.stringMatching(/^[0-9a-f]{10}:\/$/),
  );
});

test("a damaged newest snapshot: latest is the one before, which is told", () => {
  using place = placeWithStore();
  backUpThree(place);
  const [first] = place.json(["snapshots"]);
  place.lines(["backup", "things"]);
  const newest = objectsIn(place, "snapshots").find((path) => basename(path).includes("02-"))!;
  change(newest, statSync(newest).size - 1);
  const told =
    `bunker: latest is ${String(first!["id"]).slice(0, 10)} here: ` +
    `snapshots/${basename(dirname(newest))}/${basename(newest)} may be newer, and can't be read\n`;
  for (const words of [RESTORE, ["ls", "latest"], ["cat", "latest:/a", "latest:/b"]]) {
    const found = place.run(words, { HOME: place.at("other") });
    expect(found.stderr.split(told)).toHaveLength(2); // Once.
    expect(found.status).toBe(13);
  }
  expect(place.run(["ls", String(first!["id"])]).stderr).not.toContain("may be newer");
});

test("a pack that is gone: 13 by a plain check", () => {
  using place = placeWithStore();
  backUpThree(place);
  const [pack = ""] = objectsIn(place, "packs");
  rmSync(pack);
  const checked = place.run(["check"]);
  expect(checked.stderr).toContain(`${basename(pack)}: this pack is missing\n`);
  expect(checked.stderr).toContain(":/a: ");
  expect(checked.status).toBe(13);
});

/** Gives the objects of a folder the version 2, and the names that their bytes then have. */
function makeNewer(
  place: Place,
  folder: string,
  isMeant: (name: string) => boolean = () => true,
): void {
  for (const path of objectsIn(place, folder).filter((each) => isMeant(basename(each)))) {
    const bytes = readFileSync(path);
    expect(bytes[4]).toBe(1);
    bytes[4] = 2;
    const id = createHash("sha256").update(bytes).digest("hex");
    const name = basename(path);
    rmSync(path);
    writeFileSync(join(dirname(path), name.slice(0, name.indexOf("-") + 1) + id), bytes);
  }
}

const RESTORE = ["restore", "latest", "--to", "copy"];

// The commands that read what is in the folder.
test.each([
  ["owner", [["check"], ["snapshots"], ["key", "list"], RESTORE]],
  ["keys", [["check"], ["key", "list"]]],
  ["snapshots", [["check"], ["snapshots"], RESTORE]],
  ["index", [["check"], RESTORE]],
] as const)("objects of a newer version in %s: 13, named as such", (folder, commands) => {
  using place = placeWithStore();
  backUpThree(place);
  makeNewer(place, folder);
  for (const words of commands) {
    // On a machine that has never seen the store.
    const found = place.run(words, { HOME: place.at("other") });
    expect(found.stderr).toContain("made by a newer version of bunker, ");
    expect(found.stderr).not.toContain("please report");
    expect(found.status).toBe(13);
  }
});

test("a store of a newer version: the same error and status, whatever opens it", () => {
  using place = placeWithStore();
  backUpThree(place);
  for (const folder of ["owner", "keys", "snapshots", "index"]) makeNewer(place, folder);
  const newer =
    `bunker: error: the store at ${place.at("store")} was made by a newer version of bunker, ` +
    "or forged\nbunker: hint: update bunker; if that doesn't help, its ";
  for (const [secret, hint] of [
    [{}, /owner log was forged\n$/],
    [BY_PASSPHRASE, /key slots were forged: the recovery phrase \(BUNKER_PHRASE_FILE\) or .*\n$/],
  ] as const) {
    const elsewhere = { ...secret, HOME: place.at("other"), BUNKER_NEW_PASSPHRASE: "x" };
    for (const words of [["snapshots"], ["check"], ["backup", "things"], RESTORE, ["key", "add"]]) {
      const { stdout, stderr, status } = place.run(words, elsewhere);
      expect({ stdout, status }).toEqual({ stdout: "", status: 13 });
      expect(stderr).toStartWith(newer);
      expect(stderr).toMatch(hint);
    }
  }
  expect(readdirSync(place.at("work"))).toEqual(["things"]);
});

test("a forged newer first record locks nobody out of the store", () => {
  using place = placeWithStore();
  backUpThree(place);
  makeNewer(place, "owner", (name) => name.startsWith("0000000001-"));
  for (const words of [["snapshots"], ["check"], RESTORE]) {
    const { stderr, status } = place.run(words, { HOME: place.at("other") });
    expect(stderr).toContain("made by a newer version of bunker, which is needed to read it, or");
    expect(status).toBe(13);
  }
  expect(readdirSync(place.at("work", "copy")).length).toBeGreaterThan(0);
});
