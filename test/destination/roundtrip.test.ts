// From a folder source into a folder destination: the copy is the original, byte by byte.

import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/base/bytes.ts";
import type { Bytes } from "../../src/base/bytes.ts";
import type { Metadata } from "../../src/base/entry.ts";
import type { PlaceInTree } from "../../src/destination/destination.ts";
import type { FolderDestination } from "../../src/destination/folder.ts";
import { openFolderDestination } from "../../src/destination/open.ts";
import { openFolderSource } from "../../src/source/folder.ts";
import { openForReading, readInto } from "../../src/source/read.ts";
import type { EntryEvent } from "../../src/source/source.ts";
import { openFileSystem } from "../../src/system/open.ts";
import { listening } from "../source/walking.ts";
import { IS_ROOT, ODD_NAMES, deepTempDir } from "../system/trees.ts";
import type { Order } from "./lane.ts";

const files = openFileSystem();

/** Copies a tree as a restore would: content first, folders last and from the bottom up. */
function copy(from: string, to: string): void {
  const heard = listening();
  const into = openFolderDestination(to, { create: true });
  const first = new Map<number, PlaceInTree>();
  const way: Metadata[] = [];
  for (const event of openFolderSource([from], heard).walk()) {
    const path = way.slice(1).map(({ name }) => name);
    if (event.kind === "enter") {
      way.push(event.metadata);
      if (way.length > 1) into.makeFolder([...path, event.metadata.name]);
    } else if (event.kind === "leave") {
      into.finishFolder(path, way.pop()!);
    } else if (event.kind === "entry") {
      copyEntry(event, into, path, first);
    }
  }
  expect(heard.problems).toEqual([]);
  expect(into.limits).toEqual([]);
  into.close();
}

function copyEntry(
  event: EntryEvent,
  into: FolderDestination,
  folder: Bytes[],
  first: Map<number, PlaceInTree>,
): void {
  const { metadata } = event;
  const group = metadata.hardLink;
  const known = group === undefined ? undefined : first.get(group);
  if (known !== undefined) return into.makeHardLink(known, { folder, name: metadata.name });
  if (group !== undefined) first.set(group, { folder, name: metadata.name });
  if (metadata.type === "link") return into.makeLink(folder, metadata);
  if (metadata.type === "file") copyFile(event, into, folder);
  else into.makeNode(folder, metadata);
}

function copyFile(event: EntryEvent, into: FolderDestination, folder: Bytes[]): void {
  const { metadata, inode, deviceId } = event;
  const place = { folder: event.folder.descriptor, name: metadata.name };
  const opening = openForReading(files, place, { inode, deviceId, userId: metadata.userId });
  if (opening.kind !== "opened") throw new Error(opening.kind);
  const file = into.createFile(folder, metadata.name);
  const view = new Uint8Array(1000);
  let offset = 0;
  for (
    let read = readInto(opening.descriptor, view);
    read > 0;
    read = readInto(opening.descriptor, view)
  ) {
    into.writeAt(file, view.subarray(0, read), offset);
    offset += read;
  }
  files.close(opening.descriptor);
  into.finishFile(file, metadata);
}

/** What tar says of a tree is what people would compare: all names, all metadata, all content. */
function tarOf(path: string): string {
  const names = ["--sort=name", "--format=posix", "--pax-option=delete=atime,delete=ctime"];
  const made = Bun.spawnSync(["tar", "-C", path, ...names, "--numeric-owner", "-cf", "-", "."]);
  expect(made.exitCode).toBe(0);
  return new Bun.CryptoHasher("sha256").update(made.stdout).digest("hex");
}

/** All metadata of a tree; paths in it may be too long for tar to be quick. */
function allOf(path: string): Metadata[] {
  const all: Metadata[] = [];
  for (const event of openFolderSource([path]).walk()) {
    if (event.kind === "enter" || event.kind === "entry") all.push(event.metadata);
  }
  return all;
}

function makeTree(path: string): void {
  const at = (name: Bytes) => Buffer.concat([Buffer.from(`${path}/`), name]);
  for (const name of ODD_NAMES) {
    fs.writeFileSync(at(name), Buffer.from(name));
  }
  fs.mkdirSync(join(path, "empty"), { mode: 0o1733 });
  fs.mkdirSync(join(path, "sub/sub"), { recursive: true });
  fs.writeFileSync(join(path, "sub/large"), Buffer.alloc(1_234_567, "large "));
  fs.writeFileSync(join(path, "sub/none"), "");
  fs.linkSync(join(path, "sub/large"), join(path, "sub/sub/large"));
  fs.symlinkSync("sub/large", join(path, "link"));
  fs.linkSync(join(path, "link"), join(path, "link-too"));
  Bun.spawnSync(["mkfifo", "-m", "602", join(path, "pipe")]);
  Bun.spawnSync(["touch", "-h", "-d", "1965-03-04 05:06:07.000000008", join(path, "link")]);
  Bun.spawnSync(["touch", "-d", "2100-03-04 05:06:07.999999999", join(path, "sub/none")]);
  fs.chmodSync(join(path, "sub/sub"), 0o555);
  Bun.spawnSync([
    "touch",
    "-d",
    "2001-02-03 04:05:06.7",
    join(path, "sub/sub"),
    join(path, "sub"),
    path,
  ]);
  if (!IS_ROOT) return;
  fs.chownSync(join(path, "sub/none"), 1001, 2002);
  fs.chmodSync(join(path, "sub/none"), 0o6111);
  Bun.spawnSync(["mknod", "-m", "640", join(path, "device"), "b", "7", "1000"]);
  fs.lchownSync(join(path, "link"), 1001, 2002);
}

test.skipIf(files.limits.length > 0)("a tree of all kinds of things comes back the same", () => {
  using temp = deepTempDir();
  const from = join(temp.path, "from");
  fs.mkdirSync(from);
  makeTree(from);
  const to = join(temp.path, "to");
  copy(from, to);
  expect(tarOf(to)).toBe(tarOf(from));
  fs.appendFileSync(join(to, "sub/large"), "!");
  expect(tarOf(to)).not.toBe(tarOf(from));
});

test.skipIf(files.limits.length > 0)(
  "1,500 folders in each other come back",
  () => {
    using temp = deepTempDir();
    let at = files.openFolder(undefined, utf8(temp.path));
    for (let i = 0; i < 1500; i++) {
      const name = utf8(i === 0 ? "from" : "d".repeat(200));
      files.makeFolder(at, name, 0o700);
      const next = files.openFolder(at, name);
      files.close(at);
      at = next;
    }
    files.close(files.createFile(at, utf8("bottom"), 0o640));
    files.close(at);
    const from = join(temp.path, "from");
    const to = join(temp.path, "to");
    copy(from, to);
    const original = allOf(from);
    expect(original.length).toBe(1501);
    expect(allOf(to)).toEqual(original);
  },
  60_000,
);

test("helping threads write into the same destination", async () => {
  using temp = deepTempDir();
  const into = openFolderDestination(temp.path);
  const folder = [utf8("a"), utf8("b")];
  into.makeFolder(folder.slice(0, 1));
  into.makeFolder(folder);
  const owner = { userId: process.geteuid!(), groupId: process.getegid!() };
  const modified = { seconds: 1_000_000_000, nanoseconds: 0 };
  await Promise.all(
    ["one", "two"].map(async (name) => {
      const metadata: Metadata = {
        name: utf8(name),
        type: "file",
        mode: 0o640,
        size: 3,
        modified,
        ...owner,
      };
      const order: Order = { share: into.share(), folder, metadata, text: name };
      const lane = new Worker(new URL("./lane.ts", import.meta.url));
      const answer = new Promise((resolve, reject) => {
        lane.onmessage = ({ data }) => resolve(data);
        lane.onerror = ({ message }) => reject(new Error(message));
      });
      lane.postMessage(order);
      expect(await answer).toBe("done");
      lane.terminate();
    }),
  );
  into.close();
  for (const name of ["one", "two"]) {
    const at = join(temp.path, "a/b", name);
    expect(fs.readFileSync(at, "utf8")).toBe(name);
    expect(fs.statSync(at).mtimeMs).toBe(1_000_000_000_000);
  }
});
