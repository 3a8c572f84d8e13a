// Trial: all rows made in one tree, backed up and restored by the compiled program, as root or as a
// plain user, and looked at by plain tools.
//
// There are two backups, a restore after each: the second takes what is unchanged from what the
// program remembers of the first, which must be worth the same.

import { existsSync, mkdirSync } from "node:fs";

import { BINARY, type Outcome, type Place, placeWithStore } from "../support/bunker.ts";
import { differences, lookScript } from "./look.ts";
import { type Loss, type Row, ROWS } from "./rows.ts";

export type Who = "root" | "user";

/** A user without a name or rights of its own. */
const USER_ID = 65534;
const IS_ROOT = process.getuid?.() === 0;
const AS_USER = ["setpriv", `--reuid=${USER_ID}`, `--regid=${USER_ID}`, "--clear-groups", "--"];

export interface Finding {
  readonly row: Row;
  /** Why the row was not tried. */
  readonly skipped?: string;
  /** What is not as it was, and was not said; empty where all is well. */
  readonly faults: readonly string[];
}

/** Why nothing can be tried as this one, or undefined. */
export function hindrance(who: Who): string | undefined {
  if (process.platform !== "linux") return "the rows are made by tools of Linux";
  if (who === "root" && !IS_ROOT) return "only root can try what root can keep";
  if (who === "user" && IS_ROOT && Bun.which("setpriv") === null) return "setpriv is missing";
  return undefined;
}

/** What a row lacks here, or undefined. */
export function lackOf(row: Row, who: Who): string | undefined {
  const missing = (row.tools ?? []).filter((tool) => findTool(tool) === null);
  if (missing.length > 0) return `${missing.join(", ")} missing`;
  if (row.plant !== undefined && !IS_ROOT) return "only root can make it";
  if (row.isShut === true && !IS_ROOT) return "only root can look at it";
  return who === "root" && !IS_ROOT ? "only root can try it" : undefined;
}

/** The tools of an administrator are not on every user's path. */
const PATH = `${process.env["PATH"]}:/usr/sbin:/sbin`;

function findTool(name: string): string | null {
  return Bun.which(name, { PATH });
}

/** Said by a restore of what a plain user could not read. */
const COUNT_OF_UNREAD = /^bunker: \d+ things could not be read when this snapshot was made$/;

export class Trial implements Disposable {
  readonly place: Place;
  who: Who;
  /** Those that can be tried here. */
  readonly rows: readonly Row[];
  /** The listings before anything was run. */
  readonly made: readonly { readonly row: Row; readonly before: string }[];
  /** In order: backup, restore, backup, restore. */
  readonly runs: Outcome[] = [];
  readonly #wanted: readonly Row[];
  #program = BINARY;

  constructor(who: Who, rows: readonly Row[] = ROWS) {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not built: run bun build.ts`);
    this.who = "root";
    this.#wanted = rows;
    this.rows = rows.filter((row) => lackOf(row, who) === undefined);
    this.place = placeWithStore();
    if (who === "user") this.giveAway();
    this.#make();
    this.made = this.rows.map((row) => ({ row, before: this.look(row, "tree") }));
  }

  /** Backs the tree up and restores it into `copy-1`; then both again, into `copy-2`. */
  run(): void {
    for (const round of [1, 2]) {
      for (const words of [
        ["backup", "tree"],
        ["restore", "latest", "--to", `copy-${round}`],
      ]) {
        const outcome = this.bunker(words);
        // Without all of it nothing can be compared.
        const { status, stderr } = outcome;
        if (status !== 0 && status !== 3) throw new Error(`${words[0]}: ${status}: ${stderr}`);
        this.runs.push(outcome);
      }
    }
  }

  bunker(words: readonly string[]): Outcome {
    return this.place.execute([...this.#prefix(), this.#program, ...words]);
  }

  /** A script in a folder below the working folder, as root where we are; it must succeed. */
  script(folder: string, text: string, prefix: readonly string[] = []): string {
    const command = [...prefix, "bash", "-c", `set -eu; cd -- "$1"; ${text}`, "bash", folder];
    const { stdout, stderr, status } = this.place.execute(command, { PATH });
    if (status !== 0) throw new Error(`${folder}: status ${status}: ${stderr}`);
    return stdout;
  }

  look(row: Row, folder: string): string {
    const looks = row.onlyLooks ?? ["stat", "content", ...(row.looks ?? [])];
    return this.script(`${folder}/${row.name}`, lookScript(looks));
  }

  /** The top folder of the tree, or of a copy. */
  lookAtTop(folder: string): string {
    const attributes = findTool("getfattr") === null ? "" : "getfattr -d -m - -e hex .";
    return this.script(folder, `stat -c 'mode=%a uid=%u gid=%g time=%y' .; ${attributes}`);
  }

  /** What of a row is not as it was in a copy, but for the losses that are allowed. */
  compare(row: Row, copy: string, losses: readonly Loss[] = []): string[] {
    const withoutLost = (text: string) =>
      losses.reduce((rest, { lost }) => rest.replaceAll(lost, ""), text);
    try {
      return differences(
        withoutLost(this.look(row, "tree")),
        withoutLost(this.look(row, copy)),
      ).map((line) => `${copy}: ${line}`);
    } catch (error) {
      return [(error as Error).message];
    }
  }

  findings(): Finding[] {
    return this.#wanted.map((row) => {
      const skipped = lackOf(row, this.who);
      if (skipped !== undefined) return { row, skipped, faults: [] };
      return { row, faults: this.faultsOf(row) };
    });
  }

  /** What of a row is not as it was, and was not said as it should be; empty where all is well. */
  faultsOf(row: Row): string[] {
    const losses = this.who === "user" ? (row.user ?? []) : [];
    const differing = ["copy-1", "copy-2"].flatMap((copy) => this.compare(row, copy, losses));
    return [...differing, ...losses.flatMap((loss) => this.#unsaid(loss))];
  }

  #unsaid({ by, line }: Loss): string[] {
    if (line === undefined) return [];
    const runs = this.runs.filter((_, index) => (index % 2 === 0) === (by === "backup"));
    return runs.flatMap(({ stderr, status }) => {
      const count = stderr.split("\n").filter((text) => line.test(text)).length;
      const said = count === 1 ? [] : [`the ${by} has ${count} lines like ${line}: ${stderr}`];
      return status === 3 ? said : [...said, `the ${by} ended with ${status}`];
    });
  }

  /** Lines that no row of this trial expects. */
  strayLines(): string[] {
    const losses = this.who === "user" ? this.rows.flatMap((row) => row.user ?? []) : [];
    const isExpected = (text: string) =>
      losses.some(({ line }) => line?.test(text) ?? false) ||
      (losses.length > 0 && COUNT_OF_UNREAD.test(text));
    const lines = this.runs.flatMap(({ stderr }) => stderr.split("\n"));
    return lines.filter((text) => text !== "" && !isExpected(text));
  }

  /** From here on all is done as a plain user, who gets the store and the working folder. */
  giveAway(): void {
    this.who = "user";
    if (!IS_ROOT) return;
    const { place } = this;
    const owner = `${USER_ID}:${USER_ID}`;
    this.script("..", `chown ${owner} . work phrase; chown -R ${owner} home store`);
    // It may be built where only root may look.
    if (place.execute([...AS_USER, "test", "-x", BINARY]).status === 0) return;
    this.script("..", `cp ${BINARY} bunker`);
    this.#program = place.at("bunker");
  }

  #prefix(): readonly string[] {
    return this.who === "user" && IS_ROOT ? AS_USER : [];
  }

  #make(): void {
    this.script(".", "mkdir -p tree", this.#prefix());
    for (const row of this.rows) {
      // Umask and the rest as everybody has them, whoever runs the tests.
      const setting = "umask 022; export LC_ALL=C.UTF-8 TZ=UTC";
      this.script("tree", `mkdir ${row.name}`, this.#prefix());
      this.script(`tree/${row.name}`, `${setting}; ${row.make}`, this.#prefix());
      if (row.plant !== undefined) this.script(`tree/${row.name}`, `${setting}; ${row.plant}`);
    }
    if (findTool("setfattr") !== null) {
      this.script("tree", "setfattr -n user.top -v top .", this.#prefix());
    }
    const top = "chmod 2751 .; touch -d '2018-01-08 10:18:18.181818181' .";
    this.script("tree", top, this.#prefix());
  }

  // By tools: paths may be too long for others, and folders may be shut.
  [Symbol.dispose](): void {
    const work = this.place.at("work");
    if (!IS_ROOT) this.place.execute(["chmod", "-R", "u+rwX", work]);
    this.place.execute(["rm", "-rf", work]);
    mkdirSync(work, { recursive: true });
    this.place[Symbol.dispose]();
  }
}
