// Publish: brings a file into a folder storage whole, durably and without writing over another's.
//
// The bytes go to a temporary file and to the disk; then an exclusive link gives them their name;
// then the folder goes to the disk. What already has the name stays if its bytes match. If they
// don't, it is linked into aside/ first and only then replaced, so that there is no moment without
// a file of that name. Where there are no hard links (FAT, some network shares), a rename does:
// all that it could write over are the same bytes, put there by another run a moment before.

import { link, mkdir, rename, unlink } from "node:fs/promises";

import type { Bytes } from "../base/bytes.ts";
import { BunkerError, systemCodeOf } from "../base/errors.ts";
import { Budget } from "../base/queue.ts";
import {
  isFolderThere,
  isWithoutLinks,
  matchesHash,
  openRegular,
  rootIsGone,
  syncFolder,
  throughFolder,
  unlessAbsent,
  writeNew,
  writingStep,
} from "./files.ts";
import { temporaryName } from "./leftovers.ts";
import { folderOfName, hashInName } from "./names.ts";
import { checkSignal } from "./refuse.ts";

const OBJECT_MODE = 0o400;
const FOLDER_MODE = 0o700;
const PUTS_MAX = 16;
const TRIES_MAX = 5;
// 256 folders of packs, and one or two for each writer.
const FOLDERS_REMEMBERED_MAX = 4096;

export class Publisher {
  readonly #root: string;
  readonly #places = new Budget(PUTS_MAX);
  /** Folders that are there and durable, or on the way to it. */
  readonly #folders = new Map<string, Promise<void>>();
  #hasLinks: boolean;

  constructor(root: string, hasLinks: boolean) {
    this.#root = root;
    this.#hasLinks = hasLinks;
  }

  /** Stores an object under its name; see `Storage.put`. */
  async putObject(name: string, bytes: Bytes, signal: AbortSignal | undefined): Promise<void> {
    const hash = hashInName(name);
    await this.#places.take(1);
    try {
      await writingStep(`${this.#root}/${name}`, this.#root, () =>
        this.#retryGone(() => this.#put(name, hash, bytes, signal)),
      );
    } finally {
      this.#places.give(1);
    }
  }

  /** Creates a small file at the root; returns whether it was this call that did. */
  async createFile(name: string, bytes: Bytes): Promise<boolean> {
    return writingStep(`${this.#root}/${name}`, this.#root, () =>
      this.#retryGone(() =>
        this.#withTemporary(bytes, (path) => this.#createOnce(path, name, bytes)),
      ),
    );
  }

  /** Writes a temporary file, hands its path to `run` and takes away what is left of it. */
  async withTemporary<T>(bytes: Bytes, run: (path: string) => Promise<T>): Promise<T> {
    return this.#retryGone(() => this.#withTemporary(bytes, run));
  }

  async #put(name: string, hash: Bytes, bytes: Bytes, signal?: AbortSignal): Promise<void> {
    checkSignal(signal, `writing ${name}`);
    const folder = folderOfName(name);
    await this.#makeFolder(folder);
    if ((await this.#find(name, hash)) !== "good") {
      await this.#withTemporary(bytes, (path) => this.#publish(path, name, hash, signal));
    }
    await syncFolder(`${this.#root}/${folder}`);
  }

  async #publish(
    temporary: string,
    name: string,
    hash: Bytes,
    signal?: AbortSignal,
  ): Promise<void> {
    const path = `${this.#root}/${name}`;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      checkSignal(signal, `writing ${name}`);
      const found = await this.#find(name, hash);
      if (found === "good") return;
      if (found === "bad") {
        await this.#setAside(name);
        await rename(temporary, path);
        return;
      }
      if (await this.#linkOrRename(temporary, path)) return;
    }
    throw new BunkerError("unavailable", `${path} comes and goes while it is written`, {
      subject: path,
    });
  }

  /** Gives the file its name; returns `false` where another has it. */
  async #linkOrRename(temporary: string, path: string): Promise<boolean> {
    if (this.#hasLinks) {
      try {
        await link(temporary, path);
        return true;
      } catch (error) {
        if (systemCodeOf(error) === "EEXIST") return false;
        if (!isWithoutLinks(error)) throw error;
        this.#hasLinks = false;
      }
    }
    await rename(temporary, path);
    return true;
  }

  async #find(name: string, hash: Bytes): Promise<"absent" | "good" | "bad"> {
    const path = `${this.#root}/${name}`;
    try {
      await using handle = await openRegular(path);
      if (handle === undefined) return "absent";
      return (await matchesHash(handle, hash)) ? "good" : "bad";
    } catch (error) {
      if (!(error instanceof BunkerError && error.code === "corrupt")) throw error;
      // A folder can be neither linked nor replaced, and may hold what a person wants to see.
      if (await isFolderThere(path).catch(() => false)) throw error;
      return "bad";
    }
  }

  async #setAside(name: string): Promise<void> {
    await this.#makeFolder("aside");
    const path = `${this.#root}/${name}`;
    const aside = `${this.#root}/aside/${name.replaceAll("/", "_").slice(-200)}-${temporaryName()}`;
    try {
      if (this.#hasLinks) await link(path, aside);
      else await rename(path, aside);
    } catch (error) {
      // The system forbids links to the files of some others.
      if (!isWithoutLinks(error)) throw error;
      await rename(path, aside);
    }
    await syncFolder(`${this.#root}/aside`);
  }

  async #createOnce(temporary: string, name: string, bytes: Bytes): Promise<boolean> {
    const path = `${this.#root}/${name}`;
    try {
      if (this.#hasLinks) await link(temporary, path);
      else await writeNew(path, bytes, OBJECT_MODE);
    } catch (error) {
      if (systemCodeOf(error) === "EEXIST") return false;
      if (!this.#hasLinks || !isWithoutLinks(error)) throw error;
      this.#hasLinks = false;
      // A rename would write over the other's; a crash right here leaves a file that is too short.
      return this.#createOnce(temporary, name, bytes);
    }
    await syncFolder(this.#root);
    return true;
  }

  async #withTemporary<T>(bytes: Bytes, run: (path: string) => Promise<T>): Promise<T> {
    await this.#makeFolder("tmp");
    return throughFolder(`${this.#root}/tmp`, async (folder) => {
      const path = `${folder}/${temporaryName()}`;
      await writeNew(path, bytes, OBJECT_MODE);
      try {
        return await run(path);
      } finally {
        await unlessAbsent(unlink(path));
      }
    });
  }

  #makeFolder(folder: string): Promise<void> {
    const known = this.#folders.get(folder);
    if (known !== undefined || folder === "") return known ?? Promise.resolve();
    if (this.#folders.size >= FOLDERS_REMEMBERED_MAX) this.#folders.clear();
    const made = this.#makeFolderNow(folder);
    this.#folders.set(folder, made);
    made.catch(() => this.#folders.delete(folder));
    return made;
  }

  async #makeFolderNow(folder: string): Promise<void> {
    const parent = folderOfName(folder);
    await this.#makeFolder(parent);
    const path = `${this.#root}/${folder}`;
    try {
      await mkdir(path, FOLDER_MODE);
    } catch (error) {
      if (systemCodeOf(error) !== "EEXIST") throw error;
      await isFolderThere(path);
    }
    // Also where it was there: the run that made it may have died before this.
    await syncFolder(`${this.#root}/${parent}`);
  }

  /** Makes the folders again where somebody removed them under a run. */
  async #retryGone<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (systemCodeOf(error) !== "ENOENT") throw error;
    }
    this.#folders.clear();
    try {
      return await run();
    } catch (error) {
      if (systemCodeOf(error) !== "ENOENT") throw error;
      throw rootIsGone(this.#root, error);
    }
  }
}
