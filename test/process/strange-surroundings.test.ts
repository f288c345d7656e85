// Real clusters in the hands of people who copy folders, close terminals and set variables for other servers.
import { cp, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import { runCli } from "../setup/run-cli.ts";

let demo: TestCluster;
beforeAll(async () => {
  demo = await startCluster({ nodes: 2, bare: true });
  // Nobody reads what it says: the first line of progress already goes nowhere.
  const running = demo.begin(...demo.initArguments);
  running.child.stderr?.destroy();
  deaf = (await running.result).code;
});
let deaf: number | null = null;
afterAll(() => demo?.[Symbol.asyncDispose]());

test("a change goes on to its end though whoever read its progress went away", async () => {
  expect(deaf).toBe(0);
  expect(await demo.status()).toMatchObject({ verdict: "healthy" });
});

test("the copy of a cluster's folder neither shows nor removes the original's nodes", async () => {
  const copy = await mkdtemp(join(tmpdir(), "pgrep-kit-copy-"));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  await cp(demo.folder, copy, { recursive: true, filter: (path) => !path.endsWith("nodes") });
  for (const args of [["destroy", "--yes"], ["status"], ["up"], ["down"], ["uri"], demo.initArguments]) {
    const { code, stdout, stderr } = await runCli({ folder: copy }, ...args);
    expect([args[0], code, stdout]).toEqual([args[0], 2, ""]);
    expect(stderr).toContain(`this folder is a copy of ${demo.folder}`);
  }
  expect(await demo.status()).toMatchObject({ verdict: "healthy" });
});

test("a change of the commit mode is proved whatever PGOPTIONS says", async () => {
  const env = { PGOPTIONS: "-c synchronous_commit=local", PGSSLMODE: "require" };
  const { code, stderr } = await runCli({ folder: demo.folder, env }, "mode", "quorum");
  expect([code, stderr]).toEqual([0, expect.stringContaining("Every commit from")]);
});

test("psql reaches the cluster whatever the user has set for other servers", async () => {
  const env = { PGSERVICE: "production", PGHOSTADDR: "192.0.2.1", PGPASSWORD: "another" };
  const { stdout } = await runCli({ folder: demo.folder, env }, "psql", "-At", "-c", "SELECT 1");
  expect(stdout).toBe("1\n");
});

test("the application's role sees nobody else's statements", async () => {
  const text = "SELECT pg_has_role('app', 'pg_read_all_stats', 'USAGE') AS sees";
  expect(await demo.sql("pg1", text)).toEqual([{ sees: false }]);
});

test("another major version in the file is refused before anything is stopped", async () => {
  const file = await demo.readFile("pgrep-kit.yaml");
  await demo.writeFile("pgrep-kit.yaml", file.replace(/^postgres: \d+/m, "postgres: 18"));
  for (const verb of ["up", "down", "restart --yes"]) {
    const { code, stderr } = await demo.cli(...verb.split(" "));
    expect([verb, code]).toEqual([verb, 2]);
    expect(stderr).toMatch(/the file says postgres: 18, but this cluster was made with PostgreSQL \d+/);
  }
  await demo.writeFile("pgrep-kit.yaml", file);
  expect(await demo.status()).toMatchObject({ verdict: "healthy" });
});

test("init again names the primary of the record, not the file's first node", async () => {
  const file = await demo.readFile("pgrep-kit.yaml");
  const lines = file.split("\n");
  const [one, two] = ["pg1", "pg2"].map((name) => lines.findIndex((line) => line.includes(`name: ${name}`)));
  const swapped = lines.with(one!, lines[two!]!).with(two!, lines[one!]!);
  await demo.writeFile("pgrep-kit.yaml", swapped.join("\n"));
  const { ports } = JSON.parse(await demo.readFile(".pgrep-kit/cluster.json")) as {
    ports: Record<string, number>;
  };
  const { stderr } = await demo.ok(...demo.initArguments);
  expect(stderr).toMatch(new RegExp(`^Primary .*:${ports["pg1"]}/`, "m"));
  expect(stderr).toMatch(new RegExp(`^Standbys .*:${ports["pg2"]}/`, "m"));
  await demo.writeFile("pgrep-kit.yaml", file);
});

test("status --watch goes on while a node is frozen, and ends at ^C", async () => {
  const host = await demo.host();
  const { child, result } = demo.begin("status", "--watch", "--interval", "0.1", "-o", "json");
  let text = "";
  child.stdout?.on("data", (more: string) => (text += more));
  await eventually("a first look", async () => text.includes("\n"));
  await host.pause("pg2");
  try {
    await eventually("a look that sees it", async () =>
      text.trimEnd().split("\n").at(-1)?.includes("frozen"),
    );
    child.kill("SIGINT");
    const begun = performance.now();
    await result;
    expect(performance.now() - begun).toBeLessThan(5_000);
  } finally {
    await host.resume("pg2");
    await host.close();
  }
});

test("a folder that is moved stays the cluster's", async () => {
  const moved = `${demo.folder}-moved`;
  await demo.ok("down");
  await rename(demo.folder, moved);
  try {
    for (const verb of ["up", "status", "down"])
      expect([verb, (await runCli({ folder: moved }, verb)).code]).toEqual([verb, 0]);
  } finally {
    await rename(moved, demo.folder);
  }
});
