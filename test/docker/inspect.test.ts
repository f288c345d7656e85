// What is seen of a node on which no server runs. Whatever could not be seen is unreachable with its reason, never absent;
// and the scripts that make a data directory never put one in the place of what they do not know.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NodeObservation } from "../../src/core/observation.ts";
import { Sessions } from "../../src/postgres/sessions.ts";
import { openDockerHost } from "../../src/runtime/docker/docker-host.ts";
import type { NodeHost, ToolResult } from "../../src/runtime/node-host.ts";
import { observeNode } from "../../src/runtime/observe-node.ts";
import { docker, openCluster, type DockerCluster } from "./docker-cluster.ts";

let cluster: DockerCluster;
beforeAll(async () => {
  cluster = await openCluster();
  await cluster.node("pg1");
});
afterAll(async () => cluster[Symbol.asyncDispose]());

async function observe(node: string, host: NodeHost = cluster.host): Promise<NodeObservation> {
  const sessions = new Sessions(async () => {
    throw new Error("no server runs");
  });
  const context = {
    host,
    sessions,
    credentials: { superuser: "", replicator: "", app: "" },
    postgres: 17,
    database: "postgres",
    sample: null,
    portOf: () => 0,
  };
  return await observeNode(context, node, (await cluster.host.list()).get(node));
}

/** The host, with a tool that ends like this. */
function ending(result: Partial<ToolResult>): NodeHost {
  return { ...cluster.host, run: async () => ({ exitCode: 0, stdout: "", stderr: "", ...result }) };
}

/** As root: what the server's user could not do to itself. */
async function asRoot(node: string, script: string): Promise<void> {
  const volume = `--volume=${cluster.thing(node)}:/pgrep-kit`;
  const run = ["run", "--rm", "--user=0:0", "--network=none", volume, "--entrypoint=sh"];
  await docker(...run, cluster.options.image, "-c", `cd /pgrep-kit/node && ${script}`);
}

test("a stopped server is seen with its control data, and whether it would come up as a standby", async () => {
  const { host } = cluster;
  await host.writeFiles("pg1", [
    { path: "conf/postgresql.conf", content: "synchronous_standby_names = 'ANY 1 (a)'\n", mode: 0o600 },
  ]);
  const primary = await observe("pg1");
  expect(primary).toMatchObject({
    kind: "stopped",
    control: { timeline: 1, state: "shut down" },
    standbySignal: false,
    synchronous: { synchronousStandbyNames: "ANY 1 (a)" },
  });
  await host.writeFiles("pg1", [{ path: "data/standby.signal", content: "", mode: 0o600 }]);
  expect(await observe("pg1")).toEqual({ ...primary, standbySignal: true });
});

test("a node without data is absent, with what an unfinished copy left", async () => {
  await cluster.host.create("pg2");
  expect(await observe("pg2")).toEqual({ kind: "absent", debris: false });
  await asRoot("pg2", "mkdir data.new.7");
  expect(await observe("pg2")).toEqual({ kind: "absent", debris: true });
  await asRoot("pg2", "cd .. && rm -r node");
  await cluster.host.close();
  expect(await observe("pg2")).toEqual({ kind: "absent", debris: false });
});

test.each(["mkdir data", "mkdir data && touch data/kept", "ln -s /elsewhere data"])(
  "a data directory without a database (%s) is neither absent nor replaced",
  async (script) => {
    const { host } = cluster;
    await host.create("pg3");
    await asRoot("pg3", `rm -rf data && ${script} && chown -h postgres data`);
    const seen = await observe("pg3");
    const reason = script.startsWith("ln")
      ? /^its data could not be seen: ls: .*No such file or directory$/
      : /^its data directory is there, but holds no database \(no PG_VERSION\)$/;
    expect(seen).toEqual({ kind: "unreachable", isStopped: true, reason: expect.stringMatching(reason) });
    for (const [name, ...more] of [
      ["initialise", "17"],
      ["clone", "host=nowhere", "slot"],
    ]) {
      const text = await readFile(templatePath(`node/${name}.sh`), "utf8");
      const argv = ["sh", "-c", text, String(name), host.paths("pg3").root, ...more];
      const made = await host.run("pg3", { argv, timeoutMs: 60_000 });
      expect(made.exitCode).toBe(1);
      expect(made.stderr).toBe(
        "The data directory /pgrep-kit/node/data is there, but holds no database (no PG_VERSION). It was left as it is.\n",
      );
    }
    expect(await observe("pg3")).toEqual(seen);
  },
);

function templatePath(name: string): string {
  return fileURLToPath(new URL(`../../templates/${name}`, import.meta.url));
}

test("folders that cannot be read hide nothing: the node is not absent", async () => {
  await cluster.node("pg4");
  for (const folder of ["data", "."]) {
    await asRoot("pg4", `chown 0:0 ${folder} && chmod 700 ${folder}`);
    await cluster.host.close();
    await using reader = await another();
    expect(await observe("pg4", reader.host)).toEqual({
      kind: "unreachable",
      isStopped: true,
      reason: expect.stringMatching(/^its data could not be seen: .*(Permission denied|can't cd to .*)$/),
    });
  }
});

async function another(
  image = cluster.options.image,
): Promise<{ readonly host: NodeHost } & AsyncDisposable> {
  const host = await openDockerHost({ ...cluster.options, image });
  return { host, [Symbol.asyncDispose]: () => host.close() };
}

test("a look that was cut off, or printed something else, is no sight of an absent node", async () => {
  for (const result of [
    { exitCode: 137 },
    { exitCode: 137, stdout: "clean\nprimary\n" },
    { exitCode: 0, stdout: "clean\nnone\n" },
    { exitCode: 0, stdout: "clean\nprimary\nsettings\n" },
    { exitCode: 0, stdout: "clean\nwhatever\nend\n" },
    { exitCode: 0 },
  ]) {
    expect(await observe("pg1", ending(result))).toEqual({
      kind: "unreachable",
      isStopped: true,
      reason: `its data could not be seen: the look at it ended with exit code ${result.exitCode}`,
    });
  }
});

test("a stopped node whose image is gone is unreachable, and an error of no other node", async () => {
  await using other = await another("registry.invalid/postgres:17");
  expect(await observe("pg1", other.host)).toEqual({
    kind: "unreachable",
    isStopped: true,
    reason: "the image registry.invalid/postgres:17 is missing",
  });
});
