// The config file: what it may say, who may read and write it, and that a change touches one store.

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import {
  addNamedStore,
  findNamedStore,
  noteStoreId,
  readConfig,
  removeNamedStore,
} from "../../src/cli/config.ts";
import { configFolderIfAny, configPathOf } from "../../src/cli/config-file.ts";
import { checkSettings, pathOfSetting } from "../../src/cli/store-settings.ts";
import { codeOf } from "../support/failure.ts";
import { tempDir } from "../support/temp.ts";

const ID = "0123456789abcdef".repeat(4);

class Home implements Disposable {
  readonly #folder = tempDir();
  readonly environment = { HOME: this.#folder.path };
  readonly path = join(this.#folder.path, ".config/bunker/config.toml");
  readonly warnings: string[] = [];
  readonly warn = (message: string): void => void this.warnings.push(message);

  write(text: string, mode = 0o600): this {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    writeFileSync(this.path, text);
    chmodSync(this.path, mode);
    return this;
  }

  get text(): string {
    return readFileSync(this.path, "utf8");
  }

  read() {
    return readConfig(this.environment, this.warn);
  }

  find(name: string) {
    return findNamedStore(this.read(), name);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

const homeWith = (text: string, mode?: number): Home => new Home().write(text, mode);

describe("where it is", () => {
  test("below XDG_CONFIG_HOME, else ~/.config", () => {
    expect(configPathOf({ HOME: "/h" })).toBe("/h/.config/bunker/config.toml");
    expect(configPathOf({ HOME: "/h", XDG_CONFIG_HOME: "/c" })).toBe("/c/bunker/config.toml");
    expect(configPathOf({ HOME: "/h", XDG_CONFIG_HOME: "c" })).toBe(
      "/h/.config/bunker/config.toml",
    );
    expect(codeOf(() => configPathOf({}))).toBe("invalid-argument");
  });

  test("its folder counts where the file is there", () => {
    using home = new Home();
    expect(configFolderIfAny(home.environment)).toBeUndefined();
    home.write("");
    expect(configFolderIfAny(home.environment)).toBe(dirname(home.path));
    expect(configFolderIfAny({})).toBeUndefined();
  });

  test("none is as good as an empty one", () => {
    using home = new Home();
    expect(home.read().stores.size).toBe(0);
    expect(existsSync(dirname(home.path))).toBe(false);
  });
});

describe("what it says", () => {
  test("all settings", () => {
    using home = homeWith(`
      [stores.home]
      location = "b2://my-bucket/laptop"
      store-id = "${ID}"
      endpoint = "https://s3.us-west-004.backblazeb2.com"
      region = "us-west-004"
      key-id = "004abc"
      key-file = "~/b2.key"
      ca = "/etc/ca.pem"
      connections = 4
      limit-upload = "10M"
      limit-download = 1048576
      limit-requests = 50
      passphrase-command = "pass show bunker"`);
    const { location, values } = home.find("home");
    expect(location).toEqual({
      kind: "bucket",
      scheme: "b2",
      bucket: "my-bucket",
      prefix: "laptop/",
    });
    expect(values).toMatchObject({ connections: "4", "limit-download": "1048576" });
    expect(pathOfSetting(values["key-file"]!, home.environment)).toBe(
      join(home.environment.HOME, "b2.key"),
    );
  });

  const ofFolder = `location = "/mnt/store"\n`;
  const ofBucket = `location = "b2://my-bucket"\n`;
  test.each([
    ["stores = 3", "stores: expected sections"],
    ["[stores]\na = 3", "store a: expected a section"],
    ["[[stores]]\nlocation = '/a'", "stores: expected sections"],
    ["[store.a]\nlocation = '/a'", "there is no section store"],
    ["location = '/a'", "there is no section location"],
    ["[stores.a]\nlocation = 'x", "a fault at line 2, column"],
    ["[stores.a]", "store a: expected a location"],
    ["[stores.a]\nlocation = 3", "location: expected a text in quotes"],
    ["[stores.a]\nlocation = ''", "location: expected one line of text"],
    ["[stores.a]\nlocation = 'store'", "expected an absolute path"],
    ["[stores.a]\nlocation = '@b'", "expected an absolute path"],
    ["[stores.a]\nlocation = 'b2://X'", "b2://"],
    [`[stores.a]\n${ofFolder}acces-key = 'x'`, "there is no setting acces-key"],
    [`[stores.a]\n${ofFolder}stor-id = 'x'`, "there is no setting stor-id"],
    [`[stores.a.b]\n${ofFolder}`, "there is no setting b"],
    [`[stores.a]\n${ofFolder}store-id = 'abc'`, "store-id: expected 64 hexadecimal digits"],
    [`[stores.a]\n${ofFolder}region = 'x'`, "region is for buckets"],
    [`[stores.a]\n${ofFolder}connections = 3`, "connections is for buckets"],
    [`[stores.a]\n${ofBucket}connections = 0`, "connections: expected 1 to 128"],
    [`[stores.a]\n${ofBucket}connections = 1.5`, "connections: expected 1 to 128"],
    [`[stores.a]\n${ofBucket}connections = true`, "connections: expected a number"],
    [`[stores.a]\n${ofBucket}limit-upload = 'fast'`, "limit-upload: expected a size"],
    [`[stores.a]\n${ofBucket}limit-upload = 0`, "limit-upload: expected at least 1k"],
    [`[stores.a]\n${ofBucket}ca = 'ca.pem'`, "ca: expected an absolute path"],
    [`[stores.a]\n${ofBucket}key-id = 'a'`, "key-id wants one of key, key-file, key-command"],
    [`[stores.a]\n${ofBucket}key = 'a'`, "key wants key-id"],
    [`[stores.a]\n${ofBucket}key-id = 'a'\nkey = 'a'\nkey-file = '/a'`, "one of key, key-file"],
    [`[stores.a]\n${ofBucket}key-id = 'a'\nkey = 'a'\nprofile = 'p'`, "key-id or profile"],
    [`[stores.a]\n${ofFolder}passphrase-file = '/a'\nstore-key-file = '/b'`, "expected one of"],
  ])("%j is refused", (text, message) => {
    using home = homeWith(text);
    expect(codeOf(() => home.find("a"))).toBe("invalid-argument");
    expect(() => home.find("a")).toThrow(message);
  });

  test("what was meant is told", () => {
    using home = homeWith(`[stores.home]\n${ofBucket}[stores.a]\n${ofBucket}limit-uplod = 1`);
    expect(hintOf(() => home.find("hoem"))).toBe("did you mean @home?");
    expect(hintOf(() => home.find("other"))).toContain("bunker store add other LOCATION");
    expect(hintOf(() => home.find("a"))).toBe("did you mean limit-upload?");
  });

  test("a fault in one store stops no other", () => {
    using home = homeWith(`[stores.bad]\nlocation = 3\n[stores.good]\n${ofFolder}`);
    expect(home.find("good").location).toEqual({ kind: "folder", path: "/mnt/store" });
  });

  test("no fault repeats a secret", () => {
    for (const line of [
      "key = hunter2",
      "key = 'hunter2",
      `key = "hunter2\\q"`,
      "key = 'hunter2' x",
    ]) {
      using home = homeWith(`[stores.a]\n${ofBucket}${line}\n`);
      expect(shownOf(() => home.read())).not.toContain("hunter");
    }
    for (const values of [{ key: "hunter2\n" }, { key: ["hunter2"] }, { key: "hunter2" }]) {
      const check = (): unknown =>
        checkSettings("a", { location: "b2://my-bucket", ...values }, "f");
      expect(codeOf(check)).toBe("invalid-argument");
      expect(shownOf(check)).not.toContain("hunter");
    }
  });
});

describe("who may read and write it", () => {
  const secret = `[stores.a]\nlocation = "b2://my-bucket"\nkey-id = "i"\nkey = "hunter2"\n`;
  const open = `[stores.a]\nlocation = "b2://my-bucket"\n`;

  test("one that others can read holds no secret", () => {
    using home = homeWith(secret, 0o604);
    expect(codeOf(() => home.read())).toBe("io");
    expect(() => home.read()).toThrow("open to everybody: mode 0604");
    home.write(open, 0o644);
    expect(home.find("a").name).toBe("a");
  });

  test("a group that can read a secret is a warning", () => {
    using home = homeWith(secret, 0o640);
    expect(home.find("a").values.key).toBe("hunter2");
    expect(home.warnings).toEqual([
      `${home.path} holds a secret and is open to other users: chmod 600 it`,
    ]);
  });

  test.each([0o620, 0o602, 0o666])("one that others can write is not read: %o", (mode) => {
    using home = homeWith(open, mode);
    expect(codeOf(() => home.read())).toBe("io");
  });

  test("a new one is this user's alone, as is its folder", () => {
    using home = new Home();
    add(home, "a", { location: "/a" });
    expect(statSync(home.path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(home.path)).mode & 0o777).toBe(0o700);
  });

  test("whoever changes it closes it", () => {
    using home = homeWith(open, 0o644);
    add(home, "b", { location: "b2://my-bucket", "key-id": "i", key: "hunter2" });
    expect(statSync(home.path).mode & 0o777).toBe(0o600);
  });

  test("a link to it stays one", () => {
    using home = new Home();
    const real = join(home.environment.HOME, "dotfiles");
    writeFileSync(real, open, { mode: 0o600 });
    mkdirSync(dirname(home.path), { recursive: true });
    symlinkSync(real, home.path);
    add(home, "b", { location: "/b" });
    expect(lstatSync(home.path).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, "utf8")).toContain("[stores.b]");
  });
});

describe("a change", () => {
  const HEAD = `# my stores\n\n`;
  const ONE = `# the first\n[stores.one] # here\nlocation = "/one"   # a place\n# its end\n\n`;
  const TWO = `# the second\n[ stores . "two" ]\nlocation = '''/two'''\n`;

  test("adds at the end, and keeps every byte above", () => {
    for (const text of ["", HEAD, HEAD + ONE + TWO, (HEAD + ONE + TWO).trimEnd()]) {
      using home = homeWith(text);
      add(home, "three", { location: "b2://my-bucket", connections: "4", region: "us-west-004" });
      expect(home.text.startsWith(text)).toBe(true);
      expect(home.text.slice(text.length).trimStart()).toBe(
        `[stores.three]\nlocation = "b2://my-bucket"\nconnections = 4\nregion = "us-west-004"\n`,
      );
      expect(home.find("three").values.connections).toBe("4");
    }
  });

  test("takes a section out with the comment above it", () => {
    using home = homeWith(HEAD + ONE + TWO);
    removeNamedStore(home.environment, "one", home.warn);
    expect(home.text).toBe(HEAD + TWO);
    removeNamedStore(home.environment, "two", home.warn);
    expect(home.text).toBe(HEAD);
    expect(codeOf(() => removeNamedStore(home.environment, "two", home.warn))).toBe(
      "invalid-argument",
    );
  });

  test("notes an id below the last value, once", () => {
    using home = homeWith(HEAD + ONE + TWO);
    noteStoreId(home.environment, "one", ID, home.warn);
    const noted = ONE.replace("# a place\n", `# a place\nstore-id = "${ID}"\n`);
    expect(home.text).toBe(HEAD + noted + TWO);
    noteStoreId(home.environment, "one", "f".repeat(64), home.warn);
    noteStoreId(home.environment, "none", ID, home.warn);
    expect(home.text).toBe(HEAD + noted + TWO);
    noteStoreId(home.environment, "two", ID, home.warn);
    expect(home.text).toBe(`${HEAD}${noted}${TWO}store-id = "${ID}"\n`);
  });

  test("of a name that is taken is refused", () => {
    using home = homeWith(ONE);
    expect(codeOf(() => add(home, "one", { location: "/x" }))).toBe("exists");
    expect(home.text).toBe(ONE);
  });

  test.each([
    `stores = { one = { location = "/one" } }\n`,
    `[stores]\none.location = "/one"\n`,
    `[stores]\none = { location = "/one" }\n`,
    `[stores.two]\nlocation = "/two"\npassphrase-command = """\n[stores.one]\n"""\n[stores.one]\nlocation = "/one"\n`,
  ])("of a file in another form is refused, and nothing is written: %j", (text) => {
    using home = homeWith(text);
    expect(home.read().stores.has("one")).toBe(true);
    const { environment, warn } = home;
    expect(() => noteStoreId(environment, "one", ID, warn)).toThrow("in a section of its own");
    expect(() => removeNamedStore(environment, "one", warn)).toThrow("in a section of its own");
    expect(home.text).toBe(text);
    expect(readdirSync(dirname(home.path)).filter((name) => name.endsWith(".new"))).toEqual([]);
  });
});

function add(home: Home, name: string, values: Record<string, string>): void {
  addNamedStore(home.environment, checkSettings(name, values, home.path), home.warn);
}

function hintOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    return (error as { hint?: string }).hint;
  }
  return undefined;
}

function shownOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return Bun.inspect(error) + JSON.stringify(error, Object.getOwnPropertyNames(error));
  }
  return "";
}
