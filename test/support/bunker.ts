// Bunker: runs the real program for the tests of the command line, each test in a place of its own.
//
// A place is a folder with a home, a store and a working folder, and an environment that names
// nothing outside it. Making a store takes long on purpose (Argon2id), so that one is made for
// the whole process and copied; it is opened by its recovery phrase, which takes no time.

import { setDefaultTimeout } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { tempDir, type TempDir } from "./temp.ts";

const ROOT = join(import.meta.dir, "../..");
export const BINARY = join(ROOT, "dist/bunker");
/** The compiled program, or its source where it is not built. */
const PROGRAM = existsSync(BINARY) ? [BINARY] : [process.execPath, join(ROOT, "src/main.ts")];
const RUN_MS_MAX = 60_000;
// A test is several runs, on machines that may be busy.
setDefaultTimeout(2 * RUN_MS_MAX);

export const PASSPHRASE = "a passphrase of the tests";

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** 128 and the number where a signal ended it. */
  readonly status: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export class Place implements Disposable {
  readonly #folder: TempDir;
  readonly environment: Environment;

  constructor(folder: TempDir) {
    this.#folder = folder;
    mkdirSync(this.at("work"));
    mkdirSync(this.at("home"));
    this.environment = {
      PATH: process.env["PATH"],
      HOME: this.at("home"),
      TZ: "UTC",
      TMPDIR: folder.path,
      BUNKER_STORE: this.at("store"),
      BUNKER_PHRASE_FILE: this.at("phrase"),
      BUNKER_LABEL: "here",
    };
  }

  /** A path in this place. The working folder is `work`. */
  at(...names: string[]): string {
    return join(this.#folder.path, ...names);
  }

  /** Writes a file below the working folder, and the folders above it. Returns its path. */
  write(name: string, content: string | Uint8Array = name): string {
    const path = this.at("work", name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  read(...names: string[]): string {
    return readFileSync(this.at(...names), "utf8");
  }

  /** Runs the program in the working folder; what is `undefined` in `changes` is unset. */
  run(words: readonly string[], changes: Environment = {}): Outcome {
    return this.execute([...PROGRAM, ...words], changes);
  }

  /** The results of a run that must succeed. */
  lines(words: readonly string[], changes: Environment = {}): string[] {
    const { stdout, stderr, status } = this.run(words, changes);
    if (status !== 0) throw new Error(`bunker ${words.join(" ")}: status ${status}\n${stderr}`);
    return stdout.split("\n").slice(0, -1);
  }

  json<Value = Record<string, unknown>>(words: readonly string[], changes?: Environment): Value[] {
    return this.lines([...words, "--json"], changes).map((line) => JSON.parse(line) as Value);
  }

  /** Runs a script of bash; `$BUNKER` is the program, to be used without quotes. */
  shell(script: string, changes: Environment = {}): Outcome {
    return this.execute(["bash", "-c", script], { BUNKER: PROGRAM.join(" "), ...changes });
  }

  /** Starts the program and goes on. */
  start(words: readonly string[], changes: Environment = {}) {
    return Bun.spawn([...PROGRAM, ...words], { ...this.#options(changes), stderr: "pipe" });
  }

  execute(command: readonly string[], changes: Environment = {}): Outcome {
    const { stdout, stderr, exitCode, signalCode } = Bun.spawnSync([...command], {
      ...this.#options(changes),
      timeout: RUN_MS_MAX,
    });
    return {
      stdout: stdout.toString(),
      stderr: stderr.toString() + (signalCode === undefined ? "" : `ended by ${signalCode}\n`),
      status: exitCode,
    };
  }

  // In a session of its own there is no terminal to ask on, wherever the tests themselves run.
  #options(changes: Environment) {
    const env = { ...this.environment, ...changes };
    return { cwd: this.at("work"), env, stdin: "ignore", detached: true } as const;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** A place without a store. */
export function emptyPlace(): Place {
  return new Place(tempDir());
}

/** What the environment gives in place of the recovery phrase. */
export const BY_PASSPHRASE: Environment = {
  BUNKER_PHRASE_FILE: undefined,
  BUNKER_PASSPHRASE: PASSPHRASE,
};

/** A place with a store that was just made. */
export function placeWithStore(): Place {
  const place = emptyPlace();
  files ??= filesOfNewStore();
  for (const [name, bytes] of files) {
    mkdirSync(join(place.at(name), ".."), { recursive: true });
    writeFileSync(place.at(name), bytes, { mode: 0o600 });
  }
  return place;
}

/** A new store and its phrase: few and small, so that they are kept in memory. */
let files: ReadonlyMap<string, Buffer> | undefined;

function filesOfNewStore(): ReadonlyMap<string, Buffer> {
  using place = emptyPlace();
  place.lines(["init", "--phrase-file", place.at("phrase")], BY_PASSPHRASE);
  const names = readdirSync(place.at("store"), { recursive: true, encoding: "utf8" })
    .map((name) => join("store", name))
    .filter((name) => statSync(place.at(name)).isFile());
  return new Map([...names, "phrase"].map((name) => [name, readFileSync(place.at(name))]));
}
