// Known: which store stood at a location when it was opened last, as JSON in the state root. What the
// user says of it goes first.

import type { Bytes } from "../base/bytes.ts";
import { BunkerError } from "../base/errors.ts";
import { hexId } from "../base/ids.ts";
import type { StoreContext } from "./context.ts";

export const KNOWN_FILE = "known.json";

/** The store that this location must hold, or held when it was opened last. */
export function knownStore(context: StoreContext): string | undefined {
  return context.storeId ?? readKnown(context)[context.storage.location];
}

/** Throws `wrong-key` where the keys are not of the store that the user has said it is. */
export function requireGivenStore({ storage, storeId }: StoreContext, found: Bytes): void {
  if (storeId === undefined || storeId === hexId(found)) return;
  const ids = `expected store ${storeId.slice(0, 10)}, found the key of ${hexId(found).slice(0, 10)}`;
  throw new BunkerError("wrong-key", `${storage.location}: ${ids}`, {
    subject: storage.location,
    hint: HINT_OF_GIVEN,
  });
}

/** What to do where it is another store than the user has said, and is meant to be. */
export const HINT_OF_GIVEN = "if another store is meant, change its store-id in the config file";

export function rememberStore(context: StoreContext, storeId: Bytes): void {
  const id = hexId(storeId);
  if (readKnown(context)[context.storage.location] === id) return;
  context.local.root.exclusively(KNOWN_FILE, () => {
    writeKnown(context, { ...readKnown(context), [context.storage.location]: id });
  });
}

function writeKnown(context: StoreContext, known: Record<string, string>): void {
  const text = `${JSON.stringify(known, undefined, 1)}\n`;
  context.local.root.write(KNOWN_FILE, [new TextEncoder().encode(text)], { durable: true });
}

function readKnown(context: StoreContext): Record<string, string> {
  const bytes = context.local.root.read(KNOWN_FILE);
  if (bytes === undefined) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, string>) : {};
  } catch {
    return {}; // A broken file is first use again.
  }
}
