// Results of the real program through slow pipes, closed pipes and on a full disk.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";

import { type Place, placeWithStore } from "../support/bunker.ts";
import { seededRandom } from "../support/random.ts";

const FILE_COUNT = 3000;
const LARGE = seededRandom(1).bytes(2_500_000);

let place: Place;

beforeAll(() => {
  place = placeWithStore();
  place.write("things/large", LARGE);
  for (let i = 0; i < FILE_COUNT; i++) place.write(`things/many/a-name-that-is-not-short-${i}`, "");
  place.lines(["backup", "things"]);
});

afterAll(() => place[Symbol.dispose]());

// A reader that takes single bytes at first: the pipe is full by then.
const SLOW = "{ dd bs=1 count=20000 status=none; cat; }";

describe("a slow pipe gets everything", () => {
  test("of a file", () => {
    const { stdout, stderr, status } = place.shell(
      `$BUNKER cat latest:/large | ${SLOW} | sha256sum; exit "\${PIPESTATUS[0]}"`,
    );
    expect(stderr).toBe("");
    expect(stdout.slice(0, 64)).toBe(createHash("sha256").update(LARGE).digest("hex"));
    expect(status).toBe(0);
  });

  test("of a long listing", () => {
    const { stdout, status } = place.shell(
      `$BUNKER ls -R latest --json | ${SLOW}; exit "\${PIPESTATUS[0]}"`,
    );
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(FILE_COUNT + 2);
    for (const line of lines) JSON.parse(line);
    expect(status).toBe(0);
  });
});

describe("a pipe that is closed early: 141 and no word", () => {
  test.each(["cat latest:/large", "ls -R latest --json", "ls -lR latest"])("%s", (words) => {
    const { stderr, status } = place.shell(
      `$BUNKER ${words} | head -c 100 >/dev/null; exit "\${PIPESTATUS[0]}"`,
    );
    expect(stderr).toBe("");
    expect(status).toBe(141);
  });

  test.each(["snapshots", "version", "help", "check --json"])("%s, read by nobody", (words) => {
    // The reader is gone before the program starts.
    const { stderr, status } = place.shell(
      `mkfifo pipe; : <pipe & exec 9>pipe; wait; $BUNKER ${words} >&9; status=$?; rm pipe; exit $status`,
    );
    expect(stderr).toBe("");
    expect(status).toBe(141);
  });
});

describe("a full disk under the results: 1 and a message", () => {
  test.each([
    "cat latest:/large",
    "ls latest --json",
    "ls -R latest",
    "snapshots",
    "snapshots --json",
    "check --json",
    "check",
    "restore latest:/many --to copy",
    "restore latest:/many --to copy --json",
    "backup things",
    "key list",
    "version",
    "--version",
    "--help",
    "help backup",
  ])("%s", (words) => {
    const { stderr, status } = place.shell(
      `$BUNKER ${words} >/dev/full; status=$?; rm -rf copy; exit $status`,
    );
    expect(stderr).toMatch(/^bunker: error: cannot write the output: no space left \(ENOSPC\)\n$/);
    expect(status).toBe(1);
  });
});

test("nobody reads the messages: the backup is made all the same", () => {
  expect(place.shell("$BUNKER backup things 2>/dev/full").status).toBe(0);
  expect(place.shell("$BUNKER backup things 2>&-").status).toBe(0);
});
