// Wanted snapshots: finds those that are named on the command line, and says what people should
// know of them: that `latest` passed over another one, and what could not be read back then.

import { hexId } from "../base/ids.ts";
import { findSnapshot, type FoundSnapshot, type Manifests } from "../store/snapshots.ts";
import type { Store } from "../store/store.ts";
import type { Messages } from "./messages.ts";
import { formatCounted } from "./progress.ts";
import type { SnapshotWord } from "./snapshot-word.ts";

const DIGITS_SHOWN = 10;

export class WantedSnapshots {
  readonly #messages: Messages;
  readonly #store: Store;
  readonly #manifests: Manifests;
  readonly #found = new Map<string, FoundSnapshot>();

  constructor(messages: Messages, store: Store, manifests: Manifests) {
    this.#messages = messages;
    this.#store = store;
    this.#manifests = manifests;
  }

  /** Finds one. Throws `not-found`, or `invalid-argument` where several match. */
  async find(word: SnapshotWord): Promise<FoundSnapshot> {
    const found = await findSnapshot(this.#store, this.#manifests, word);
    const id = hexId(found.manifest.id);
    const { passedOver = [] } = found;
    const isTold = (this.#found.get(id)?.passedOver?.length ?? 0) > 0;
    if (passedOver.length > 0 && !isTold) this.#messages.notice(textOfPassed(id, passedOver));
    if (passedOver.length > 0 || !this.#found.has(id)) this.#found.set(id, found);
    return found;
  }

  /** Says what could not be read when they were made; returns how many things that were. */
  tellGaps(): number {
    let total = 0;
    for (const [id, { snapshot }] of this.#found) {
      const { problems } = snapshot.counts;
      if (problems === 0) continue;
      total += problems;
      const which = this.#found.size === 1 ? "this snapshot" : `snapshot ${shown(id)}`;
      const what = formatCounted(problems, "thing");
      this.#messages.notice(`${what} could not be read when ${which} was made`);
    }
    return total;
  }
}

function textOfPassed(id: string, passedOver: readonly string[]): string {
  const [first = ""] = passedOver;
  const more = passedOver.length - 1;
  const others = more === 0 ? "" : ` and ${formatCounted(more, "other")}`;
  return `latest is ${shown(id)} here: ${first}${others} may be newer, and can't be read`;
}

function shown(id: string): string {
  return id.slice(0, DIGITS_SHOWN);
}
