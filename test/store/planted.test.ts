// Planted objects: what somebody with access to the storage alone can put there, and what it does not do.

import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { BunkerError } from "../../src/base/errors.ts";
import { hexId } from "../../src/base/ids.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { nativePlatform } from "../../src/system/platform.ts";
import { backUp, restoreTo } from "../support/jobs.ts";
import { Client, makeStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";

const JUNK = utf8("rubbish");
const JUNK_ID = hexOf(nativePlatform.sha256(JUNK));

test("the greatest number there is, in a planted name, stops no backup", async () => {
  using temp = tempDir();
  const from = join(temp.path, "from");
  fs.mkdirSync(from);
  const storage = memoryStorage();
  await makeStore(storage);
  const client = new Client();
  const signer = hexId((await client.open(storage)).keyring.signer.publicKey);
  storage.plant(`snapshots/${signer}/4294967295-${JUNK_ID}`, JUNK);
  storage.plant(`index/${signer}/4294967295-${JUNK_ID}`, JUNK);
  for (let round = 0; round < 2; round++) {
    fs.writeFileSync(join(from, `file-${round}`), `content ${round}`);
    const store = await client.open(storage);
    await backUp(client, store, [from]);
    expect(store.findings.count).toBeGreaterThan(0);
  }
  await restoreTo(await client.open(storage), join(temp.path, "to"));
  expect(fs.readFileSync(join(temp.path, "to/file-1"), "utf8")).toBe("content 1");
});

test("a place whose id can't be read is still read, and it is said", async () => {
  const storage = memoryStorage();
  await makeStore(storage);
  const store = await new Client().open(
    new Proxy(storage, {
      get: (target, key) =>
        key === "locationId"
          ? () => Promise.reject(new BunkerError("corrupt", "location holds rubbish"))
          : bound(target, key),
    }),
  );
  expect(store.findings.all.map(({ subject }) => subject)).toContain("location");
});

function bound(target: object, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key);
  return typeof value === "function" ? (value as () => unknown).bind(target) : value;
}
