// Makes the vectors anew: `bun test/vector/make.ts`. All randomness is drawn from seeds, so that a
// vector changes only where the format does; before the first release that is no fault.

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { platform, reseed } from "../format/fixture.ts";
import { objectRecipes } from "./objects.ts";
import { plainVectors } from "./plain.ts";
import { formatVector, judge, type Vector } from "./vector.ts";

/** Every vector, by the name of its file. */
export async function makeVectors(): Promise<ReadonlyMap<string, Vector>> {
  const vectors: Vector[] = [];
  for (const vector of plainVectors()) vectors.push(await withFacts(vector));
  for (const { make, ...facts } of objectRecipes()) {
    const { name, bytes } = await withSeed(`${facts.kind}: ${facts.comment}`, make);
    vectors.push(await withFacts({ ...facts, name, bytes }));
  }
  const files = new Map(vectors.map((vector) => [fileOf(vector), vector]));
  if (files.size !== vectors.length) throw new Error("two vectors have one name");
  return files;
}

/** Good ones tell what is in them. Throws where one is not read as it should be. */
async function withFacts(vector: Vector): Promise<Vector> {
  const verdict = await judge(vector);
  if (verdict.outcome !== vector.expect) {
    const { kind, comment } = vector;
    throw new Error(`${kind}: ${comment}: ${verdict.outcome}`, { cause: verdict.error });
  }
  return verdict.facts === undefined ? vector : { ...vector, facts: verdict.facts };
}

/** Draws the randomness of the platform and of HPKE's ephemeral keys from a seed of this name. */
async function withSeed<T>(name: string, make: () => Promise<T>): Promise<T> {
  const hash = await platform.sha256(new TextEncoder().encode(name));
  reseed(new DataView(hash.buffer).getUint32(0));
  globalThis.crypto.getRandomValues = fill;
  try {
    return await make();
  } finally {
    Reflect.deleteProperty(globalThis.crypto, "getRandomValues"); // That of the prototype again.
  }
}

function fill<T extends ArrayBufferView | null>(view: T): T {
  if (view === null) return view;
  const drawn = platform.random(view.byteLength);
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(drawn);
  return view;
}

function fileOf({ kind, comment }: Vector): string {
  const words = `${kind} ${comment}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `${words.replace(/^-|-$/g, "")}.txt`;
}

if (import.meta.main) {
  const folder = import.meta.dir;
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (name.endsWith(".txt")) rmSync(join(folder, name));
  for (const [name, vector] of await makeVectors()) {
    await Bun.write(join(folder, name), formatVector(vector));
  }
}
