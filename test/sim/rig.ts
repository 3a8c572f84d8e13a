// The rig of the simulation: a storage, a few machines with folders to back up, and a model that
// says what every snapshot must hold. One seed gives one story.

import { expect } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { hexId } from "../../src/base/ids.ts";
import { type Fault, faultStorage } from "../../src/storage/faults.ts";
import { memoryStorage, type MemoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { loadManifests } from "../../src/store/snapshots.ts";
import { compareFolders } from "../support/compare.ts";
import { backUp, restoreTo, runCheck } from "../support/jobs.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { certify, Client, makeStore, writerBundle } from "../support/store.ts";
import { tempDir, type TempDir } from "../support/temp.ts";
import { type TestWorld, testWorld } from "../support/world.ts";

interface Machine {
  client: Client;
  readonly folder: string;
  readonly make: () => Client;
  readonly isOwner: boolean;
}

interface Taken {
  /** A copy of what was backed up, for owners' eyes. */
  readonly copy: string;
  removed: boolean;
}

const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"];
const FOLDERS = [".", "x", "x/y", "z"];
const FAILED: unknown = expect.stringMatching(/^(?:unavailable|full|interrupted|timeout)$/);
const FAULTS = ["before", "after", "full"] as const;

export class Rig implements Disposable {
  readonly #temp: TempDir = tempDir();
  readonly #random: SeededRandom;
  readonly #world: TestWorld;
  readonly #storage: MemoryStorage;
  readonly #machines: Machine[] = [];
  /** By the manifest's id. */
  readonly #model = new Map<string, Taken>();
  readonly story: string[] = [];
  #count = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#world = testWorld();
    this.#storage = memoryStorage(this.#world, {
      versions: this.#random.int(3) === 0,
      listingReuseMs: this.#random.int(3) === 0 ? 3_600_000 : 0,
    });
  }

  async begin(): Promise<void> {
    await makeStore(this.#storage);
    const world = this.#world;
    const bundle = await writerBundle("server");
    await certify(await new Client({ world }).open(this.#storage), bundle);
    this.#addMachine(true, () => new Client({ world }));
    this.#addMachine(true, () => new Client({ world, label: "laptop" }));
    const secret = { kind: "bundle", bundle } as const;
    this.#addMachine(false, () => new Client({ world, label: "server", secret }));
  }

  #addMachine(isOwner: boolean, make: () => Client): void {
    const folder = join(this.#temp.path, `machine ${this.#machines.length}`);
    fs.mkdirSync(folder);
    this.#machines.push({ client: make(), folder, make, isOwner });
    for (let i = 0; i < 5; i++) this.#changeFile(folder);
  }

  /** One act of the story. */
  async step(): Promise<void> {
    const roll = this.#random.int(20);
    const machine = this.#pick(this.#machines);
    this.#world.advance(this.#random.int(600_000));
    if (roll < 7) this.#changeTree(machine);
    else if (roll < 12) await this.#backUp([machine]);
    else if (roll < 13) await this.#backUp(this.#machines);
    else if (roll < 16) await this.#backUpWithFault(machine);
    else if (roll < 17) this.#loseLocal(machine);
    else if (roll < 19) await this.#removeOrUndo();
    else await this.#verifyOne();
  }

  /** Every snapshot of the model is there and right, nothing else is, and nothing is amiss. */
  async verifyAll(): Promise<void> {
    for (const { client, folder } of this.#machines)
      await this.#backUpOnce(client, folder, this.#storage);
    const store = await this.#newOwner().open(this.#storage);
    const checked = await runCheck(store, 1);
    expect(checked.findings).toEqual([]);
    expect(checked.damagedFiles).toBe(0);
    const offered = (await loadManifests(store)).offered.map(({ id }) => hexId(id)).sort();
    const expected = [...this.#model].filter(([, { removed }]) => !removed).map(([id]) => id);
    expect(offered).toEqual(expected.sort());
    for (const id of expected) await this.#verify(id);
  }

  #newOwner(): Client {
    return new Client({ world: this.#world });
  }

  #changeTree({ folder }: Machine): void {
    const times = 1 + this.#random.int(4);
    for (let i = 0; i < times; i++) this.#changeFile(folder);
    this.story.push(`change ${times} files`);
  }

  #changeFile(folder: string): void {
    const path = join(folder, this.#pick(FOLDERS), this.#pick(NAMES));
    fs.mkdirSync(join(path, ".."), { recursive: true });
    const roll = this.#random.int(10);
    if (roll < 2) fs.rmSync(path, { recursive: true, force: true });
    else if (fs.existsSync(path) && fs.statSync(path).isDirectory()) return;
    else if (roll < 4) this.#rename(folder, path);
    else fs.writeFileSync(path, this.#content());
  }

  #rename(folder: string, path: string): void {
    if (!fs.existsSync(path)) return;
    const target = join(folder, this.#pick(NAMES));
    if (!fs.existsSync(target)) fs.renameSync(path, target);
  }

  // Mostly one of a few, so that machines have much in common.
  #content(): Uint8Array {
    if (this.#random.int(3) > 0) return seededRandom(this.#random.int(6)).bytes(20_000);
    return this.#random.bytes(this.#random.int(60_000));
  }

  async #backUp(machines: readonly Machine[]): Promise<void> {
    this.story.push(`back up ${machines.length}`);
    await Promise.all(
      machines.map(({ client, folder }) => this.#backUpOnce(client, folder, this.#storage)),
    );
  }

  async #backUpOnce(client: Client, folder: string, storage: Storage): Promise<void> {
    const made = await backUp(client, await client.open(storage), [folder]);
    expect(made.problems).toEqual([]);
    const copy = join(this.#temp.path, `copy ${++this.#count}`);
    Bun.spawnSync(["cp", "-a", folder, copy]);
    this.#model.set(hexId(made.id), { copy, removed: false });
  }

  // What fails may have made its snapshot all the same: the answer was lost, not the manifest.
  async #backUpWithFault({ client, folder }: Machine): Promise<void> {
    const fault: Fault = {
      kind: "any",
      nth: 1 + this.#random.int(40),
      what: this.#pick(FAULTS),
      crash: this.#random.int(2) === 0,
    };
    this.story.push(`back up with ${JSON.stringify(fault)}`);
    const before = await this.#listed();
    const faulty = faultStorage(this.#storage, [fault]);
    try {
      await this.#backUpOnce(client, folder, faulty.storage);
    } catch (error) {
      expect(error).toMatchObject({ code: FAILED });
    }
    const copy = join(this.#temp.path, `copy ${++this.#count}`);
    Bun.spawnSync(["cp", "-a", folder, copy]);
    for (const id of await this.#listed()) {
      if (!before.has(id) && !this.#model.has(id)) this.#model.set(id, { copy, removed: false });
    }
  }

  async #listed(): Promise<Set<string>> {
    const ids = new Set<string>();
    for await (const { name } of this.#storage.list("snapshots/")) ids.add(name.slice(-64));
    return ids;
  }

  #loseLocal(machine: Machine): void {
    this.story.push("lose state and cache");
    machine.client = machine.make();
  }

  async #removeOrUndo(): Promise<void> {
    if (this.#model.size === 0) return;
    const [id, taken] = this.#pick([...this.#model]);
    const store = await this.#newOwner().open(this.#storage);
    const { signer, number, id: bytes } = (await loadManifests(store)).byId.get(id)!;
    await store.log.append({
      kind: taken.removed ? "undo" : "removal",
      time: this.#world.now(),
      locationId: store.log.locationId!,
      manifests: [{ signer, number, id: bytes }],
    });
    taken.removed = !taken.removed;
    this.story.push(`${taken.removed ? "remove" : "undo"} ${id.slice(0, 8)}`);
  }

  async #verifyOne(): Promise<void> {
    const offered = [...this.#model].filter(([, { removed }]) => !removed);
    if (offered.length === 0) return;
    this.story.push("restore");
    await this.#verify(this.#pick(offered)[0]);
  }

  async #verify(id: string): Promise<void> {
    const to = join(this.#temp.path, `restored ${++this.#count}`);
    const restored = await restoreTo(await this.#newOwner().open(this.#storage), to, { id });
    expect(restored.problems).toEqual([]);
    expect(compareFolders(this.#model.get(id)!.copy, to).differences).toEqual([]);
    fs.rmSync(to, { recursive: true });
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.int(list.length)]!;
  }

  [Symbol.dispose](): void {
    this.#temp[Symbol.dispose]();
  }
}

/** Plays one story to its end; says which on failure. */
export async function play(seed: number, steps = 25): Promise<void> {
  using rig = new Rig(seed);
  try {
    await rig.begin();
    for (let i = 0; i < steps; i++) await rig.step();
    await rig.verifyAll();
  } catch (error) {
    process.stderr.write(`failed: bun test/sim/run.ts --seed ${seed}\n${rig.story.join("\n")}\n`);
    throw error;
  }
}
