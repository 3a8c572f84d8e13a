// Closures: whatever a writer's snapshots hold, each is resolved again over those it stands on.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { hexId } from "../../src/base/ids.ts";
import { CLOSURE_DEPTH_MAX } from "../../src/base/limits.ts";
import { diffClosure, type ResolvedClosure, resolveClosure } from "../../src/format/closure.ts";
import type { Closure, Manifest } from "../../src/format/manifest.ts";
import { id, writer } from "./fixture.ts";

/** A manifest as far as closures look at it. */
function manifestWith(number: number, closure: Closure): Manifest {
  return { number, id: id(number), signer: writer.publicKey, closure } as Manifest;
}

function holding(packs: readonly number[]) {
  return packs.map((byte) => id(byte));
}

const alone: Closure = { depth: 0, added: [], dropped: [], basis: [] };

test("a row of snapshots is resolved", () => {
  const rows = fc.array(fc.uniqueArray(fc.nat(200), { maxLength: 40 }), { maxLength: 40 });
  fc.assert(
    fc.property(rows, (row) => {
      const made: Manifest[] = [];
      let base: { manifest: Manifest; closure: ResolvedClosure } | undefined;
      for (const packs of row) {
        const closure = diffClosure(holding(packs), base);
        const manifest = manifestWith(made.length + 1, closure);
        made.push(manifest);
        const resolved = resolveClosure(manifest, ({ number }) => made[number - 1]);
        expect([...resolved.packs.keys()].sort()).toEqual(holding(packs).map(hexId).sort());
        expect(closure.depth).toBeLessThanOrEqual(CLOSURE_DEPTH_MAX);
        base = { manifest, closure: resolved };
      }
    }),
  );
});

test("a small change is a difference, 32 deep at most", () => {
  const made: Manifest[] = [];
  let base: { manifest: Manifest; closure: ResolvedClosure } | undefined;
  const packs = Array.from({ length: 100 }, (_, i) => i);
  const depths = [];
  for (let i = 0; i < 40; i++) {
    packs.push(100 + i);
    const manifest = manifestWith(i + 1, diffClosure(holding(packs), base));
    made.push(manifest);
    depths.push(manifest.closure.depth);
    const find = ({ number }: { number: number }) => made[number - 1];
    base = { manifest, closure: resolveClosure(manifest, find) };
  }
  expect(depths.slice(0, 34)).toEqual([...Array.from({ length: 33 }, (_, i) => i), 0]);
  expect(made[1]!.closure).toMatchObject({ added: [id(101)], dropped: [] });
});

const base = manifestWith(1, { ...alone, added: holding([1, 2]) });
const basis = [{ number: 1, id: id(1) }];
const onBase: Closure = { base: basis[0]!, depth: 1, added: [], dropped: [], basis };

test("a manifest that is missing below is named", () => {
  const resolve = () => resolveClosure(manifestWith(2, onBase), () => undefined);
  expect(resolve).toThrow(`manifest ${hexId(id(1))}, on which another stands, is missing`);
});

test("what does not fit its base is refused", () => {
  const wrong: readonly (readonly [Closure, Manifest])[] = [
    [{ ...onBase, added: holding([1]) }, base],
    [{ ...onBase, dropped: holding([3]) }, base],
    [onBase, { ...base, signer: id(5) }],
    [onBase, { ...base, id: id(5) }],
    [onBase, manifestWith(1, onBase)],
  ];
  for (const [closure, below] of wrong) {
    expect(() => resolveClosure(manifestWith(2, closure), () => below)).toThrow(/closure/);
  }
  expect(resolveClosure(manifestWith(2, onBase), () => base).packs.size).toBe(2);
});
