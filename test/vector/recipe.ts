// Recipes: how a vector of a stored object is made.

import type { Bytes } from "../../src/base/bytes.ts";
import { platform } from "../format/fixture.ts";
import type { Expectation } from "./vector.ts";

/** A vector to be made, when the randomness has been set for it. */
export interface Recipe {
  readonly expect: Expectation;
  readonly kind: string;
  readonly comment: string;
  readonly passphrase?: string;
  readonly make: Maker;
}

export type Maker = () => Promise<{ readonly name: string; readonly bytes: Bytes }>;

export function recipe(kind: string, expect: Expectation, comment: string, make: Maker): Recipe {
  return { kind, expect, comment, make };
}

export async function named(
  bytes: Promise<Bytes> | Bytes,
  nameOf: (id: Bytes) => string,
): Promise<{ readonly name: string; readonly bytes: Bytes }> {
  const made = await bytes;
  return { name: nameOf(await platform.sha256(made)), bytes: made };
}

/** Sets one byte. */
export function withByte(at: number, value: number): (bytes: Uint8Array) => Bytes {
  return (bytes) => {
    bytes[at] = value;
    return bytes;
  };
}
