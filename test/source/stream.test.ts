// The stream source: its events, its names, and reading a pipe ahead.

import { describe, expect, test } from "bun:test";
import { closeSync, writeSync } from "node:fs";

import { concatBytes, textOf, utf8 } from "../../src/base/bytes.ts";
import { Incoming } from "../../src/source/incoming.ts";
import { openStreamSource } from "../../src/source/stream.ts";
import { openPipe } from "../../src/system/pipe.ts";
import { seededRandom } from "../support/random.ts";

function sourceOf(name: string) {
  return openStreamSource({
    name,
    read: () => Promise.resolve(0),
    userId: 7,
    groupId: 8,
    accounts: { userName: () => "seven", groupName: () => undefined },
    now: () => 1_700_000_000_250,
  });
}

describe("events", () => {
  test.each([
    ["a", ["root /a", "entry a in /"]],
    ["/a", ["root /a", "entry a in /"]],
    ["a/b", ["root /a", "enter ", "entry b in /a", "leave"]],
    ["a//b/c", ["root /a", "enter ", "enter b", "entry c in /a/b", "leave", "leave"]],
  ] as const)("of %s", (name, expected) => {
    const events = [...sourceOf(name).walk()].map((event) => {
      if (event.kind === "root") return `root ${textOf(event.path)}`;
      if (event.kind === "enter") return `enter ${textOf(event.metadata.name)}`;
      if (event.kind !== "entry") return event.kind;
      return `entry ${textOf(event.metadata.name)} in ${textOf(event.folder.path())}`;
    });
    expect(events).toEqual([...expected]);
  });

  test("say who and when", () => {
    const [, entry] = [...sourceOf("a").walk()];
    expect(entry).toMatchObject({
      metadata: {
        type: "file",
        mode: 0o600,
        userId: 7,
        groupId: 8,
        userName: "seven",
        modified: { seconds: 1_700_000_000, nanoseconds: 250_000_000 },
      },
      stream: { mode: 0o600, groupId: 8 },
    });
  });

  test("the states of a real path stay its own", () => {
    const [root] = [...sourceOf("a/b").walk()];
    expect(root).toMatchObject({ kind: "root", statesAs: utf8("stream:/a") });
  });

  test("come once", () => {
    const source = sourceOf("a");
    source.walk();
    expect(() => source.walk()).toThrow("a stream can't be read twice");
  });
});

test.each(["", "/", "a/", ".", "a/../b", "a\0", "x".repeat(256), "\ud800"])(
  "%j is no name",
  (name) => {
    expect(() => sourceOf(name)).toThrow("--stdin-name");
  },
);

const CAN_PIPE = openPipeOnce();

function openPipeOnce(): boolean {
  const pipe = openPipe();
  if (pipe === undefined) return false;
  closeSync(pipe.reader);
  closeSync(pipe.writer);
  return true;
}

describe.skipIf(!CAN_PIPE)("incoming", () => {
  test("gives all bytes in order, whatever the sizes of the views", async () => {
    const random = seededRandom(1);
    const bytes = random.bytes(900_000); // Less than the pipe holds.
    const { reader, writer } = openPipe()!;
    writeSync(writer, bytes);
    closeSync(writer);
    const incoming = new Incoming(reader, "test");
    const come: Uint8Array[] = [];
    for (;;) {
      const view = new Uint8Array(1 + random.int(400_000));
      const count = await incoming.read(view);
      if (count === 0) break;
      come.push(view.subarray(0, count));
    }
    closeSync(reader);
    expect(Buffer.compare(concatBytes(...come), bytes)).toBe(0);
  });

  test("the end stays the end", async () => {
    const { reader, writer } = openPipe()!;
    closeSync(writer);
    const incoming = new Incoming(reader, "test");
    const view = new Uint8Array(1);
    expect([await incoming.read(view), await incoming.read(view)]).toEqual([0, 0]);
    closeSync(reader);
  });

  test("a reading that waits is ended by a failure, and so are all later ones", async () => {
    const { reader, writer } = openPipe()!;
    const incoming = new Incoming(reader, "test");
    const reading = incoming.read(new Uint8Array(1));
    incoming.fail(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
    await expect(incoming.read(new Uint8Array(1))).rejects.toThrow("enough");
    closeSync(writer);
    closeSync(reader);
  });
});
