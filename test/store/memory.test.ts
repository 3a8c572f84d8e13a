// Memory beside another run: what either saw is remembered, whoever writes last.

import { expect, test } from "bun:test";
import { NUMBER_MAX } from "../../src/format/names.ts";
import { changeMemory, loadMemory } from "../../src/store/memory.ts";
import { openLocalFolder } from "../../src/system/local.ts";
import { MemoryFolder } from "../support/local.ts";
import { tempDir } from "../support/temp.ts";

test("what was seen is joined, and of numbers the greater counts", () => {
  const state = new MemoryFolder();
  changeMemory(state, {
    logNames: ["b"],
    manifestNames: ["y"],
    manifestNumber: 5,
    segmentNumber: 1,
  });
  // Another run, which had read the file before that.
  changeMemory(state, {
    logNames: ["a"],
    manifestNames: ["z"],
    manifestNumber: 3,
    segmentNumber: 2,
  });
  expect(loadMemory(state)).toMatchObject({
    logNames: ["a", "b"],
    manifestNames: ["y", "z"],
    manifestNumber: 5,
    segmentNumber: 2,
  });
});

test("what loses members too is made from the facts of the moment", () => {
  const state = new MemoryFolder();
  changeMemory(state, { badPacks: ["a", "b"], slotNames: ["s"] });
  changeMemory(state, ({ badPacks }) => ({ badPacks: [...badPacks, "c"] }));
  changeMemory(state, ({ badPacks }) => ({ badPacks: badPacks.filter((id) => id !== "a") }));
  expect(loadMemory(state)).toMatchObject({ badPacks: ["b", "c"], slotNames: ["s"] });
});

test("a number that can't be counted on from gives way", () => {
  const state = new MemoryFolder();
  changeMemory(state, { manifestNumber: NUMBER_MAX });
  changeMemory(state, { manifestNumber: 7 });
  expect(loadMemory(state).manifestNumber).toBe(7);
});

test("two processes that write at once lose nothing", async () => {
  using temp = tempDir();
  const script = `
    import { changeMemory } from "${import.meta.dir}/../../src/store/memory.ts";
    import { openLocalFolder } from "${import.meta.dir}/../../src/system/local.ts";
    const [path, who] = process.argv.slice(-2);
    const state = openLocalFolder(path);
    for (let i = 0; i < 60; i++) {
      changeMemory(state, ({ badPacks }) => ({
        manifestNames: [who + i],
        badPacks: [...badPacks, who + i],
      }));
    }
  `;
  const runs = ["a", "b", "c"].map((who) =>
    Bun.spawn([process.execPath, "-e", script, temp.path, who], { stderr: "inherit" }),
  );
  for (const run of runs) expect(await run.exited).toBe(0);
  const memory = loadMemory(openLocalFolder(temp.path));
  expect(memory.manifestNames.length).toBe(180);
  expect(new Set(memory.badPacks).size).toBe(180);
}, 60_000);
