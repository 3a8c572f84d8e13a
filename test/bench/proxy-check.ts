// Proxy check: measures what the proxy does to connections: its delay, its rate, and what it costs.
//
// Client and server are Bun's own, in this process; only the proxy's processor time is counted.

import type { LineSettings } from "./line.ts";
import type { Proxy } from "./proxy.ts";

const CONNECTIONS = 16;
/** Of each connection; two seconds at the usual rate. */
const BYTES_EACH = 40_000_000;
const BLOCK = new Uint8Array(256 * 1024);

type Start = (to: string) => Promise<Proxy>;

/** Prints what was measured, and says whether it is what was asked for. */
export async function checkProxy(start: Start, line: LineSettings): Promise<boolean> {
  using server = serve();
  const found = [
    ...(await checkOne(start, server.address, line)),
    ...(await checkMany(start, server.address, line)),
  ];
  return found.every(Boolean);
}

function serve(): Disposable & { readonly address: string } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    async fetch(request) {
      const asked = Number(new URL(request.url).pathname.slice(1));
      await drain(request.body);
      return new Response(zeros(asked));
    },
  });
  const stop = () => void server.stop(true);
  return { address: `127.0.0.1:${server.port}`, [Symbol.dispose]: stop };
}

async function checkOne(start: Start, address: string, line: LineSettings): Promise<boolean[]> {
  const { roundTripMs, bytesPerSecond } = line;
  await using proxy = await start(address);
  await Promise.all([send(urlOf({ address }), 1), receive(urlOf({ address }), 1)]); // Warms up.
  const url = urlOf(proxy);
  const first = await timed(() => receive(url, 1));
  const later: number[] = [];
  for (let i = 0; i < 5; i++) later.push(await timed(() => receive(url, 1)));
  const up = await timed(() => send(url, bytesPerSecond));
  const down = await timed(() => receive(url, bytesPerSecond));
  const aSecond: [number, number] = [1000 + roundTripMs, 1250 + roundTripMs];
  return [
    report("new connection", first, "ms", [2 * roundTripMs, 2 * roundTripMs + 30]),
    report("old connection", Math.min(...later), "ms", [roundTripMs, roundTripMs + 20]),
    report("a second's bytes away", up, "ms", aSecond),
    report("a second's bytes back", down, "ms", aSecond),
  ];
}

async function checkMany(start: Start, address: string, line: LineSettings): Promise<boolean[]> {
  const asked = (CONNECTIONS * line.bytesPerSecond) / 1e6;
  const found: boolean[] = [];
  for (const [name, run] of [
    ["away", send],
    ["back", receive],
  ] as const) {
    await using proxy = await start(address);
    const all = () => Array.from({ length: CONNECTIONS }, () => run(urlOf(proxy), BYTES_EACH));
    const ms = await timed(() => Promise.all(all()));
    const cpuMs = await proxy.stop();
    const rate = (CONNECTIONS * BYTES_EACH) / 1000 / ms;
    found.push(report(`${CONNECTIONS} connections ${name}`, rate, "MB/s", [asked / 2, asked]));
    console.log(`  the proxy took ${(cpuMs / ms).toFixed(2)} cores, ${cpuMs.toFixed(0)} ms in all`);
  }
  return found;
}

const urlOf = ({ address }: { readonly address: string }): string => `http://${address}/`;

async function send(address: string, byteCount: number): Promise<void> {
  const headers = { "content-length": `${byteCount}` };
  await drain((await fetch(address, { method: "PUT", body: zeros(byteCount), headers })).body);
}

async function receive(address: string, byteCount: number): Promise<void> {
  await drain((await fetch(`${address}${byteCount}`)).body);
}

// Made block by block: many of them at once must not fill the memory.
function zeros(byteCount: number): ReadableStream<Uint8Array> {
  let left = byteCount;
  return new ReadableStream({
    pull(controller) {
      const block = BLOCK.subarray(0, left);
      left -= block.length;
      if (block.length > 0) controller.enqueue(block.slice());
      if (left === 0) controller.close();
    },
  });
}

async function drain(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body !== null) for await (const _ of body);
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function report(name: string, value: number, unit: string, bounds: [number, number]): boolean {
  const [low, high] = bounds;
  const isGood = value >= low * 0.98 && value <= high * 1.02;
  const asked = `expected ${low.toFixed(0)} to ${high.toFixed(0)}`;
  console.log(`${isGood ? "ok  " : "FAIL"} ${name}: ${value.toFixed(1)} ${unit}, ${asked}`);
  return isGood;
}
