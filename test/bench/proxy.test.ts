// The proxy changes no byte, and hands on the end of a connection. Its times are told by --check.

import { expect, test } from "bun:test";

import { withSeed } from "../support/random.ts";
import { startProxy } from "./proxy.ts";

const FAST = { roundTripMs: 2, bytesPerSecond: 200_000_000 };

test("the same bytes come through, both ways, on several connections", async () => {
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => new Response(await request.bytes()),
  });
  await using proxy = await startProxy(`127.0.0.1:${server.port}`, FAST);
  await withSeed(async (random) => {
    const bodies = [0, 1, 65_536, 65_537, 9_000_001].map((byteCount) => random.bytes(byteCount));
    const answers = bodies.map(async (body) => {
      const response = await fetch(`http://${proxy.address}/`, { method: "PUT", body });
      return Bun.SHA256.hash(await response.bytes(), "hex");
    });
    const expected = bodies.map((body) => Bun.SHA256.hash(body, "hex"));
    expect(await Promise.all(answers)).toEqual(expected);
  });
});

test("a connection ends with the server's, after its last byte", async () => {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (end) => void end.end("last words") },
  });
  try {
    await using proxy = await startProxy(`127.0.0.1:${listener.port}`, FAST);
    expect(await tell(proxy.address)).toBe("last words");
    listener.stop(true);
    expect(await tell(proxy.address)).toBe(""); // Nobody is there.
  } finally {
    listener.stop(true);
  }
});

/** Sends a word, and gives all that comes until the end of the connection. */
async function tell(address: string): Promise<string> {
  const [hostname, port] = address.split(":") as [string, string];
  const { promise, resolve } = Promise.withResolvers<void>();
  let heard = "";
  // A connection that is reset at once may fail here, or open and close.
  const connected = Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open: (end) => void end.write("hello"),
      data: (_, bytes) => void (heard += bytes.toString()),
      close: () => resolve(),
      error: () => resolve(),
    },
  });
  await connected.then(
    () => promise,
    () => undefined,
  );
  return heard;
}
