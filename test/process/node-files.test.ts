// The nodes' files and folders: whose they are, that they are whole, and that nothing else is ever touched.
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findServerUser, runsAsRoot } from "../../src/runtime/process/server-user.ts";
import { BrokenInvariant } from "../../src/support/assert.ts";
import { failure, openLocalHost, type LocalHost } from "./local-host.ts";

let local: LocalHost;
let owner: number;
beforeAll(async () => {
  local = await openLocalHost();
  owner = runsAsRoot() ? (await findServerUser(process.env)).uid : (process.getuid?.() ?? 0);
  await local.host.create("pg1");
});
afterAll(async () => local[Symbol.asyncDispose]());

test("a node's folders are private to the server's user", async () => {
  const { root, conf } = local.host.paths("pg1");
  for (const folder of [root, conf]) {
    const seen = await stat(folder);
    expect(seen.mode & 0o777).toBe(0o700);
    expect(seen.uid).toBe(owner);
  }
});

test("making a node again keeps what is there and mends its mode", async () => {
  const { root } = local.host.paths("pg1");
  await local.host.writeFiles("pg1", [{ path: "conf/kept", content: "kept", mode: 0o600 }]);
  await local.run("pg1", "chmod", "755", root);
  await local.host.create("pg1");
  expect((await stat(root)).mode & 0o777).toBe(0o700);
  expect(await local.host.readFile("pg1", "conf/kept")).toBe("kept");
});

test("a file is written with its mode and owner, whatever the umask, and replaced whole", async () => {
  const { conf } = local.host.paths("pg1");
  const old = process.umask(0o077);
  try {
    await local.host.writeFiles("pg1", [
      { path: "conf/pgpass", content: "secret", mode: 0o600 },
      { path: "conf/pg_hba.conf", content: "first", mode: 0o644 },
    ]);
    const before = await stat(join(conf, "pg_hba.conf"));
    await local.host.writeFiles("pg1", [{ path: "conf/pg_hba.conf", content: "secönd", mode: 0o644 }]);
    const after = await stat(join(conf, "pg_hba.conf"));
    // A new file under the old name: a reader has the old one or the new one, never half of each.
    expect(after.ino).not.toBe(before.ino);
    expect([after.mode & 0o777, after.uid]).toEqual([0o644, owner]);
    expect((await stat(join(conf, "pgpass"))).mode & 0o777).toBe(0o600);
    expect(await local.host.readFile("pg1", "conf/pg_hba.conf")).toBe("secönd");
  } finally {
    process.umask(old);
  }
  expect((await readdir(conf)).filter((name) => name.startsWith("."))).toEqual([]);
});

test("writing a file makes the node's folder, but never a data directory", async () => {
  await local.host.writeFiles("early", [{ path: "conf/a", content: "a", mode: 0o600 }]);
  expect(await local.host.readFile("early", "conf/a")).toBe("a");
  const refused = await failure(
    local.host.writeFiles("early", [{ path: "data/standby.signal", content: "", mode: 0o600 }]),
  );
  expect(refused.code).toBe("state-unwritable");
  expect(await readdir(local.host.paths("early").root)).toEqual(["conf"]);
});

test("what a killed command left of a file that it was writing is cleared away by the next", async () => {
  const { host } = local;
  await host.create("pg1");
  const left = join(host.paths("pg1").conf, ".pgpass.0123456789ab.tmp");
  await writeFile(left, "*:*:*:replicator:secret\n", { mode: 0o600 });
  await host.writeFiles("pg1", [{ path: "conf/pgpass", content: "new\n", mode: 0o600 }]);
  await expect(stat(left)).rejects.toThrow("ENOENT");
  expect(await host.readFile("pg1", "conf/pgpass")).toBe("new\n");
});

test("a file that is not there is null", async () => {
  expect(await local.host.readFile("pg1", "data/postmaster.pid")).toBeNull();
  expect(await local.host.readFile("pg1", "conf/kept/below")).toBeNull();
  expect(await local.host.readFile("never-made", "conf/a")).toBeNull();
});

test("paths that lead out of the node, and names that are none, are our own mistake", async () => {
  const { host } = local;
  const file = { content: "", mode: 0o600 };
  for (const path of ["../pg2/conf/a", "/etc/passwd", "conf/../../x", ""]) {
    await expect(host.writeFiles("pg1", [{ ...file, path }])).rejects.toThrow(BrokenInvariant);
  }
  for (const name of ["", ".", "..", "a/b", "PG1", "-a"]) {
    expect(() => host.paths(name)).toThrow(BrokenInvariant);
    expect(() => host.remove(name)).toThrow(BrokenInvariant);
  }
});

test("nothing is written through a symbolic link in place of a folder", async () => {
  const elsewhere = join(local.options.stateFolder, "elsewhere");
  await mkdir(elsewhere);
  await local.host.create("linked");
  const { conf } = local.host.paths("linked");
  await rm(conf, { recursive: true });
  await symlink(elsewhere, conf);
  const refused = await failure(
    local.host.writeFiles("linked", [{ path: "conf/a", content: "a", mode: 0o600 }]),
  );
  expect(refused.message).toContain("is not a folder");
  expect(await readdir(elsewhere)).toEqual([]);
});

test("removing a node removes its folder and nothing of its neighbours", async () => {
  const { host } = local;
  await host.create("gone");
  await host.create("gone-2");
  const outside = join(local.options.stateFolder, "outside");
  await mkdir(outside);
  await writeFile(join(outside, "precious"), "precious");
  await symlink(outside, join(host.paths("gone").root, "link"));
  await host.remove("gone");
  await host.remove("gone");
  expect([...(await host.list()).keys()]).not.toContain("gone");
  expect([...(await host.list()).keys()]).toContain("gone-2");
  expect(await readFile(join(outside, "precious"), "utf8")).toBe("precious");
});

test("removing a node whose server runs ends the server first", async () => {
  const { host } = local;
  const node = await local.node("busy");
  await host.start(node.name, node.port);
  await host.remove(node.name);
  expect((await host.list()).has(node.name)).toBe(false);
  const again = await local.node("busy");
  await host.start(again.name, again.port);
  await host.kill(again.name);
});

test("a node's folder that somebody replaced by a link is not followed when it is removed", async () => {
  const outside = join(local.options.stateFolder, "big-disk");
  await mkdir(outside);
  const root = local.host.paths("moved").root;
  await symlink(outside, root);
  expect((await failure(local.host.remove("moved"))).code).toBe("remove-failed");
  expect(await readdir(outside)).toEqual([]);
  await rm(root);
});

test("tearing down keeps a base folder that is not empty, and finishes an interrupted removal", async () => {
  await using other = await openLocalHost("torn");
  await other.host.create("pg1");
  const base = join(other.host.paths("pg1").root, "..");
  await mkdir(join(base, ".removed-pg2-0a0b0c0d"));
  await writeFile(join(base, "notes.txt"), "of somebody");
  await other.host.tearDown();
  expect((await readdir(base)).toSorted()).toEqual(["notes.txt", "pg1"]);
  expect([...(await other.host.list()).keys()]).toEqual(["pg1"]);
  await rm(join(base, "notes.txt"));
  await other.host.remove("pg1");
  await other.host.tearDown();
  await expect(stat(base)).rejects.toThrow("ENOENT");
  await other.host.tearDown();
});

test("free space is told even before the folder exists", async () => {
  expect(await local.host.freeBytes("pg1")).toBeGreaterThan(0);
  expect(await local.host.freeBytes("never-made")).toBeGreaterThan(0);
});
