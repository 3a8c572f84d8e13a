// Run as a process of its own by the folder's tests: puts objects into one folder storage.
//
//   bun putter.ts ROOT FIRST COUNT BYTES
//
// Object number i is the same in every process; each is told on stdout once it is durable.

import { openFolderStorage } from "../../src/storage/folder.ts";
import { seededRandom } from "../support/random.ts";
import { nameFor } from "./naming.ts";

const [root, first, count, byteCount] = process.argv.slice(2);
const storage = await openFolderStorage(root!);
const end = Number(first) + Number(count);
let next = Number(first);

async function putSome(): Promise<void> {
  while (next < end) {
    const bytes = seededRandom(next++).bytes(Number(byteCount));
    await storage.put(nameFor(bytes), bytes);
    process.stdout.write(`${nameFor(bytes)}\n`);
  }
}

await Promise.all([1, 2, 3, 4].map(putSome));
