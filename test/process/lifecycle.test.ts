// The life of a local server: start, stop, crash, freeze, and what `list` says of it meanwhile.
import { execFile } from "node:child_process";
import { appendFile, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { allProcesses } from "../../src/runtime/process/process-table.ts";
import {
  failure,
  logLines,
  openLocalHost,
  postmasterPid,
  stateOf,
  waitFor,
  type LocalHost,
  type LocalNode,
} from "./local-host.ts";

let local: LocalHost;
beforeAll(async () => {
  local = await openLocalHost();
});
afterAll(async () => local[Symbol.asyncDispose]());

/** Starts a node with one more connection open in it, which sleeps in a query. */
async function startBusy(node: LocalNode): Promise<void> {
  await local.host.start(node.name, node.port);
  await waitFor("the server to answer", async () => (await psql(node, "SELECT 1")) === "1");
  void psql(node, "SELECT pg_sleep(300)");
  await waitFor("the query to run", async () => {
    return (
      (await psql(node, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")) === "1"
    );
  });
}

async function psql(node: LocalNode, sql: string): Promise<string | null> {
  const { source } = await local.host.check();
  const args = ["-h", "127.0.0.1", "-p", String(node.port), "-U", "postgres", "-Atqc", sql, "postgres"];
  return promisify(execFile)(join(source, "psql"), args).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}

async function processesOf(pid: number): Promise<number> {
  return (await allProcesses()).filter((entry) => entry.pid === pid || entry.parent === pid).length;
}

test("a node is absent, then stopped, then running since its start, then stopped since its end", async () => {
  const { host } = local;
  expect(await stateOf(host, "life")).toBe("absent");
  await host.create("life");
  expect((await host.list()).get("life")).toEqual({ state: "stopped", exitCode: null, stoppedAtMs: null });

  const node = await local.node("life");
  const beforeMs = Date.now();
  await host.start(node.name, node.port);
  const running = (await host.list()).get("life");
  expect(running?.state).toBe("running");
  expect(running?.state === "running" && running.startedAtMs).toBeGreaterThan(beforeMs - 2000);

  await host.stop(node.name, 20_000);
  const stopped = (await host.list()).get("life");
  expect(stopped?.state).toBe("stopped");
  expect(stopped?.state === "stopped" && stopped.stoppedAtMs).toBeGreaterThan(beforeMs - 1000);
  expect(await host.readFile(node.name, "data/postmaster.pid")).toBeNull();
});

test("starting a running server and stopping a stopped one change nothing", async () => {
  const { host } = local;
  const node = await local.node("twice");
  await host.start(node.name, node.port);
  const pid = await postmasterPid(host, node.name);
  await host.start(node.name, node.port);
  expect(await postmasterPid(host, node.name)).toBe(pid);
  await host.stop(node.name, 20_000);
  await host.stop(node.name, 20_000);
  await host.kill(node.name);
  expect(await stateOf(host, node.name)).toBe("stopped");
});

test("a killed server leaves no process behind, and starts again over its stale postmaster.pid", async () => {
  const { host } = local;
  const node = await local.node("crash");
  await startBusy(node);
  const pid = await postmasterPid(host, node.name);
  expect(await processesOf(pid)).toBeGreaterThan(5);
  await host.kill(node.name);
  expect(
    (await allProcesses()).filter((entry) => entry.program === "postgres" && entry.parent === pid),
  ).toEqual([]);
  expect(await stateOf(host, node.name)).toBe("stopped");
  expect(await postmasterPid(host, node.name)).toBe(pid);

  await host.start(node.name, node.port);
  await waitFor("the server to answer", async () => (await psql(node, "SELECT 1")) === "1");
  await host.kill(node.name);
});

test("backends that outlive a killed postmaster do not keep the server from starting", async () => {
  const { host } = local;
  const node = await local.node("orphans");
  await startBusy(node);
  const pid = await postmasterPid(host, node.name);
  // Frozen, they cannot notice the death of their parent.
  await host.pause(node.name);
  const children = (await allProcesses()).filter((entry) => entry.parent === pid).map((entry) => entry.pid);
  process.kill(pid, "SIGKILL");
  await waitFor("the postmaster to be gone", async () => (await stateOf(host, node.name)) === "stopped");
  const alive = async (): Promise<number> =>
    (await allProcesses()).filter((entry) => children.includes(entry.pid)).length;
  expect(await alive()).toBe(children.length);

  await host.start(node.name, node.port);
  expect(await alive()).toBe(0);
  expect(await stateOf(host, node.name)).toBe("running");
  await host.kill(node.name);
});

test("stopping a node whose postmaster alone was killed ends its orphans", async () => {
  const { host } = local;
  const node = await local.node("rest");
  await startBusy(node);
  const pid = await postmasterPid(host, node.name);
  await host.pause(node.name);
  const children = (await allProcesses()).filter((entry) => entry.parent === pid).map((entry) => entry.pid);
  process.kill(pid, "SIGKILL");
  await waitFor("the postmaster to be gone", async () => (await stateOf(host, node.name)) === "stopped");
  await host.stop(node.name, 20_000);
  expect((await allProcesses()).filter((entry) => children.includes(entry.pid))).toEqual([]);
});

test("a server frozen by SIGSTOP is paused, cannot be started, and goes on after resume", async () => {
  const { host } = local;
  const node = await local.node("frozen");
  await startBusy(node);
  await host.pause(node.name);
  const pid = await postmasterPid(host, node.name);
  const family = (await allProcesses()).filter((entry) => entry.pid === pid || entry.parent === pid);
  const seen = (await host.list()).get(node.name);
  expect(seen).toMatchObject({ state: "paused" });
  expect(seen?.state === "paused" && seen.processes?.toSorted()).toEqual(
    family.map((entry) => entry.pid).toSorted(),
  );
  expect(family.every((entry) => entry.stopped)).toBe(true);
  const refused = await failure(host.start(node.name, node.port));
  expect(refused.code).toBe("server-failed");
  expect(refused.message).toContain("frozen is frozen");

  await host.resume(node.name);
  expect(await stateOf(host, node.name)).toBe("running");
  expect(await psql(node, "SELECT 1")).toBe("1");
  await host.pause(node.name);
  await host.stop(node.name, 20_000);
  expect(await stateOf(host, node.name)).toBe("stopped");
});

test("the end of a server is learnt at once, whether it crashed or was stopped", async () => {
  const { host } = local;
  const node = await local.node("watched");
  await host.start(node.name, node.port);
  const ended = host.ended(node.name, AbortSignal.timeout(20_000)).then(() => performance.now());
  await host.kill(node.name);
  const killedMs = performance.now();
  expect((await ended) - killedMs).toBeLessThan(250);
  // It has ended already: nothing to wait for.
  await host.ended(node.name, AbortSignal.timeout(20_000));

  await host.start(node.name, node.port);
  const aborted = new AbortController();
  const watch = host.ended(node.name, aborted.signal);
  aborted.abort(new Error("no longer of interest"));
  await expect(watch).rejects.toThrow("no longer of interest");
  await host.stop(node.name, 20_000);
});

test("a shutdown that a client holds up ends at its deadline, which names what was waited for", async () => {
  const { host } = local;
  const node = await local.node("slow");
  await startBusy(node);
  const pid = await postmasterPid(host, node.name);
  // A frozen backend does not follow the shutdown.
  const backend = Number(
    await psql(node, "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"),
  );
  process.kill(backend, "SIGSTOP");
  const late = await failure(host.stop(node.name, 200));
  expect(late.code).toBe("deadline");
  expect(late.detail).toContain(String(pid));
  process.kill(backend, "SIGCONT");
  await host.stop(node.name, 20_000);
});

test("the log gives its newest lines, all lines, and those still to come across a rotation", async () => {
  const { host } = local;
  const node = await local.node("log");
  const log = join(node.paths.root, "server.log");
  await host.start(node.name, node.port);
  await host.stop(node.name, 20_000);
  const all = await logLines(host, node.name);
  expect(all.at(-1)).toContain("database system is shut down");
  expect(await logLines(host, node.name, 2)).toEqual(all.slice(-2));
  expect(await logLines(host, node.name, 0)).toEqual([]);

  const done = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const line of host.logs(node.name, { lines: 1, follow: true, signal: done.signal }))
      seen.push(line);
  })();
  await waitFor("the newest line", () => seen.length === 1);
  await appendFile(log, "a line of two ");
  await appendFile(log, "writes — ü\n");
  await waitFor("the new line", () => seen.at(-1) === "a line of two writes — ü");
  await truncateToLimit(log);
  await host.start(node.name, node.port);
  await waitFor("a line of the new log", () =>
    seen.some((line) => line.includes("database system is ready")),
  );
  expect((await stat(`${log}.1`)).size).toBeGreaterThan(10 * 1024 * 1024);
  done.abort();
  await reading;
  await host.kill(node.name);
});

/** Makes the log longer than what it may be when a server starts. */
async function truncateToLimit(log: string): Promise<void> {
  await truncate(log, 10 * 1024 * 1024);
  await appendFile(log, "\n".repeat(1000));
}
