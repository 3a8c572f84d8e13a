// The owner log: what is in force, in whatever order its records are found.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { concatBytes, hexOf } from "../../src/base/bytes.ts";
import { hexId } from "../../src/base/ids.ts";
import { encodeRecordSection, recordKindNumber } from "../../src/format/acts.ts";
import type { Reference } from "../../src/format/context.ts";
import { findLocation, replayLog } from "../../src/format/log.ts";
import type { LogEntry, LogRecord } from "../../src/format/record.ts";
import { id, keeper, run, u32, writer } from "./fixture.ts";
import { genesis } from "./samples.ts";

const here = run(16);
const elsewhere = run(16, 1);
const time = 1;

/** A log under construction: every record after the heads that are given, or after the last one. */
class TestLog {
  readonly entries: LogEntry[] = [];

  add(record: LogRecord, ...after: readonly LogEntry[]): LogEntry {
    const heads = after.length > 0 ? after : this.entries.slice(-1);
    const number = 1 + Math.max(0, ...heads.map((head) => head.number));
    const entry: LogEntry = {
      number,
      id: concatBytes(u32(this.entries.length + 1), new Uint8Array(28)),
      heads: heads.map((head) => ({ number: head.number, id: head.id })),
      record,
      section: encodeRecordSection(record),
    };
    this.entries.push(entry);
    return entry;
  }
}

const policy = (period: number, mode: "none" | "compliance" = "none"): LogRecord => ({
  kind: "policy",
  time,
  mode,
  period,
  floor: 1000 - period,
  grace: 1,
});
const certificate = (label = "a", role: "writer" | "keeper" = "writer"): LogRecord => ({
  kind: "certificate",
  time,
  role,
  publicKey: writer.publicKey,
  label,
  hosts: [],
});
const revocation = (...accepted: readonly Uint8Array[]): LogRecord => ({
  kind: "revocation",
  time,
  publicKey: writer.publicKey,
  accepted,
});
const manifests = [{ signer: writer.publicKey, number: 1, id: id(1) }];
const removal = (locationId = here): LogRecord => ({
  kind: "removal",
  time,
  locationId,
  manifests,
});
const undo = (locationId = here): LogRecord => ({ kind: "undo", time, locationId, manifests });
const bucket = { endpoint: "https://s3.example.org", bucket: "b", prefix: "p/" };

function referenceOf({ number, id: own }: LogEntry): Reference {
  return { number, id: own };
}

function started(): { log: TestLog; first: LogEntry } {
  const log = new TestLog();
  return { log, first: log.add(genesis) };
}

describe("policies", () => {
  test("the last one counts", () => {
    const { log } = started();
    log.add(policy(100, "compliance"));
    log.add(policy(10));
    expect(replayLog(log.entries).policy).toEqual({
      mode: "none",
      period: 10,
      floor: 990,
      grace: 1,
    });
  });

  test("of concurrent ones the longest and strictest of each", () => {
    const { log, first } = started();
    log.add(policy(100, "compliance"), first);
    log.add(policy(10), first);
    const { policy: found } = replayLog(log.entries);
    expect(found).toEqual({ mode: "compliance", period: 100, floor: 990, grace: 1 });
  });

  test("there may be none", () => {
    expect(replayLog(started().log.entries).policy).toBeUndefined();
  });
});

describe("certificates", () => {
  const accepts = (log: TestLog, object = id(5)) =>
    replayLog(log.entries).accepts(writer.publicKey, object);

  test("a certified writer is accepted, as a writer only", () => {
    const { log } = started();
    log.add(certificate());
    expect(accepts(log)).toBeTrue();
    const state = replayLog(log.entries);
    expect(state.accepts(writer.publicKey, id(5), "keeper")).toBeFalse();
    expect(state.accepts(keeper.publicKey, id(5))).toBeFalse();
  });

  test("a revoked one is accepted in what the revocation lists", () => {
    const { log } = started();
    log.add(certificate());
    log.add(revocation(id(5)));
    expect(accepts(log)).toBeTrue();
    expect(accepts(log, id(6))).toBeFalse();
    expect(replayLog(log.entries).signers.get(hexId(writer.publicKey))?.certified).toBeFalse();
  });

  test("a concurrent revocation beats the certificate", () => {
    const { log, first } = started();
    log.add(certificate(), first);
    log.add(revocation(), first);
    expect(accepts(log)).toBeFalse();
  });

  test("a certificate after the revocation counts again", () => {
    const { log } = started();
    log.add(certificate("old"));
    log.add(revocation());
    log.add(certificate("new"));
    expect(accepts(log)).toBeTrue();
    expect(replayLog(log.entries).signers.get(hexId(writer.publicKey))?.label).toBe("new");
  });

  test("a later revocation takes the place of an earlier one; concurrent ones add up", () => {
    const { log, first } = started();
    log.add(certificate());
    const second = log.add(revocation(id(5)));
    log.add(revocation(id(6)), first);
    expect([accepts(log, id(5)), accepts(log, id(6))]).toEqual([true, true]);
    log.add(revocation(id(7)), second);
    expect([accepts(log, id(5)), accepts(log, id(7))]).toEqual([false, true]);
  });

  test("a key in two roles is a conflict", () => {
    const { log } = started();
    log.add(certificate());
    log.add(certificate("a", "keeper"));
    expect(replayLog(log.entries).conflicts).toHaveLength(1);
  });
});

describe("removals", () => {
  const removed = (log: TestLog, at: Uint8Array | undefined = here) =>
    [...replayLog(log.entries, at).removedManifests].length;

  test("one at this location counts, elsewhere or without a location not", () => {
    const { log } = started();
    log.add(removal());
    expect(removed(log)).toBe(1);
    expect(removed(log, elsewhere)).toBe(0);
    expect(replayLog(log.entries).removedManifests.size).toBe(0);
  });

  test("an undo after it or concurrent takes it back, one before it not", () => {
    const after = started();
    after.log.add(removal());
    after.log.add(undo());
    expect(removed(after.log)).toBe(0);
    const concurrent = started();
    concurrent.log.add(undo(), concurrent.first);
    concurrent.log.add(removal(), concurrent.first);
    expect(removed(concurrent.log)).toBe(0);
    after.log.add(removal());
    expect(removed(after.log)).toBe(1);
  });

  test("an undo of another place takes nothing back", () => {
    const { log } = started();
    log.add(removal());
    log.add(undo(elsewhere));
    expect(removed(log)).toBe(1);
  });
});

describe("deletions", () => {
  const condemn = (log: TestLog, locationId = here) =>
    log.add({
      kind: "condemnation",
      time,
      locationId,
      packs: [id(1), id(2)],
      others: [],
      notBefore: 1,
    });

  test("what is condemned is swept or spared", () => {
    const { log } = started();
    const { id: condemnation } = condemn(log);
    expect(replayLog(log.entries, here).condemnedPacks).toEqual(new Set([id(1), id(2)].map(hexId)));
    expect(replayLog(log.entries, elsewhere).condemnedPacks.size).toBe(0);
    const sweep = { kind: "sweep", time, locationId: here, others: [], manifestsSeen: [] } as const;
    log.add({ ...sweep, condemnation, packs: [id(1)], spared: [id(2)] });
    const state = replayLog(log.entries, here);
    expect(state.sweptPacks).toEqual(new Set([hexId(id(1))]));
    expect(state.condemnedPacks).toEqual(new Set([hexId(id(1))]));
  });

  test("what one sweep spares another condemnation may still hold", () => {
    const { log } = started();
    const { id: condemnation } = condemn(log);
    condemn(log);
    const sweep = { kind: "sweep", time, locationId: here, others: [], manifestsSeen: [] } as const;
    log.add({ ...sweep, condemnation, packs: [], spared: [id(1), id(2)] });
    expect(replayLog(log.entries, here).condemnedPacks.size).toBe(2);
  });

  test("substitutions add up, and what is set aside too", () => {
    const { log } = started();
    log.add({ kind: "substitution", time, packs: [{ old: id(1), new: [id(2)] }] });
    log.add({ kind: "substitution", time, packs: [{ old: id(1), new: [id(3), id(4)] }] });
    log.add({ kind: "setAside", time, ids: [id(8)] });
    const state = replayLog(log.entries);
    expect(state.substitutions.get(hexId(id(1)))).toEqual([[id(2)], [id(3), id(4)]]);
    expect(state.setAside).toEqual(new Set([hexId(id(8))]));
  });
});

describe("locations", () => {
  test("a folder is found by its own id, a bucket by its place", () => {
    const { log } = started();
    log.add({ kind: "location", time, locationId: here });
    log.add({ kind: "location", time, locationId: elsewhere, bucket });
    const state = replayLog(log.entries);
    expect(findLocation(state, { folderId: here })).toEqual(here);
    expect(findLocation(state, { folderId: elsewhere })).toBeUndefined();
    expect(findLocation(state, bucket)).toEqual(elsewhere);
    expect(findLocation(state, { ...bucket, prefix: "" })).toBeUndefined();
    expect(state.conflicts).toEqual([]);
  });

  test("a place with two ids is none, and an id of two places is a conflict", () => {
    const { log } = started();
    log.add({ kind: "location", time, locationId: here, bucket });
    log.add({ kind: "location", time, locationId: elsewhere, bucket });
    expect(findLocation(replayLog(log.entries), bucket)).toBeUndefined();
    expect(replayLog(log.entries).conflicts).toHaveLength(1);
    log.add({ kind: "location", time, locationId: here });
    expect(replayLog(log.entries).conflicts).toHaveLength(2);
  });

  test("a location written twice is one", () => {
    const { log } = started();
    log.add({ kind: "location", time, locationId: here, bucket });
    log.add({ kind: "location", time, locationId: here, bucket });
    expect(findLocation(replayLog(log.entries), bucket)).toEqual(here);
  });
});

describe("heads", () => {
  test("they are the records that no other names; what is named and not there is missing", () => {
    const { log, first } = started();
    const left = log.add(policy(1), first);
    const right = log.add(policy(2), first);
    const both = replayLog(log.entries);
    expect(both.heads).toEqual([left, right].map(referenceOf));
    const merged = log.add(policy(3), left, right);
    expect(replayLog(log.entries).heads).toEqual([referenceOf(merged)]);
    const without = log.entries.filter((entry) => entry !== left);
    expect(replayLog(without).missing).toEqual([referenceOf(left)]);
    expect(replayLog(log.entries).missing).toEqual([]);
  });

  test("two beginnings are a conflict", () => {
    const { log } = started();
    const second = new TestLog().add(genesis);
    const entries = [...log.entries, { ...second, id: id(9) }];
    expect(replayLog(entries).conflicts).toHaveLength(1);
  });

  test("an empty log is in force as nothing", () => {
    const state = replayLog([]);
    expect([state.genesis, state.policy, state.heads]).toEqual([undefined, undefined, []]);
    expect(state.accepts(writer.publicKey, id(1))).toBeFalse();
  });
});

describe("checkpoints", () => {
  /** All records, and a checkpoint over them that keeps all but those given. */
  function checked(log: TestLog, superseded: readonly LogEntry[]): LogEntry {
    const covered = log.entries.map(referenceOf);
    const kept = log.entries.filter((entry) => !superseded.includes(entry));
    const inForce = kept.map((entry) => ({
      ...referenceOf(entry),
      kindNumber: recordKindNumber(entry.record.kind),
      section: entry.section,
    }));
    return log.add({ kind: "checkpoint", time, covered, inForce });
  }

  function sample() {
    const { log } = started();
    const old = log.add(policy(1));
    log.add(policy(2));
    log.add(certificate("old"));
    log.add(revocation(id(5)));
    log.add(certificate("new"));
    log.add({ kind: "location", time, locationId: here });
    log.add(removal());
    const last = log.add(undo());
    return { log, old, last, checkpoint: checked(log, [old]) };
  }

  test("alone it says what all the records said", () => {
    const { log, checkpoint } = sample();
    const whole = replayLog(log.entries, here);
    const short = replayLog([checkpoint], here);
    const { accepts: _a, ...wholeFacts } = whole;
    const { accepts: _b, ...shortFacts } = short;
    expect(shortFacts.policy).toEqual(wholeFacts.policy);
    expect(shortFacts.heads).toEqual(wholeFacts.heads);
    expect(shortFacts.missing).toEqual([]);
    expect(shortFacts.locations).toEqual(wholeFacts.locations);
    expect(shortFacts.genesis).toEqual(wholeFacts.genesis);
    expect(short.accepts(writer.publicKey, id(6))).toBe(whole.accepts(writer.publicKey, id(6)));
    expect(short.accepts(writer.publicKey, id(6))).toBeTrue();
  });

  test("a record that is no ancestor of it still counts", () => {
    const { log, last, checkpoint } = sample();
    const late = log.add(revocation(id(7)), last);
    const state = replayLog([checkpoint, late]);
    expect(state.accepts(writer.publicKey, id(6))).toBeFalse();
    expect(state.heads).toEqual(
      [referenceOf(late), referenceOf(checkpoint)].sort(
        (a, b) => a.number - b.number || (hexOf(a.id) < hexOf(b.id) ? -1 : 1),
      ),
    );
  });

  test("a record after it is after all that it covers", () => {
    const { log, checkpoint } = sample();
    const next = log.add(policy(1), checkpoint);
    expect(replayLog([checkpoint, next]).policy?.period).toBe(1);
  });

  test("what it covers and does not keep counts no longer", () => {
    const { log, old, checkpoint } = sample();
    const only = log.entries.filter((entry) => entry === old || entry === checkpoint);
    expect(replayLog(only).policy?.period).toBe(2);
  });
});

test("the order in which records are found does not matter", () => {
  const makers = [
    () => policy(5),
    () => policy(7, "compliance"),
    () => certificate(),
    () => revocation(id(5)),
    () => removal(),
    () => undo(),
  ];
  const step = fc.tuple(
    fc.nat(makers.length - 1),
    fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 12 }),
      fc.array(fc.nat(), { minLength: 13, maxLength: 13 }),
      (steps, sortKeys) => {
        const { log } = started();
        for (const [kind, after] of steps) {
          const heads = new Set(after.map((at) => log.entries[at % log.entries.length]!));
          log.add(makers[kind]!(), ...heads);
        }
        const shuffled = log.entries
          .map((entry, i) => ({ entry, key: sortKeys[i]! }))
          .sort((a, b) => a.key - b.key)
          .map(({ entry }) => entry);
        const { accepts, ...facts } = replayLog(log.entries, here);
        const { accepts: again, ...others } = replayLog(shuffled, here);
        expect(others).toEqual(facts);
        expect(again(writer.publicKey, id(5))).toBe(accepts(writer.publicKey, id(5)));
      },
    ),
  );
});
