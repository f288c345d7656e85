// The example topologies under compose/ run with a real compose and nothing of pgrep-kit's own: they come up, stream,
// confirm as they say, and converge after whatever stopped them. Everything made here is removed at the end.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { freePorts } from "../../src/runtime/free-port.ts";
import { until } from "../../src/support/until.ts";
import { type CommandResult, run } from "../setup/command.ts";
import { testImage } from "../setup/images.ts";

const examples = fileURLToPath(new URL("../../compose", import.meta.url));
const composeCommand = (await run("docker", ["compose", "version"])).ok
  ? ["docker", "compose"]
  : ["docker-compose"];

interface Topology extends AsyncDisposable {
  compose(...args: string[]): Promise<CommandResult>;
  container(service: string): Promise<string>;
  /** Waits until the container runs. */
  runs(service: string): Promise<string>;
  /** Rows of unaligned text. */
  psql(service: string, sql: string): Promise<CommandResult>;
  /** Waits until a query on the primary answers this. */
  settles(sql: string, answer: string): Promise<void>;
}

async function openTopology(name: string): Promise<Topology> {
  const id = randomBytes(4).toString("hex");
  const project = `pgrep-kit-test-${name}-${id}`;
  const file = join(examples, name, "compose.yaml");
  const [port1, port2, port3] = await freePorts(3, id, []);
  const env = {
    PGREP_KIT_IMAGE: testImage("17"),
    PG1_PORT: `${port1}`,
    PG2_PORT: `${port2}`,
    PG3_PORT: `${port3}`,
  };
  const compose = (...args: string[]): Promise<CommandResult> => {
    const [command = "", ...first] = composeCommand;
    return run(command, [...first, "-p", project, "-f", file, ...args], { env, timeoutMs: 90_000 });
  };
  const container = async (service: string): Promise<string> => {
    const labels = [`project=${project}`, `service=${service}`];
    const filters = labels.map((label) => `--filter=label=com.docker.compose.${label}`);
    return (await run("docker", ["ps", "--all", "--quiet", ...filters])).stdout;
  };
  const psql = async (service: string, sql: string): Promise<CommandResult> =>
    run("docker", ["exec", await container(service), "psql", "-XAtq", "-c", sql]);
  return {
    compose,
    container,
    psql,
    async runs(service) {
      const look = async (): Promise<string | null> => {
        const id = await container(service);
        const state = await run("docker", ["inspect", "--format={{.State.Running}}", id]);
        return state.stdout === "true" ? id : null;
      };
      const id = await until(look, { everyMs: 50, deadlineMs: 60_000 });
      if (id === null) throw new Error(`${service} did not run within 60 s`);
      return id;
    },
    async settles(sql, answer) {
      let last = "";
      const look = async (): Promise<true | null> => {
        const { ok, stdout, reason } = await psql("pg1", sql);
        last = ok ? stdout : reason;
        return last === answer ? true : null;
      };
      const settled = await until(look, { everyMs: 100, deadlineMs: 60_000 });
      if (settled === null)
        throw new Error(`waited for ${answer}, saw ${last}\n${(await compose("logs")).stdout}`);
    },
    async [Symbol.asyncDispose]() {
      await removeProject(project);
    },
  };
}

/** By its label, not by compose: whatever state a failed test left it in, and without waiting for clean shutdowns. */
async function removeProject(project: string): Promise<void> {
  const filter = `--filter=label=com.docker.compose.project=${project}`;
  const removals = [
    { list: ["ps", "--all", "--quiet", filter], remove: ["rm", "--force", "--volumes"] },
    { list: ["volume", "ls", "--quiet", filter], remove: ["volume", "rm"] },
    { list: ["network", "ls", "--quiet", filter], remove: ["network", "rm"] },
  ];
  for (const { list, remove } of removals) {
    const { stdout } = await run("docker", list);
    if (stdout === "") continue;
    const removed = await run("docker", [...remove, ...stdout.split("\n")], { timeoutMs: 60_000 });
    if (!removed.ok) throw new Error(`${project} could not be removed: ${removed.reason}`);
  }
}

const STREAMING = `SELECT string_agg(concat_ws(' ', r.application_name, r.state, r.sync_state, s.slot_name), ', ' ORDER BY r.application_name)
  FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid AND s.slot_name = r.application_name
  WHERE r.state = 'streaming'`;

/** Resolves once the container's log holds the text; from then on it is followed no longer. */
async function logged(container: string, text: string): Promise<void> {
  const follower: ChildProcess = spawn("docker", ["logs", "--follow", container], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const seen = Promise.race(
    [follower.stdout, follower.stderr].map(async (stream) => {
      let all = "";
      for await (const chunk of stream ?? []) if ((all += String(chunk)).includes(text)) return;
      return new Promise<never>(() => undefined);
    }),
  );
  const ended = new Promise<never>((_, reject) => {
    follower.once("close", () =>
      reject(new Error(`the log of ${container} ended, or 60 s passed, without: ${text}`)),
    );
  });
  const deadline = setTimeout(() => follower.kill(), 60_000);
  await Promise.race([seen, ended]).finally(() => {
    clearTimeout(deadline);
    follower.kill();
  });
}

describe.concurrent("compose", () => {
  test("tutorial: the standby follows asynchronously, is read-only, and survives being killed amid its copy", async () => {
    await using topology = await openTopology("tutorial");
    const up = topology.compose("up", "-d");
    await logged(await topology.runs("pg2"), "copies pg1");
    await run("docker", ["kill", await topology.container("pg2")]);
    expect(await up).toMatchObject({ ok: true });
    expect(await topology.compose("up", "-d")).toMatchObject({ ok: true });
    await topology.settles(STREAMING, "pg2 streaming async pg2");

    const leftovers = ["exec", await topology.container("pg2"), "ls", "/pgrep-kit/node"];
    expect((await run("docker", leftovers)).stdout.split("\n")).toEqual(["conf", "data"]);
    const insert = "INSERT INTO customers (name, email) VALUES ('Linus', 'linus@example.com')";
    expect((await topology.psql("pg2", insert)).reason).toContain(
      "cannot execute INSERT in a read-only transaction",
    );
    expect(await topology.psql("pg1", insert)).toMatchObject({ ok: true });
    const arrived = await until(
      async () =>
        (await topology.psql("pg2", "SELECT count(*) FROM customers")).stdout === "4" ? true : null,
      { everyMs: 50, deadlineMs: 10_000 },
    );
    expect(arrived).toBe(true);
    await expectPrivate(topology);
  }, 180_000);

  test("quorum: both standbys confirm, and `down` and `up` keep the data", async () => {
    await using topology = await openTopology("quorum");
    expect(await topology.compose("up", "-d")).toMatchObject({ ok: true });
    const quorum = "pg2 streaming quorum pg2, pg3 streaming quorum pg3";
    await topology.settles(STREAMING, quorum);
    expect(await topology.psql("pg1", "UPDATE orders SET status = 'paid'")).toMatchObject({ ok: true });

    expect(await topology.compose("down", "--timeout=30")).toMatchObject({ ok: true });
    expect(await topology.compose("up", "-d")).toMatchObject({ ok: true });
    await topology.settles(STREAMING, quorum);
    await topology.settles("SELECT string_agg(DISTINCT status, ' ') FROM orders", "paid");
    const rules = await Promise.all(
      ["pg1", "pg2", "pg3"].map(
        async (node) => (await topology.psql(node, "SHOW synchronous_standby_names")).stdout,
      ),
    );
    expect(new Set(rules)).toEqual(new Set(["ANY 1 (pg1, pg2, pg3)"]));
  }, 180_000);
});

/** Ports on loopback only; no password in what the engine or the logs show. */
async function expectPrivate(topology: Topology): Promise<void> {
  const containers = await Promise.all(
    ["storage", "pg1", "pg2"].map((service) => topology.container(service)),
  );
  const shown = (await run("docker", ["inspect", ...containers])).stdout;
  expect(new Set(shown.match(/"HostIp": "[^"]*"/g))).toEqual(new Set(['"HostIp": "127.0.0.1"']));
  const passfile = await run("docker", ["exec", containers[1] ?? "", "cat", "/pgrep-kit/node/conf/pgpass"]);
  const passwords = passfile.stdout.split("\n").map((line) => line.split(":").at(-1) ?? "");
  expect(passwords.map((password) => password.length)).toEqual([48, 48]);
  const logs = await Promise.all(
    containers.map((container) => run("sh", ["-c", 'docker logs "$1" 2>&1', "sh", container])),
  );
  for (const password of passwords)
    expect(shown + logs.map((log) => log.stdout).join("\n")).not.toContain(password);
}
