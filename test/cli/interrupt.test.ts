// Signals: an interrupted backup leaves a whole store, and its uploads are found again.

import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";

import { type Place, placeWithStore } from "../support/bunker.ts";
import { seededRandom } from "../support/random.ts";

const FILE_COUNT = 12;
const FILE_BYTES = 8 * 1024 * 1024;

function plantLarge(place: Place): void {
  const bytes = seededRandom(1).bytes(FILE_BYTES);
  for (let i = 0; i < FILE_COUNT; i++) {
    // Another content in every chunk: nothing is known from the file before.
    for (let at = 0; at < bytes.length; at += 64) bytes[at] = (bytes[at]! + 1) & 0xff;
    place.write(`things/${String(i).padStart(2, "0")}`, bytes);
  }
}

/** Waits until the first pack is there. */
async function firstPack(place: Place): Promise<void> {
  while (!existsSync(place.at("store/packs")) || packCount(place) === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function packCount(place: Place): number {
  const names = readdirSync(place.at("store/packs"), { recursive: true, encoding: "utf8" });
  return names.filter((name) => /^..\/[0-9a-f]{64}$/.test(name)).length;
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in a backup: 130, and the next one goes on",
  async (signal) => {
    using place = placeWithStore();
    plantLarge(place);
    const child = place.start(["backup", "things"]);
    await firstPack(place);
    child.kill(signal);
    const stderr = await new Response(child.stderr).text();
    expect(stderr).toBe(
      "bunker: stopping, which may take a moment; interrupt again to end at once\n" +
        "bunker: error: interrupted before the snapshot was made\n" +
        "bunker: hint: run the backup again: it finds what is stored already\n",
    );
    expect(await child.exited).toBe(130);
    const stored = packCount(place);
    expect(stored).toBeGreaterThan(0);

    expect(place.lines(["check", "--read-data"])[0]).toMatch(
      /^checked 0 snapshots, \d+ packs?, .*no errors$/,
    );
    const [again] = place.json<Record<string, number>>(["backup", "things"]);
    expect(again!["files"]).toBe(FILE_COUNT);
    expect(again!["storedBytes"]).toBeLessThan(FILE_COUNT * FILE_BYTES);
    expect(place.lines(["check", "--read-data"])[0]).toMatch(/^checked 1 snapshot, .*no errors$/);
  },
);

test("a second signal ends it at once, and the store is whole", async () => {
  using place = placeWithStore();
  plantLarge(place);
  const child = place.start(["backup", "things"]);
  await firstPack(place);
  child.kill("SIGINT");
  child.kill("SIGTERM"); // Another one, since two of a kind may arrive as one.
  expect(await child.exited).toBe(130);
  expect(await new Response(child.stderr).text()).not.toContain("please report");
  expect(place.lines(["check", "--read-data"])[0]).toEndWith(": no errors");
  expect(place.json(["backup", "things"])[0]).toMatchObject({ files: FILE_COUNT });
});
