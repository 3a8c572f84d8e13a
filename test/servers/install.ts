// Install: has Go's tool build versitygw, of a pinned version, from the module proxy.
//
// All that the building leaves is the program, below build/. This file runs before the packages of
// the project are there, and must need none of them.

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

import { runProgram } from "./process.ts";

const VERSION = "v1.8.0";
const MODULE = "github.com/versity/versitygw/cmd/versitygw";
const OUTSIDE = join(import.meta.dir, "../../build/outside");
const PROGRAM = join(OUTSIDE, "bin", `versitygw-${VERSION}`);

/** The program, or undefined where it was not installed. */
export function findVersitygw(): string | undefined {
  return existsSync(PROGRAM) ? PROGRAM : undefined;
}

/** Go's tool: on the path, or where Go's own archive puts it. */
export function findGo(): string | undefined {
  return Bun.which("go", { PATH: `${process.env["PATH"]}:/usr/local/go/bin` }) ?? undefined;
}

/** Builds the program: some two minutes on two cores; needs Go, and the network. */
export async function installVersitygw(): Promise<void> {
  const work = join(OUTSIDE, "go");
  const cleanUp = () => rmSync(work, { recursive: true, force: true });
  cleanUp(); // An earlier try may have been broken off.
  try {
    const env = {
      ...process.env,
      GOBIN: join(work, "bin"),
      GOPATH: join(work, "path"),
      GOMODCACHE: join(work, "modules"),
      GOCACHE: join(work, "cache"),
      GOFLAGS: "-modcacherw", // Or its files could not be deleted by others than root.
    };
    await runProgram([findGo() ?? "go", "install", "-ldflags=-s -w", `${MODULE}@${VERSION}`], {
      env,
    });
    mkdirSync(join(OUTSIDE, "bin"), { recursive: true });
    renameSync(join(work, "bin/versitygw"), PROGRAM);
  } finally {
    cleanUp();
  }
}
