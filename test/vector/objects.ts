// The vectors of stored objects but log records: good ones by the program's own encoders, bad ones
// put together by hand, signed and named as an attacker with the keys could do it.

import { type Bytes, concatBytes, loadU32, utf8 } from "../../src/base/bytes.ts";
import { TIME_MS_MAX } from "../../src/base/limits.ts";
import { stretchPassphrase } from "../../src/crypto/passphrase.ts";
import { type Bundle, encodeBundle } from "../../src/format/bundle.ts";
import { type Cbor, encodeCbor } from "../../src/format/cbor-encoder.ts";
import { encodeHeartbeat } from "../../src/format/heartbeat.ts";
import { encodeManifest } from "../../src/format/manifest.ts";
import {
  heartbeatName,
  manifestName,
  packName,
  segmentName,
  slotName,
} from "../../src/format/names.ts";
import { encodeSegmentBody } from "../../src/format/records.ts";
import { buildSegmentBody, encodeSegment } from "../../src/format/segment.ts";
import { encodeSlot } from "../../src/format/slot.ts";
import { encodeSnapshot } from "../../src/format/snapshot.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import {
  asKeeper,
  asOwner,
  asWriter,
  buildPack,
  forge,
  type ForgedPack,
  id,
  keys,
  ownerSigner,
  platform,
  run,
  u32,
  writer,
} from "../format/fixture.ts";
import { heartbeatOf, manifestOf, snapshotOf } from "../format/samples.ts";
import { keeperBundle, ownerBundle, samplePacks, writerBundle } from "./plain.ts";
import { type Maker, named, type Recipe, recipe, withByte } from "./recipe.ts";
import { recordRecipes } from "./records.ts";
import type { Expectation } from "./vector.ts";

export function objectRecipes(): readonly Recipe[] {
  return [
    ...recordRecipes(),
    ...slotRecipes(),
    ...segmentRecipes(),
    ...manifestRecipes(),
    ...heartbeatRecipes(),
    ...packRecipes(),
  ];
}

// Key slots.

const PASSPHRASE = "correct horse";
const stretching = { memoryKib: 64, passes: 1, lanes: 1 };

function goodSlot(bundle: Bundle): Maker {
  return () =>
    encodeSlot(asOwner, { passphrase: PASSPHRASE, bundle, label: "test", created: 1, stretching });
}

interface BadSlot {
  readonly bundle?: Bytes;
  readonly cost?: readonly [number, number, number];
  readonly commitment?: Bytes;
  readonly signer?: typeof writer;
  readonly agreementPublic?: Bytes;
}

function badSlot({
  bundle,
  cost = [64, 1, 1],
  commitment,
  signer,
  agreementPublic,
}: BadSlot): Maker {
  return async () => {
    const salt = platform.random(32);
    const stretched = await stretchPassphrase(PASSPHRASE, salt, stretching);
    const committed = await platform.sha256(
      concatBytes(utf8("bunker/1 commitment"), stretched.subarray(32)),
    );
    const content = bundle ?? encodeBundle(ownerBundle);
    const note = encodeCbor(
      new Map<number, Cbor>([
        [1, "test"],
        [2, 1],
      ]),
    );
    const object = forge({
      kind: "slot",
      salt,
      stepBytes: 4096,
      ...(signer === undefined ? {} : { signer }),
      public: new Map<number, Cbor>([
        [1, cost[0]],
        [2, cost[1]],
        [3, cost[2]],
        [4, commitment ?? committed],
        [5, agreementPublic ?? keys.agreementPublic],
        [6, keys.signingPublic],
      ]),
      sections: [
        { label: "slot", content, how: { key: stretched.subarray(0, 32) } },
        { label: "slot note", content: note },
      ],
    });
    return named(object, slotName);
  };
}

function slotRecipes(): readonly Recipe[] {
  const slot = (expect: Expectation, comment: string, make: Maker, passphrase = PASSPHRASE) => ({
    ...recipe("slot", expect, comment, make),
    passphrase,
  });
  const elsewhere = { ...keeperBundle, agreementPublic: id(9) };
  return [
    slot("ok", "an owner's bundle", goodSlot(ownerBundle)),
    slot(
      "ok",
      "a writer's bundle, put together by hand",
      badSlot({ bundle: encodeBundle(writerBundle) }),
    ),
    slot("ok", "a passphrase that is not in NFC", nfcSlot, "cafe\u0301"),
    slot("wrong-key", "another passphrase", goodSlot(ownerBundle), "correct house"),
    slot("wrong-key", "another commitment", badSlot({ commitment: id(1) })),
    slot("corrupt", "more memory than is allowed", badSlot({ cost: [262_145, 1, 1] })),
    slot("corrupt", "more passes than are allowed", badSlot({ cost: [64, 17, 1] })),
    slot("corrupt", "two lanes", badSlot({ cost: [64, 1, 2] })),
    slot("corrupt", "no passes", badSlot({ cost: [64, 0, 1] })),
    slot("corrupt", "a commitment of 31 bytes", badSlot({ commitment: run(31) })),
    slot("corrupt", "a bundle of another store", badSlot({ bundle: encodeBundle(elsewhere) })),
    slot("corrupt", "public keys of another store", badSlot({ agreementPublic: id(9) })),
    slot("corrupt", "a signature by a writer", badSlot({ signer: writer })),
    slot("corrupt", "a bundle that is none", badSlot({ bundle: encodeCbor([]) })),
  ];
}

function nfcSlot(): ReturnType<Maker> {
  return encodeSlot(asOwner, {
    passphrase: "caf\u00e9",
    bundle: keeperBundle,
    label: "test",
    created: 1,
    stretching,
  });
}

// Segments.

function segmentRecipes(): readonly Recipe[] {
  const body = buildSegmentBody(samplePacks());
  const forged = (entries: [number, Cbor][], content: Bytes = encodeSegmentBody(body)): Maker => {
    const object = () =>
      forge({
        kind: "segment",
        stepBytes: 16_384,
        signer: writer,
        public: new Map<number, Cbor>(entries),
        sections: [{ label: "segment", content }],
      });
    return () => named(object(), (hash) => segmentName(writer.publicKey, 3, hash));
  };
  const replaces = [id(1), id(2)];
  return [
    recipe("segment", "ok", "two packs, in place of two segments", () =>
      encodeSegment(asWriter, { number: 3, time: 1_700_000_000_000, replaces, body }),
    ),
    recipe(
      "segment",
      "corrupt",
      "replaced segments that are not sorted",
      forged([
        [1, 3],
        [2, 1],
        [3, concatBytes(id(2), id(1))],
      ]),
    ),
    recipe(
      "segment",
      "corrupt",
      "a section of no counts",
      forged(
        [
          [1, 3],
          [2, 1],
        ],
        new Uint8Array(0),
      ),
    ),
  ];
}

// Manifests.

interface BadManifest {
  readonly public?: readonly (readonly [number, Cbor])[];
  readonly closure?: readonly (readonly [number, Cbor])[];
  readonly snapshot?: Bytes;
  readonly signer?: typeof writer;
}

function badManifest(changes: BadManifest): Maker {
  const entries: readonly (readonly [number, Cbor])[] = [
    [1, 2],
    [2, 1],
    [3, []],
    [4, []],
    ...(changes.public ?? []),
  ];
  const closure: readonly (readonly [number, Cbor])[] = [[2, 0], ...(changes.closure ?? [])];
  const object = () =>
    forge({
      kind: "manifest",
      stepBytes: 16_384,
      signer: changes.signer ?? writer,
      public: new Map<number, Cbor>(entries),
      sections: [
        { label: "closure", content: encodeCbor(new Map<number, Cbor>(closure)) },
        {
          label: "snapshot",
          content: changes.snapshot ?? encodeSnapshot(snapshotOf()),
          how: "owner",
        },
      ],
    });
  return () => named(object(), (hash) => manifestName(writer.publicKey, 2, hash));
}

function manifestRecipes(): readonly Recipe[] {
  const bad = (comment: string, changes: BadManifest) =>
    recipe("manifest", "corrupt", comment, badManifest(changes));
  return [
    recipe("manifest", "ok", "one that stands on another", () =>
      encodeManifest(asWriter, manifestOf()),
    ),
    recipe(
      "manifest",
      "ok",
      "one that stands alone, without packs, put together by hand",
      badManifest({}),
    ),
    bad("two heads of one signer", {
      public: [
        [
          3,
          [
            [id(1), 1, id(1)],
            [id(1), 2, id(2)],
          ],
        ],
      ],
    }),
    bad("a depth without a base", { closure: [[2, 1]] }),
    bad("a base that is not the last of what it stands on", {
      closure: [
        [1, [1, id(1)]],
        [2, 1],
        [5, [[1, id(2)]]],
      ],
    }),
    bad("a base with its own number", {
      closure: [
        [1, [2, id(1)]],
        [2, 1],
        [5, [[2, id(1)]]],
      ],
    }),
    bad("dropped packs without a base", { closure: [[4, id(1)]] }),
    bad("added packs that are not sorted", { closure: [[3, concatBytes(id(2), id(1))]] }),
    bad("a signer that is not that of its name", { signer: ownerSigner }),
    recipe("manifest", "ok", "the last time there is", badManifest({ public: [[2, TIME_MS_MAX]] })),
    bad("a time that no calendar has", { public: [[2, TIME_MS_MAX + 1]] }),
    bad("a snapshot that began when no calendar says", {
      snapshot: encodeSnapshot({ ...snapshotOf(), start: TIME_MS_MAX + 1 }),
    }),
    bad("a snapshot that is none", { snapshot: encodeCbor([]) }),
  ];
}

// Heartbeats.

function heartbeatRecipes(): readonly Recipe[] {
  const forged = (content: CborEntries): Maker => {
    const object = () =>
      forge({
        kind: "heartbeat",
        stepBytes: 4096,
        signer: asKeeper.signer,
        public: new Map<number, Cbor>([
          [1, 1],
          [2, 1],
          [3, []],
          [4, []],
        ]),
        sections: [{ label: "heartbeat", content: encodeCbor(new Map<number, Cbor>(content)) }],
      });
    return () => named(object(), (hash) => heartbeatName(asKeeper.signer.publicKey, 1, hash));
  };
  return [
    recipe("heartbeat", "ok", "with a lock and a problem", () =>
      encodeHeartbeat(asKeeper, heartbeatOf()),
    ),
    recipe(
      "heartbeat",
      "ok",
      "without, put together by hand",
      forged([
        [1, 0],
        [2, 0],
        [4, []],
      ]),
    ),
    recipe(
      "heartbeat",
      "corrupt",
      "a problem that is no text",
      forged([
        [1, 0],
        [2, 0],
        [4, [1]],
      ]),
    ),
    recipe(
      "heartbeat",
      "corrupt",
      "a count below 0",
      forged([
        [1, -1],
        [2, 0],
        [4, []],
      ]),
    ),
  ];
}

type CborEntries = [number, Cbor][];

// Packs.

const text = utf8("a text, a text, a text, a text, a text, a text, a text, a text");
const short = utf8("short");

function packOf(pack: Partial<ForgedPack>): Maker {
  const made = () => buildPack({ kind: "data", blobs: [{ plain: short }], ...pack });
  return () => named(made(), packName);
}

/** Changes the bytes of a right pack, and its name with them. */
function spoiledPack(spoil: (bytes: Uint8Array) => Bytes): Maker {
  return async () => {
    const bytes = await buildPack({ kind: "data", blobs: [{ plain: short }] });
    return named(spoil(bytes), packName);
  };
}

function packRecipes(): readonly Recipe[] {
  const frame = nativePlatform.compress(text, 3);
  const bad = (comment: string, make: Maker) => recipe("pack", "corrupt", comment, make);
  const flip = (at: number) => (bytes: Uint8Array) => {
    bytes[at < 0 ? bytes.length + at : at]! ^= 1;
    return bytes;
  };
  return [
    recipe(
      "pack",
      "ok",
      "a raw and a compressed blob",
      packOf({ blobs: [{ plain: short }, { plain: text, frame }] }),
    ),
    recipe(
      "pack",
      "ok",
      "a tree",
      packOf({ kind: "tree", blobs: [{ plain: Uint8Array.of(0x82, 0, 0x80) }] }),
    ),
    recipe("pack", "ok", "padding alone", packOf({ blobs: [] })),
    recipe("pack", "unsupported-version", "cutter 2", spoiledPack(withByte(9, 2))),
    bad("a name with another id", async () => {
      const bytes = await buildPack({ kind: "data", blobs: [{ plain: short }] });
      return { name: packName(id(1)), bytes };
    }),
    bad("a salt that was changed", spoiledPack(flip(16))),
    bad("a tree pack that was a data pack", spoiledPack(withByte(5, 4))),
    bad("a manifest", spoiledPack(withByte(5, 6))),
    bad("a sealed key that was changed", spoiledPack(flip(60))),
    bad("a blob that was changed", spoiledPack(flip(130))),
    bad("a trailer that was changed", spoiledPack(flip(-100))),
    bad("a trailer's length that is no multiple of 16 KiB", spoiledPack(flip(-4))),
    bad(
      "a trailer's length of 0",
      spoiledPack((bytes) => concatBytes(bytes.subarray(0, -4), u32(0))),
    ),
    bad("a trailer whose blobs do not add up", packOf({ spoilTrailer: spoilPadding })),
    bad("a trailer under another indexKey", packOf({ trailerKey: id(1) })),
    bad("a length that is not Padmé's", packOf({ morePadding: 1 })),
    bad(
      "a blob whose content is not what its id says",
      packOf({ blobs: [{ plain: short, id: id(1) }] }),
    ),
    bad(
      "a frame of another length than the trailer says",
      packOf({ blobs: [{ plain: text, frame, plainBytes: 63 }] }),
    ),
  ];
}

/** The padding is the second record: one byte less, stored and plain. */
function spoilPadding(plain: Uint8Array): void {
  for (const at of [4 + 44 + 32, 4 + 44 + 36]) plain.set(u32(loadU32(plain, at) - 1), at);
}
