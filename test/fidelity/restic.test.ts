// Beside restic: of one tree, what restic gives back, bunker gives back, too. What restic loses is
// printed; no release of it is held to that.

import { expect, test } from "bun:test";

import { compareWithRestic } from "./restic.ts";
import { hindrance } from "./trial.ts";

const hindered =
  hindrance("root") ?? (Bun.which("restic") === null ? "restic is missing" : undefined);
if (hindered !== undefined) console.log(`skipped: beside restic: ${hindered}`);

test.skipIf(hindered !== undefined)("what restic keeps, bunker keeps", () => {
  const compared = compareWithRestic();
  expect(compared.length).toBeGreaterThan(20);
  const lost = compared.filter(({ restic }) => restic.length > 0).map(({ row }) => row.title);
  const version = Bun.spawnSync(["restic", "version"]).stdout.toString().split(" ", 2).join(" ");
  console.log(`lost by ${version}: ${lost.join("; ")}`);
  const worse = compared.filter(({ bunker, restic }) => bunker.length > 0 && restic.length === 0);
  expect(worse.map(({ row, bunker }) => [row.name, bunker])).toEqual([]);
});
