// Who only looks at a node disturbs nobody: no copy under way, no other reader. And who changes one leaves alone what
// belongs to a pgrep-kit that lives.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDockerHost } from "../../src/runtime/docker/docker-host.ts";
import type { NodeHost, Tool } from "../../src/runtime/node-host.ts";
import { thisProcess } from "../../src/support/process-life.ts";
import { compiled } from "../setup/compiled.ts";
import {
  deadProcess,
  docker,
  failure,
  names,
  openCluster,
  waitFor,
  type DockerCluster,
} from "./docker-cluster.ts";

let cluster: DockerCluster;
beforeAll(async () => {
  cluster = await openCluster();
  await cluster.node("pg1");
});
afterAll(async () => cluster[Symbol.asyncDispose]());

const toolbox = (): string => `${cluster.thing("pg1")}.tools`;
const readers = (): Promise<string[]> => names("container", `label=pgrep-kit.reader=pg1`).then(ofCluster);
const ofCluster = (all: string[]): string[] => all.filter((name) => name.startsWith(cluster.thing("pg1")));

function sh(script: string): Tool {
  return { argv: ["sh", "-c", script], timeoutMs: 60_000 };
}

const look = (host: NodeHost, script = "ls /pgrep-kit/node"): ReturnType<NodeHost["run"]> =>
  host.run("pg1", { ...sh(script), readOnly: true });

/** As another command would open it. */
async function another(): Promise<{ readonly host: NodeHost } & AsyncDisposable> {
  const host = await openDockerHost(cluster.options);
  return { host, [Symbol.asyncDispose]: () => host.close() };
}

/** A tool of the cluster's own host that goes on until it is let go. */
async function working(): Promise<{ finish(): Promise<{ readonly exitCode: number }> }> {
  const { host } = cluster;
  const script = "touch begun; until [ -e finish ]; do sleep 0.02; done; rm -f begun finish";
  const running = host.run("pg1", sh(script));
  running.catch(() => undefined);
  await waitFor("the tool to begin", async () => (await host.readFile("pg1", "begun")) !== null);
  return {
    async finish() {
      await host.writeFiles("pg1", [{ path: "finish", content: "", mode: 0o600 }]);
      return await running;
    },
  };
}

test("looking at a node never ends what another command does there, and sees it as it is", async () => {
  const work = await working();
  const before = await docker("inspect", "--format={{.Id}}", toolbox());
  for (let round = 0; round < 2; round++) {
    await using other = await another();
    const [seen, read] = await Promise.all([look(other.host), other.host.readFile("pg1", "begun")]);
    expect(seen).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^begun$/m) });
    expect(read).toBe("");
  }
  expect(await docker("inspect", "--format={{.Id}}", toolbox())).toBe(before);
  expect(await work.finish()).toMatchObject({ exitCode: 0 });
});

test("any number of commands may look at once, and leave nothing behind", async () => {
  await cluster.host.close();
  const looks = Array.from({ length: 3 }, async () => {
    await using other = await another();
    return await look(other.host, "sleep 0.3; pg_controldata | head -n 1");
  });
  for (const seen of await Promise.all(looks)) {
    expect(seen).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^pg_control version number/) });
  }
  expect(await readers()).toEqual([]);
  expect(await names("container", `name=${toolbox()}`)).toEqual([]);
});

test("who only looks cannot write", async () => {
  await using other = await another();
  const written = await look(other.host, "touch /pgrep-kit/node/conf/mine");
  expect(written.exitCode).not.toBe(0);
  expect(written.stderr).toContain("Read-only file system");
});

test("a node on whose storage nothing was made yet can be looked at", async () => {
  const volume = cluster.thing("pg5");
  const { cluster: name, clusterId } = cluster.options;
  const labels = [`cluster=${name}`, `id=${clusterId}`, "node=pg5"];
  await docker("volume", "create", ...labels.map((label) => `--label=pgrep-kit.${label}`), volume);
  await using other = await another();
  const seen = await other.host.run("pg5", { ...sh("ls -A /pgrep-kit"), readOnly: true });
  expect(seen).toMatchObject({ exitCode: 0, stdout: "" });
  expect(await other.host.readFile("pg5", "conf/none")).toBeNull();
});

test("who changes a node is told that a living command works there, and its tool goes on", async () => {
  const work = await working();
  await using other = await another();
  const attempts = [
    () => other.host.run("pg1", sh(":")),
    () => other.host.writeFiles("pg1", [{ path: "conf/mine", content: "", mode: 0o600 }]),
    () => other.host.start("pg1", 0),
    () => other.host.remove("pg1"),
  ];
  for (const attempt of attempts) {
    const busy = await failure(attempt());
    expect(`${busy.code}: ${busy.message}`).toBe("locked: another pgrep-kit command is working on node pg1");
    expect(busy.detail).toBe(`Process ${process.pid} runs its tools in the container ${toolbox()}.`);
    expect(busy.hint).toContain(`docker rm --force ${toolbox()}`);
  }
  expect(await work.finish()).toMatchObject({ exitCode: 0 });
});

test("a container for tools whose owner is not known is not taken for one that was left behind", async () => {
  await cluster.host.close();
  for (const owner of [
    "",
    "nonsense",
    JSON.stringify({ ...(await thisProcess()), pidNamespace: "another" }),
  ]) {
    await made(toolbox(), "tool=pg1", owner);
    await using other = await another();
    expect((await failure(other.host.run("pg1", sh(":")))).code).toBe("locked");
    await docker("rm", "--force", toolbox());
  }
});

test("what was made, but never ran before its owner was killed, goes with the next list of the nodes", async () => {
  await cluster.host.close();
  const dead = JSON.stringify({ ...(await thisProcess()), pid: await deadProcess() });
  const alive = JSON.stringify(await thisProcess());
  await made(`${cluster.thing("pg1")}.reader-dead`, "reader=pg1", dead);
  await made(`${cluster.thing("pg1")}.reader-alive`, "reader=pg1", alive);
  await using other = await another();
  const nodes = await other.host.list();
  expect([...nodes.keys()]).toContain("pg1");
  expect(nodes.get("pg1")?.state).toBe("stopped");
  expect(await readers()).toEqual([`${cluster.thing("pg1")}.reader-alive`]);
  await docker("rm", `${cluster.thing("pg1")}.reader-alive`);
});

/** A container as pgrep-kit makes one for tools, which was never started. */
async function made(name: string, label: string, owner: string): Promise<void> {
  const { cluster: clusterName, clusterId } = cluster.options;
  const labels = [`cluster=${clusterName}`, `id=${clusterId}`, label, `owner=${owner}`];
  const flags = labels.map((each) => `--label=pgrep-kit.${each}`);
  await docker("create", `--name=${name}`, ...flags, cluster.options.image, "true");
}

test("when who looks is killed, the container goes with it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pgrep-kit-compiled-"));
  try {
    const module = await compiled(folder, "runtime/docker/docker-host");
    const script = `
      const { openDockerHost } = await import(${JSON.stringify(module)});
      const host = await openDockerHost(${JSON.stringify(cluster.options)});
      await host.run("pg1", ${JSON.stringify({ ...sh("sleep 300"), timeoutMs: 300_000, readOnly: true })});
    `;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: "inherit" });
    const exited = once(child, "exit");
    await waitFor("the other to look", async () => {
      const [reader] = await readers();
      if (reader === undefined) return false;
      const state = await docker("inspect", "--format={{.State.Running}} {{len .ExecIDs}}", reader);
      return state === "true 1";
    });
    child.kill("SIGKILL");
    await exited;
    await waitFor("its container to go", async () => (await readers()).length === 0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a node is removed although somebody looks at it, and who looks brings no empty one back", async () => {
  await cluster.node("pg2");
  await cluster.host.close();
  await using other = await another();
  const seen = await other.host.run("pg2", { ...sh("ls -A /pgrep-kit"), readOnly: true });
  expect(seen.stdout).toBe("node\n");
  await cluster.host.remove("pg2");
  const gone = await failure(other.host.run("pg2", { ...sh(":"), readOnly: true }));
  expect(gone.message).toContain("node pg2 has no storage");
  expect((await cluster.host.list()).has("pg2")).toBe(false);
  expect(await names("volume", `name=${cluster.thing("pg2")}`)).toEqual([]);
});
