// Names of test objects. Apart from the suite, which only runs under the test runner.

import { createHash } from "node:crypto";

import type { Bytes } from "../../src/base/bytes.ts";

/** A folder's name, then the hash of the bytes, as the format's names are made. */
export function nameFor(bytes: Bytes, folder = "packs/00/"): string {
  return folder + createHash("sha256").update(bytes).digest("hex");
}
