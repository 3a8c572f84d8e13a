// Handover: what root backed up, restored by a user without rights. Everything that the user may
// set is set, each kind of thing that is lost is told once, and the status says that it is so.

import { expect, test } from "bun:test";

import type { Loss, Row } from "./rows.ts";
import { hindrance, Trial } from "./trial.ts";

const hindered = hindrance("root") ?? hindrance("user");
if (hindered !== undefined) console.log(`skipped: a restore by somebody else: ${hindered}`);

/** One line for each of these, however many files it is about. */
const KINDS = [
  /owners were not/,
  /setuid and setgid bits/,
  /device/,
  /attributes of trusted\.\* were not/,
  /attributes of security\.\* were not/,
  /file capabilities were not/,
];
/** What may differ then; the rest is equal: names, contents, times, links, `user.*`, ACLs. */
const LOST = [
  / uid=\d+ gid=\d+/g,
  /^.* (?:security|trusted)\..*\n/gm,
  /^.* cap_.*\n/gm,
  /^.* # (?:owner|group|flags): .*\n/gm,
];
/** Where there are bits that are left out without the owner. */
const WITH_SET_IDS = ["special-bits", "owned-set-ids", "everything"];

function lossesOf({ name }: Row): Loss[] {
  const lost = WITH_SET_IDS.includes(name) ? [...LOST, / mode=\d+/g] : LOST;
  return lost.map((each) => ({ by: "restore", lost: each }));
}

test.skipIf(hindered !== undefined)("root's backup, restored by a user", () => {
  using trial = new Trial("root");
  const made = trial.bunker(["backup", "tree"]);
  expect(made).toMatchObject({ stderr: "", status: 0 });
  trial.giveAway();
  const { stderr, status } = trial.bunker(["restore", "latest", "--to", "copy"]);
  expect([status, stderr]).toEqual([3, stderr]);
  const lines = stderr.split("\n").filter((line) => line !== "");
  const counts = KINDS.map((kind) => [kind.source, lines.filter((line) => kind.test(line)).length]);
  expect(counts).toEqual(KINDS.map((kind) => [kind.source, 1]));
  expect(lines.filter((line) => !KINDS.some((kind) => kind.test(line)))).toEqual([]);
  for (const row of trial.rows.filter(({ name }) => name !== "devices")) {
    expect([row.name, trial.compare(row, "copy", lossesOf(row))]).toEqual([row.name, []]);
  }
});
