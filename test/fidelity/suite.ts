// Suite: the rows as tests, for root or for a plain user.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { ROWS } from "./rows.ts";
import { hindrance, lackOf, Trial, type Who } from "./trial.ts";

export function fidelityTests(who: Who): void {
  const hindered = hindrance(who);
  if (hindered !== undefined) console.log(`skipped: ${hindered}`);

  describe.skipIf(hindered !== undefined)(`what ${who} can keep`, () => {
    let made: Trial | undefined;
    let trial: Trial;
    beforeAll(() => {
      made = trial = new Trial(who);
      trial.run();
    });
    // Undefined where not even the tree could be made.
    afterAll(() => made?.[Symbol.dispose]());

    for (const row of ROWS) {
      const lack = lackOf(row, who);
      if (lack !== undefined && hindered === undefined) {
        console.log(`skipped: ${row.title}: ${lack}`);
      }
      test.skipIf(lack !== undefined)(row.title, () => {
        expect(trial.faultsOf(row)).toEqual([]);
      });
    }

    test("the folder itself that was backed up", () => {
      const expected = trial.lookAtTop("tree");
      for (const copy of ["copy-1", "copy-2"]) expect(trial.lookAtTop(copy)).toBe(expected);
    });

    test("nothing is said of what is kept, and each loss is said by the status", () => {
      expect(trial.strayLines()).toEqual([]);
      const isTold = (by: "backup" | "restore") =>
        who === "user" && trial.rows.some(({ user }) => user?.some((loss) => loss.by === by));
      const expected = [isTold("backup") ? 3 : 0, isTold("restore") ? 3 : 0];
      expect(trial.runs.map(({ status }) => status)).toEqual([...expected, ...expected]);
    });

    test("the tree itself is as it was", () => {
      for (const { row, before } of trial.made) {
        expect([row.name, trial.look(row, "tree")]).toEqual([row.name, before]);
      }
    });
  });
}
