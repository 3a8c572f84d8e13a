// Damage and newer versions, as the command line tells of them. What is damaged how, and found by
// what, is the store's own matrix; here it is the words and the statuses.

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { type Place, placeWithStore } from "../support/bunker.ts";
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
function makeNewer(place: Place, folder: string): void {
  for (const path of objectsIn(place, folder)) {
    const bytes = readFileSync(path);
    expect(bytes[4]).toBe(1);
    bytes[4] = 2;
    const id = createHash("sha256").update(bytes).digest("hex");
    const name = basename(path);
    rmSync(path);
    writeFileSync(join(dirname(path), name.slice(0, name.indexOf("-") + 1) + id), bytes);
  }
}

test.each(["owner", "snapshots", "index"])(
  "objects of a newer version in %s are named as such",
  (folder) => {
    using place = placeWithStore();
    backUpThree(place);
    makeNewer(place, folder);
    // On a machine that has never seen the store.
    const found = place.run(["restore", "latest", "--to", "copy"], { HOME: place.at("other") });
    expect(found.stderr).toContain("made by a newer version");
    expect(found.stderr).not.toContain("please report");
    expect([1, 13]).toContain(found.status);
  },
);
