// The mode is switched while clients write: none of them may notice, and what was acknowledged under quorum must be there.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import { findBinaries } from "../../src/runtime/process/binaries.ts";
import type { NodeHost } from "../../src/runtime/node-host.ts";

let demo: TestCluster;
let host: NodeHost;
beforeAll(async () => {
  demo = await startCluster({ nodes: 3 });
  host = await demo.host();
});
afterAll(async () => {
  await host?.close();
  await demo?.[Symbol.asyncDispose]();
});

test("eight clients of pgbench write on while the mode changes: no failed transaction, no dropped connection", async () => {
  await demo.sql("pg1", "CREATE TABLE written (client int, at timestamptz DEFAULT now())");
  await demo.writeFile("insert.sql", "INSERT INTO written (client) VALUES (:client_id);\n");
  const { port } = (await demo.status()).nodes[0]!;
  const { superuser } = await demo.credentials();
  const binaries = await findBinaries(null, process.env);
  const program = binaries === null ? "pgbench" : join(binaries.folder, "pgbench");
  const args = [
    "--no-vacuum",
    "--file=insert.sql",
    "--client=8",
    "--jobs=1",
    "--rate=200",
    "--time=600",
    "postgres",
  ];
  const env = {
    ...process.env,
    PGHOST: "127.0.0.1",
    PGPORT: String(port),
    PGUSER: "postgres",
    PGPASSWORD: superuser,
  };
  const bench = spawn(program, args, { cwd: demo.folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [bench.stdout, bench.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(bench, "close");
  try {
    const backends = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench' ORDER BY pid";
    const before = await eventually("eight clients", async () => {
      const rows = await demo.sql("pg1", backends);
      return rows.length === 8 && rows;
    });
    for (const mode of ["quorum", "async", "sync", "quorum", "async", "quorum"]) await demo.ok("mode", mode);
    const written = "SELECT count(*)::int AS count FROM written";
    const [so] = await demo.sql("pg1", written);
    await eventually("the clients to write on", async () => {
      const [now] = await demo.sql("pg1", written);
      return Number(now?.["count"]) > Number(so?.["count"]) + 20;
    });
    expect(await demo.sql("pg1", backends)).toEqual(before);
    expect(bench.exitCode).toBeNull();
  } finally {
    bench.kill("SIGINT");
  }
  await ended;
  expect(said).not.toMatch(/aborted|ERROR|FATAL|WARNING|could not/);
});

test("what was acknowledged under quorum is on a standby, though the primary is killed and one standby is frozen", async () => {
  await demo.ok("mode", "async");
  await demo.sql("pg1", "CREATE TABLE acknowledged (id int)");
  const state = { next: 0, proved: false, acknowledged: [] as number[] };
  const clients = await Promise.all([1, 2, 3, 4].map(() => demo.connect("pg1")));
  const writers = clients.map(async (client) => {
    for (;;) {
      const id = state.next++;
      // Begun after the proof: whatever the answer rests on, it is the new rule.
      const { proved } = state;
      try {
        await client.query("INSERT INTO acknowledged VALUES ($1)", [id]);
      } catch {
        return;
      }
      if (proved) state.acknowledged.push(id);
    }
  });
  await demo.ok("mode", "quorum");
  state.proved = true;
  // From now on only pg2 confirms; and the primary dies in the middle of it.
  await host.pause("pg3");
  await eventually("some acknowledged writes", async () => state.acknowledged.length > 300);
  await host.kill("pg1");
  await Promise.all(writers);
  await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  await host.resume("pg3");

  const received = await eventually("pg2 to replay what it has received", async () => {
    const [row] = await demo.sql(
      "pg2",
      `SELECT pg_last_wal_replay_lsn() >= coalesce(pg_last_wal_receive_lsn(), '0/0')
         AND NOT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL) AS done`,
    );
    return row?.["done"] === true && demo.sql("pg2", "SELECT id FROM acknowledged");
  });
  const there = new Set(received.map((row) => row["id"]));
  expect(state.acknowledged.filter((id) => !there.has(id))).toEqual([]);
  await demo.ok("up");
  expect((await demo.status()).verdict).toBe("healthy");
});
