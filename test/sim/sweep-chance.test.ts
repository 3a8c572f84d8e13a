// Faults by chance over backups and restores in a bucket: a share of all requests fails, each in its
// own way. What ends well is whole; what does not leaves a store that checks clean and goes on.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { FAULT_KINDS } from "../b2/faults.ts";
import { writeTree } from "../support/files.ts";
import { withSeed } from "../support/random.ts";
import { Client } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";
import { BucketRig } from "./bucket.ts";
import { expectCode, expectWhole, TREE } from "./sweep.ts";

/** A clock that jumps by an hour ends whatever puts, and is no matter of luck. */
const KINDS = FAULT_KINDS.filter((kind) => kind !== "wrong-date");
const ROUNDS = 4;

test("several backups with faults at a fifth of all requests", async () => {
  await withSeed(async (random) => {
    using temp = tempDir();
    const source = join(temp.path, "source");
    writeTree(source, TREE);
    await using rig = await BucketRig.start();
    const client = new Client();
    for (let round = 0; round < ROUNDS; round++) {
      const during = `round ${round}`;
      writeTree(source, { [`new-${round}`]: random.bytes(50_000) });
      const seed = random.int(2 ** 31);
      rig.b2.faults.random({ seed, share: 0.2, kinds: KINDS, inARowMax: 2 });
      const failure = await rig.backUp(client, source).then(
        ({ problems }) => expect(problems, during).toEqual([]),
        (error: unknown) => error,
      );
      rig.b2.faults.clear();
      if (failure !== undefined) {
        expectCode(failure, during);
        expect(await rig.findings(new Client()), during).toEqual([]);
        await rig.backUp(client, source);
      }
      await expectWhole(rig, source, join(temp.path, `restored-${round}`), during);
      expect(await rig.findings(client), during).toEqual([]);
    }
    expect(rig.b2.faults.fired.length).toBeGreaterThan(ROUNDS);
  });
});
