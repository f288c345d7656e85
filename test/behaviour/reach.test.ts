// Reaching the servers: complete URIs, psql that keeps the password to itself, and the servers' own logs.
import { readFile, readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import pg from "pg";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";

let demo: TestCluster;
beforeAll(async () => {
  demo = await startCluster({ nodes: 2, init: ["--sample", "ecommerce"] });
});
afterAll(async () => demo?.[Symbol.asyncDispose]());

async function ask(uri: string, text: string): Promise<Record<string, unknown> | undefined> {
  const client = new pg.Client({ connectionString: uri });
  await client.connect();
  try {
    return (await client.query(text)).rows[0] as Record<string, unknown> | undefined;
  } finally {
    await client.end();
  }
}

const WHO = "SELECT current_user AS role, current_database() AS database, pg_is_in_recovery() AS standby";

describe("uri", () => {
  test.each([
    [[], { role: "app", database: "ecommerce", standby: false }],
    [["--role", "primary"], { role: "app", database: "ecommerce", standby: false }],
    [["--role", "standby"], { role: "app", database: "ecommerce", standby: true }],
    [["--node", "pg2", "--admin"], { role: "postgres", database: "ecommerce", standby: true }],
  ])("with %j is one line that a driver connects with", async (args, expected) => {
    const { stdout } = await demo.ok("uri", ...args);
    expect(stdout).toMatch(/^postgresql:\/\/\S+\n$/);
    expect(await ask(stdout.trim(), WHO)).toEqual(expected);
  });

  test("writes as the application on the primary", async () => {
    const { stdout } = await demo.ok("uri");
    const inserted =
      "INSERT INTO customers (name, email) VALUES ('Barbara', 'barbara@example.com') RETURNING name";
    expect(await ask(stdout.trim(), inserted)).toEqual({ name: "Barbara" });
  });

  test("of a node that does not exist, or of a node and a role at once, is a usage error", async () => {
    const unknown = await demo.cli("uri", "--node", "pg9");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/there is no node "pg9"/);
    expect((await demo.cli("uri", "--node", "pg1", "--role", "primary")).code).toBe(2);
  });
});

describe("psql", () => {
  test("prints what it is asked for, on the primary or where it is told", async () => {
    expect((await demo.ok("psql", "-At", "-c", "SELECT pg_is_in_recovery()")).stdout).toBe("f\n");
    expect(
      (await demo.ok("psql", "--role", "standby", "-At", "-c", "SELECT pg_is_in_recovery()")).stdout,
    ).toBe("t\n");
    const { stdout } = await demo.ok(
      "psql",
      "--node",
      "pg2",
      "--",
      "-At",
      "-c",
      "SELECT count(*) FROM orders",
    );
    expect(stdout).toBe("4\n");
  });

  test("passes its own exit code through", async () => {
    expect((await demo.cli("psql", "-c", "SELECT 1/0")).code).toBe(1);
    await demo.writeFile("wrong.sql", "SELECT 1/0;\n");
    expect((await demo.cli("psql", "-v", "ON_ERROR_STOP=1", "-f", "wrong.sql")).code).toBe(3);
  });

  test.runIf(process.platform === "linux")(
    "shows the password neither in its arguments nor in its environment",
    async () => {
      const passwords = Object.values(await demo.credentials());
      const running = demo.begin("psql", "-At", "-c", "SELECT pg_sleep(600)");
      try {
        const pid = await eventually("psql to run its query", async () => {
          const [row] = await demo.sql(
            "pg1",
            "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%' AND state = 'active'",
          );
          return row !== undefined && childOf(running.child.pid ?? 0);
        });
        for (const process of [pid, running.child.pid]) {
          const shown = `${await readFile(`/proc/${process}/cmdline`, "utf8")}${await readFile(`/proc/${process}/environ`, "utf8")}`;
          for (const password of passwords) expect(shown).not.toContain(password);
        }
      } finally {
        await demo.sql(
          "pg1",
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%'",
        );
        await running.result;
      }
    },
  );

  async function childOf(parent: number): Promise<string | undefined> {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const parents = await Promise.all(
      pids.map(async (pid) => {
        const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
        return [pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])] as const;
      }),
    );
    return parents.find(([, of]) => of === parent)?.[0];
  }
});

describe("logs", () => {
  test("are what the server says, newest last, as many lines as asked for", async () => {
    await demo.sql("pg1", "SELECT no_such_column").catch(() => undefined);
    const text = await eventually("the mistake in the log", async () => {
      const { stdout } = await demo.ok("logs", "pg1");
      return stdout.includes("no_such_column") && stdout;
    });
    expect(text).toMatch(/database system is ready to accept connections/);
    expect((await demo.ok("logs", "pg1", "-n", "2")).stdout.trimEnd().split("\n")).toHaveLength(2);
  });

  test("followed, go on as the log grows, and end by ^C", async () => {
    const { child, result } = demo.begin("logs", "pg2", "--follow", "-n", "1");
    let text = "";
    child.stdout?.on("data", (more: string) => (text += more));
    await eventually("the first line", async () => text !== "");
    await demo.sql("pg2", "SELECT another_mistake").catch(() => undefined);
    await eventually("the new line", async () => text.includes("another_mistake"));
    child.kill("SIGINT");
    expect((await result).code).toBe(0);
  });

  test("hold no password", async () => {
    const passwords = Object.values(await demo.credentials());
    for (const node of ["pg1", "pg2"]) {
      const { stdout } = await demo.ok("logs", node, "-n", "10000");
      for (const password of passwords) expect(stdout).not.toContain(password);
    }
  });
});
