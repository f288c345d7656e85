// The life of one server in its container: start, freeze, stop, crash, another port, and what `list` says meanwhile.
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  docker,
  failure,
  freePort,
  logOf,
  names,
  openCluster,
  stateOf,
  takePort,
  waitFor,
  type DockerCluster,
} from "./docker-cluster.ts";

let cluster: DockerCluster;
let port: number;
beforeAll(async () => {
  cluster = await openCluster();
  port = await freePort();
  await cluster.node("pg1");
});
afterAll(async () => cluster[Symbol.asyncDispose]());

async function startAndAwait(onPort: number): Promise<void> {
  const { host } = cluster;
  await host.start("pg1", onPort);
  await waitFor("the server to answer", async () => (await answer(onPort)) === 0);
}

/** Asks through the node's own network name from inside, and so proves alias, port and listening address. */
async function answer(onPort: number): Promise<number> {
  const bound = await docker("port", cluster.thing("pg1"), "5432/tcp");
  expect(bound).toBe(`127.0.0.1:${onPort}`);
  return docker("exec", cluster.thing("pg1"), "pg_isready", "-q", "-h", "pg1").then(
    () => 0,
    () => 1,
  );
}

test("a node without a server is stopped, one that was never made is absent", async () => {
  const nodes = await cluster.host.list();
  expect(nodes.get("pg1")).toEqual({ state: "stopped", exitCode: null, stoppedAtMs: null });
  expect(nodes.has("pg2")).toBe(false);
});

test("a started server runs, listens on the remembered port of the loopback address, and is not started twice", async () => {
  await startAndAwait(port);
  expect(await stateOf(cluster.host, "pg1")).toBe("running");
  const before = await docker("inspect", "--format={{.Id}} {{.State.StartedAt}}", cluster.thing("pg1"));
  await cluster.host.start("pg1", port);
  expect(await docker("inspect", "--format={{.Id}} {{.State.StartedAt}}", cluster.thing("pg1"))).toBe(before);
  expect(cluster.host.wiring("pg1", port)).toEqual({
    endpoint: { host: "127.0.0.1", port },
    peer: { host: "pg1", port: 5432 },
    listenAddresses: "*",
    listenPort: 5432,
  });
});

test("the server is the child of an init, has room for parallel queries, and never comes back by itself", async () => {
  await startAndAwait(port);
  const format =
    "{{.HostConfig.Init}} {{.HostConfig.ShmSize}} {{.HostConfig.RestartPolicy.Name}} {{.Config.User}} {{.Config.StopSignal}}";
  expect(await docker("inspect", `--format=${format}`, cluster.thing("pg1"))).toBe(
    "true 268435456 no postgres SIGINT",
  );
});

test("everything of a node carries the labels of cluster, id and node", async () => {
  await startAndAwait(port);
  const { cluster: name, clusterId } = cluster.options;
  const format =
    '{{index .Labels "pgrep-kit.cluster"}} {{index .Labels "pgrep-kit.id"}} {{index .Labels "pgrep-kit.node"}}';
  const labels = `${name} ${clusterId} pg1`;
  expect(await docker("volume", "inspect", `--format=${format}`, cluster.thing("pg1"))).toBe(labels);
  const ofContainer = format.replaceAll(".Labels", ".Config.Labels");
  expect(await docker("inspect", `--format=${ofContainer}`, cluster.thing("pg1"))).toBe(labels);
  expect(await names("network", `label=pgrep-kit.id=${clusterId}`)).toEqual([`pgrep-kit-${name}`]);
});

test("a frozen server is paused until it is let go on; both may be said twice", async () => {
  await startAndAwait(port);
  const { host } = cluster;
  await host.pause("pg1");
  await host.pause("pg1");
  expect((await host.list()).get("pg1")).toEqual({ state: "paused" });
  await host.resume("pg1");
  await host.resume("pg1");
  expect(await stateOf(host, "pg1")).toBe("running");
});

test("a fast shutdown ends the server with exit code 0, whoever waits for its end is told", async () => {
  await startAndAwait(port);
  const { host } = cluster;
  const beforeMs = Date.now();
  const ended = host.ended("pg1", AbortSignal.timeout(30_000));
  await host.stop("pg1", 30_000);
  await ended;
  const stopped = (await host.list()).get("pg1");
  expect(stopped).toMatchObject({ state: "stopped", exitCode: 0 });
  expect(stopped?.state === "stopped" && stopped.stoppedAtMs).toBeGreaterThanOrEqual(beforeMs - 1000);
  expect((await logOf(host, "pg1")).join("\n")).toContain("received fast shutdown request");
  await host.stop("pg1", 1);
});

test("a frozen server is let go on to shut down", async () => {
  await startAndAwait(port);
  await cluster.host.pause("pg1");
  await cluster.host.stop("pg1", 30_000);
  expect((await cluster.host.list()).get("pg1")).toMatchObject({ state: "stopped", exitCode: 0 });
});

test("a shutdown that takes too long is told, and never becomes a kill", async () => {
  await startAndAwait(port);
  const { host } = cluster;
  // The postmaster cannot act on any signal while it is stopped itself.
  await docker(
    "exec",
    cluster.thing("pg1"),
    "sh",
    "-c",
    "kill -STOP $(head -n1 /pgrep-kit/node/data/postmaster.pid)",
  );
  const late = await failure(host.stop("pg1", 200));
  expect(`${late.code}: ${late.message}`).toBe(
    "deadline: the server of node pg1 has not shut down within 0.2 s",
  );
  expect(await stateOf(host, "pg1")).toBe("running");
  const ended = host.ended("pg1", AbortSignal.timeout(30_000));
  await docker(
    "exec",
    cluster.thing("pg1"),
    "sh",
    "-c",
    "kill -CONT $(head -n1 /pgrep-kit/node/data/postmaster.pid)",
  );
  await ended;
  expect((await host.list()).get("pg1")).toMatchObject({ state: "stopped", exitCode: 0 });
});

test("a killed server is stopped with exit code 137, frozen or not, and may be killed again", async () => {
  const { host } = cluster;
  for (const frozen of [false, true]) {
    await startAndAwait(port);
    if (frozen) await host.pause("pg1");
    const ended = host.ended("pg1", AbortSignal.timeout(30_000));
    await host.kill("pg1");
    await ended;
    expect((await host.list()).get("pg1")).toMatchObject({ state: "stopped", exitCode: 137 });
    await host.kill("pg1");
  }
});

test("a server that is started on another port gets a new container, and keeps its data", async () => {
  const { host } = cluster;
  await startAndAwait(port);
  await host.writeFiles("pg1", [{ path: "data/kept", content: "yes", mode: 0o600 }]);
  await host.stop("pg1", 30_000);
  const other = await freePort();
  await startAndAwait(other);
  expect(await host.readFile("pg1", "data/kept")).toBe("yes");
  await host.stop("pg1", 30_000);
});

test("a port that another program holds is named, and can be used once it is free", async () => {
  const { host } = cluster;
  await host.stop("pg1", 30_000);
  const held = await takePort();
  const taken = await failure(host.start("pg1", held.port));
  expect(taken.code).toBe("port-taken");
  expect(taken.message).toBe(`port ${held.port} of node pg1 is taken by another program`);
  expect(taken.hint).toContain(String(held.port));
  expect(await stateOf(host, "pg1")).toBe("stopped");
  await held.release();
  await startAndAwait(held.port);
  await host.stop("pg1", 30_000);
});

test("a followed log goes on until it is aborted; it ends where the server ends", async () => {
  const { host } = cluster;
  await startAndAwait(port);
  const abort = new AbortController();
  let seen = "";
  for await (const line of host.logs("pg1", { lines: null, follow: true, signal: abort.signal })) {
    seen = line;
    if (line.includes("ready to accept connections")) abort.abort();
  }
  expect(seen).toContain("ready to accept connections");

  const following = (async () => {
    const lines: string[] = [];
    for await (const line of host.logs("pg1", { lines: 0, follow: true })) lines.push(line);
    return lines;
  })();
  await host.stop("pg1", 30_000);
  expect((await following).at(-1)).toContain("database system is shut down");
});

test("waiting for the end of a server that never ran goes on until it has run, or is aborted", async () => {
  const { host } = cluster;
  await expect(host.ended("pg2", AbortSignal.timeout(100))).rejects.toThrow("aborted due to timeout");
  await host.stop("pg1", 30_000);
  await docker("rm", "--volumes", cluster.thing("pg1"));
  let isOver = false;
  const ended = host.ended("pg1", AbortSignal.timeout(60_000)).then(() => (isOver = true));
  await startAndAwait(port);
  expect(isOver).toBe(false);
  await host.kill("pg1");
  await ended;
});

test("the host knows how much room is left while the server runs", async () => {
  await startAndAwait(port);
  expect(await cluster.host.freeBytes("pg1")).toBeGreaterThan(1_000_000);
  await cluster.host.stop("pg1", 30_000);
  expect(await cluster.host.freeBytes("pg1")).toBeNull();
});

test("a removed node leaves nothing behind, and may be removed again", async () => {
  const { host } = cluster;
  await startAndAwait(port);
  await host.remove("pg1");
  await host.remove("pg1");
  expect((await host.list()).size).toBe(0);
  expect(await names("container", `label=pgrep-kit.id=${cluster.options.clusterId}`)).toEqual([]);
  expect(await names("volume", `label=pgrep-kit.id=${cluster.options.clusterId}`)).toEqual([]);
  const gone = await failure(host.start("pg1", port));
  expect(gone.message).toContain("node pg1 has no storage");
  expect(await names("volume", `name=${cluster.thing("pg1")}`)).toEqual([]);
});
