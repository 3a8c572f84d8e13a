// Samples: one value of each kind, with every optional part somewhere.

import { utf8 } from "../../src/base/bytes.ts";
import type { Entry, EntryType } from "../../src/base/entry.ts";
import type { NewHeartbeat } from "../../src/format/heartbeat.ts";
import type { NewManifest } from "../../src/format/manifest.ts";
import type { LogRecord } from "../../src/format/record.ts";
import type { Snapshot } from "../../src/format/snapshot.ts";
import { id, keeper, owner, run, writer } from "./fixture.ts";

/** A plain entry, and what is given instead. */
export function entryOf(name: string, type: EntryType, more: Partial<Entry> = {}): Entry {
  return {
    name: utf8(name),
    type,
    mode: 0o644,
    userId: 1000,
    groupId: 100,
    modified: { seconds: 1_700_000_000, nanoseconds: 0 },
    size: 0,
    content: [],
    ...more,
  };
}

/** One entry of every type, sorted by name. */
export function allTypes(): readonly Entry[] {
  return [
    entryOf("block", "block", { device: { major: 8, minor: 1 } }),
    entryOf("char", "char", { device: { major: 1, minor: 3 } }),
    entryOf("empty", "file"),
    entryOf("fifo", "fifo"),
    entryOf("file", "file", {
      mode: 0o4755,
      userName: "user",
      groupName: "group",
      modified: { seconds: -1, nanoseconds: 999_999_999 },
      size: 3_000_000,
      hardLink: 1,
      attributes: [
        { name: utf8("user.a"), value: utf8("") },
        { name: utf8("user.b"), value: run(4) },
      ],
      holes: [[4096, 4096]],
      content: [id(1), id(2)],
      unstable: true,
    }),
    entryOf("folder", "folder", { mode: 0o1777, content: [id(3)] }),
    entryOf("link", "link", { target: utf8("../elsewhere") }),
    entryOf("long", "file", { size: 2 ** 40, contentLists: [id(4), id(5)] }),
    objectEntry(),
    entryOf("socket", "socket"),
    { ...entryOf("zz", "file"), name: Uint8Array.of(0xff, 0xfe) },
  ];
}

function objectEntry(): Entry {
  return entryOf("object", "object", {
    size: 10,
    content: [id(6)],
    object: {
      key: utf8("a/b/object"),
      etag: '"0123"',
      versionId: "4_z",
      lastModified: 1_700_000_000_123,
      headers: [
        ["cache-control", "no-cache"],
        ["content-type", "text/plain"],
      ],
      userMetadata: [["x", "é"]],
      storageClass: "STANDARD",
      checksums: [{ algorithm: "sha256", value: run(32) }],
      lock: { mode: "compliance", until: 1_800_000_000_000, legalHold: true },
      tags: [["a", "1"]],
    },
  });
}

export function snapshotOf(): Snapshot {
  return {
    host: "host",
    user: "user",
    roots: [
      { path: utf8("/home/user"), entry: entryOf("user", "folder", { content: [id(7)] }) },
      { path: utf8("/etc/hosts"), entry: entryOf("hosts", "file", { size: 5, content: [id(1)] }) },
    ],
    tags: ["daily", "été"],
    description: "a description",
    start: 1_700_000_000_000,
    end: 1_700_000_060_000,
    counts: {
      files: 1,
      folders: 2,
      others: 3,
      contentBytes: 4,
      newBlobs: 5,
      storedBytes: 6,
      problems: 7,
    },
    program: "0.1.0",
  };
}

export function manifestOf(): NewManifest {
  return {
    number: 2,
    time: 1_700_000_061_000,
    heads: [{ signer: id(1), number: 7, id: id(2) }],
    logHeads: [
      { number: 3, id: id(3) },
      { number: 3, id: id(4) },
    ],
    closure: {
      base: { number: 1, id: id(5) },
      depth: 1,
      added: [id(6), id(7)],
      dropped: [id(8)],
      basis: [{ number: 1, id: id(5) }],
    },
    snapshot: snapshotOf(),
  };
}

export function heartbeatOf(): NewHeartbeat {
  return {
    number: 1,
    time: 1_700_000_061_000,
    heads: [{ signer: id(1), number: 7, id: id(2) }],
    logHeads: [{ number: 3, id: id(3) }],
    checked: 1000,
    renewed: 10,
    earliestLock: 1_800_000_000_000,
    problems: ["a head is missing"],
  };
}

const time = 1_700_000_000_000;
const locationId = run(16);
const reference = { signer: writer.publicKey, number: 1, id: id(1) };

export const genesis: LogRecord = {
  kind: "genesis",
  time,
  agreementPublic: owner.agreementPublic,
  signingPublic: owner.signingPublic,
  chunkBytes: { min: 524_288, average: 1_048_576, max: 4_194_304 },
  packBytesTarget: 16_777_216,
  program: "0.1.0",
};

/** One record of every kind, and two of locations; the genesis first. */
export const allRecords: readonly LogRecord[] = [
  genesis,
  { kind: "policy", time, mode: "compliance", period: 2_592_000, floor: 864_000, grace: 86_400 },
  { kind: "location", time, locationId },
  {
    kind: "location",
    time,
    locationId,
    bucket: { endpoint: "https://s3.example.org", bucket: "b", prefix: "p/" },
  },
  {
    kind: "certificate",
    time,
    role: "writer",
    publicKey: writer.publicKey,
    label: "test writer",
    hosts: ["a", "b"],
    lockCap: 1000,
    rhythm: 86_400,
  },
  { kind: "revocation", time, publicKey: keeper.publicKey, accepted: [id(1), id(2)] },
  { kind: "removal", time, locationId, manifests: [reference], reason: "by name" },
  { kind: "undo", time, locationId, manifests: [reference] },
  { kind: "substitution", time, packs: [{ old: id(1), new: [id(2), id(3)] }] },
  { kind: "condemnation", time, locationId, packs: [id(1)], others: [], notBefore: time + 1 },
  {
    kind: "sweep",
    time,
    locationId,
    condemnation: id(9),
    packs: [id(1)],
    others: [id(2)],
    manifestsSeen: [id(3)],
    spared: [id(4)],
  },
  { kind: "setAside", time, ids: [id(1)], reason: "lost" },
  {
    kind: "checkpoint",
    time,
    covered: [
      { number: 1, id: id(1) },
      { number: 2, id: id(2) },
    ],
    inForce: [
      { number: 1, id: id(1), kindNumber: 11, section: Uint8Array.of(0xa2, 0, 0, 1, 0x40) },
    ],
  },
];
