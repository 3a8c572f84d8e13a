// Set-up: makes a fresh checkout ready to run and test, with nothing but the runtime itself.
//
// Installs the pinned packages and builds. The user's own settings for packages may name a
// registry and stay in force at first; where they leave something out, the installation is
// repeated without them. Each step is told on stderr, since some take a while.

import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");

interface PackageList {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}

async function install(): Promise<void> {
  say("installing the packages");
  const first = runInstall(process.env);
  if (first.success && (await missingPackages()).length === 0) return;
  say("installing the packages again, without the user's own settings");
  const home = mkdtempSync(join(tmpdir(), "bunker-setup-"));
  try {
    rmSync(join(ROOT, "node_modules"), { recursive: true, force: true });
    const second = runInstall(plainEnvironment(home));
    const missing = await missingPackages();
    if (second.success && missing.length === 0) return;
    const text = `${first.text}\n${second.text}\n${missing.map((name) => `missing: ${name}`).join("\n")}`;
    throw new Error(`the packages could not be installed\n${text}`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function runInstall(environment: Record<string, string | undefined>): {
  success: boolean;
  text: string;
} {
  const command = [process.execPath, "install", "--frozen-lockfile"];
  const { success, stderr } = Bun.spawnSync(command, { cwd: ROOT, env: environment });
  return { success, text: stderr.toString() };
}

// No .npmrc and no bunfig.toml but ours; the cache of packages stays.
function plainEnvironment(home: string): Record<string, string | undefined> {
  return {
    PATH: process.env["PATH"],
    HOME: home,
    XDG_CONFIG_HOME: home,
    NPM_CONFIG_USERCONFIG: "/dev/null",
    BUN_INSTALL_CACHE_DIR:
      process.env["BUN_INSTALL_CACHE_DIR"] ?? join(homedir(), ".bun/install/cache"),
    NODE_EXTRA_CA_CERTS: process.env["NODE_EXTRA_CA_CERTS"],
    HTTP_PROXY: process.env["HTTP_PROXY"] ?? process.env["http_proxy"],
    HTTPS_PROXY: process.env["HTTPS_PROXY"] ?? process.env["https_proxy"],
    NO_PROXY: process.env["NO_PROXY"] ?? process.env["no_proxy"],
  };
}

async function missingPackages(): Promise<string[]> {
  const list = (await Bun.file(join(ROOT, "package.json")).json()) as PackageList;
  const names = [...Object.keys(list.dependencies), ...Object.keys(list.devDependencies)];
  const missing = names.filter((name) => !isThere(`${name}/package.json`));
  // The native halves of these tools are optional packages, which settings may leave out.
  const scopes = ["@oxlint", "@oxlint-tsgolint", "@typescript"];
  return [...missing, ...scopes.filter((scope) => !isThere(scope) || isEmpty(scope))];
}

function isThere(name: string): boolean {
  return existsSync(join(ROOT, "node_modules", name));
}

function isEmpty(name: string): boolean {
  return readdirSync(join(ROOT, "node_modules", name)).length === 0;
}

function build(): void {
  say("building the core and the program");
  const { success, stdout, stderr } = Bun.spawnSync([process.execPath, "build.ts"], { cwd: ROOT });
  if (!success) throw new Error(`the build failed\n${stdout.toString()}${stderr.toString()}`);
}

function say(step: string): void {
  console.error(`set-up: ${step}`);
}

/** Makes everything ready. Throws with what went wrong. */
export async function setUp(): Promise<void> {
  await install();
  build();
  say("done");
}

if (import.meta.main) {
  try {
    await setUp();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
