// File states: what the last run saw, found again in the order of the walk.

import { expect, test } from "bun:test";
import { type Bytes, utf8 } from "../../src/base/bytes.ts";
import { type FileFacts, openStates, type Overlooked } from "../../src/jobs/states.ts";
import { MemoryFolder } from "../support/local.ts";
import { seededRandom } from "../support/random.ts";

const ROOT = new Uint8Array(0);
const READ_AT = 1_700_000_000_000;
const OLD: FileFacts = {
  changed: { seconds: 1_600_000_000, nanoseconds: 5 },
  modified: { seconds: -3, nanoseconds: 999_999_999 },
  size: 2 ** 40,
  inode: 77,
};

function save(cache: MemoryFolder, list: readonly (readonly [Bytes, FileFacts, Bytes])[]): void {
  const { after } = openStates(cache, "root");
  for (const [path, facts, ids] of list)
    after.add({ folder: ROOT, name: path }, facts, { ids }, READ_AT);
  after.finish();
}

function contentOf(cache: MemoryFolder, path: Bytes, facts = OLD): Bytes | undefined {
  const { before, after } = openStates(cache, "root");
  after.abandon();
  return before.find(ROOT, path, facts)?.ids;
}

/** Seconds before (or after) the reading as a time. */
const around = (milliseconds: number) => {
  const at = READ_AT + milliseconds;
  return { seconds: Math.floor(at / 1000), nanoseconds: (at % 1000) * 1e6 + 1 };
};

test("all come back in the order of the walk, gaps and strangers included", () => {
  const random = seededRandom(1);
  const cache = new MemoryFolder();
  const paths = ["a", "a\0b", "a\0b\0c", "a!", "b", "b\0a", "bb", "z"].map((path) => utf8(path));
  const list = paths.map((path, i) => [path, OLD, random.bytes(32 * (i % 4))] as const);
  save(cache, list);
  const { before, after } = openStates(cache, "root");
  after.abandon();
  for (const [i, [path, , ids]] of list.entries()) {
    if (i === 3) continue; // Not asked for.
    expect(Buffer.from(before.find(ROOT, path, OLD)?.ids ?? [])).toEqual(Buffer.from(ids));
    expect(before.find(path, utf8("\u0001 stranger"), OLD)).toBeUndefined();
  }
});

test("any other fact makes it another file", () => {
  const cache = new MemoryFolder();
  save(cache, [[utf8("a"), OLD, new Uint8Array(32)]]);
  expect(contentOf(cache, utf8("a"))).toBeDefined();
  const { changed, modified } = OLD;
  for (const other of [
    { ...OLD, size: OLD.size + 1 },
    { ...OLD, inode: 78 },
    { ...OLD, changed: { ...changed, nanoseconds: 6 } },
    { ...OLD, changed: { ...changed, seconds: changed.seconds + 1 } },
    { ...OLD, modified: { ...modified, nanoseconds: 0 } },
    { ...OLD, modified: { ...modified, seconds: 3 } },
  ]) {
    expect(contentOf(cache, utf8("a"), other)).toBeUndefined();
  }
});

test("a file that changed right before it was read is not known", () => {
  const far = around(10 * 365 * 86_400_000);
  const cases: readonly [FileFacts["changed"], FileFacts["modified"], boolean][] = [
    [around(-1000), around(-1000), true],
    [around(-5), around(-5), false],
    [around(-5), around(-100_000), false],
    [around(-100_000), around(-5), false],
    [around(1000), around(-100_000), false],
    // A time of modification that somebody has set says nothing of the time of change.
    [around(-5), far, false],
    [around(-1000), far, true],
  ];
  for (const [changed, modified, known] of cases) {
    const cache = new MemoryFolder();
    const facts = { ...OLD, changed, modified };
    save(cache, [[utf8("a"), facts, new Uint8Array(32)]]);
    expect(contentOf(cache, utf8("a"), facts) !== undefined).toBe(known);
  }
});

test("where times have whole seconds only, the last two seconds are young", () => {
  const at = (milliseconds: number) => ({
    seconds: Math.floor((READ_AT + milliseconds) / 1000),
    nanoseconds: 0,
  });
  for (const [milliseconds, known] of [
    [-1000, false],
    [-5000, true],
  ] as const) {
    const cache = new MemoryFolder();
    const facts = { ...OLD, changed: at(milliseconds), modified: at(milliseconds) };
    save(cache, [[utf8("a"), facts, new Uint8Array(32)]]);
    expect(contentOf(cache, utf8("a"), facts) !== undefined).toBe(known);
  }
});

test("states that are cut anywhere, or spoilt, say less and never harm", () => {
  const random = seededRandom(2);
  const cache = new MemoryFolder();
  const list = Array.from({ length: 30 }, (_, i) => {
    const path = utf8(`folder\0file ${String(i).padStart(3, "0")}`);
    return [path, OLD, random.bytes(32 * (i % 3))] as const;
  });
  save(cache, list);
  const whole = cache.read("states-2-root")!;
  for (let length = 0; length < whole.length; length += 7) {
    cache.write("states-2-root", [whole.subarray(0, length)]);
    for (const [path, , ids] of list) {
      const found = contentOf(cache, path);
      if (found !== undefined) expect(Buffer.from(found)).toEqual(Buffer.from(ids));
    }
  }
  for (let i = 0; i < 300; i++) {
    const spoilt = whole.slice();
    spoilt[random.int(spoilt.length)] = random.int(256);
    cache.write("states-2-root", [spoilt]);
    const { before, after } = openStates(cache, "root");
    after.abandon();
    for (const [path] of list) before.find(ROOT, path, OLD);
  }
});

test("a run that is abandoned leaves the states of the one before", () => {
  const cache = new MemoryFolder();
  save(cache, [[utf8("a"), OLD, new Uint8Array(32)]]);
  const { after } = openStates(cache, "root");
  after.add({ folder: ROOT, name: utf8("b") }, OLD, { ids: new Uint8Array(32) }, READ_AT);
  after.abandon();
  expect(contentOf(cache, utf8("a"))).toBeDefined();
});

test("extras come back with the content, and only as they were", () => {
  const random = seededRandom(3);
  const cache = new MemoryFolder();
  const extras = random.bytes(500);
  const { after } = openStates(cache, "root");
  const names = ["a", "b", "c"].map((name) => utf8(name));
  for (const [i, name] of names.entries()) {
    const ids = random.bytes(32 * i);
    after.add({ folder: ROOT, name }, OLD, i === 1 ? { ids, extras } : { ids }, READ_AT);
  }
  after.finish();
  const found = () => {
    const { before, after: unused } = openStates(cache, "root");
    unused.abandon();
    return names.map((name) => before.find(ROOT, name, OLD));
  };
  expect(found().map((known) => known?.extras)).toEqual([undefined, extras, undefined]);
  const spoilt = cache.read("states-2-root")!;
  spoilt[Buffer.from(spoilt).indexOf(extras) + 77]! ^= 1;
  cache.write("states-2-root", [spoilt]);
  expect(found().map((known) => known?.ids.length)).toEqual([0, undefined, 64]);
});

test("what is overlooked does not count as a change, and tells what was seen before", () => {
  const cache = new MemoryFolder();
  save(cache, [[utf8("a"), OLD, new Uint8Array(32)]]);
  const find = (overlooked: Overlooked, facts: FileFacts) => {
    const { before, after } = openStates(cache, "root", overlooked);
    after.abandon();
    return before.find(ROOT, utf8("a"), facts);
  };
  const changed = { ...OLD, changed: { seconds: 1, nanoseconds: 2 } };
  const moved = { ...OLD, inode: 78 };
  expect(find({}, changed)).toBeUndefined();
  expect(find({ inode: true }, changed)).toBeUndefined();
  const seenAs = { changed: OLD.changed, inode: OLD.inode };
  expect(find({ changed: true }, changed)).toMatchObject({ seenAs });
  expect(find({ changed: true }, moved)).toBeUndefined();
  expect(find({ inode: true }, moved)).toMatchObject({ seenAs });
  expect(find({ changed: true, inode: true }, OLD)?.seenAs).toBeUndefined();
  expect(find({ changed: true, inode: true }, { ...changed, size: 1 })).toBeUndefined();
});

test("a cache of another layout is as none", () => {
  const cache = new MemoryFolder();
  save(cache, [[utf8("a"), OLD, new Uint8Array(32)]]);
  cache.write("states-root", [cache.read("states-2-root")!]);
  cache.delete("states-2-root");
  expect(contentOf(cache, utf8("a"))).toBeUndefined();
});
