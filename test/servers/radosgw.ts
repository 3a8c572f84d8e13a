// Radosgw: Ceph's S3 server, of Debian's packages, with a whole cluster in memory behind it.
//
// One monitor, one in-memory OSD and one gateway, as plain processes: two seconds, and 150 MB beside
// what is stored. Better once a test file than once a test.

import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePorts, runProgram, startProgram, waitForAnswer, withRetries } from "./process.ts";
import { type Access, createBucket, makeUpKeys, type Server } from "./server.ts";

const PROGRAMS = [
  "ceph",
  "ceph-authtool",
  "ceph-mon",
  "ceph-osd",
  "monmaptool",
  "radosgw",
  "radosgw-admin",
];

interface Cluster {
  readonly folder: string;
  readonly id: string;
  readonly gatewayPort: number;
  readonly monitorPort: number;
  readonly env: { readonly CEPH_CONF: string };
}

/** Whether all programs of Ceph that are needed are installed. */
export function hasRadosgw(): boolean {
  return PROGRAMS.every((program) => Bun.which(program) !== null);
}

/** Starts a server with nothing on it. */
export async function startRadosgw(): Promise<Server> {
  return withRetries(startOnce);
}

async function startOnce(): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "bunker-radosgw-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const cluster = makeCluster(folder);
  const access: Access = {
    endpoint: `http://127.0.0.1:${cluster.gatewayPort}`,
    region: "test-1",
    ...makeUpKeys(),
  };
  await makeKeys(cluster);
  await startMonitor(cluster, stack);
  await startDisk(cluster, stack);
  await startGateway(cluster, stack, access);
  const started = stack.move();
  return {
    ...access,
    createBucket: (name, options) => createBucket(access, name, options),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function makeCluster(folder: string): Cluster {
  for (const name of ["mon", "osd", "rgw", "run", "log"]) mkdirSync(join(folder, name));
  const [gatewayPort, monitorPort] = freePorts(2) as [number, number];
  const env = { CEPH_CONF: join(folder, "ceph.conf") };
  const cluster = { folder, id: randomUUID(), gatewayPort, monitorPort, env };
  writeFileSync(env.CEPH_CONF, settingsOf(cluster));
  return cluster;
}

// The names of objects are shorter than Ceph's usual bound so that any file system under the folder
// will do; the monitor may decide at once, since it has nobody to wait for.
function settingsOf({ folder, id, gatewayPort, monitorPort }: Omit<Cluster, "env">): string {
  return `[global]
fsid = ${id}
mon host = [v2:127.0.0.1:${monitorPort}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
osd objectstore = memstore
memstore device bytes = 4294967296
osd class load list = *
osd class default list = *
osd max object name len = 460
osd max object namespace len = 64
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
pid file = ${folder}/run/$name.pid
log file = ${folder}/log/$name.log
keyring = ${folder}/keyring
[mon]
mon data = ${folder}/mon
paxos propose interval = 0.05
auth allow insecure global id reclaim = true
[osd]
osd data = ${folder}/osd
[client.rgw]
rgw data = ${folder}/rgw
rgw thread pool size = 64
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}
`;
}

async function makeKeys({ folder, id, monitorPort, env }: Cluster): Promise<void> {
  const keyring = join(folder, "keyring");
  const makeKey = (name: string, ...options: string[]) =>
    runProgram(["ceph-authtool", keyring, "--gen-key", "-n", name, ...options], { env });
  const all = ["mon", "osd", "mgr"].flatMap((part) => ["--cap", part, "allow *"]);
  await makeKey("mon.", "--create-keyring", "--cap", "mon", "allow *");
  for (const name of ["client.admin", "osd.0", "client.rgw"]) await makeKey(name, ...all);
  const address = `[v2:127.0.0.1:${monitorPort}]`;
  const map = ["--create", "--clobber", "--fsid", id, "--addv", "a", address];
  await runProgram(["monmaptool", ...map, join(folder, "monmap")], { env });
}

async function startMonitor(cluster: Cluster, stack: AsyncDisposableStack): Promise<void> {
  const { folder, env } = cluster;
  const monitor = ["ceph-mon", "-i", "a"];
  const files = ["--monmap", join(folder, "monmap"), "--keyring", join(folder, "keyring")];
  await runProgram([...monitor, "--mkfs", ...files], { env });
  const log = join(folder, "log/monitor");
  stack.use(startProgram([...monitor, "-f"], { log, env }));
}

// The OSD must be told the same id as the monitor, or it never comes up.
async function startDisk({ folder, env }: Cluster, stack: AsyncDisposableStack): Promise<void> {
  const uuid = randomUUID();
  await runProgram(["timeout", "60", "ceph", "osd", "new", uuid, "0"], { env });
  const disk = ["ceph-osd", "-i", "0"];
  await runProgram([...disk, "--mkfs", "--osd-uuid", uuid, "--no-mon-config"], { env });
  stack.use(startProgram([...disk, "-f"], { log: join(folder, "log/disk"), env }));
}

async function startGateway(
  { folder, env }: Cluster,
  stack: AsyncDisposableStack,
  access: Access,
): Promise<void> {
  const gateway = ["radosgw", "-n", "client.rgw", "--no-mon-config", "-f"];
  const child = stack.use(startProgram(gateway, { log: join(folder, "log/gateway"), env }));
  await waitForAnswer(access.endpoint, child);
  const names = ["--uid", "bunker", "--display-name", "bunker"];
  const keys = ["--access-key", access.keyId, "--secret-key", access.secret];
  await runProgram(["radosgw-admin", "user", "create", ...names, ...keys], { env });
}
