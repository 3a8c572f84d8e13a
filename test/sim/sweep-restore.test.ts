// A sweep of faults over restores from a bucket: each kind of fault at the n-th request, for every n.
// A restore that ends well is complete; after one that doesn't, the next one is; nothing hangs.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { compareFolders } from "../support/compare.ts";
import { FAULT_KINDS, type Fault } from "../b2/faults.ts";
import { writeTree } from "../support/files.ts";
import { Client } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";
import { BucketRig } from "./bucket.ts";
import { DETAILS, expectCode, expectWhole, TREE } from "./sweep.ts";

/** Restores `nth` after `nth` from one store, each time with the fault at that request. */
async function sweepRestore(fault: Fault): Promise<number> {
  using temp = tempDir();
  const source = join(temp.path, "source");
  writeTree(source, TREE);
  await using rig = await BucketRig.start();
  await rig.backUp(new Client(), source);
  for (let nth = 1; ; nth++) {
    const during = `${fault.what} at request ${nth} of a restore`;
    const { fired } = rig.b2.faults;
    fired.length = 0;
    rig.b2.faults.plan({ ...fault, nth });
    const to = join(temp.path, `restored-${nth}`);
    const failure = await rig.restore(to).then(
      ({ problems }) => (problems.length > 0 ? "incomplete" : undefined),
      (error: unknown) => expectCode(error, during) ?? "failed",
    );
    const hasFired = fired.length > 0;
    rig.b2.faults.clear();
    if (failure !== undefined) await expectWhole(rig, source, to, during);
    expect(compareFolders(source, to).differences, during).toEqual([]);
    if (!hasFired) return nth - 1;
  }
}

test.each(FAULT_KINDS)("a restore with %s, once, at each request", async (what) => {
  expect(await sweepRestore({ what, ...DETAILS[what] })).toBeGreaterThan(3);
});
