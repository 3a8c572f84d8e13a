// A sweep of faults over backups into a bucket: each kind of fault at the n-th request, for every n.
// A backup that ends well is complete; one that doesn't leaves a store that checks clean and goes on;
// nothing hangs.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { FAULT_KINDS, type Fault } from "../b2/faults.ts";
import { writeTree } from "../support/files.ts";
import { Client } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";
import { BucketRig } from "./bucket.ts";
import { DETAILS, expectCode, expectWhole, TREE } from "./sweep.ts";

/** Runs a backup with the fault at request `nth`; returns whether the fault came to pass. */
async function backUpWith(fault: Fault, nth: number): Promise<boolean> {
  using temp = tempDir();
  const source = join(temp.path, "source");
  writeTree(source, TREE);
  await using rig = await BucketRig.start();
  const client = new Client();
  const during = `${fault.what} at request ${nth} of a backup`;
  rig.b2.faults.plan({ ...fault, nth });
  const failure = await rig.backUp(client, source).then(
    ({ problems }) => expect(problems, during).toEqual([]),
    (error: unknown) => error,
  );
  const hasFired = rig.b2.faults.fired.length > 0;
  rig.b2.faults.clear();
  if (failure !== undefined) {
    expectCode(failure, during);
    expect(await rig.findings(new Client()), during).toEqual([]);
    await rig.backUp(client, source);
  }
  await expectWhole(rig, source, join(temp.path, "restored"), during);
  expect(await rig.findings(client), during).toEqual([]);
  return hasFired;
}

test.each(FAULT_KINDS)("a backup with %s, once, at each request", async (what) => {
  const fault = { what, ...DETAILS[what] };
  let nth = 1;
  while (await backUpWith(fault, nth)) nth++;
  // A fault that only lists or bodies can have comes to pass less often.
  expect(nth).toBeGreaterThan(3);
});

test("an outage from each request on ends the backup, within its budget", async () => {
  for (const what of ["busy", "reset-before", "late", "html"] as const) {
    let nth = 1;
    while (await backUpWith({ what, times: 10_000 }, nth)) nth += 3;
    expect(nth).toBeGreaterThan(10);
  }
});
