// A machine with an engine and no PostgreSQL: psql is that of the node's container, and leaves no password there.
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { onPath } from "../../src/cli/find-psql.ts";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import { type CliResult, beginCli, runCli } from "../setup/run-cli.ts";
import { docker } from "./docker-cluster.ts";

let demo: TestCluster;
let bin: string;
beforeAll(async () => {
  demo = await startCluster({ nodes: 2 });
  bin = await mkdtemp(join(tmpdir(), "pgrep-kit-bin-"));
  await mkdir(join(bin, "with-docker"));
  await symlink((await onPath("docker")) ?? "", join(bin, "with-docker", "docker"));
});
afterAll(async () => {
  await demo?.[Symbol.asyncDispose]();
  await rm(bin, { recursive: true, force: true });
});

const bare = (path: string) => ({ folder: demo.folder, env: { PATH: path, PGREP_KIT_PGBIN: bin } });
const psql = (...args: string[]): Promise<CliResult> =>
  runCli(bare(join(bin, "with-docker")), "psql", ...args);
const passfiles = async (): Promise<string[]> =>
  (await docker("exec", `pgrep-kit-${demo.name}-pg2`, "ls", "/pgrep-kit/node/conf"))
    .split("\n")
    .filter((name) => name.startsWith("pgpass-"));

test("answers, on the node that was asked for, takes what is piped, and passes its exit code through", async () => {
  const asked = await psql("--node", "pg2", "-At", "-c", "SELECT current_user, pg_is_in_recovery()");
  expect([asked.code, asked.stdout, asked.stderr]).toEqual([0, "postgres|t\n", ""]);
  const failed = await psql("--node", "pg2", "-c", "SELECT 1/0");
  expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining("division by zero")]);
  expect(await passfiles()).toEqual([]);
});

test("holds the password in no argument, and removes its file when its session is ended", async () => {
  const running = beginCli(
    bare(join(bin, "with-docker")),
    "psql",
    "--node",
    "pg2",
    "-c",
    "SELECT pg_sleep(600)",
  );
  await eventually("psql to run its query", async () => {
    const [row] = await demo.sql(
      "pg2",
      "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%'",
    );
    return row !== undefined;
  });
  const shown = await docker("top", `pgrep-kit-${demo.name}-pg2`, "-eo", "pid,args");
  expect(shown).toContain("psql -c SELECT pg_sleep(600)");
  for (const secret of Object.values(await demo.credentials())) expect(shown).not.toContain(secret);
  expect(await passfiles()).toHaveLength(1);
  await demo.sql(
    "pg2",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%'",
  );
  expect((await running.result).code).toBe(2);
  expect(await passfiles()).toEqual([]);
});

test("without an engine's command line either, says what to install", async () => {
  const { code, stderr } = await runCli(bare(bin), "psql", "-c", "SELECT 1");
  expect([code, stderr]).toEqual([4, expect.stringContaining("psql is not installed on this machine")]);
});

test("of a node that does not run says so, and leaves nothing there", async () => {
  await docker("stop", `pgrep-kit-${demo.name}-pg2`);
  const { code, stderr } = await psql("--node", "pg2", "-c", "SELECT 1");
  expect([code, stderr]).toEqual([4, expect.stringContaining("pg2 does not run")]);
});
