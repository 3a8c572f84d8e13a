// Names: made and read, and what is no name.

import { describe, expect, test } from "bun:test";
import { hexOf } from "../../src/base/bytes.ts";
import {
  checkName,
  formatName,
  NUMBER_MAX,
  type ObjectName,
  parseName,
} from "../../src/format/names.ts";
import { id, outcomeOf, platform, run } from "./fixture.ts";

const hex = hexOf(run(32));
const signer = hexOf(id(7));
const names: readonly (readonly [ObjectName, string])[] = [
  [{ kind: "pack", id: run(32) }, `packs/00/${hex}`],
  [{ kind: "slot", id: run(32) }, `keys/${hex}`],
  [{ kind: "log", number: 1, id: run(32) }, `owner/0000000001-${hex}`],
  [
    { kind: "segment", signer: id(7), number: 12, id: run(32) },
    `index/${signer}/0000000012-${hex}`,
  ],
  [
    { kind: "manifest", signer: id(7), number: NUMBER_MAX, id: run(32) },
    `snapshots/${signer}/4294967295-${hex}`,
  ],
  [
    { kind: "heartbeat", signer: id(7), number: 9, id: run(32) },
    `witness/${signer}/0000000009-${hex}`,
  ],
];

test("names are made and read", () => {
  for (const [parts, name] of names) {
    expect(formatName(parts)).toBe(name);
    expect(parseName(name)).toEqual(parts);
  }
});

describe("no name of an object", () => {
  for (const name of [
    "",
    "location",
    `packs/01/${hex}`,
    `packs/00/${hex.toUpperCase()}`,
    `keys/${hex.slice(1)}`,
    `keys/${hex}\n`,
    `/keys/${hex}`,
    `owner/0000000000-${hex}`,
    `owner/4294967296-${hex}`,
    `owner/1-${hex}`,
    `owner/0000000001-${hex}.tmp`,
    `index/0000000001-${hex}`,
    `tmp/${hex}`,
    `aside/keys/${hex}`,
  ]) {
    test(JSON.stringify(name), () => expect(parseName(name)).toBeUndefined());
  }
});

test("bytes are checked against their name", async () => {
  const bytes = run(10);
  const name = formatName({ kind: "slot", id: await platform.sha256(bytes) });
  expect((await checkName(platform, name, bytes)).kind).toBe("slot");
  expect(await outcomeOf(checkName(platform, name, run(11)))).toBe("corrupt");
  expect(await outcomeOf(checkName(platform, "location", bytes))).toBe("corrupt");
});
