// The same wish again changes nothing; whatever was broken or left half-made in between, `init` and `up` mend, touching
// nothing that is as it should be.
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type TestCluster, startCluster } from "../setup/cluster.ts";
import { docker, expectWhole } from "../setup/interrupting.ts";
import { runCli } from "../setup/run-cli.ts";

const onDocker = inject("host") === "docker";
const NODES = ["pg1", "pg2", "pg3"];
let demo: TestCluster;
beforeAll(async () => {
  demo = await startCluster({ init: ["--sample", "ecommerce"] });
});
afterAll(() => demo?.[Symbol.asyncDispose]());

async function startedAt(): Promise<Record<string, unknown>> {
  const times = NODES.map(async (node) => {
    const [row] = await demo.sql(node, "SELECT pg_postmaster_start_time()::text AS at");
    return [node, row?.["at"]] as const;
  });
  return Object.fromEntries(await Promise.all(times));
}

/** Whole, and with the sample on every node. */
async function expectHere(): Promise<void> {
  await expectWhole(demo, NODES);
  for (const node of NODES) {
    const client = await demo.connect(node, "ecommerce");
    const { rows } = await client.query("SELECT count(*)::int AS customers FROM customers");
    await client.end();
    expect(rows).toEqual([{ customers: 3 }]);
  }
}

describe("the same wish again", () => {
  test("init makes nothing anew, restarts nothing, and keeps every password", async () => {
    const before = [await startedAt(), await demo.credentials(), await demo.readFile("pgrep-kit.yaml")];
    await demo.ok(...demo.initArguments);
    expect([await startedAt(), await demo.credentials(), await demo.readFile("pgrep-kit.yaml")]).toEqual(
      before,
    );
    await expectHere();
  });

  test("up and down have nothing to do the second time", async () => {
    expect((await demo.ok("up")).stderr).toContain("Nothing to do");
    await demo.ok("down");
    expect((await demo.ok("down")).stderr).toContain("Nothing runs");
    await demo.ok("up");
    await expectHere();
  });

  test("add-standby of a node that is there is done already; with another upstream it is refused", async () => {
    await demo.ok("add-standby", "pg3");
    const other = await demo.cli("add-standby", "pg3", "--upstream", "pg2");
    expect([other.code, other.stderr]).toEqual([2, expect.stringMatching(/pg3 is in the file already/)]);
    await expectHere();
  });
});

test.each([
  ["--nodes", "5"],
  ["--name", "other"],
  ["--mode", "sync"],
  ["--acks", "2"],
  ["--postgres", "16"],
  ["--runtime", onDocker ? "process" : "docker"],
  ["--image", "postgres:17-alpine"],
])("init with another wish, %s %s, is refused and says where they differ", async (option, value) => {
  const { code, stderr } = await demo.cli("init", option, value);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/is there already and says something else/)]);
  expect(stderr).toContain(`${option} ${value}, where the file says`);
});

test("what up leaves, because it would interrupt writers or remove data, it names with the command for it", async () => {
  const before = await demo.readFile("pgrep-kit.yaml");
  const edited = before
    .replace(/\n.*name: pg3.*/, "")
    .replace(/^settings:.*$/m, "settings: { shared_buffers: 64MB }");
  expect(edited).toContain("64MB");
  try {
    await demo.writeFile("pgrep-kit.yaml", edited);
    const left = [
      /^Left for you: pg1 needs a restart before shared_buffers takes effect \(pgrep-kit restart\)\.$/m,
      /^Left for you: pg3 .*\(pgrep-kit remove-standby pg3\)\.$/m,
    ];
    const { stderr } = await demo.ok("up");
    const { stdout } = await demo.ok("up", "--dry-run");
    for (const line of left) {
      expect(stderr).toMatch(line);
      expect(stdout).toMatch(line);
    }
  } finally {
    await demo.writeFile("pgrep-kit.yaml", before);
    await demo.ok("up");
    await demo.ok("restart", "--yes");
  }
  expect((await demo.ok("up")).stderr).not.toContain("Left for you");
});

describe("what was broken by hand", () => {
  test("a node whose data is gone is copied anew, and no other server is restarted", async () => {
    const { pg3: _, ...before } = await startedAt();
    await demo.onHost(async (host) => {
      await host.remove("pg3");
      // Half of a copy, as a machine leaves it that lost its power.
      await host.create("pg3");
      const half = "mkdir data.new.77 && echo half >data.new.77/PG_VERSION";
      await host.run("pg3", { argv: ["sh", "-c", half], timeoutMs: 30_000 });
    });
    await demo.ok("up");
    expect(await startedAt()).toMatchObject(before);
    await expectHere();
  });

  test("servers that were all killed come back with all they had acknowledged", async () => {
    await demo.sql("pg1", "CREATE TABLE acknowledged AS SELECT 1 AS row");
    await demo.onHost((host) => Promise.all(NODES.map((node) => host.kill(node))));
    await demo.ok("up");
    await expectHere();
    for (const node of NODES)
      expect(await demo.sql(node, "SELECT row FROM acknowledged")).toEqual([{ row: 1 }]);
  });

  test("a slot that was dropped, and a setting that ALTER SYSTEM took over, are put back", async () => {
    await demo.onHost((host) => host.stop("pg2", 30_000));
    await expect
      .poll(() => demo.sql("pg1", "SELECT pg_drop_replication_slot('pg2')").then(() => "dropped", String), {
        timeout: 20_000,
      })
      .toBe("dropped");
    await demo.sql("pg3", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await demo.sql("pg3", "SELECT pg_reload_conf()");
    await demo.ok("up");
    await expectHere();
    expect(await demo.sql("pg3", "SHOW synchronous_standby_names")).toEqual([
      { synchronous_standby_names: "" },
    ]);
  });

  test("a line that PostgreSQL cannot read hides no server; up writes the file anew, doctor names the other's", async () => {
    const own = "conf/postgresql.conf";
    const other = "data/postgresql.auto.conf";
    const append = (path: string) =>
      demo.onHost(async (host) => {
        const content = `${(await host.readFile("pg1", path)) ?? ""}work_mem = = 3\n`;
        await host.writeFiles("pg1", [{ path, content, mode: 0o600 }]);
      });
    const seen = async (): Promise<string[]> => (await demo.status()).nodes.map(({ state }) => state);
    await append(own);
    expect(await seen()).toEqual(["running", "streaming", "streaming"]);
    expect((await demo.cli("doctor")).stdout).toMatch(/Files without errors .*pg1.*syntax error/);
    await demo.ok("up");
    expect((await demo.onHost((host) => host.readFile("pg1", own))) ?? "").not.toContain("= =");
    await expectHere();
    await append(other);
    expect(await seen()).toEqual(["running", "streaming", "streaming"]);
    expect((await demo.cli("doctor")).stdout).toMatch(/Files without errors .*pg1.*syntax error/);
    await demo.onHost((host) => host.writeFiles("pg1", [{ path: other, content: "", mode: 0o600 }]));
  });

  test("a limit that was set for the superuser's statements hides no server", async () => {
    // A session that was there before is not limited.
    const before = await demo.connect("pg1");
    const limits = ["statement_timeout", "lock_timeout"];
    try {
      for (const limit of limits) await before.query(`ALTER ROLE postgres SET ${limit} = 1`);
      await demo.ok("status");
      await demo.ok("mode", "quorum");
      await demo.ok("mode", "async");
    } finally {
      for (const limit of limits) await before.query(`ALTER ROLE postgres RESET ${limit}`);
      await before.end();
    }
  });

  test("a frozen standby is named, not waited for, and goes on when it wakes up", async () => {
    await demo.onHost((host) => host.pause("pg2"));
    try {
      const { code, stderr } = await demo.cli("up");
      expect([code, stderr]).toEqual([3, expect.stringMatching(/pg2 is frozen[^]*\[node-unseen\]/)]);
    } finally {
      await demo.onHost((host) => host.resume("pg2"));
    }
    await expect.poll(async () => (await demo.status()).verdict, { timeout: 20_000 }).toBe("healthy");
    await demo.ok("up");
    await expectHere();
  });

  test.runIf(onDocker)(
    "containers and the network that were removed by hand are made again on the same volumes",
    async () => {
      const names = NODES.map((node) => `pgrep-kit-${demo.name}-${node}`);
      await docker("rm", "--force", ...names);
      await docker("network", "rm", `pgrep-kit-${demo.name}`);
      await demo.ok("up");
      await expectHere();
    },
  );
});

test("a folder that was moved with file and state still is its cluster's", async () => {
  const elsewhere = `${demo.folder} moved elsewhere`;
  await mkdir(elsewhere);
  const pieces = ["pgrep-kit.yaml", ".pgrep-kit"];
  // Nodes of an ordinary user lie within, and a server must not lose its folder while it runs.
  await demo.ok("down");
  for (const piece of pieces) await rename(join(demo.folder, piece), join(elsewhere, piece));
  try {
    const moved = await runCli({ folder: elsewhere }, "up");
    expect([moved.code, moved.stderr]).toEqual([0, expect.stringContaining("as the file says")]);
    expect((await runCli({ folder: elsewhere }, "down")).code).toBe(0);
  } finally {
    for (const piece of pieces) await rename(join(elsewhere, piece), join(demo.folder, piece));
    await rm(elsewhere, { recursive: true });
  }
  await demo.ok("up");
  await expectHere();
});
