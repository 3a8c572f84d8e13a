// Forms: what each kind of signed object has (docs/format.md §4), and how its sections are padded.
//
// A section's plaintext is u32 n | n bytes | zeros. The zeros of the first section bring the whole
// object to its step; the others are padded on their own.

import { present } from "../base/assert.ts";
import { type Bytes, isZero, loadU32, storeU32 } from "../base/bytes.ts";
import * as limits from "../base/limits.ts";
import { SEAL_OVERHEAD_BYTES } from "../crypto/seal.ts";
import { SIGNATURE_BYTES } from "../crypto/sign.ts";
import { corrupt } from "./fields.ts";
import { TAG_BYTES } from "./trailer.ts";

export type SignedKind = "record" | "slot" | "segment" | "manifest" | "heartbeat";
type Sealing = "index" | "stretched" | "owner";

export interface SignedForm {
  readonly stepBytes: number;
  readonly bytesMax: number;
  readonly sections: readonly { readonly label: string; readonly how: Sealing }[];
}

const KIB = 1024;
const SECTION_STEP_BYTES = 256;

export const FORMS: Readonly<Record<SignedKind, SignedForm>> = {
  record: {
    stepBytes: 4 * KIB,
    bytesMax: limits.LOG_RECORD_BYTES_MAX,
    sections: [{ label: "record", how: "index" }],
  },
  slot: {
    stepBytes: 4 * KIB,
    bytesMax: limits.SLOT_BYTES_MAX,
    sections: [
      { label: "slot", how: "stretched" },
      { label: "slot note", how: "index" },
    ],
  },
  segment: {
    stepBytes: 16 * KIB,
    bytesMax: limits.SEGMENT_BYTES_MAX,
    sections: [{ label: "segment", how: "index" }],
  },
  manifest: {
    stepBytes: 16 * KIB,
    bytesMax: limits.MANIFEST_BYTES_MAX,
    sections: [
      { label: "closure", how: "index" },
      { label: "snapshot", how: "owner" },
    ],
  },
  heartbeat: {
    stepBytes: 4 * KIB,
    bytesMax: limits.HEARTBEAT_BYTES_MAX,
    sections: [{ label: "heartbeat", how: "index" }],
  },
};

export function sectionForm(kind: SignedKind, index: number) {
  return present(FORMS[kind].sections[index], `a ${kind} has no section ${index}`);
}

/** All but the first section first: the first one takes what is left to a full step. */
export function padSections(
  form: SignedForm,
  headBytes: number,
  sections: readonly Bytes[],
): readonly Bytes[] {
  const plains = sections.map((content) => padded(content, SECTION_STEP_BYTES));
  const first = present(sections[0], "there is a section");
  let otherBytes = headBytes + SIGNATURE_BYTES;
  for (const [i, { how }] of form.sections.entries()) {
    otherBytes += 4 + (how === "owner" ? SEAL_OVERHEAD_BYTES : TAG_BYTES);
    if (i > 0) otherBytes += plains[i]!.length;
  }
  return [padded(first, form.stepBytes, otherBytes), ...plains.slice(1)];
}

function padded(content: Bytes, stepBytes: number, otherBytes = 0): Bytes {
  const bytes = 4 + content.length;
  const total = Math.ceil((otherBytes + bytes) / stepBytes) * stepBytes;
  const plain = new Uint8Array(total - otherBytes);
  storeU32(plain, 0, content.length);
  plain.set(content, 4);
  return plain;
}

export function unpad(plain: Bytes, kind: SignedKind, index: number): Bytes {
  if (plain.length < 4) throw corrupt(kind, "a section is cut off");
  const end = 4 + loadU32(plain, 0);
  if (end > plain.length) throw corrupt(kind, "a section is cut off");
  const stepBytes = index === 0 ? FORMS[kind].stepBytes : SECTION_STEP_BYTES;
  const aligned = index === 0 || plain.length % stepBytes === 0;
  if (plain.length - end >= stepBytes || !aligned || !isZero(plain.subarray(end))) {
    throw corrupt(kind, "expected zeros up to the next step");
  }
  return plain.subarray(4, end);
}

/** A number as it stands before what it measures. */
export function u32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  storeU32(bytes, 0, value);
  return bytes;
}
