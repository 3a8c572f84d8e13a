// Loading the portable zstd, in a process of its own, since it is loaded once in each.

import { expect, test } from "bun:test";
import { join } from "node:path";

const script = `
  import { loadZstd } from ${JSON.stringify(join(import.meta.dir, "../../src/crypto/zstd.ts"))};
  const path = ${JSON.stringify(
    join(import.meta.dir, "../../node_modules/@bokuweb/zstd-wasm/dist/esm/zstd.wasm"),
  )};
  const refused = await loadZstd(Uint8Array.of(0, 1)).catch((error) => error.name);
  const wasm = await Bun.file(path).bytes();
  const [first, second] = await Promise.all([loadZstd(wasm), loadZstd(wasm)]);
  const plain = new Uint8Array(5000).fill(7);
  const back = second.decompress(first.compress(plain, 3), 5000);
  process.stdout.write([refused, Buffer.compare(plain, back)].join(" "));
`;

test("what is no module is refused, and the module loads after that, twice at once", async () => {
  const child = Bun.spawn([process.execPath, "-e", script], { stderr: "pipe", timeout: 20_000 });
  expect(await new Response(child.stdout).text()).toBe("CompileError 0");
  expect(await child.exited).toBe(0);
});
