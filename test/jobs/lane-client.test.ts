// Lane client: what crosses from a lane to main.

import { expect, test } from "bun:test";
import { BunkerError, isBunkerError } from "../../src/base/errors.ts";
import {
  errorOf,
  failureOf,
  type LaneAnswer,
  LaneClient,
  type LaneRequest,
} from "../../src/jobs/lane-client.ts";

function crossed(error: unknown): Error {
  return errorOf(structuredClone(failureOf(error)));
}

test("an operating error arrives whole", () => {
  const error = new BunkerError("full", "no space", { subject: "packs/x", hint: "make some" });
  const arrived = crossed(error);
  expect(isBunkerError(arrived, "full")).toBe(true);
  expect(arrived).toMatchObject({ message: "no space", subject: "packs/x", hint: "make some" });
});

test("a fault of ours arrives as one, with its place", () => {
  const arrived = crossed(new Error("two is not one"));
  expect(isBunkerError(arrived)).toBe(false);
  expect(arrived.message).toBe("a lane failed: two is not one");
  expect(arrived.stack).toMatch(/^ +at .*lane-client\.test\.ts/m);
  expect(crossed("words").message).toBe("a lane failed: words");
});

test("a pack's memory goes back to the lane when it is stored", async () => {
  const posted: LaneRequest[] = [];
  let answer: (message: LaneAnswer) => void = () => undefined;
  const port = {
    post: (message: LaneRequest) => void posted.push(message),
    listen: (onAnswer: typeof answer) => void (answer = onAnswer),
    end: () => undefined,
  };
  const client = new LaneClient(port, {
    putPack: (pack, spent) => {
      spent(pack.bytes);
      return Promise.resolve();
    },
  });
  const id = new Uint8Array(32);
  const bytes = new Uint8Array(5);
  answer({ kind: "pack", pack: { id, kind: "data", md5: id, bytes, records: id } });
  await Promise.resolve();
  expect(posted).toEqual([{ kind: "spent", buffer: bytes.buffer }, { kind: "taken" }]);
  client.end();
});
