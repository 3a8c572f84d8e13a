// Pipes and signals of the compiled program where the runtime's plain ways fail in silence: pipes
// that do not block, and signals in the middle of work that does not wait for anything.

import type * as ffi from "bun:ffi";
import { describe, expect, test } from "bun:test";

import {
  BINARY,
  BY_PASSPHRASE,
  emptyPlace,
  PASSPHRASE,
  placeWithStore,
} from "../support/bunker.ts";
import { type Plant, plantIn, runPlanted, type Tools } from "../support/planted.ts";
import { seededRandom } from "../support/random.ts";

/** What a pipe's other end does before it reads or writes. */
const FULL = "until grep -qs 1:.EAGAIN ../notes; do :; done";
const LATE = "dd if=/dev/zero of=/dev/null bs=1M count=1000 status=none";

/**
 * Makes the standard streams non-blocking, as another program that shares them may. With FILL in
 * the environment, stderr is full.
 */
function unblock({ fs, note, require }: Tools): void {
  const { dlopen } = require("bun:ffi") as typeof ffi;
  const { O_NONBLOCK } = fs.constants;
  const [GET_FLAGS, SET_FLAGS] = [3, 4] as const;
  const { symbols } = dlopen("libc.so.6", {
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  });
  for (const stream of [0, 1, 2]) {
    symbols.fcntl(stream, SET_FLAGS, symbols.fcntl(stream, GET_FLAGS, 0) | O_NONBLOCK);
    note(`${stream} ${(symbols.fcntl(stream, GET_FLAGS, 0) & O_NONBLOCK) !== 0}`);
  }
  if (process.env["FILL"] === undefined) return;
  for (const pieceBytes of [1000, 1]) {
    try {
      for (;;) fs.writeSync(2, "x".repeat(pieceBytes));
    } catch (error) {
      note(`${pieceBytes}: ${(error as { code: string }).code}`);
    }
  }
}
const UNBLOCKED = ["0 true", "1 true", "2 true"];

// A reader that takes single bytes at first: the pipe is full by then.
const SLOW = "{ dd bs=1 count=20000 status=none; cat; }";

describe.skipIf(process.platform !== "linux")("pipes that do not block", () => {
  test("results are whole", () => {
    using place = placeWithStore();
    place.write("things/large", seededRandom(1).bytes(2_500_000));
    place.lines(["backup", "things"]);
    const plant = plantIn(place, { main: unblock });
    const { stdout, stderr, status } = place.shell(
      `${BINARY} cat latest:/large </dev/null | ${SLOW} | cmp - things/large; echo "\${PIPESTATUS[@]}"`,
      plant.environment,
    );
    expect(plant.notes()).toEqual(UNBLOCKED);
    expect(stderr).toBe("");
    expect(stdout).toBe("0 0 0\n");
    expect(status).toBe(0);
  });

  test("a message waits until there is room", () => {
    using place = emptyPlace();
    const plant = plantIn(place, { main: unblock });
    const found = place.shell(
      `${BINARY} frob </dev/null 2>&1 >/dev/null | { ${FULL}; ${LATE}; cat; }; exit "\${PIPESTATUS[0]}"`,
      { ...plant.environment, FILL: "yes" },
    );
    expect(plant.notes()).toEqual([...UNBLOCKED, "1000: EAGAIN", "1: EAGAIN"]);
    expect(found.stdout.replaceAll("x", "")).toBe(
      "bunker: error: there is no command frob\nbunker: hint: see: bunker --help\n",
    );
    expect(found.status).toBe(2);
  });

  test("a secret that comes late is waited for", () => {
    using place = emptyPlace();
    place.lines(["init"], BY_PASSPHRASE);
    place.write("secret", PASSPHRASE);
    const plant = plantIn(place, { main: unblock });
    const found = place.shell(`{ ${LATE}; cat secret; } | ${BINARY} snapshots`, {
      ...plant.environment,
      BUNKER_PHRASE_FILE: undefined,
      BUNKER_PASSPHRASE_FILE: "/dev/stdin",
    });
    expect(plant.notes()).toEqual(UNBLOCKED);
    expect(found.stderr).toStartWith("bunker: there is no snapshot yet");
    expect(found.status).toBe(0);
  });
});

describe("a signal in the middle of work that waits for nothing", () => {
  const FILE_COUNT = 100;
  /** Each file takes 5 ms more than it does; with the second one comes the signal. */
  const SIGNAL: Plant["main"] = ({ note }) => {
    const { zstdCompressSync, zstdDecompressSync } = Bun;
    let count = 0;
    const work = (): void => {
      note("file");
      if (++count === 2) process.kill(process.pid, "SIGINT");
      for (const start = performance.now(); performance.now() < start + 5;);
    };
    Bun.zstdCompressSync = (plain, options) => {
      if ((plain as Uint8Array).length > 400_000) work();
      return zstdCompressSync(plain, options);
    };
    Bun.zstdDecompressSync = (frame) => {
      if ((frame as Uint8Array).length > 200_000) work();
      return zstdDecompressSync(frame);
    };
  };

  // A restore stops after a range, a check after a pack, a backup after a twentieth of a second.
  test.each([
    ["restore latest --to copy --lanes 1", FILE_COUNT - 20],
    ["check --read-data", FILE_COUNT - 20],
    ["backup things --lanes 1", 40],
  ] as const)("is heard soon: %s", (words, most) => {
    using place = placeWithStore();
    // Shorter than the shortest chunk, so that each is one, and another one.
    const text = Buffer.from(seededRandom(1).bytes(250_000)).toString("hex");
    for (let i = 0; i < FILE_COUNT; i++) place.write(`things/${i}`, `${i} ${text}`);
    if (!words.startsWith("backup")) place.lines(["backup", "things"]);
    const { stdout, stderr, status, notes } = runPlanted(place, words.split(" "), {
      main: SIGNAL,
    });
    expect(stderr).toContain("bunker: error: interrupted");
    expect(stdout).toBe("");
    expect(status).toBe(130);
    expect(notes.length).toBeGreaterThanOrEqual(2);
    expect(notes.length).toBeLessThan(most);
  });
});
