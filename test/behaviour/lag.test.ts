// `lag`, with the traps that others fell into: what the usual queries answer is shown first, then what we say.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandResult, type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import type { NodeHost } from "../../src/runtime/node-host.ts";

const OK = 0;
const WARNING = 1;
const CRITICAL = 2;
const UNKNOWN = 3;

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

interface Lag {
  readonly verdict: string;
  readonly standbys: readonly {
    readonly node: string;
    readonly state: string;
    readonly band: string;
    readonly reasons: readonly string[];
    readonly sendLagBytes: number | null;
    readonly replayLagBytes: number | null;
    readonly replayLagMs: number | null;
  }[];
}

async function lag(...args: string[]): Promise<{ readonly code: number | null; readonly report: Lag }> {
  const { code, stdout } = await demo.cli("lag", "-o", "json", ...args);
  return { code, report: JSON.parse(stdout) as Lag };
}

const of = ({ report }: { readonly report: Lag }, node: string) =>
  report.standbys.find((one) => one.node === node)!;
const firstLine = ({ stdout }: CommandResult): string => stdout.split("\n")[0] ?? "";

async function caughtUp(): Promise<void> {
  await eventually("both standbys to catch up", async () => {
    const { code, report } = await lag();
    return code === OK && report.standbys.every((one) => one.replayLagBytes === 0);
  });
}

async function writeWal(bytes: number): Promise<void> {
  await demo.sql("pg1", "SELECT pg_logical_emit_message(false, 'test', repeat('x', $1::int))", [bytes]);
}

test("an idle standby that has caught up is not behind, however long ago the last transaction was", async () => {
  await demo.sql("pg1", "SELECT pg_logical_emit_message(true, 'test', 'a transaction')");
  await caughtUp();
  const trap = "SELECT extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8 AS seconds";
  const seconds = async (): Promise<number> => Number((await demo.sql("pg2", trap))[0]?.["seconds"]);
  const before = await seconds();
  await eventually("the usual query to grow", async () => (await seconds()) > before + 0.2);
  const now = await lag();
  expect(now.code).toBe(OK);
  expect(of(now, "pg2")).toMatchObject({ replayLagBytes: 0, replayLagMs: 0, band: "good" });
});

test("the first line and the exit code are what Nagios wants", async () => {
  const result = await demo.cli("lag");
  expect(result.code).toBe(OK);
  expect(firstLine(result)).toMatch(
    /^LAG OK: 2 standbys stream, caught up \| pg2_replay=0B;16777216;268435456;0 pg2_replay_time=0s;1;60;0 pg2_slot=\d+B;;;0 pg3_replay=/,
  );
});

test("a paused replay is seen, which the lag of sending hides", async () => {
  await demo.sql("pg2", "SELECT pg_wal_replay_pause()");
  try {
    await writeWal(5_000_000);
    const paused = await eventually("everything to be sent", async () => {
      const seen = await lag();
      return of(seen, "pg2").sendLagBytes === 0 && of(seen, "pg3").replayLagBytes === 0 && seen;
    });
    const [trap] = await demo.sql(
      "pg1",
      "SELECT pg_current_wal_lsn() - sent_lsn AS send FROM pg_stat_replication WHERE application_name = 'pg2'",
    );
    expect(Number(trap?.["send"])).toBe(0);
    expect(of(paused, "pg2").replayLagBytes).toBeGreaterThan(5_000_000);
    expect(of(paused, "pg3")).toMatchObject({ replayLagBytes: 0, band: "good" });
    expect(paused.code).toBe(WARNING);
    expect(of(paused, "pg2").reasons.join()).toMatch(/has its replay paused/);

    expect((await lag("--warn", "100MB", "--crit", "1GB")).code).toBe(WARNING);
    expect((await lag("--warn", "1MB", "--crit", "2MB")).code).toBe(CRITICAL);
    const said = firstLine(await demo.cli("lag", "--crit", "2MB", "--warn", "1MB"));
    expect(said).toMatch(/^LAG CRITICAL: pg2 .*paused.*behind.* \| pg2_replay=5\d{6}B;1048576;2097152;0 /);
  } finally {
    await demo.sql("pg2", "SELECT pg_wal_replay_resume()");
  }
  await caughtUp();
});

test("watched and piped, it is one line of JSON a look, and ends by ^C", async () => {
  const { child, result } = demo.begin("lag", "--watch", "--interval", "0.1");
  let lines = 0;
  child.stdout?.on("data", (text: string) => (lines += text.split("\n").length - 1));
  await eventually("three lines", async () => lines >= 3);
  child.kill("SIGINT");
  const { stdout, code } = await result;
  const reports = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Lag);
  expect(reports.length).toBeGreaterThanOrEqual(3);
  expect(reports.every((report) => report.standbys.length === 2)).toBe(true);
  expect([OK, 130]).toContain(code);
});

test("a threshold that cannot be read is a usage error, which monitoring hears as unknown", async () => {
  for (const args of [
    ["--warn", "many"],
    ["--crit", "-1MB"],
    ["--warn", "2GB", "--crit", "1GB"],
  ]) {
    const result = await demo.cli("lag", ...args);
    expect(result.code, args.join(" ")).toBe(UNKNOWN);
    expect(firstLine(result)).toMatch(/^LAG UNKNOWN: /);
    expect(result.stderr).toMatch(/^error: /);
  }
});

test("after a restart, a standby is not thought to have received less than it has", async () => {
  await writeWal(1_000_000);
  await demo.sql("pg1", "SELECT pg_logical_emit_message(true, 'test', 'a commit')");
  await caughtUp();
  const [before] = await demo.sql("pg2", "SELECT pg_last_wal_receive_lsn()::text AS lsn");
  // Without a primary nothing is received again, and the function tells the beginning of a segment, or nothing.
  await host.stop("pg1", 20_000);
  const { nodes } = await demo.status();
  await host.stop("pg2", 20_000);
  await host.start("pg2", Number(nodes.find((node) => node.name === "pg2")?.["port"]));
  const after = await eventually("pg2 to answer", async () => {
    const { nodes } = await demo.status();
    return nodes.find((node) => node.name === "pg2" && node["lsn"] !== null);
  });
  const [order] = await demo.sql(
    "pg2",
    `SELECT coalesce(pg_last_wal_receive_lsn(), '0/0') < $2::pg_lsn AS trap, $1::pg_lsn >= $2::pg_lsn AS right`,
    [after["lsn"], before?.["lsn"]],
  );
  expect(order).toEqual({ trap: true, right: true });
});

test("without a primary, every standby is critical: nobody sends them anything", async () => {
  const { code, report } = await lag();
  expect(code).toBe(CRITICAL);
  expect(report.standbys.map((one) => one.reasons.join())).toEqual([
    "receives nothing: pg1 is down",
    "receives nothing: pg1 is down",
  ]);
  await demo.ok("up");
  await caughtUp();
});

test("a primary that does not answer leaves everything unknown, and nothing good", async () => {
  await host.pause("pg1");
  try {
    const result = await demo.cli("lag");
    expect(result.code).toBe(UNKNOWN);
    expect(firstLine(result)).toMatch(/^LAG UNKNOWN: pg2 cannot be judged: pg1 is frozen/);
  } finally {
    await host.resume("pg1");
  }
  await caughtUp();
});

test("a frozen standby is critical at once, before its silence is heard", async () => {
  await host.pause("pg3");
  try {
    const result = await demo.cli("lag");
    expect(result.code).toBe(CRITICAL);
    expect(firstLine(result)).toMatch(/^LAG CRITICAL: pg3 is frozen/);
    await writeWal(185_000);
    const seen = await lag();
    expect(seen.code).toBe(CRITICAL);
    expect(of(seen, "pg3")).toMatchObject({ state: "frozen", band: "critical" });
    expect(of(seen, "pg3").replayLagBytes).toBeGreaterThan(185_000);
    expect(of(seen, "pg3").reasons.join()).toMatch(/is frozen .*\(18\d kB behind\)/);
  } finally {
    await host.resume("pg3");
  }
  await caughtUp();
});

test("a standby that is stopped is critical, though nothing is known to lag", async () => {
  await host.stop("pg3", 20_000);
  const result = await demo.cli("lag");
  expect(result.code).toBe(CRITICAL);
  expect(firstLine(result)).toMatch(/^LAG CRITICAL: pg3 has been stopped/);
  await demo.ok("up");
  await caughtUp();
});

test("a standby that does not receive is critical, though its server runs", async () => {
  await demo.sql("pg3", "ALTER SYSTEM SET primary_conninfo = ''");
  await demo.sql("pg3", "SELECT pg_reload_conf()");
  await eventually("its connection to be gone", async () => {
    const rows = await demo.sql("pg1", "SELECT FROM pg_stat_replication WHERE application_name = 'pg3'");
    return rows.length === 0;
  });
  const result = await demo.cli("lag");
  expect(result.code).toBe(CRITICAL);
  expect(firstLine(result)).toMatch(/^LAG CRITICAL: pg3 /);
  expect(of(await lag(), "pg3").state).toBe("disconnected");
  await demo.ok("up");
  await caughtUp();
});

// The last one: nothing brings a promoted standby back into the cluster but a fresh copy.
test("a promoted standby is critical, and still listed: a split brain is no good lag", async () => {
  await demo.sql("pg3", "SELECT pg_promote()");
  const result = await demo.cli("lag");
  expect(result.code).toBe(CRITICAL);
  expect(firstLine(result)).toMatch(
    /^LAG CRITICAL: pg3 accepts writes without authority \(split brain\) \| /,
  );
  expect(result.stdout).toMatch(/^ {2}pg3 +pg1 +split brain .*critical/m);
  const seen = await lag();
  expect(of(seen, "pg2")).toMatchObject({ state: "streaming", band: "good" });
  expect(of(seen, "pg3")).toMatchObject({ state: "split-brain", band: "critical", replayLagBytes: null });
});
