// Context: what a store is opened with, all of it handed in.

import type { LocalFolder } from "../base/local.ts";
import type { Platform } from "../base/platform.ts";
import type { World } from "../base/world.ts";
import type { Core } from "../core/core.ts";
import type { Storage } from "../storage/storage.ts";

/** The user's folders for Bunker. */
export interface LocalRoot {
  /** What is remembered of all stores. */
  readonly root: LocalFolder;
  /** What must be remembered of one store: losing it is first use again. */
  state(storeId: string): LocalFolder;
  /** What can be made again. */
  cache(storeId: string): LocalFolder;
}

export interface StoreContext {
  readonly platform: Platform;
  readonly world: World;
  readonly core: Core;
  readonly storage: Storage;
  readonly local: LocalRoot;
  /** The program's version, for records and snapshots. */
  readonly program: string;
  /** The one store that it may be, in hexadecimal, where the user has said so. */
  readonly storeId?: string;
}
