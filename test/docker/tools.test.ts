// Offline tools: their output, their end, and what becomes of them when pgrep-kit is interrupted.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDockerHost } from "../../src/runtime/docker/docker-host.ts";
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
  await cluster.host.create("pg1");
});
afterAll(async () => cluster[Symbol.asyncDispose]());

const toolbox = (): string => `${cluster.thing("pg1")}.tools`;

function sh(script: string, timeoutMs = 30_000) {
  return { argv: ["sh", "-c", script], timeoutMs };
}

test("a tool's outputs and exit code come back, each by itself", async () => {
  const result = await cluster.host.run("pg1", {
    ...sh('echo out; echo err >&2; echo "$GREETING"; exit 3'),
    env: { GREETING: "it's me" },
  });
  expect(result).toMatchObject({ exitCode: 3, stdout: "out\nit's me\n", stderr: "err\n" });
});

test("tools run as the server's user, on the node's storage, with the server's programs", async () => {
  const { stdout } = await cluster.host.run("pg1", sh("id -un; pwd; initdb --version; echo $PGDATA"));
  expect(stdout).toMatch(
    /^postgres\n\/pgrep-kit\/node\ninitdb \(PostgreSQL\) 17\..*\n\/pgrep-kit\/node\/data\n$/,
  );
});

test("a large output comes back whole", async () => {
  const { stdout } = await cluster.host.run(
    "pg1",
    sh("i=0; while [ $i -lt 100000 ]; do echo line $i; i=$((i+1)); done"),
  );
  expect(stdout.split("\n").length).toBe(100_001);
  expect(stdout).toMatch(/\nline 99999\n$/);
});

test("an aborted tool is gone when the call ends, and the next one runs", async () => {
  const { host } = cluster;
  const abort = new AbortController();
  const running = host.run(
    "pg1",
    sh("while :; do date >>/pgrep-kit/node/alive; sleep 0.01; done"),
    abort.signal,
  );
  await waitFor("the tool to write", async () => (await host.readFile("pg1", "alive")) !== null);
  abort.abort(new Error("^C"));
  await expect(running).rejects.toThrow("^C");
  expect(await names("container", `name=${toolbox()}`)).toEqual([]);
  const before = await host.readFile("pg1", "alive");
  expect((await host.run("pg1", sh("echo next"))).stdout).toBe("next\n");
  expect(await host.readFile("pg1", "alive")).toBe(before);
});

test("a tool that takes too long is killed and named", async () => {
  const late = await failure(cluster.host.run("pg1", { argv: ["sleep", "300"], timeoutMs: 300 }));
  expect(`${late.code}: ${late.message}`).toBe("deadline: sleep for node pg1 has not ended within 0.3 s");
  expect(await names("container", `name=${toolbox()}`)).toEqual([]);
});

test("a tool that the image lacks is named", async () => {
  const missing = await failure(cluster.host.run("pg1", { argv: ["pg_nonsense"], timeoutMs: 30_000 }));
  expect(`${missing.code}: ${missing.message}`).toBe(
    `image-unusable: the image ${cluster.options.image} has no pg_nonsense`,
  );
});

test("what an interrupted run left behind is ended before the next tool and before the server", async () => {
  const { options, host } = cluster;
  await using other = await openOther();
  const leave = async (): Promise<void> => {
    await docker(
      "run",
      "--detach",
      `--name=${toolbox()}`,
      `--label=pgrep-kit.cluster=${options.cluster}`,
      `--label=pgrep-kit.id=${options.clusterId}`,
      "--label=pgrep-kit.tool=pg1",
      `--label=pgrep-kit.owner=${JSON.stringify({ ...(await thisProcess()), pid: await deadProcess() })}`,
      `--network=pgrep-kit-${options.cluster}`,
      `--volume=${cluster.thing("pg1")}:/pgrep-kit`,
      "--entrypoint=sleep",
      options.image,
      "300",
    );
  };
  await host.close();
  await leave();
  const left = await docker("inspect", "--format={{.Id}}", toolbox());
  await other.host.run("pg1", sh(":"));
  expect(await docker("inspect", "--format={{.Id}}", toolbox())).not.toBe(left);
  await other.host.close();
  await leave();
  // It fails for want of data, later; what matters here is what ran before it.
  await other.host.start("pg1", 0);
  expect(await names("container", `name=${toolbox()}`)).toEqual([]);
  await other.host.kill("pg1");
});

async function openOther(): Promise<{ readonly host: DockerCluster["host"] } & AsyncDisposable> {
  const host = await openDockerHost(cluster.options);
  return { host, [Symbol.asyncDispose]: () => host.close() };
}

test("when pgrep-kit itself is killed, its tools end with it and leave no container", async () => {
  const { options, host } = cluster;
  await host.close();
  const folder = await mkdtemp(join(tmpdir(), "pgrep-kit-compiled-"));
  try {
    const module = await compiled(folder, "runtime/docker/docker-host");
    const script = `
      const { openDockerHost } = await import(${JSON.stringify(module)});
      const host = await openDockerHost(${JSON.stringify(options)});
      await host.run("pg1", ${JSON.stringify(sh("while :; do date >>/pgrep-kit/node/orphan; sleep 0.01; done", 300_000))});
    `;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: "inherit" });
    const exited = once(child, "exit");
    await waitFor("the tool to run", async () => {
      if (child.exitCode !== null) throw new Error(`the other pgrep-kit ended with ${child.exitCode}`);
      return (await names("container", `name=${toolbox()}`)).length === 1 && (await hasWritten());
    });
    child.kill("SIGKILL");
    await exited;
    await waitFor(
      "the tool's container to go",
      async () => (await names("container", `name=${toolbox()}`)).length === 0,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

function hasWritten(): Promise<boolean> {
  return docker("exec", toolbox(), "test", "-e", "/pgrep-kit/node/orphan").then(
    () => true,
    () => false,
  );
}

test("a closed host has no container for tools open", async () => {
  await using other = await openOther();
  await other.host.run("pg1", sh(":"));
  expect(await names("container", `name=${toolbox()}`)).toEqual([toolbox()]);
  await other.host.close();
  expect(await names("container", `name=${toolbox()}`)).toEqual([]);
});
