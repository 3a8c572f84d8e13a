// Files as the compiled program meets them: mapped ones that are read-only, cut or replaced; paths
// too long for the system; descriptors that no child inherits.

import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";

import { utf8 } from "../../src/base/bytes.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { BINARY, type Place, placeWithStore } from "../support/bunker.ts";
import { type Plant, runPlanted, runPlantedBy } from "../support/planted.ts";
import { seededRandom } from "../support/random.ts";

/** What the program maps: the catalog's runs and the files' states. */
function mappedFiles(place: Place): string[] {
  const cache = place.at("home/.cache/bunker");
  return fs
    .readdirSync(cache, { recursive: true, encoding: "utf8" })
    .map((name) => join(cache, name))
    .filter((path) => fs.statSync(path).isFile() && fs.statSync(path).size > 0);
}

/** A place with a cache: a backup of two files, and a check. */
function placeWithCache(): Place {
  const place = placeWithStore();
  place.write("things/a", seededRandom(1).bytes(100_000));
  place.write("things/b", "small");
  place.lines(["backup", "things"]);
  expect(mappedFiles(place).length).toBeGreaterThan(1);
  return place;
}

/** Notes each file that is mapped, and each that the mapping refuses. */
const WATCH_MAPPING: Plant["main"] = ({ note }) => {
  const real = Bun.mmap;
  Bun.mmap = (path, options) => {
    try {
      const bytes = real(path, options);
      note("mapped");
      return bytes;
    } catch (error) {
      note((error as { code: string }).code);
      throw error;
    }
  };
};

describe("mapped files", () => {
  test("are replaced, never written to: who has one mapped keeps it whole", () => {
    using place = placeWithCache();
    const kept = mappedFiles(place).map((path, i) => {
      fs.linkSync(path, place.at(`kept-${i}`));
      return { path: place.at(`kept-${i}`), content: fs.readFileSync(path) };
    });
    place.write("things/a", seededRandom(2).bytes(200_000));
    for (let i = 0; i < 5; i++) {
      place.write(`things/more-${i}`, seededRandom(3 + i).bytes(50_000));
      const { status, notes } = runPlanted(place, ["backup", "things"], { main: WATCH_MAPPING });
      expect(status).toBe(0);
      expect(notes).toContain("mapped");
    }
    for (const { path, content } of kept) expect(fs.readFileSync(path).equals(content)).toBe(true);
  });

  // Root may write to all files, so somebody else has to meet one that is read-only.
  const nobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];

  test.skipIf(nobody.length > 0 && Bun.which("setpriv") === null)(
    "are read where they are read-only, and the mapping is refused",
    () => {
      using place = placeWithStore();
      place.write("things/a", seededRandom(1).bytes(100_000));
      place.write("things/b", "small");
      if (nobody.length > 0) place.execute(["chown", "-R", "65534", place.at()]);
      const words = ["backup", "things", "--json"];
      expect(place.execute([...nobody, BINARY, ...words]).status).toBe(0);
      for (const path of mappedFiles(place)) fs.chmodSync(path, 0o400);
      const plant = { main: WATCH_MAPPING };
      const { stdout, stderr, status, notes } = runPlantedBy([...nobody, BINARY], {
        place,
        words,
        plant,
      });
      expect(new Set(notes)).toEqual(new Set(["EACCES"]));
      expect(stderr).toBe("");
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ files: 2, unchangedFiles: 2, newBlobs: 0 });
    },
  );

  test.each([
    ["empty", () => 0],
    ["cut by a byte", (size: number) => size - 1],
    ["cut in its middle", (size: number) => size >> 1],
    ["longer than it was", (size: number) => size + 4096],
  ] as const)("that are %s are made anew", (_, sizeOf) => {
    using place = placeWithCache();
    for (const path of mappedFiles(place)) fs.truncateSync(path, sizeOf(fs.statSync(path).size));
    expect(place.execute([BINARY, "backup", "things"])).toMatchObject({ stderr: "", status: 0 });
    expect(place.lines(["check", "--read-data"])[0]).toEndWith(": no errors");
    place.lines(["restore", "latest", "--to", "copy"]);
    expect(place.read("work/copy/b")).toBe("small");
  });

  test("that are cut while they are mapped end the run loudly, and harm nothing", () => {
    using place = placeWithCache();
    place.write("things/c", seededRandom(3).bytes(100_000));
    const cut: Plant["main"] = ({ fs: files, note }) => {
      const real = Bun.mmap;
      Bun.mmap = (path, options) => {
        const bytes = real(path, options);
        setImmediate(() => files.truncateSync(String(path), 0));
        note("cut");
        return bytes;
      };
    };
    const { stderr, notes } = runPlanted(place, ["backup", "things"], { main: cut });
    expect(notes).toContain("cut");
    expect(stderr).toEndWith("ended by SIGBUS\n");
    expect(place.lines(["snapshots", "--json"])).toHaveLength(1);
    expect(place.execute([BINARY, "backup", "things"])).toMatchObject({ stderr: "", status: 0 });
    expect(place.lines(["check", "--read-data"])[0]).toEndWith(": no errors");
  });
});

describe.skipIf(process.platform !== "linux")("descriptors", () => {
  /** Notes all open files below the working folder, whether a child would inherit them. */
  const WATCH_DESCRIPTORS: Plant["main"] = ({ fs: files, note }) => {
    const CLOSE_ON_EXEC = 0o2000000;
    const here = process.cwd();
    const look = (): void => {
      for (const name of files.readdirSync("/proc/self/fd")) {
        const link = `/proc/self/fd/${name}`;
        if (!files.existsSync(link) || !files.readlinkSync(link).startsWith(here)) continue;
        const facts = files.readFileSync(`/proc/self/fdinfo/${name}`, "utf8");
        const flags = parseInt(/^flags:\s*(\d+)/m.exec(facts)![1]!, 8);
        note((flags & CLOSE_ON_EXEC) === 0 ? `inherited: ${link}` : "closed");
      }
    };
    const { zstdCompressSync, zstdDecompressSync } = Bun;
    Bun.zstdCompressSync = (plain, options) => {
      look();
      return zstdCompressSync(plain, options);
    };
    Bun.zstdDecompressSync = (frame) => {
      look();
      return zstdDecompressSync(frame);
    };
  };

  test.each([
    ["main", "1"],
    ["lanes", "2"],
  ])("of sources and destinations are closed in children: %s", (_, lanes) => {
    using place = placeWithStore();
    for (let i = 0; i < 6; i++) {
      // In the middle what shrinks: it is decoded, too.
      place.write(`things/deep/er/${i}`, seededRandom(i).bytes(4_500_000));
      place.write(`things/deep/er/${i}-text`, `${i} is said again. `.repeat(10_000));
    }
    const plant = { main: WATCH_DESCRIPTORS, lane: WATCH_DESCRIPTORS };
    for (const words of [
      ["backup", "things"],
      ["restore", "latest", "--to", "copy"],
    ]) {
      const { status, notes } = runPlanted(place, [...words, "--lanes", lanes], plant);
      expect(status).toBe(0);
      expect(notes.includes("lane")).toBe(lanes === "2");
      expect(new Set(notes.filter((note) => note !== "lane"))).toEqual(new Set(["closed"]));
    }
  });

  test("paths beyond 4,096 bytes are stored and come back, through lanes too", () => {
    using place = placeWithStore();
    using _ = removedByRm(place);
    const text = utf8("content");
    fs.mkdirSync(place.at("work/things"));
    makeDeep(place.at("work/things"), 30, text);
    place.write("things/z", seededRandom(1).bytes(9_000_000));
    place.write("things/zz", seededRandom(2).bytes(9_000_000));
    const made = runPlanted(place, ["backup", "things", "--lanes", "2"], {});
    expect(made).toMatchObject({ stderr: "", status: 0, notes: ["lane", "lane"] });
    const words = ["restore", "latest", "--to", "copy", "--lanes", "2"];
    expect(runPlanted(place, words, {})).toMatchObject({ stderr: "", status: 0 });
    const sums = `cd "$1" && find . -type f -execdir cksum {} + | sort`;
    const sumsOf = (name: string): string =>
      place.execute(["bash", "-c", sums, "-", place.at("work", name)]).stdout;
    expect(sumsOf("things").split("\n")).toHaveLength(33);
    expect(sumsOf("copy")).toBe(sumsOf("things"));
  });
});

/** Folders in each other with names of 255 bytes, a file in each. */
function makeDeep(path: string, depth: number, content: Uint8Array): void {
  const files = openFileSystem();
  let at = files.openFolder(undefined, utf8(path));
  for (let i = 0; i < depth; i++) {
    const file = files.createFile(at, utf8("file"), 0o600);
    fs.writeSync(file, content);
    fs.writeSync(file, String(i));
    files.close(file);
    files.makeFolder(at, utf8("m".repeat(255)), 0o700);
    const next = files.openFolder(at, utf8("m".repeat(255)));
    files.close(at);
    at = next;
  }
  files.close(at);
}

function removedByRm(place: Place): Disposable {
  return {
    [Symbol.dispose]: () => void Bun.spawnSync(["rm", "-rf", place.at("work")]),
  };
}
