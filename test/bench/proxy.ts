// Proxy: stands between a client and a server on loopback and behaves like a line to far away.
//
//   bun test/bench/proxy.ts --to 127.0.0.1:9000    prints its own address, runs until it is ended
//     --round-trip 40                              milliseconds, half of them each way
//     --rate 20                                    million bytes a second, each connection, each way
//   bun test/bench/proxy.ts --check                measures itself: delay, rate, and what it costs
//
// The first byte of a connection waits for a round trip more, as it does for TCP's greeting. A million
// bytes cost 1.2 ms of a core, most of it the system's copying; a proxy in Go took 1.1 ms.

import { parseArgs } from "node:util";

import type { Socket } from "bun";

import { tied } from "../servers/process.ts";
import { Line, type LineSettings, type Receiver, type Sender } from "./line.ts";
import { checkProxy } from "./proxy-check.ts";

export interface Proxy extends AsyncDisposable {
  /** Host and port. */
  readonly address: string;
  /** Ends it, and gives the processor time that it has taken. */
  stop(): Promise<number>;
}

const USUAL: LineSettings = { roundTripMs: 40, bytesPerSecond: 20_000_000 };

interface Ends {
  /** Into which goes what is read here. */
  readonly outward: Line;
  /** Out of which comes what is written here. */
  readonly inward: Line;
}

/** Starts a proxy in a process of its own, in front of a server at `HOST:PORT`. */
export async function startProxy(to: string, settings = USUAL): Promise<Proxy> {
  const { roundTripMs, bytesPerSecond } = settings;
  const line = ["--round-trip", `${roundTripMs}`, "--rate", `${bytesPerSecond / 1e6}`];
  const command = tied([process.execPath, import.meta.path, "--to", to, ...line]);
  // Memory that comes and goes is kept, which saves a fifth of the processor time.
  const env = { ...process.env, MIMALLOC_PURGE_DELAY: "-1" };
  const child = Bun.spawn(command, { env, stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  const address = new TextDecoder().decode(value).trim();
  if (address === "") throw new Error(`the proxy ended with ${await child.exited}`);
  const stop = async (): Promise<number> => {
    child.kill();
    await child.exited;
    return Number(child.resourceUsage()?.cpuTime.total ?? 0n) / 1000;
  };
  return {
    address,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

type End = Socket<Ends | undefined>;

const HANDLERS = {
  binaryType: "uint8array" as const,
  data: ({ data }: End, bytes: Uint8Array) => data?.outward.take(bytes),
  drain: ({ data }: End) => data?.inward.pump(),
  end: ({ data }: End) => data?.outward.finish(),
  error: (end: End) => end.terminate(),
  close({ data }: End) {
    data?.inward.cut();
    data?.outward.finish();
  },
};

function listen(to: string, settings: LineSettings): string {
  const listener = Bun.listen<Ends | undefined>({
    hostname: "127.0.0.1",
    port: 0,
    data: undefined,
    allowHalfOpen: true,
    socket: { ...HANDLERS, open: (client) => void join(client, to, settings) },
  });
  return `127.0.0.1:${listener.port}`;
}

/** Connects a client with the server; what it has sent by then waits in its socket. */
async function join(client: End, to: string, settings: LineSettings): Promise<void> {
  client.pause();
  const [hostname, port] = to.split(":") as [string, string];
  const opened = performance.now();
  try {
    const server = await Bun.connect<Ends | undefined>({
      hostname,
      port: Number(port),
      data: undefined,
      allowHalfOpen: true,
      socket: { ...HANDLERS, open: (end) => end.pause() },
    });
    const away = new Line(settings, opened + settings.roundTripMs, lineEnds(client, server));
    const back = new Line(settings, opened, lineEnds(server, client));
    client.data = { outward: away, inward: back };
    server.data = { outward: back, inward: away };
    if (client.readyState <= 0) away.finish(); // It has gone meanwhile.
    for (const end of [client, server]) {
      end.setNoDelay(true);
      end.resume();
    }
  } catch {
    client.terminate(); // As a line does whose other end is not there.
  }
}

function lineEnds(from: End, to: End): { from: Sender; to: Receiver } {
  // A closed end says less than none.
  return { from, to: { write: (bytes) => Math.max(0, to.write(bytes)), finish: () => to.end() } };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      to: { type: "string" },
      "round-trip": { type: "string", default: `${USUAL.roundTripMs}` },
      rate: { type: "string", default: `${USUAL.bytesPerSecond / 1e6}` },
      check: { type: "boolean", default: false },
    },
  });
  const settings = {
    roundTripMs: Number(values["round-trip"]),
    bytesPerSecond: Number(values.rate) * 1e6,
  };
  if (values.check) {
    process.exitCode = (await checkProxy((to) => startProxy(to, settings), settings)) ? 0 : 1;
  } else if (values.to === undefined) {
    throw new Error("expected --to HOST:PORT or --check");
  } else {
    console.log(listen(values.to, settings));
  }
}
