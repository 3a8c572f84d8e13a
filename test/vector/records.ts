// The vectors of log records; what is wrong with a signed object of any kind is shown on them.

import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { encodeRecordSection, recordKindNumber } from "../../src/format/acts.ts";
import { type Cbor, encodeCbor } from "../../src/format/cbor-encoder.ts";
import { logName } from "../../src/format/names.ts";
import { encodeRecord, type LogRecord } from "../../src/format/record.ts";
import { asOwner, forge, type Forged, id, sign, u32, writer } from "../format/fixture.ts";
import { allRecords, genesis } from "../format/samples.ts";
import { type Maker, named, type Recipe, recipe, withByte } from "./recipe.ts";

const head = { number: 1, id: id(1) };
const policy = allRecords[1]!;

function recordParts(record: LogRecord, heads: readonly Cbor[] = [[1, id(1)]]): Forged {
  return {
    kind: "record",
    stepBytes: 4096,
    public: new Map<number, Cbor>([
      [1, heads.length === 0 ? 1 : 2],
      [2, heads],
      [3, recordKindNumber(record.kind)],
    ]),
    sections: [{ label: "record", content: encodeRecordSection(record) }],
  };
}

function badRecord(changes: Partial<Forged>, number = 2, record: LogRecord = policy): Maker {
  return () =>
    named(forge({ ...recordParts(record), ...changes }), (hash) => logName(number, hash));
}

/** Changes the bytes of a right record and signs it again. */
function respelled(spell: (bytes: Uint8Array) => Bytes): Maker {
  return async () => {
    const bytes = await forge(recordParts(policy));
    return named(sign(spell(bytes.slice(0, -64))), (hash) => logName(2, hash));
  };
}

function withSection(content: Bytes, more: object = {}): Partial<Forged> {
  return { sections: [{ label: "record", content, ...more }] };
}

function withPublic(number: Cbor, heads: Cbor, kind: Cbor, ...more: [number, Cbor][]) {
  const entries: [number, Cbor][] = [[1, number], [2, heads], [3, kind], ...more];
  return { public: new Map<number, Cbor>(entries) };
}

export function recordRecipes(): readonly Recipe[] {
  const good = allRecords.map((record) =>
    recipe("record", "ok", `a ${record.kind}${"bucket" in record ? " of a bucket" : ""}`, () =>
      encodeRecord(asOwner, record.kind === "genesis" ? [] : [head], record),
    ),
  );
  const section = encodeRecordSection(policy);
  const kind = recordKindNumber("policy");
  const later = encodeCbor(
    new Map<number, Cbor>([
      [0, 1],
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 1],
      [5, "later"],
    ]),
  );
  const critical = encodeCbor(
    new Map<number, Cbor>([
      [0, 1],
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 1],
      [-1, 1],
    ]),
  );
  const bad = (comment: string, make: Maker) => recipe("record", "corrupt", comment, make);
  const newer = (comment: string, make: Maker) =>
    recipe("record", "unsupported-version", comment, make);
  return [
    ...good,
    recipe(
      "record",
      "ok",
      "two heads, put together by hand",
      badRecord(
        withPublic(
          3,
          [
            [1, id(1)],
            [2, id(1)],
          ],
          kind,
        ),
        3,
      ),
    ),
    recipe("record", "ok", "a key that this version does not know", badRecord(withSection(later))),
    newer("version 2", respelled(withByte(4, 2))),
    newer("kind 8", respelled(withByte(5, 8))),
    newer("KEM 2", respelled(withByte(6, 2))),
    newer("AEAD 2", respelled(withByte(7, 2))),
    newer("id hash 2", respelled(withByte(8, 2))),
    newer("cutter 2", respelled(withByte(9, 2))),
    newer("record kind 13", badRecord(withPublic(2, [[1, id(1)]], 13))),
    newer(
      "a key below 0 in the public part",
      badRecord(withPublic(2, [[1, id(1)]], kind, [-1, 1])),
    ),
    newer("a key below 0 in the section", badRecord(withSection(critical))),
    bad("version 0", respelled(withByte(4, 0))),
    bad("wrong magic", respelled(withByte(0, 0x62))),
    bad("a reserved byte that is not zero", respelled(withByte(15, 1))),
    bad("a heartbeat under the name of a record", respelled(withByte(5, 7))),
    bad("a salt that was changed, and the object signed again", respelled(withByte(16, 0))),
    bad(
      "a public part beyond the end",
      respelled((bytes) => concatBytes(bytes.subarray(0, 112), u32(8192), bytes.subarray(116))),
    ),
    bad("a byte left over before the signature", badRecord({ surplus: new Uint8Array(1) })),
    bad("4,096 bytes left over before the signature", badRecord({ surplus: new Uint8Array(4096) })),
    bad(
      "no multiple of 4 KiB",
      respelled((bytes) => bytes.subarray(0, -1)),
    ),
    bad("a signature by a writer", badRecord({ signer: writer })),
    bad("a signature by another than it says", async () => {
      const bytes = await forge(recordParts(policy));
      return named(sign(bytes.slice(0, -64), writer), (hash) => logName(2, hash));
    }),
    bad("an object of another store", badRecord({ storeId: id(5) })),
    bad("a name with another id", async () => {
      const { bytes } = await encodeRecord(asOwner, [head], policy);
      return { name: logName(2, id(1)), bytes };
    }),
    bad("a name with another number", badRecord({}, 3)),
    bad(
      "a number that is not one more than that of its head",
      badRecord(withPublic(3, [[1, id(1)]], kind), 3),
    ),
    bad(
      "heads that are not sorted",
      badRecord(
        withPublic(
          3,
          [
            [2, id(1)],
            [1, id(1)],
          ],
          kind,
        ),
        3,
      ),
    ),
    bad(
      "a head twice",
      badRecord(
        withPublic(
          2,
          [
            [1, id(1)],
            [1, id(1)],
          ],
          kind,
        ),
      ),
    ),
    bad("a head with number 0", badRecord(withPublic(1, [[0, id(1)]], kind), 1)),
    bad("a policy without heads", badRecord(withPublic(1, [], kind), 1)),
    bad("a genesis with heads", badRecord({}, 2, genesis)),
    bad(
      "a genesis with other keys",
      badRecord(recordParts({ ...genesis, agreementPublic: id(1) } as LogRecord, []), 1),
    ),
    bad("a public part that is an array", badRecord({ public: encodeCbor([]) })),
    bad("a section under another key", badRecord(withSection(section, { how: { key: id(1) } }))),
    bad(
      "a section under another label",
      badRecord({ sections: [{ label: "slot", content: section }] }),
    ),
    bad("padding that is not zero", badRecord(withSection(section, { filling: 1 }))),
    bad("4,096 zeros too many", badRecord(withSection(section, { moreZeros: 4096 }))),
    bad("a section longer than its plaintext", badRecord(withSection(section, { claims: 4096 }))),
    bad(
      "a byte left over after the section's map",
      badRecord(withSection(concatBytes(section, u32(0)))),
    ),
    bad(
      "a lock mode of 3",
      badRecord(
        withSection(
          encodeCbor(
            new Map([
              [0, 1],
              [1, 3],
              [2, 1],
              [3, 1],
              [4, 1],
            ]),
          ),
        ),
      ),
    ),
    bad(
      "hosts that are not sorted",
      badRecord({}, 2, { ...allRecords[4]!, hosts: ["b", "a"] } as LogRecord),
    ),
    bad(
      "a checkpoint that keeps what it does not cover",
      badRecord(recordParts({ ...allRecords[12]!, covered: [] } as LogRecord)),
    ),
    bad("a certificate for an owner", badRecord(withSection(ownerCertificate()), 2, allRecords[4])),
  ];
}

function ownerCertificate(): Bytes {
  const entries: [number, Cbor][] = [
    [0, 1],
    [1, 1],
    [2, writer.publicKey],
    [3, "x"],
    [4, []],
  ];
  return encodeCbor(new Map(entries));
}
