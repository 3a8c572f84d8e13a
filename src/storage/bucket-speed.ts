// Bucket speed: how fast packs of no worth go up and come down, as many at once as are allowed.

import { concatBytes } from "../base/bytes.ts";
import type { Caller } from "../s3/call.ts";
import { getObject, putObject } from "../s3/objects.ts";
import { type Probing, SPEED_BYTES } from "./probe.ts";

/** More than the connections that most have, so that all of them have something to do. */
const OBJECT_COUNT = 32;

/** Puts and gets objects whose keys begin with `prefix`; whoever calls takes them away. */
export async function trySpeed(caller: Caller, probing: Probing, prefix: string): Promise<void> {
  const random = probing.world.random(SPEED_BYTES / OBJECT_COUNT - 1);
  const numbers = Array.from({ length: OBJECT_COUNT }, (_, i) => i);
  const keyOf = (i: number): string => `${prefix}speed-${i}`;
  const put = (i: number): Promise<unknown> =>
    putObject(caller, keyOf(i), concatBytes(Uint8Array.of(i), random));
  const isUp = await probing.step("speed up", () =>
    probing.speed(SPEED_BYTES, () => Promise.all(numbers.map(put))),
  );
  if (!isUp) return;
  await probing.step("speed down", () =>
    probing.speed(SPEED_BYTES, () => Promise.all(numbers.map((i) => getObject(caller, keyOf(i))))),
  );
}
