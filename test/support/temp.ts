// Temporary folders for tests: each test has its own, and `using` takes it away again.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TempDir extends Disposable {
  /** Absolute; holds nothing yet. */
  readonly path: string;
}

/** Makes an empty folder that is removed, with all it holds, at the end of the block. */
export function tempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), "bunker-test-"));
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}
