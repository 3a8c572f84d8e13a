// Versitygw: an S3 server in Go that keeps its objects in a folder, with versions and locks.
//
// One program that is there in a blink, so each test file can have its own.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findVersitygw } from "./install.ts";
import { freePorts, startProgram, waitForAnswer, withRetries } from "./process.ts";
import { createBucket, makeUpKeys, type Server } from "./server.ts";

/** Starts a server with nothing on it. */
export async function startVersitygw(): Promise<Server> {
  const program = findVersitygw();
  if (program === undefined) throw new Error("versitygw is not installed");
  return withRetries(() => startOnce(program));
}

async function startOnce(program: string): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "bunker-versitygw-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["objects", "versions"]) mkdirSync(join(folder, name));
  const address = `127.0.0.1:${freePorts(1)[0]}`;
  const endpoint = `http://${address}`;
  const access = { endpoint, region: "test-1", ...makeUpKeys() };
  const env = { ROOT_ACCESS_KEY: access.keyId, ROOT_SECRET_KEY: access.secret };
  const settings = ["--port", address, "--region", access.region, "--keep-alive", "--quiet"];
  const storage = ["posix", "--versioning-dir", join(folder, "versions"), join(folder, "objects")];
  const log = join(folder, "log");
  const child = stack.use(startProgram([program, ...settings, ...storage], { log, env }));
  await waitForAnswer(endpoint, child);
  const started = stack.move();
  return {
    ...access,
    createBucket: (name, options) => createBucket(access, name, options),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
