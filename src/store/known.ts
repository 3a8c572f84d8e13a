// Known: which store stood at a location when it was opened last, as JSON in the state root.

import type { Bytes } from "../base/bytes.ts";
import { hexId } from "../base/ids.ts";
import type { StoreContext } from "./context.ts";

export const KNOWN_FILE = "known.json";

/** The store that this location held when it was opened last. */
export function knownStore(context: StoreContext): string | undefined {
  return readKnown(context)[context.storage.location];
}

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
