// Measure: a program's wall time, processor time and memory.
//
// Memory is the peak of RssAnon + RssShmem over the program and its children, sampled: mapped pages
// of files, which the system takes back when it likes, do not count.

import { readdirSync, readFileSync } from "node:fs";

export interface Measurement {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Bytes; 0 where it was not sampled. */
  readonly peakBytes: number;
  readonly output: string;
}

export interface MeasureOptions {
  readonly env: Record<string, string>;
  readonly cwd?: string;
  readonly sampleMemory?: boolean;
  /** Every so often; a sample takes about 0.3 ms, which long runs need not pay so often. */
  readonly sampleMs?: number;
}

const SAMPLE_MS = 10;

export async function measure(command: string[], options: MeasureOptions): Promise<Measurement> {
  const start = performance.now();
  const child = Bun.spawn(command, {
    env: options.env,
    stdout: "pipe",
    stderr: "pipe",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let peakBytes = 0;
  const timer = options.sampleMemory
    ? setInterval(
        () => (peakBytes = Math.max(peakBytes, memoryOf(child.pid))),
        options.sampleMs ?? SAMPLE_MS,
      )
    : undefined;
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const wallMs = performance.now() - start;
  clearInterval(timer);
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}: ${stderr}`);
  const usage = child.resourceUsage();
  const cpuMs = Number(usage?.cpuTime.total ?? 0n) / 1000;
  return { wallMs, cpuMs, peakBytes, output: stdout };
}

function memoryOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    const own = (kib("RssAnon") + kib("RssShmem")) * 1024;
    return childrenOf(pid).reduce((sum, child) => sum + memoryOf(child), own);
  } catch {
    return 0; // It has ended.
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
