// The emulator by itself: what it prints is enough for a store in a bucket that locks.

import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

import { runHere } from "../support/program.ts";
import { tempDir } from "../support/temp.ts";

setDefaultTimeout(60_000); // Argon2id takes long on purpose.

const LINE_COUNT = 5;

async function printedBy(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of stdout) {
    text += decoder.decode(part, { stream: true });
    if (text.split("\n").length > LINE_COUNT) break;
  }
  return text;
}

test("a store is made by what the server prints", async () => {
  using temp = tempDir();
  const words = [process.execPath, join(import.meta.dir, "server.ts"), "--retention", "30"];
  const server = Bun.spawn(words, { stdout: "pipe", stderr: "inherit" });
  try {
    const printed = await printedBy(server.stdout);
    const pairs = [...printed.matchAll(/\b([A-Z][A-Z0-9_]*)=(\S+)/g)].map(([, name, value]) => [
      name!,
      value!,
    ]);
    const { status, stdout, stderr } = await runHere(["init"], {
      ...Object.fromEntries(pairs),
      HOME: temp.path,
      BUNKER_PASSPHRASE: "a passphrase of the tests",
    });
    expect(stderr).toContain("locked for 30 days in COMPLIANCE mode");
    expect(stdout).toEndWith(" at b2://bunker-test\n");
    expect(status).toBe(0);
  } finally {
    server.kill();
    await server.exited;
  }
});
