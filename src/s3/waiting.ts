// Waiting: for time to pass, or for the caller to lose interest, whichever comes first.

import { BunkerError } from "../base/errors.ts";
import type { World } from "../base/world.ts";

/** What a call throws whose signal was given; a reason that is an error of ours is kept. */
export function interrupted(signal: AbortSignal | undefined): BunkerError {
  const cause: unknown = signal?.reason;
  if (cause instanceof BunkerError) return cause;
  return new BunkerError("interrupted", "interrupted while talking to the service", { cause });
}

/** Sleeps; throws `interrupted` at once when the signal is given. */
export async function sleepUnless(
  world: World,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  if (signal === undefined) return world.sleep(milliseconds);
  if (signal.aborted) throw interrupted(signal);
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_, refuse) => {
    stop = () => refuse(interrupted(signal));
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([world.sleep(milliseconds), stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
