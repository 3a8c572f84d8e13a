// What this machine remembers: where it may lie, and what goes on where it can't be written.

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";

import { type Outcome, type Place, placeWithStore } from "../support/bunker.ts";

/** Commands that only read the store. */
const READING = [
  ["snapshots"],
  ["ls", "latest"],
  ["cat", "latest:/a"],
  ["find", "a"],
  ["diff", "latest", "latest"],
  ["stats"],
  ["check", "--read-data"],
  ["restore", "latest", "--to", "copy"],
];
/** Commands that must remember what they did. */
const WRITING = [
  ["backup", "things"],
  ["key", "list"],
];

function placeWithSnapshot(): Place {
  const place = placeWithStore();
  place.write("things/a");
  place.lines(["backup", "things"]);
  return place;
}

test("no home folder is needed where the two folders are named", () => {
  using place = placeWithStore();
  const named = { XDG_STATE_HOME: place.at("state"), XDG_CACHE_HOME: place.at("cache") };
  place.lines(["snapshots"], { ...named, HOME: undefined });
  for (const folder of ["state", "cache"])
    expect(readdirSync(place.at(folder))).toEqual(["bunker"]);
});

/** One notice of the loss; `check` also says what it means. */
function expectOneNotice({ stderr, status }: Outcome): void {
  const rest = "(bunker: this machine has not seen this store before: [^\\n]+\\n)?";
  expect(stderr).toMatch(
    new RegExp(`^bunker: nothing can be remembered on this machine: [^\\n]+\\n${rest}$`),
  );
  expect(status).toBe(0);
}

test("folders that can't be made: reading goes on and says so once, writing does not", () => {
  using place = placeWithSnapshot();
  const nowhere = { XDG_STATE_HOME: "/dev/null/state", XDG_CACHE_HOME: "/dev/null/cache" };
  for (const words of READING) expectOneNotice(place.run(words, nowhere));
  expect(place.read("work", "copy", "a")).toBe("things/a");
  // One of the two.
  expectOneNotice(place.run(["snapshots"], { XDG_CACHE_HOME: "/dev/null/cache" }));
  const packs = readdirSync(place.at("store"), { recursive: true }).length;
  for (const words of WRITING) {
    const { stderr, status } = place.run(words, nowhere);
    expect(stderr).toMatch(/cannot make the folder.*\n.*hint: XDG_STATE_HOME and XDG_CACHE_HOME/);
    expect(status).toBe(1);
  }
  const made = place.run(["init"], { ...nowhere, BUNKER_STORE: "other", BUNKER_PASSPHRASE: "x" });
  expect(made.status).not.toBe(0);
  expect(readdirSync(place.at("store"), { recursive: true }).length).toBe(packs);
});

test("a full home: reading goes on and says so once, a backup does not", () => {
  using place = placeWithSnapshot();
  const home = { HOME: place.at("full") };
  // No file may have a byte: as on a full disk, folders can still be made.
  const full = "trap '' XFSZ; ulimit -f 0;";
  for (const words of READING.filter(([name]) => name !== "restore")) {
    expectOneNotice(place.shell(`${full} $BUNKER ${words.join(" ")}`, home));
  }
  const found = place.shell(`${full} $BUNKER key list`, home);
  expect(found.stderr).toContain("bunker: hint: XDG_STATE_HOME and XDG_CACHE_HOME may name other");
  expect(found.status).toBe(1);
});
