// A server that does not start says why, in PostgreSQL's own words where there are any.
import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openProcessHost } from "../../src/runtime/process/process-host.ts";
import { findServerUser, runsAsRoot } from "../../src/runtime/process/server-user.ts";
import {
  failure,
  freePort,
  openLocalHost,
  postmasterPid,
  stateOf,
  waitFor,
  type LocalHost,
} from "./local-host.ts";

let local: LocalHost;
beforeAll(async () => {
  local = await openLocalHost();
});
afterAll(async () => local[Symbol.asyncDispose]());

/** Another program of the server's user. */
async function bystander(): Promise<ChildProcess> {
  const user = runsAsRoot() ? await findServerUser(process.env) : null;
  const child = spawn("sleep", ["1000"], {
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
    stdio: "ignore",
  });
  await waitFor("the bystander to run", () => child.pid !== undefined);
  return child;
}

test("a stale postmaster.pid whose pid now belongs to another program neither hides the stop nor prevents the start", async () => {
  const { host } = local;
  const node = await local.node("reused");
  await host.start(node.name, node.port);
  const old = await host.readFile(node.name, "data/postmaster.pid");
  await host.kill(node.name);
  const other = await bystander();
  try {
    const stale = (old ?? "").replace(/^\d+/, String(other.pid));
    await host.writeFiles(node.name, [{ path: "data/postmaster.pid", content: stale, mode: 0o600 }]);
    expect(await stateOf(host, node.name)).toBe("stopped");
    await host.stop(node.name, 20_000);
    await host.kill(node.name);
    expect(other.exitCode ?? other.signalCode).toBeNull();

    await host.writeFiles(node.name, [{ path: "data/postmaster.pid", content: stale, mode: 0o600 }]);
    await host.start(node.name, node.port);
    expect(await postmasterPid(host, node.name)).not.toBe(other.pid);
    expect(await stateOf(host, node.name)).toBe("running");
    expect(other.exitCode ?? other.signalCode).toBeNull();
  } finally {
    other.kill("SIGKILL");
    await host.kill(node.name);
  }
});

test("a killed server whose process was never buried, as in a container without an init, starts again", async () => {
  const { host } = local;
  const node = await local.node("unburied");
  await host.start(node.name, node.port);
  const old = await host.readFile(node.name, "data/postmaster.pid");
  await host.kill(node.name);
  // Its child ends at once, and is not waited for: a zombie for as long as the parent lives.
  const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 1000"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    const told = await new Promise<string>((resolve) =>
      parent.stdout.once("data", (text) => resolve(String(text).trim())),
    );
    const stale = (old ?? "").replace(/^\d+/, told);
    await host.writeFiles(node.name, [{ path: "data/postmaster.pid", content: stale, mode: 0o600 }]);
    await host.start(node.name, node.port);
    expect(await stateOf(host, node.name)).toBe("running");
  } finally {
    parent.kill("SIGKILL");
    await host.kill(node.name);
  }
});

test("another node's running server is not taken for this node's", async () => {
  const { host } = local;
  const [one, other] = [await local.node("one"), await local.node("other")];
  await host.start(one.name, one.port);
  const stale = await host.readFile(one.name, "data/postmaster.pid");
  await host.writeFiles(other.name, [{ path: "data/postmaster.pid", content: stale ?? "", mode: 0o600 }]);
  expect(await stateOf(host, other.name)).toBe("stopped");
  await host.kill(other.name);
  await host.start(other.name, other.port);
  expect(await stateOf(host, one.name)).toBe("running");
  expect(await stateOf(host, other.name)).toBe("running");
  await Promise.all([host.kill(one.name), host.kill(other.name)]);
});

test("a taken port is named, with what to do", async () => {
  const { host } = local;
  const node = await local.node("port");
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(node.port, "127.0.0.1", resolve));
  try {
    const refused = await failure(host.start(node.name, node.port));
    expect(refused.code).toBe("port-taken");
    expect(refused.message).toContain(String(node.port));
    expect(refused.hint).toContain("end it");
    expect(await stateOf(host, node.name)).toBe("stopped");
    // The configuration may name another port than the one that was looked at beforehand.
    const late = await failure(host.start(node.name, await freePort()));
    expect(late.code).toBe("port-taken");
    expect(late.detail).toContain("Address already in use");
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
  await host.start(node.name, node.port);
  await host.kill(node.name);
});

test("a setting that PostgreSQL does not know is told with the log's own lines", async () => {
  const { host } = local;
  const node = await local.node("broken", "share_buffers = '128MB'\n");
  const refused = await failure(host.start(node.name, node.port));
  expect(refused.code).toBe("server-failed");
  expect(refused.message).toBe("the server of broken did not start");
  expect(refused.detail).toContain('unrecognized configuration parameter "share_buffers"');
});

test("a broken pg_hba.conf is told at the start, not by a later time-out", async () => {
  const { host } = local;
  const node = await local.node("hba");
  await host.writeFiles(node.name, [
    { path: "data/pg_hba.conf", content: "host all all nowhere\n", mode: 0o600 },
  ]);
  const refused = await failure(host.start(node.name, node.port));
  expect(refused.detail).toContain("could not load");
});

test("only the lines of this start are shown, not those of an earlier one", async () => {
  const { host } = local;
  const node = await local.node("again");
  await host.start(node.name, node.port);
  await host.stop(node.name, 20_000);
  await host.writeFiles(node.name, [
    { path: "conf/postgresql.conf", content: "nonsense = 1\n", mode: 0o600 },
  ]);
  const refused = await failure(host.start(node.name, node.port));
  expect(refused.detail).toContain("nonsense");
  expect(refused.detail).not.toContain("shut down");
});

test("a node without a data directory does not start", async () => {
  const { host } = local;
  await host.create("empty");
  const refused = await failure(host.start("empty", 5999));
  expect(refused.code).toBe("server-failed");
  expect(refused.detail).toContain("data");
});

test("a version that the machine lacks is told with what it has and what to install", async () => {
  const other = await openProcessHost({ ...local.options, major: 99 });
  const missing = await failure(other.check());
  expect(missing.code).toBe("binaries-missing");
  expect(missing.message).toContain("PostgreSQL 99");
  expect(missing.detail).toMatch(/Found \d+.* in /);
  expect(missing.hint).toMatch(/Install them .*PGREP_KIT_PGBIN.*"postgres: \d+"/);
  await local.host.create("nobin");
  expect((await failure(other.start("nobin", 5999))).code).toBe("binaries-missing");
  expect((await failure(other.run("nobin", { argv: ["true"], timeoutMs: 1000 }))).code).toBe(
    "binaries-missing",
  );
  await other.close();
});

test.runIf(runsAsRoot())("root without a user for the servers is told so", async () => {
  const other = await openProcessHost({
    ...local.options,
    clusterId: "ffffffff",
    env: { ...process.env, PGREP_KIT_OS_USER: "nobody-at-all" },
  });
  const missing = await failure(other.check());
  expect(missing.code).toBe("user-missing");
  expect(missing.message).toContain('"nobody-at-all"');
  const root = await openProcessHost({
    ...local.options,
    clusterId: "ffffffff",
    env: { ...process.env, PGREP_KIT_OS_USER: "root" },
  });
  expect((await failure(root.check())).message).toContain("which is root");
});
