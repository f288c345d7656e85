// What `init` makes: the servers, roles, rules of access, slots and settings, as PostgreSQL itself reports them.
import { networkInterfaces } from "node:os";
import { createConnection } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";

const NODES = ["pg1", "pg2", "pg3"];
const STANDBYS = ["pg2", "pg3"];

let demo: TestCluster;
beforeAll(async () => {
  demo = await startCluster({ nodes: 3, init: ["--sample", "ecommerce"] });
});
afterAll(async () => demo?.[Symbol.asyncDispose]());

async function setting(node: string, name: string): Promise<unknown> {
  return (await demo.sql(node, "SELECT current_setting($1) AS value", [name]))[0]?.["value"];
}

/** The SQLSTATE with which the server refuses. */
async function refusal(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
  return "not refused";
}

test("every node has data checksums and logs hints, so that it can be rewound one day", async () => {
  for (const node of NODES) {
    expect(await setting(node, "data_checksums")).toBe("on");
    expect(await setting(node, "wal_log_hints")).toBe("on");
  }
});

describe("access", () => {
  test("every line of pg_hba.conf asks for SCRAM or rejects, and none is broken", async () => {
    for (const node of NODES) {
      const rules = await demo.sql(node, "SELECT auth_method, error FROM pg_hba_file_rules");
      expect(rules.length).toBeGreaterThan(0);
      expect(new Set(rules.map((rule) => rule["auth_method"]))).toEqual(new Set(["scram-sha-256", "reject"]));
      expect(rules.filter((rule) => rule["error"] !== null)).toEqual([]);
    }
  });

  test("every password is kept as a SCRAM verifier", async () => {
    const roles = await demo.sql(
      "pg1",
      "SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin ORDER BY rolname",
    );
    expect(roles.map((role) => role["rolname"])).toEqual(["app", "postgres", "replicator"]);
    for (const role of roles) expect(role["rolpassword"]).toMatch(/^SCRAM-SHA-256\$/);
    const passwords = Object.values(await demo.credentials());
    expect(new Set(passwords).size).toBe(passwords.length);
  });

  test("a wrong password is refused on every node, for every role", async () => {
    for (const node of NODES) {
      for (const user of ["postgres", "app"]) {
        expect(await refusal(() => demo.connect(node, "postgres", { user, password: "wrong" }))).toBe(
          "28P01",
        );
      }
    }
  });

  test("the replication role may replicate and nothing else", async () => {
    const { replicator } = await demo.credentials();
    const [role] = await demo.sql(
      "pg1",
      "SELECT rolsuper, rolreplication, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = 'replicator'",
    );
    expect(role).toEqual({
      rolsuper: false,
      rolreplication: true,
      rolcreaterole: false,
      rolcreatedb: false,
      rolbypassrls: false,
    });
    const as = { user: "replicator", password: replicator };
    for (const database of ["postgres", "ecommerce"]) {
      expect(await refusal(() => demo.connect("pg1", database, as))).toBe("28000");
    }
    const walSender = await demo.connect("pg1", "postgres", { ...as, replication: "true" } as object);
    const { rows } = await walSender.query("IDENTIFY_SYSTEM");
    await walSender.end();
    expect(rows).toHaveLength(1);
  });

  test("nobody but the replication role can copy the WAL, the superuser included", async () => {
    const { app } = await demo.credentials();
    const replication = { replication: "true" } as object;
    expect(await refusal(() => demo.connect("pg1", "postgres", replication))).toBe("28000");
    expect(
      await refusal(() => demo.connect("pg1", "postgres", { ...replication, user: "app", password: app })),
    ).toBe("28000");
  });

  test("the application's role is no superuser and owns its own database", async () => {
    const [role] = await demo.sql(
      "pg1",
      "SELECT rolsuper, rolreplication FROM pg_roles WHERE rolname = 'app'",
    );
    expect(role).toEqual({ rolsuper: false, rolreplication: false });
    const [owner] = await demo.sql(
      "pg1",
      "SELECT pg_get_userbyid(datdba) AS name FROM pg_database WHERE datname = 'ecommerce'",
    );
    expect(owner?.["name"]).toBe("app");
  });

  test("no server listens where another machine could reach it", async () => {
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter((address) => !address.internal && address.family === "IPv4");
    const { nodes } = await demo.status();
    for (const { port } of nodes) {
      expect(await listens("127.0.0.1", Number(port))).toBe(true);
      for (const { address } of outside) expect(await listens(address, Number(port))).toBe(false);
    }
  });

  function listens(host: string, port: number): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = createConnection({ host, port }, () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
  }
});

describe("replication", () => {
  test("each standby is attached to a slot of its own on the primary, under its node's name", async () => {
    const slots = await demo.sql(
      "pg1",
      `SELECT slot_name, slot_type, active, application_name FROM pg_replication_slots
       LEFT JOIN pg_stat_replication ON pid = active_pid ORDER BY slot_name`,
    );
    expect(slots).toEqual(
      STANDBYS.map((name) => ({
        slot_name: name,
        slot_type: "physical",
        active: true,
        application_name: name,
      })),
    );
  });

  test("a slot can never fill the disk, and a standby that lost its primary comes back at once", async () => {
    for (const node of NODES) {
      expect(await setting(node, "max_slot_wal_keep_size")).toBe("1GB");
      expect(await setting(node, "wal_retrieve_retry_interval")).toBe("100ms");
    }
  });

  test("no password is in any setting, and the standby's is in a file of its own", async () => {
    const passwords = Object.values(await demo.credentials());
    for (const node of NODES) {
      const settings = await demo.sql(node, "SELECT name, setting FROM pg_settings");
      for (const password of passwords) {
        expect(settings.filter((row) => String(row["setting"]).includes(password))).toEqual([]);
      }
    }
    expect(await setting("pg2", "primary_conninfo")).toMatch(
      /user=replicator application_name=pg2 passfile=/,
    );
  });

  test("the configuration lies outside of PGDATA, where no copy or rewind replaces it", async () => {
    for (const node of NODES) {
      const data = String(await setting(node, "data_directory"));
      for (const file of ["config_file", "hba_file"]) {
        expect(String(await setting(node, file)).startsWith(`${data}/`)).toBe(false);
      }
    }
  });
});

describe("the sample", () => {
  test("has three customers and four orders on every node", async () => {
    const [lsn] = await demo.sql("pg1", "SELECT pg_current_wal_lsn()::text AS lsn");
    for (const node of NODES) {
      const client = await demo.connect(node, "ecommerce");
      try {
        await eventually(`${node} to have replayed the sample`, async () => {
          const { rows } = await client.query(
            "SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= $1::pg_lsn AS there",
            [lsn?.["lsn"]],
          );
          return rows[0]?.there === true;
        });
        const { rows } = await client.query(
          "SELECT (SELECT count(*)::int FROM customers) AS customers, (SELECT count(*)::int FROM orders) AS orders",
        );
        expect(rows).toEqual([{ customers: 3, orders: 4 }]);
      } finally {
        await client.end();
      }
    }
  });

  test("keeps e-mail addresses unique and orders with a customer, and an order is pending at first", async () => {
    const { app } = await demo.credentials();
    const client = await demo.connect("pg1", "ecommerce", { user: "app", password: app });
    try {
      const again = "INSERT INTO customers (name, email) SELECT name, email FROM customers LIMIT 1";
      expect(await refusal(() => client.query(again))).toBe("23505");
      const nobodys = "INSERT INTO orders (customer_id, product, amount) VALUES (4711, 'nothing', 1)";
      expect(await refusal(() => client.query(nobodys))).toBe("23503");
      const { rows } = await client.query("SELECT DISTINCT status FROM orders");
      expect(rows).toEqual([{ status: "pending" }]);
    } finally {
      await client.end();
    }
  });

  test("a standby refuses to write", async () => {
    for (const node of STANDBYS) {
      const client = await demo.connect(node, "ecommerce");
      await expect(
        client.query("INSERT INTO customers (name, email) VALUES ('x', 'x@example.com')"),
      ).rejects.toThrow("cannot execute INSERT in a read-only transaction");
      await client.end();
    }
  });
});

describe("settings of the file", () => {
  async function writeSettings(settings: Readonly<Record<string, string>>): Promise<void> {
    const text = await demo.readFile("pgrep-kit.yaml");
    const lines = Object.entries(settings).map(([name, value]) => `\n  ${name}: ${value}`);
    await demo.writeFile(
      "pgrep-kit.yaml",
      text.replace(/\nsettings:[^]*$/, `\nsettings:${lines.join("")}\n`),
    );
  }

  const codes = async (): Promise<string[]> =>
    (await demo.status()).findings.map((one) => `${one.code} ${one.node}`);

  test("are applied on every node, and up has nothing more to do", async () => {
    await writeSettings({ work_mem: "7MB" });
    expect(await codes()).toEqual(NODES.map((node) => `settings-not-written ${node}`));
    await demo.ok("up");
    for (const node of NODES) expect(await setting(node, "work_mem")).toBe("7MB");
    expect((await demo.status()).verdict).toBe("healthy");
    expect((await demo.ok("up")).stderr).toContain("Nothing to do");
  });

  test("that need a restart are named as pending, and are in effect after restart", async () => {
    await writeSettings({ work_mem: "7MB", max_connections: "120" });
    await demo.ok("up");
    expect(await codes()).toEqual(NODES.map((node) => `restart-pending ${node}`));
    expect((await demo.cli("status")).stdout).toMatch(/needs a restart before max_connections takes effect/);
    await demo.ok("restart", "--yes");
    for (const node of NODES) expect(await setting(node, "max_connections")).toBe("120");
    expect(await codes()).toEqual([]);
  });

  test("that a standby must not have smaller than its primary can be lowered as well", async () => {
    await writeSettings({ max_connections: "90" });
    await demo.ok("up");
    await demo.ok("restart", "--yes");
    for (const node of NODES) expect(await setting(node, "max_connections")).toBe("90");
    expect((await demo.status()).verdict).toBe("healthy");
  });

  test("that PostgreSQL does not take are refused, and every server runs on", async () => {
    await writeSettings({ max_connections: "90", work_mem: "lots" });
    const refused = await demo.cli("up");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/work_mem/);
    await writeSettings({ max_connections: "90" });
    await demo.ok("up");
    expect((await demo.status()).verdict).toBe("healthy");
  });
});
