// Tidy: the habits of the house that no other tool checks, and a test for each check.
//
// Rooms import in one direction only; the pure rooms import nothing of the system; each package is
// imported by one file; some words are banned; files stay short; each document has one title.

import { expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dir, "..");
const FILE_LINES_MAX = 300;

/** Which rooms a room may import from; a file directly in src is a room of its own. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  system: ["base"],
  s3: ["base"],
  core: ["base"],
  crypto: ["base"],
  format: ["base", "core", "crypto"],
  storage: ["base", "system", "s3"],
  source: ["base", "system", "s3"],
  destination: ["base", "system", "s3"],
  store: ["base", "core", "crypto", "format", "storage"],
  jobs: ["base", "system", "core", "crypto", "format", "storage", "source", "destination", "store"],
  cli: "base system s3 core crypto format storage source destination store jobs".split(" "),
  "main.ts": ["base", "system", "core", "crypto", "storage", "store", "jobs", "cli"],
  "lane.ts": ["base", "system", "core", "destination", "store", "jobs"],
  "modules.d.ts": [],
};
/** They also run where there is neither Node nor Bun: all comes in through their parameters. */
const PURE_ROOMS = ["base", "core", "crypto", "format", "store"];
/** Who may take the compiled core from build/. */
const CORE_READERS = ["core", "system"];

interface Ban {
  readonly pattern: RegExp;
  readonly reason: string;
  /** Must be caught, so that a ban that catches nothing is noticed. */
  readonly example: string;
  readonly where: (path: string) => boolean;
}

const inSource = (path: string): boolean => path.startsWith("src/");
const anywhere = (): boolean => true;

const BANS: readonly Ban[] = [
  {
    pattern: /\b(?:T[O]DO|F[I]XME|X[X]X)\b/,
    reason: "finish it or leave it out",
    example: "// TO" + "DO: later",
    where: anywhere,
  },
  {
    pattern: /\bconsole\.\w+\(/,
    reason: "results go through Output, messages through Messages",
    example: "console" + ".log(1)",
    where: inSource,
  },
  {
    pattern: /\bprocess\.exit\(/,
    reason: "only main.ts ends the process, when everything is written",
    example: "process" + ".exit(1)",
    where: (path) => inSource(path) && path !== "src/main.ts",
  },
  {
    pattern: /\b(?:test|describe|it)\.only\(/,
    reason: "the other tests would not run",
    example: "test" + ".only()",
    where: anywhere,
  },
  {
    pattern: /^export default\b/m,
    reason: "exports have names",
    example: "export" + " default 1;",
    where: (path) => inSource(path) && path !== "src/modules.d.ts",
  },
  {
    pattern: /^export (?:type )?(?:\*|\{[^}]*\}) from\b/m,
    reason: "no barrels: import from the file that has it",
    example: "export" + ' * from "./a.ts";',
    where: inSource,
  },
  {
    pattern: /@ts-(?:ignore|nocheck|expect-error)\b/,
    reason: "say it in types",
    example: "// @ts-" + "ignore",
    where: inSource,
  },
  {
    pattern: /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)/,
    reason: "time and chance come from World",
    example: "Date" + ".now()",
    where: (path) => inSource(path) && !/^src\/(?:main\.ts|system\/)/.test(path),
  },
];

interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

async function readFiles(pattern: string): Promise<SourceFile[]> {
  const found = new Bun.Glob(pattern).scan({ cwd: ROOT, dot: true });
  const paths = (await Array.fromAsync(found)).filter((path) => !path.startsWith("node_modules/"));
  return Promise.all(
    paths.sort().map(async (path) => ({ path, text: await Bun.file(join(ROOT, path)).text() })),
  );
}

/** What a file imports, types too; a transpiler's own list would drop those. */
function importsOf(text: string): string[] {
  const pattern = /\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g;
  return [...text.matchAll(pattern)].map(([, name]) => name!);
}

function roomOf(path: string): string {
  return path.split("/")[1]!;
}

function layerFaults({ path, text }: SourceFile): string[] {
  const room = roomOf(path);
  const allowed = LAYERS[room];
  if (allowed === undefined) return [`${path}: unknown room ${room}`];
  return importsOf(text).flatMap((name) => {
    if (!name.startsWith(".")) return [];
    const target = relative(ROOT, join(ROOT, dirname(path), name));
    if (target.startsWith("node_modules/")) return []; // A package, by a deep path.
    if (target.startsWith("build/") && CORE_READERS.includes(room)) return [];
    if (target === "package.json" && room === "main.ts") return [];
    const targetRoom = target.startsWith("src/") ? roomOf(target) : undefined;
    if (targetRoom === room && room !== target.slice("src/".length)) return [];
    return targetRoom !== undefined && allowed.includes(targetRoom)
      ? []
      : [`${path}: ${room} must not import ${target}`];
  });
}

function purityFaults({ path, text }: SourceFile): string[] {
  if (!PURE_ROOMS.includes(roomOf(path))) return [];
  const foreign = importsOf(text).filter((name) => /^(?:node|bun)\b/.test(name));
  const globals = text.match(/\b(?:Bun|process|Buffer)\.\w+/g) ?? [];
  return [...foreign, ...globals].map((name) => `${path}: a pure room must not use ${name}`);
}

function banFaults({ path, text }: SourceFile): string[] {
  return BANS.filter(({ pattern, where }) => where(path) && pattern.test(text)).map(
    ({ pattern, reason }) => `${path}: ${pattern.source}: ${reason}`,
  );
}

function lengthFaults({ path, text }: SourceFile): string[] {
  const lineCount = text.split("\n").length - 1;
  return lineCount > FILE_LINES_MAX ? [`${path}: ${lineCount} lines`] : [];
}

function headFaults({ path, text }: SourceFile): string[] {
  return /^(?:#!.*\n)?\/\/ \S/.test(text) ? [] : [`${path}: does not open by saying what it is`];
}

function titleFaults({ path, text }: SourceFile): string[] {
  const outsideCode = text.replace(/^```[\s\S]*?^```/gm, "");
  const titleCount = outsideCode.match(/^# \S/gm)?.length ?? 0;
  return titleCount === 1 ? [] : [`${path}: ${titleCount} titles`];
}

/** Each package is wrapped by one file. Types cost nothing to throw away, and don't count. */
function wrapperFaults(files: readonly SourceFile[], packages: readonly string[]): string[] {
  return packages.flatMap((name) => {
    const users = files.filter(({ text }) => {
      const valueImports = text.replace(/^import type [\s\S]*?;$/gm, "");
      return importsOf(valueImports).some((used) => isOf(used, name));
    });
    if (users.length === 1) return [];
    return [
      `${name}: expected one importing file, found [${users.map(({ path }) => path).join()}]`,
    ];
  });
}

// A deep path through node_modules names its package too.
function isOf(imported: string, name: string): boolean {
  const path = imported.replace(/^(?:\.\.?\/)+node_modules\//, "");
  return path === name || path.startsWith(`${name}/`);
}

test("rooms import only what the table allows", async () => {
  expect((await readFiles("src/**/*.ts")).flatMap(layerFaults)).toEqual([]);
});

test("a forbidden import is noticed, of values and of types", () => {
  const faultsOf = (path: string, text: string): number => layerFaults({ path, text }).length;
  expect(faultsOf("src/base/a.ts", 'import { b } from "../core/b.ts";')).toBe(1);
  expect(faultsOf("src/base/a.ts", 'import type { B } from "../core/b.ts";')).toBe(1);
  expect(faultsOf("src/base/a.ts", 'await import("../core/b.ts");')).toBe(1);
  expect(faultsOf("src/base/a.ts", 'import "../main.ts";')).toBe(1);
  expect(faultsOf("src/base/a.ts", 'import { b } from "../../test/b.ts";')).toBe(1);
  expect(faultsOf("src/new/a.ts", "")).toBe(1);
  expect(faultsOf("src/store/a.ts", 'import {\n  b,\n} from "../format/b.ts";')).toBe(0);
  expect(faultsOf("src/base/a.ts", 'import { b } from "./b.ts";')).toBe(0);
});

test("the table has no circles", () => {
  const reach = (room: string): string[] => LAYERS[room]!.flatMap((next) => [next, ...reach(next)]);
  for (const room of Object.keys(LAYERS)) expect(reach(room)).not.toContain(room);
});

test("pure rooms use nothing of the system", async () => {
  expect((await readFiles("src/**/*.ts")).flatMap(purityFaults)).toEqual([]);
});

test("an impure import is noticed", () => {
  const faultsOf = (path: string, text: string): number => purityFaults({ path, text }).length;
  expect(faultsOf("src/format/a.ts", 'import { join } from "node:path";')).toBe(1);
  expect(faultsOf("src/store/a.ts", 'import { dlopen } from "bun:ffi";')).toBe(1);
  expect(faultsOf("src/core/a.ts", "Bun.file(path)")).toBe(1);
  expect(faultsOf("src/system/a.ts", 'import { join } from "node:path";')).toBe(0);
});

test("banned words are nowhere", async () => {
  const groups = ["src/**/*.ts", "test/**/*.ts", "wasm/**/*.ts", "build.ts"].map(readFiles);
  expect((await Promise.all(groups)).flat().flatMap(banFaults)).toEqual([]);
});

test.each(BANS.map((ban) => [ban.reason, ban] as const))("a ban catches: %s", (_, ban) => {
  expect(banFaults({ path: "src/jobs/a.ts", text: ban.example })).toHaveLength(1);
});

test("files in src and wasm are short and open by saying what they are", async () => {
  const files = [...(await readFiles("src/**/*.ts")), ...(await readFiles("wasm/**/*.ts"))];
  expect(files.flatMap(lengthFaults)).toEqual([]);
  expect(files.flatMap(headFaults)).toEqual([]);
});

test("a long file and a file without a head are noticed", () => {
  const path = "src/base/a.ts";
  expect(lengthFaults({ path, text: "\n".repeat(FILE_LINES_MAX + 1) })).toHaveLength(1);
  expect(lengthFaults({ path, text: "\n".repeat(FILE_LINES_MAX) })).toHaveLength(0);
  expect(headFaults({ path, text: 'import "a";' })).toHaveLength(1);
});

test("each document has one title", async () => {
  const documents = [...(await readFiles("*.md")), ...(await readFiles("docs/**/*.md"))];
  expect(documents.length).toBeGreaterThan(0);
  expect(documents.flatMap(titleFaults)).toEqual([]);
});

test("a document with two titles or none is noticed", () => {
  expect(titleFaults({ path: "a.md", text: "# A\n# B\n" })).toHaveLength(1);
  expect(titleFaults({ path: "a.md", text: "text\n" })).toHaveLength(1);
  expect(titleFaults({ path: "a.md", text: "# A\n```sh\n# comment\n```\n" })).toHaveLength(0);
});

test("each package is imported by one file", async () => {
  const list = (await Bun.file(join(ROOT, "package.json")).json()) as {
    dependencies: Record<string, string>;
  };
  const files = await readFiles("src/**/*.ts");
  expect(wrapperFaults(files, Object.keys(list.dependencies))).toEqual([]);
});

test("a package with two users or none is noticed", () => {
  const user = { path: "src/base/a.ts", text: 'import { a } from "citty";' };
  const typeUser = { path: "src/base/b.ts", text: 'import type { A } from "citty";' };
  expect(wrapperFaults([user, typeUser], ["citty"])).toEqual([]);
  expect(wrapperFaults([user, user], ["citty"])).toHaveLength(1);
  expect(wrapperFaults([typeUser], ["citty"])).toHaveLength(1);
});
