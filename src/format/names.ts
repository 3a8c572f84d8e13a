// Names of objects: where in a store an object stands (docs/format.md §1).
//
//     owner/<number>-<id>    index/<signer>/<number>-<id>        packs/<2 digits>/<id>
//     keys/<id>              snapshots/<signer>/<number>-<id>    witness/<signer>/<number>-<id>

import { assert, present } from "../base/assert.ts";
import { type Bytes, equalBytes, parseHex } from "../base/bytes.ts";
import { type HexId, hexId, type ObjectId, type SignerId } from "../base/ids.ts";
import type { Platform } from "../base/platform.ts";
import { BunkerError } from "../base/errors.ts";

/** Prefixes under which a storage lists. */
export const LOG_PREFIX = "owner/";
export const SLOT_PREFIX = "keys/";
export const PACK_PREFIX = "packs/";
export const SEGMENT_PREFIX = "index/";
export const MANIFEST_PREFIX = "snapshots/";
export const HEARTBEAT_PREFIX = "witness/";

export const NUMBER_MAX = 0xffff_ffff;
const NUMBER_DIGITS = 10;

export type ObjectName =
  | { readonly kind: "pack"; readonly id: ObjectId }
  | { readonly kind: "slot"; readonly id: ObjectId }
  | { readonly kind: "log"; readonly number: number; readonly id: ObjectId }
  | {
      readonly kind: "segment" | "manifest" | "heartbeat";
      readonly signer: SignerId;
      readonly number: number;
      readonly id: ObjectId;
    };

export function formatName(name: ObjectName): string {
  if (name.kind === "pack") return packName(name.id);
  if (name.kind === "slot") return slotName(name.id);
  if (name.kind === "log") return logName(name.number, name.id);
  if (name.kind === "segment") return segmentName(name.signer, name.number, name.id);
  if (name.kind === "manifest") return manifestName(name.signer, name.number, name.id);
  return heartbeatName(name.signer, name.number, name.id);
}

export function packName(id: ObjectId): string {
  const hex = hexId(id);
  return `${PACK_PREFIX}${hex.slice(0, 2)}/${hex}`;
}

export function slotName(id: ObjectId): string {
  return SLOT_PREFIX + hexId(id);
}

export function logName(number: number, id: ObjectId): string {
  return `${LOG_PREFIX}${digitsOf(number)}-${hexId(id)}`;
}

export function segmentName(signer: SignerId, number: number, id: ObjectId): string {
  return `${SEGMENT_PREFIX}${hexId(signer)}/${digitsOf(number)}-${hexId(id)}`;
}

export function manifestName(signer: SignerId, number: number, id: ObjectId): string {
  return `${MANIFEST_PREFIX}${hexId(signer)}/${digitsOf(number)}-${hexId(id)}`;
}

export function heartbeatName(signer: SignerId, number: number, id: ObjectId): string {
  return `${HEARTBEAT_PREFIX}${hexId(signer)}/${digitsOf(number)}-${hexId(id)}`;
}

/** What of a signer comes after a number in a listing, for `Storage.list`; absent: all. */
export function afterNumber(
  prefix: string,
  signer: HexId,
  number: number,
): { readonly after: string } | undefined {
  // A dot comes after the hyphen that stands behind the digits.
  return number === 0 ? undefined : { after: `${prefix}${signer}/${digitsOf(number)}.` };
}

const FORMS: readonly { readonly kind: ObjectName["kind"]; readonly form: RegExp }[] = [
  { kind: "pack", form: /^packs\/(?<start>[0-9a-f]{2})\/(?<id>\k<start>[0-9a-f]{62})$/ },
  { kind: "slot", form: /^keys\/(?<id>[0-9a-f]{64})$/ },
  { kind: "log", form: /^owner\/(?<number>\d{10})-(?<id>[0-9a-f]{64})$/ },
  { kind: "segment", form: signedForm("index") },
  { kind: "manifest", form: signedForm("snapshots") },
  { kind: "heartbeat", form: signedForm("witness") },
];

/** Reads an object's name; returns `undefined` for what is no part of a store. */
export function parseName(name: string): ObjectName | undefined {
  for (const { kind, form } of FORMS) {
    const groups = form.exec(name)?.groups;
    if (groups !== undefined) return nameOf(kind, groups);
  }
  return undefined;
}

/**
 * Checks bytes against their name; returns the name's parts.
 *
 * Throws `corrupt` where the name is none, or where the bytes' SHA-256 is not the one in it.
 */
export async function checkName(
  platform: Platform,
  name: string,
  bytes: Bytes,
): Promise<ObjectName> {
  const parts = parseName(name);
  if (parts === undefined) {
    throw new BunkerError("corrupt", `${name}: expected an object's name`, { subject: name });
  }
  if (!equalBytes(await platform.sha256(bytes), parts.id)) {
    throw new BunkerError("corrupt", `${name}: its content is not what its name says`, {
      subject: name,
    });
  }
  return parts;
}

function signedForm(folder: string): RegExp {
  return new RegExp(`^${folder}/(?<signer>[0-9a-f]{64})/(?<number>\\d{10})-(?<id>[0-9a-f]{64})$`);
}

function nameOf(
  kind: ObjectName["kind"],
  groups: Readonly<Record<string, string>>,
): ObjectName | undefined {
  const id = bytesOf(groups["id"]);
  if (kind === "pack" || kind === "slot") return { kind, id };
  const number = Number(groups["number"]);
  if (number < 1 || number > NUMBER_MAX) return undefined;
  return kind === "log"
    ? { kind, number, id }
    : { kind, signer: bytesOf(groups["signer"]), number, id };
}

function bytesOf(hex: string | undefined): Bytes {
  return present(parseHex(present(hex, "the form has this part")), "the form allows only digits");
}

function digitsOf(number: number): string {
  assert(Number.isInteger(number) && number >= 1 && number <= NUMBER_MAX, `number ${number}`);
  return String(number).padStart(NUMBER_DIGITS, "0");
}
