// Folder storage: a store in a folder of a local or mounted filesystem.
//
//   <root>/<name>     an object, 0400, complete from the moment its name is there
//   <root>/location   32 hexadecimal digits and a line feed: the id of this place
//   <root>/tmp/       what is being written
//   <root>/aside/     what had an object's name but not its bytes

import { randomBytes } from "node:crypto";
import { mkdir, stat, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { type Bytes, hexOf, parseHex, textOf, utf8 } from "../base/bytes.ts";
import { BunkerError, systemCodeOf } from "../base/errors.ts";
import { MANIFEST_BYTES_MAX, PACK_BYTES_MAX, SEGMENT_BYTES_MAX } from "../base/limits.ts";
import {
  checkRootThere,
  openRegular,
  readAt,
  step,
  syncFolder,
  unlessAbsent,
  writingStep,
} from "./files.ts";
import { removeLeftovers } from "./leftovers.ts";
import { checkObjectName, checkPrefix, folderOfName } from "./names.ts";
import { Publisher } from "./publish.ts";
import { checkSignal, noLocks, rangeWithin } from "./refuse.ts";
import type {
  Abilities,
  GetOptions,
  Lock,
  PutOptions,
  Storage,
  StoredObject,
  StoredVersion,
} from "./storage.ts";
import { areFoldersThere, walkObjects } from "./walk.ts";

const LOCATION_FILE = "location";
const LOCATION_ID_BYTES = 16;
const LOCATION_TEXT = /^[0-9a-f]{32}\n$/;
/** A planted file must not take all memory. */
const READ_BYTES_MAX = Math.max(PACK_BYTES_MAX, SEGMENT_BYTES_MAX, MANIFEST_BYTES_MAX);

export interface FolderOptions {
  /** Makes the folder, and those above it, where there is none. */
  readonly create?: boolean;
  /** `false` does without hard links from the start; else their absence is noticed. */
  readonly hardLinks?: boolean;
}

/**
 * Opens the folder at `path`, relative to the working folder of this moment, as a storage.
 *
 * Where there is none, or something else, it throws `no-store`, or if `create` is set makes one, or
 * throws `invalid-argument`. Removes what dead runs left, if the folder can be written to.
 */
export async function openFolderStorage(
  path: string,
  options: FolderOptions = {},
): Promise<Storage> {
  const root = resolve(path);
  await step("opening", root, () => checkRoot(root, options.create === true));
  const storage = new FolderStorage(root, options.hardLinks !== false);
  try {
    await removeLeftovers(`${root}/tmp`, () => storage.serverTime());
  } catch (error) {
    // Sweeping is a courtesy: a folder that can only be read is read all the same.
    if (systemCodeOf(error) === undefined && !(error instanceof BunkerError)) throw error;
  }
  return storage;
}

async function checkRoot(root: string, create: boolean): Promise<void> {
  const stats = await unlessAbsent(stat(root));
  if (stats?.isDirectory() === true) return;
  if (stats !== undefined) {
    const code = create ? "invalid-argument" : "no-store";
    throw new BunkerError(code, `${root} is not a folder`, { subject: root });
  }
  if (!create) throw new BunkerError("no-store", `there is no folder ${root}`, { subject: root });
  // The topmost folder that was missing: its name, and all below, must outlive a crash.
  const made = await mkdir(root, { recursive: true, mode: 0o700 });
  for (let folder = root; made !== undefined && folder.length >= made.length;) {
    folder = dirname(folder);
    await syncFolder(folder);
  }
}

class FolderStorage implements Storage {
  readonly location: string;
  readonly abilities: Abilities = {
    versions: false,
    locks: false,
    deletes: true,
    wantsMd5: false,
    dear: false,
    listingReuseMs: 0,
    putCount: 1,
    getCount: 4,
  };
  readonly #root: string;
  readonly #publisher: Publisher;

  constructor(root: string, hardLinks: boolean) {
    this.location = root;
    // "/" itself would make paths that begin with two slashes.
    this.#root = root === "/" ? "" : root;
    this.#publisher = new Publisher(this.#root, hardLinks);
  }

  async put(name: string, bytes: Bytes, options: PutOptions = {}): Promise<void> {
    checkObjectName(name);
    if (options.lock !== undefined) throw noLocks("a folder");
    await this.#publisher.putObject(name, bytes, options.signal);
  }

  async get(name: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    checkObjectName(name);
    checkSignal(options.signal, `reading ${name}`);
    if (isOtherVersion(options.versionId)) return undefined;
    const isThere = await areFoldersThere(this.#root, folderOfName(name));
    return isThere ? this.#read(name, options) : this.#absent();
  }

  async *list(
    prefix: string,
    options: { readonly after?: string } = {},
  ): AsyncGenerator<StoredObject, void, undefined> {
    checkPrefix(prefix);
    yield* walkObjects({ root: this.#root, prefix, after: options.after ?? "" });
  }

  async *listVersions(
    prefix: string,
    options: { readonly after?: string } = {},
  ): AsyncGenerator<StoredVersion, void, undefined> {
    for await (const object of this.list(prefix, options)) {
      yield { ...object, versionId: "", latest: true, hidden: false };
    }
  }

  async delete(name: string, versionId?: string): Promise<void> {
    checkObjectName(name);
    if (isOtherVersion(versionId)) return;
    const folder = folderOfName(name);
    if (!(await areFoldersThere(this.#root, folder))) return;
    const path = `${this.#root}/${name}`;
    await step("deleting", path, async () => {
      await unlessAbsent(unlink(path));
      await syncFolder(`${this.#root}/${folder}`);
    });
  }

  async lockOf(name: string): Promise<Lock | undefined> {
    checkObjectName(name);
    return undefined;
  }

  async setLock(): Promise<void> {
    throw noLocks("a folder");
  }

  /** The time stamp of a file written now: of the machine that has the disk, not of this one. */
  async serverTime(): Promise<number> {
    return writingStep(`${this.#root}/tmp`, this.#root, () =>
      this.#publisher.withTemporary(utf8("\n"), async (path) =>
        Math.floor((await stat(path)).mtimeMs),
      ),
    );
  }

  async locationId(create: boolean): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const there = await this.#readLocationId();
    if (there !== undefined || !create) return there;
    const id = new Uint8Array(randomBytes(LOCATION_ID_BYTES));
    const isOurs = await this.#publisher.createFile(LOCATION_FILE, utf8(`${hexOf(id)}\n`));
    return isOurs ? id : this.#readLocationId();
  }

  async close(): Promise<void> {}

  /** The answer for what is not there, once it is sure that the disk is. */
  async #absent(): Promise<undefined> {
    await step("reading", this.location, () => checkRootThere(this.#root));
  }

  async #readLocationId(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.#read(LOCATION_FILE, { range: { offset: 0, length: 64 } });
    if (bytes === undefined) return undefined;
    const text = textOf(bytes);
    if (LOCATION_TEXT.test(text)) return parseHex(text.trimEnd());
    const path = `${this.#root}/${LOCATION_FILE}`;
    throw new BunkerError("corrupt", `${path} holds no id of 32 hexadecimal digits`, {
      subject: path,
    });
  }

  async #read(name: string, options: GetOptions): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = `${this.#root}/${name}`;
    return step("reading", path, async () => {
      await using handle = await openRegular(path);
      if (handle === undefined) return this.#absent();
      const { offset, length } = rangeWithin((await handle.stat()).size, options);
      if (length <= READ_BYTES_MAX) return readAt(handle, offset, length);
      throw new BunkerError("corrupt", `${path} has more bytes than any object: ${length}`, {
        subject: path,
      });
    });
  }
}

// The one version that `listVersions` tells has the empty id.
function isOtherVersion(versionId: string | undefined): boolean {
  return versionId !== undefined && versionId !== "";
}
