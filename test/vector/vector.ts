// Vectors: one fact each, as a file of header lines, an empty line, and the bytes in hexadecimal.

import { type Bytes, hexOf, parseHex, textOf } from "../../src/base/bytes.ts";
import { BunkerError } from "../../src/base/errors.ts";
import { decodeBundle, parseKeyFile } from "../../src/format/bundle.ts";
import { decodeCbor } from "../../src/format/cbor.ts";
import { readHeartbeat } from "../../src/format/heartbeat.ts";
import { openSnapshot, readManifest } from "../../src/format/manifest.ts";
import { checkName } from "../../src/format/names.ts";
import { decodePack, openBlob, openPackKey } from "../../src/format/pack.ts";
import { readRecord } from "../../src/format/record.ts";
import { blobAt, decodeSegmentBody, packAt, type SegmentBody } from "../../src/format/records.ts";
import { readSegment } from "../../src/format/segment.ts";
import { openSlot, openSlotNote, readSlot } from "../../src/format/slot.ts";
import { decodeTree } from "../../src/format/tree.ts";
import { idOf, keys, platform } from "../format/fixture.ts";

export const EXPECTATIONS = ["ok", "corrupt", "unsupported-version", "wrong-key"] as const;
export type Expectation = (typeof EXPECTATIONS)[number];

export interface Vector {
  readonly expect: Expectation;
  readonly kind: string;
  readonly comment: string;
  /** The name of a stored object. */
  readonly name?: string;
  readonly passphrase?: string;
  /** What is decoded, as JSON: of good ones only. */
  readonly facts?: string;
  readonly bytes: Bytes;
}

const LINE_DIGITS = 96;
const HEADERS = ["expect", "kind", "comment", "name", "passphrase", "facts"] as const;

export function formatVector(vector: Vector): string {
  const lines = HEADERS.flatMap((header) => {
    const value = vector[header];
    return value === undefined ? [] : [`${header}: ${value}`];
  });
  const digits = hexOf(vector.bytes).match(new RegExp(`.{1,${LINE_DIGITS}}`, "g")) ?? [];
  return [...lines, "", ...digits, ""].join("\n");
}

export function parseVector(text: string): Vector {
  const end = text.indexOf("\n\n");
  const headers = new Map<string, string>();
  for (const line of text.slice(0, end).split("\n")) {
    const colon = line.indexOf(": ");
    const header = line.slice(0, colon);
    const isKnown = HEADERS.some((known) => known === header);
    if (!isKnown || headers.has(header)) throw new Error(`no header line: ${line}`);
    headers.set(header, line.slice(colon + 2));
  }
  const bytes = parseHex(text.slice(end).replaceAll("\n", ""));
  const expected = EXPECTATIONS.find((known) => known === headers.get("expect"));
  const [kind, comment] = [headers.get("kind"), headers.get("comment")];
  if (bytes === undefined || expected === undefined) throw new Error("no vector");
  if (kind === undefined || comment === undefined) throw new Error("no kind or no comment");
  const rest = ["name", "passphrase", "facts"].filter((header) => headers.has(header));
  return {
    expect: expected,
    kind,
    comment,
    ...Object.fromEntries(rest.map((header) => [header, headers.get(header)])),
    bytes,
  };
}

export interface Verdict {
  readonly outcome: string;
  readonly facts?: string;
  readonly error?: unknown;
}

/** Reads a vector's bytes as what they say they are. */
export async function judge(vector: Vector): Promise<Verdict> {
  const read = READERS[vector.kind];
  if (read === undefined) throw new Error(`no vector of kind ${vector.kind}`);
  try {
    return { outcome: "ok", facts: JSON.stringify(plainOf(await read(vector))) };
  } catch (error) {
    if (!(error instanceof BunkerError)) throw error;
    return { outcome: error.code, error };
  }
}

const context = { platform, keys };

const READERS: Readonly<Record<string, (vector: Vector) => unknown>> = {
  cbor: ({ bytes }) => decodeCbor(bytes, { what: "vector", bytesMax: 4096 }),
  tree: ({ bytes }) => decodeTree(bytes),
  bundle: ({ bytes }) => decodeBundle(platform, bytes),
  "key file": ({ bytes }) => parseKeyFile(platform, textOf(bytes)),
  "segment section": ({ bytes }) => plainBody(decodeSegmentBody(bytes)),
  record: async (vector) => {
    const { number, id, heads, record } = await readRecord(context, nameOf(vector), vector.bytes);
    return { number, id, heads, record };
  },
  segment: async (vector) => {
    const segment = await readSegment(context, nameOf(vector), vector.bytes);
    return { ...segment, body: plainBody(segment.body) };
  },
  manifest: async (vector) => {
    const manifest = await readManifest(context, nameOf(vector), vector.bytes);
    const { object: _, ...facts } = manifest;
    return { ...facts, snapshot: await openSnapshot(context, manifest) };
  },
  heartbeat: (vector) => readHeartbeat(context, nameOf(vector), vector.bytes),
  slot: readSlotVector,
  pack: readPackVector,
};

function nameOf({ name, comment }: Vector): string {
  if (name === undefined) throw new Error(`a stored object has a name: ${comment}`);
  return name;
}

async function readSlotVector(vector: Vector): Promise<unknown> {
  const slot = await readSlot(platform, nameOf(vector), vector.bytes);
  const bundle = await openSlot(platform, slot, vector.passphrase ?? "");
  if (bundle === undefined) throw new BunkerError("wrong-key", "not the passphrase of this slot");
  const { object: _, ...facts } = slot;
  return { ...facts, bundle, note: await openSlotNote(platform, slot, keys.indexKey) };
}

async function readPackVector(vector: Vector): Promise<unknown> {
  await checkName(platform, nameOf(vector), vector.bytes);
  const pack = await decodePack(context, vector.bytes);
  const packKey = await openPackKey(context, pack.header, pack.sealedKey);
  const blobs = [];
  for (const blob of pack.blobs) {
    const sealed = vector.bytes.subarray(blob.offset, blob.offset + blob.storedBytes);
    const plain = await openBlob(platform, { ...blob, packKey, kind: pack.kind }, sealed, idOf);
    blobs.push({ ...blob, plain });
  }
  return { kind: pack.kind, packKey, blobs };
}

function plainBody(body: SegmentBody): unknown {
  return {
    packs: Array.from({ length: body.packCount }, (_, i) => packAt(body, i)),
    blobs: Array.from({ length: body.blobCount }, (_, i) => blobAt(body, i)),
  };
}

/** For JSON: bytes as hexadecimal, maps as lists of keys and values. */
function plainOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return hexOf(value);
  if (value instanceof Map) return [...value].map(plainOf);
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainOf(item)]));
}
