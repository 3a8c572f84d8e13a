// Closures: the packs of a snapshot, over the manifests on which it stands (docs/format.md §8). Pure.

import { assert } from "../base/assert.ts";
import { compareBytes, equalBytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { type HexId, hexId, type ObjectId } from "../base/ids.ts";
import { CLOSURE_DEPTH_MAX } from "../base/limits.ts";
import type { Reference } from "./context.ts";
import { compareReferences, corrupt } from "./fields.ts";
import type { Closure, Manifest } from "./manifest.ts";

/** The packs of one snapshot, with what a further difference needs. */
export interface ResolvedClosure {
  /** Ids of packs by their hexadecimal text. */
  readonly packs: ReadonlyMap<HexId, ObjectId>;
  readonly depth: number;
  /** Every manifest on which it stands, by number. */
  readonly basis: readonly Reference[];
}

/**
 * Works out the packs of a manifest; `find` gives the manifests that it stands on, read and checked.
 *
 * Throws `not-found` where one is missing, and `corrupt` where they do not fit each other.
 */
export function resolveClosure(
  manifest: Manifest,
  find: (base: Reference) => Manifest | undefined,
): ResolvedClosure {
  const packs = new Map<HexId, ObjectId>();
  for (const step of chainOf(manifest, find)) applyStep(packs, step.closure);
  return { packs, depth: manifest.closure.depth, basis: manifest.closure.basis };
}

/**
 * Makes the closure of a new manifest that holds `packs`. It stands alone without a base, where the
 * base is too deep, and where a difference would be no shorter.
 */
export function diffClosure(
  packs: Iterable<ObjectId>,
  base?: { readonly manifest: Reference; readonly closure: ResolvedClosure },
): Closure {
  const wanted = new Map<HexId, ObjectId>();
  for (const id of packs) wanted.set(hexId(id), id);
  const alone = { depth: 0, added: sorted(wanted.values()), dropped: [], basis: [] };
  if (base === undefined || base.closure.depth >= CLOSURE_DEPTH_MAX) return alone;
  const had = base.closure.packs;
  const added = sorted([...wanted].filter(([hex]) => !had.has(hex)).map(([, id]) => id));
  const dropped = sorted([...had].filter(([hex]) => !wanted.has(hex)).map(([, id]) => id));
  if (added.length + dropped.length >= wanted.size) return alone;
  const basis = [...base.closure.basis, base.manifest];
  assert(basis.length === base.closure.depth + 1, "a closure is as deep as it has manifests below");
  return { base: base.manifest, depth: basis.length, added, dropped, basis };
}

/** The manifest and those below it, the deepest first. */
function chainOf(
  manifest: Manifest,
  find: (base: Reference) => Manifest | undefined,
): readonly Manifest[] {
  const chain = [manifest];
  for (let above = manifest; above.closure.base !== undefined; above = chain[0]!) {
    const { base } = above.closure;
    const found = find(base);
    if (found === undefined) {
      const subject = hexId(base.id);
      const message = `manifest ${subject}, on which another stands, is missing`;
      throw new BunkerError("not-found", message, { subject });
    }
    checkBase(above, base, found);
    chain.unshift(found);
  }
  return chain;
}

function checkBase(above: Manifest, base: Reference, found: Manifest): void {
  const fits =
    found.number === base.number &&
    equalBytes(found.id, base.id) &&
    equalBytes(found.signer, above.signer) &&
    found.closure.depth === above.closure.depth - 1 &&
    found.closure.basis.every((below, i) => {
      const same = above.closure.basis[i];
      return same !== undefined && compareReferences(below, same) === 0;
    });
  if (!fits) throw corrupt("closure", `manifest ${hexId(above.id)} does not fit its base`);
}

function applyStep(packs: Map<HexId, ObjectId>, { added, dropped }: Closure): void {
  for (const id of dropped) {
    if (!packs.delete(hexId(id))) throw corrupt("closure", "drops a pack that its base has not");
  }
  for (const id of added) {
    if (packs.has(hexId(id))) throw corrupt("closure", "adds a pack that its base has");
    packs.set(hexId(id), id);
  }
}

function sorted(ids: Iterable<ObjectId>): readonly ObjectId[] {
  return [...ids].sort(compareBytes);
}
