// Same: whether what is there has the metadata of the snapshot already.

import type { Metadata } from "../base/entry.ts";
import type { RawStat } from "../system/stat.ts";
import type { Owner } from "./owners.ts";

export type Difference =
  "type" | "size" | "owner" | "mode" | "time" | "target" | "device" | "attributes";

/** What of the system's own metadata differs; attributes and content are not looked at. */
export function differencesOf(stat: RawStat, metadata: Metadata, owner: Owner): Difference[] {
  if (stat.type !== metadata.type) return ["type"];
  const found: Difference[] = [];
  if (stat.type === "file" && stat.size !== metadata.size) found.push("size");
  if (stat.userId !== owner.userId || stat.groupId !== owner.groupId) found.push("owner");
  // A link has no mode of its own.
  if (stat.type !== "link" && stat.mode !== metadata.mode) found.push("mode");
  if (!isSameTime(stat, metadata)) found.push("time");
  if (!isSameDevice(stat, metadata)) found.push("device");
  return found;
}

export function isSameTime(stat: Pick<RawStat, "modified">, metadata: Metadata): boolean {
  const { seconds, nanoseconds } = metadata.modified;
  return stat.modified.seconds === seconds && stat.modified.nanoseconds === nanoseconds;
}

/** Whether the first was changed later. */
export function isNewer(
  a: Pick<Metadata, "modified">,
  { modified }: Pick<Metadata, "modified">,
): boolean {
  const { seconds, nanoseconds } = a.modified;
  if (seconds !== modified.seconds) return seconds > modified.seconds;
  return nanoseconds > modified.nanoseconds;
}

export function isSameDevice({ type, major, minor }: RawStat, { device }: Metadata): boolean {
  if (type !== "char" && type !== "block") return true;
  return device !== undefined && device.major === major && device.minor === minor;
}
