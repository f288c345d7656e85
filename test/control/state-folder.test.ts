import {
  chmod,
  cp,
  mkdir,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  type NewState,
  checkMajor,
  checkState,
  createState,
  forgetNode,
  makeStateFolder,
  openState,
  readCredentials,
  readState,
  rememberHome,
  rememberPort,
  removeState,
} from "../../src/control/state-folder.ts";
import { failureOf } from "./failure.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const demo: NewState = { cluster: "demo", runtime: "docker", postgres: 17, database: "app", sample: null };

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

describe("a new state", () => {
  test("is kept from other users and from git", async () => {
    const home = await temporaryFolder();
    const { path } = await createState(home, demo);
    expect(await modeOf(path)).toBe("700");
    expect(await modeOf(join(path, "credentials.json"))).toBe("600");
    expect(await modeOf(join(path, "cluster.json"))).toBe("600");
    expect(await readFile(join(path, ".gitignore"), "utf8")).toBe("*\n");
  });

  test("has an identity and passwords that no other cluster has", async () => {
    const [one, other] = [
      await createState(await temporaryFolder(), demo),
      await createState(await temporaryFolder(), demo),
    ];
    expect((await readState(one)).id).toMatch(/^[0-9a-f]{32}$/);
    expect((await readState(one)).id).not.toBe((await readState(other)).id);
    const passwords = [await readCredentials(one), await readCredentials(other)].flatMap((each) =>
      Object.values(each),
    );
    expect(new Set(passwords).size).toBe(6);
    for (const password of passwords) expect(password).toMatch(/^[A-Za-z0-9_-]{24,}$/);
  });

  test("leaves no unfinished file behind", async () => {
    const { path } = await createState(await temporaryFolder(), demo);
    expect((await readdir(path)).toSorted()).toEqual([".gitignore", "cluster.json", "credentials.json"]);
  });

  test("stays as it is when it is created again", async () => {
    const home = await temporaryFolder();
    const before = await readState(await createState(home, demo));
    expect(await readState(await createState(home, demo))).toEqual(before);
    expect((await failureOf(createState(home, { ...demo, runtime: "process" }))).code).toBe("state-mismatch");
  });

  test("that was killed before it was whole is continued with the same passwords", async () => {
    const home = await temporaryFolder();
    const folder = await createState(home, demo);
    const credentials = await readCredentials(folder);
    await rm(join(folder.path, "cluster.json"));
    expect(await openState(home)).toBeNull();
    expect(await readCredentials(await createState(home, demo))).toEqual(credentials);
  });
});

describe("opening a state", () => {
  test("answers null where there never was one", async () => {
    const home = await temporaryFolder();
    expect(await openState(home)).toBeNull();
    await makeStateFolder(home);
    expect(await openState(home)).toBeNull();
  });

  test.each([
    ["empty", ""],
    ["cut off", '{"version": 1, "id": "00'],
    ["of another shape", '{"version": 1, "id": 7}'],
    ["a list", "[]"],
    [
      "with a port that is none",
      JSON.stringify({ version: 1, id: "0".repeat(32), ...demo, ports: { pg1: 0 } }),
    ],
  ])("reports a cluster.json that is %s, and does not replace it", async (_, text) => {
    const home = await temporaryFolder();
    const { path } = await createState(home, demo);
    const file = join(path, "cluster.json");
    await writeFile(file, text);
    for (const attempt of [
      () => openState(home),
      () => createState(home, demo),
      () => rememberPort({ path }, "pg1", 5000),
    ]) {
      const failure = await failureOf(attempt);
      expect(failure.code).toBe("state-corrupt");
      expect(failure.message).toContain(file);
      expect(failure.hint).toContain("Restore");
    }
    expect(await readFile(file, "utf8")).toBe(text);
  });

  test("says so where a newer pgrep-kit wrote it", async () => {
    const home = await temporaryFolder();
    const { path } = await createState(home, demo);
    await writeFile(join(path, "cluster.json"), JSON.stringify({ version: 2 }));
    expect((await failureOf(openState(home))).detail).toContain("version 2");
  });

  test("reports a cluster.json that is gone while the authority record is there", async () => {
    const home = await temporaryFolder();
    const { path } = await createState(home, demo);
    await writeFile(join(path, "authority.json"), "{}");
    await rm(join(path, "cluster.json"));
    expect((await failureOf(openState(home))).code).toBe("state-corrupt");
    expect((await failureOf(createState(home, demo))).code).toBe("state-corrupt");
  });

  test("refuses a file that names another cluster or runtime", async () => {
    const state = await readState(await createState(await temporaryFolder(), demo));
    expect(() => checkState(state, { name: "demo", runtime: "docker" })).not.toThrow();
    const renamed = await failureOf(() => checkState(state, { name: "other", runtime: "docker" }));
    expect(renamed.code).toBe("state-mismatch");
    expect(renamed.message).toContain("other");
    expect((await failureOf(() => checkState(state, { name: "demo", runtime: "process" }))).hint).toContain(
      "docker",
    );
  });
});

test("a file that asks for another major version than the data is of is refused", async () => {
  const state = await readState(await createState(await temporaryFolder(), demo));
  expect(() => checkMajor(state, { postgres: 17 })).not.toThrow();
  expect(() => checkMajor({ ...state, postgres: null }, { postgres: 18 })).not.toThrow();
  const upgraded = await failureOf(() => checkMajor(state, { postgres: 18 }));
  expect(upgraded.code).toBe("state-mismatch");
  expect(upgraded.hint).toContain("17");
});

describe("a copied state folder", () => {
  test("is opened by nobody while the original is in its place", async () => {
    const [home, copy] = [await temporaryFolder(), await temporaryFolder()];
    await createState(home, demo);
    await cp(home, copy, { recursive: true });
    for (const attempt of [() => openState(copy), () => createState(copy, demo)]) {
      const failure = await failureOf(attempt);
      expect(failure.code).toBe("state-copied");
      expect(failure.message).toContain(await realpath(home));
      expect(failure.hint).toContain(join(copy, ".pgrep-kit"));
    }
    expect(await openState(home)).not.toBeNull();
  });

  test("is opened by nobody while the original is there, but damaged", async () => {
    const [home, copy] = [await temporaryFolder(), await temporaryFolder()];
    const { path } = await createState(home, demo);
    await cp(home, copy, { recursive: true });
    await writeFile(join(path, "cluster.json"), "");
    expect((await failureOf(openState(copy))).code).toBe("state-copied");
  });

  test("is the cluster once the original is gone, and says so from the next change on", async () => {
    const [home, copy] = [await temporaryFolder(), await temporaryFolder()];
    await createState(home, demo);
    await cp(home, copy, { recursive: true });
    await rm(join(home, ".pgrep-kit"), { recursive: true });
    const folder = (await openState(copy))!;
    await rememberHome(folder);
    expect((await readState(folder)).home).toBe(await realpath(folder.path));
    await cp(copy, home, { recursive: true });
    expect((await failureOf(openState(home))).message).toContain(await realpath(copy));
  });

  test("is no matter where another cluster has taken the original's place", async () => {
    const [home, copy] = [await temporaryFolder(), await temporaryFolder()];
    const original = await createState(home, demo);
    await cp(home, copy, { recursive: true });
    await removeState(original);
    await createState(home, demo);
    expect(await openState(copy)).not.toBeNull();
  });

  test("is none where it was moved, or is reached by a link", async () => {
    const home = await temporaryFolder();
    await createState(join(home, "first"), demo);
    await symlink(join(home, "first"), join(home, "link"));
    const linked = (await openState(join(home, "link")))!;
    await rememberHome(linked);
    expect((await readState(linked)).home).toBe(join(await realpath(home), "first", ".pgrep-kit"));
    await rename(join(home, "first"), join(home, "second"));
    expect(await openState(join(home, "second"))).not.toBeNull();
  });

  test("is none where nobody wrote down yet where it was made", async () => {
    const [home, copy] = [await temporaryFolder(), await temporaryFolder()];
    const folder = await createState(home, demo);
    const { home: _, postgres: __, ...early } = await readState(folder);
    await writeFile(join(folder.path, "cluster.json"), JSON.stringify(early));
    await cp(home, copy, { recursive: true });
    expect(await openState(copy)).not.toBeNull();
    await rememberHome(folder);
    expect((await readState(folder)).home).toBe(await realpath(folder.path));
  });
});

describe("passwords", () => {
  test.each(['{"version":1,"superuser":"x"}', "not json", ""])(
    "are never made anew in place of %j",
    async (text) => {
      const home = await temporaryFolder();
      const folder = await createState(home, demo);
      const file = join(folder.path, "credentials.json");
      await writeFile(file, text);
      const failure = await failureOf(readCredentials(folder));
      expect(failure.code).toBe("state-corrupt");
      expect(await readFile(file, "utf8")).toBe(text);
    },
  );

  test.each([
    ["cut off", (password: string) => `{"version":1,"superuser":"${password}`],
    ["alone", (password: string) => password],
    ["misplaced", (password: string) => `{"${password}" oops}`],
  ])("that are %s are never part of the error about their file", async (_, damage) => {
    const folder = await createState(await temporaryFolder(), demo);
    const { superuser } = await readCredentials(folder);
    await writeFile(join(folder.path, "credentials.json"), damage(superuser));
    const failure = await failureOf(readCredentials(folder));
    expect(inspect(failure)).not.toContain(superuser.slice(0, 5));
  });

  test("that are gone are reported, not made anew", async () => {
    const folder = await createState(await temporaryFolder(), demo);
    await rm(join(folder.path, "credentials.json"));
    expect((await failureOf(readCredentials(folder))).code).toBe("state-corrupt");
  });

  test("that others could read are closed to them again", async () => {
    const home = await temporaryFolder();
    const folder = await createState(home, demo);
    await chmod(join(folder.path, "credentials.json"), 0o644);
    await chmod(folder.path, 0o777);
    await readCredentials(folder);
    await makeStateFolder(home);
    expect(await modeOf(join(folder.path, "credentials.json"))).toBe("600");
    expect(await modeOf(folder.path)).toBe("711");
  });
});

describe("ports", () => {
  test("are remembered, also when several nodes get theirs at once", async () => {
    const folder = await createState(await temporaryFolder(), demo);
    await Promise.all([1, 2, 3, 4].map((n) => rememberPort(folder, `pg${n}`, 5000 + n)));
    expect((await readState(folder)).ports).toEqual({ pg1: 5001, pg2: 5002, pg3: 5003, pg4: 5004 });
  });

  test("are forgotten with their node", async () => {
    const folder = await createState(await temporaryFolder(), demo);
    await rememberPort(folder, "pg1", 5001);
    await rememberPort(folder, "pg2", 5002);
    await forgetNode(folder, "pg2");
    await forgetNode(folder, "pg2");
    expect((await readState(folder)).ports).toEqual({ pg1: 5001 });
  });
});

test("removing the state leaves nothing but what belongs to the lock", async () => {
  const home = await temporaryFolder();
  const folder = await createState(home, demo);
  await writeFile(join(folder.path, "journal.ndjson"), "");
  await mkdir(join(folder.path, "divergence"));
  await mkdir(join(folder.path, "lock"));
  await removeState(folder);
  expect(await readdir(folder.path)).toEqual(["lock"]);
  expect(await openState(home)).toBeNull();
});
