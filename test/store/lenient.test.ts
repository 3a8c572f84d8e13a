// Lenient folders: reading a store goes on where nothing can be written on this machine.

import { expect, test } from "bun:test";
import { BunkerError } from "../../src/base/errors.ts";
import type { LocalFolder } from "../../src/base/local.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { lenientRoot, type LocalOpener } from "../../src/store/lenient.ts";
import { changeMemory, loadMemory } from "../../src/store/memory.ts";
import { failureOf } from "../support/failure.ts";
import { MemoryFolder, memoryRoot } from "../support/local.ts";
import { Client, makeStore } from "../support/store.ts";

const FULL = new BunkerError("io", "the disk is full");

/** A folder on a disk that becomes full. */
class FullFolder extends MemoryFolder {
  isFull = true;

  override write(name: string, parts: Parameters<LocalFolder["write"]>[1]): void {
    this.#check();
    super.write(name, parts);
  }

  override delete(name: string): void {
    this.#check();
    super.delete(name);
  }

  override exclusively<T>(name: string, step: () => T): T {
    this.#check();
    return super.exclusively(name, step);
  }

  #check(): void {
    if (this.isFull) throw FULL;
  }
}

function openerOf(folder: () => LocalFolder): LocalOpener {
  return { root: folder, state: folder, cache: folder };
}

function rootOf(opener: LocalOpener, mayMiss = () => true) {
  const losses: unknown[] = [];
  const root = lenientRoot(opener, { mayMiss, onLoss: (error) => losses.push(error) });
  return { root, losses };
}

const bytes = (text: string) => new TextEncoder().encode(text);

test("what can be written is written, and read back by the next run", () => {
  const local = memoryRoot();
  const { root, losses } = rootOf({ ...local, root: () => local.root });
  root.state("a").write("file", [bytes("1")]);
  expect(local.state("a").read("file")).toEqual(bytes("1"));
  expect(losses).toEqual([]);
});

test("what can't be written lasts as long as the run, over what is there", () => {
  const folder = new FullFolder();
  folder.files.set("old", bytes("old"));
  folder.files.set("gone", bytes("gone"));
  const { root, losses } = rootOf(openerOf(() => folder));
  const state = root.state("a");
  state.write("new", [bytes("n"), bytes("ew")]);
  state.delete("gone");
  changeMemory(state, { manifestNumber: 7 });
  expect([...folder.files.keys()]).toEqual(["old", "gone"]);
  const again = root.state("a");
  expect(again.read("old")).toEqual(bytes("old"));
  expect(again.read("new")).toEqual(bytes("new"));
  expect(again.map("new")).toEqual(bytes("new"));
  expect(again.read("gone")).toBeUndefined();
  expect(again.list().sort()).toEqual(["memory.json", "new", "old"]);
  expect(loadMemory(again).manifestNumber).toBe(7);
  // Told once, of all folders together.
  root.cache("a").write("x", [bytes("x")]);
  expect(losses).toEqual([FULL]);
});

test("a disk that becomes full keeps what it had", () => {
  const folder = new FullFolder();
  folder.isFull = false;
  const state = rootOf(openerOf(() => folder)).root.state("a");
  state.write("first", [bytes("1")]);
  folder.isFull = true;
  state.write("first", [bytes("2")]);
  expect(state.read("first")).toEqual(bytes("2"));
  expect(folder.read("first")).toEqual(bytes("1"));
});

test("the step's own failure is no loss, and a step runs once", () => {
  const { root, losses } = rootOf(openerOf(() => new MemoryFolder()));
  let count = 0;
  const step = (): never => {
    count++;
    throw FULL;
  };
  expect(() => root.root.exclusively("file", step)).toThrow(FULL.message);
  expect({ count, losses }).toEqual({ count: 1, losses: [] });
});

test("a folder that does not open is done without, if it may be", async () => {
  const opener = openerOf(() => {
    throw FULL;
  });
  const { root, losses } = rootOf(opener);
  const cache = root.cache("a");
  cache.write("file", [bytes("1")]);
  const writer = cache.create("other");
  writer.write(bytes("2"));
  writer.finish();
  expect(cache.list().sort()).toEqual(["file", "other"]);
  expect(losses).toEqual([FULL]);
  expect(() => rootOf(opener, () => false)).toThrow(FULL.message);

  const storage = memoryStorage();
  await makeStore(storage);
  const store = await new Client({ local: root }).open(storage);
  expect(store.findings.all).toEqual([]);
  expect(await failureOf(Promise.reject(FULL))).toBe(FULL);
});
