// What a commit waits for, changed on a live cluster: no restart, no dropped connection, and a proof that holds what it says.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";
import type { NodeHost } from "../../src/runtime/node-host.ts";

const REFUSED = 3;
const UNFINISHED = 5;
const INTERRUPTED = 130;

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

interface Authority {
  readonly rule: {
    readonly method: string;
    readonly acks: number;
    readonly listed: readonly string[];
    readonly commit: string;
  } | null;
  readonly proofs: readonly {
    readonly rule: { readonly acks: number };
    readonly since: { readonly timeline: number; readonly lsn: string } | null;
  }[];
}

const record = async (): Promise<Authority> =>
  JSON.parse(await demo.readFile(".pgrep-kit/authority.json")) as Authority;
const file = (): Promise<string> => demo.readFile("pgrep-kit.yaml");

async function settings(nodes = ["pg1", "pg2", "pg3"]): Promise<string[]> {
  const shown =
    "SELECT current_setting('synchronous_standby_names') || ' ' || current_setting('synchronous_commit') AS rule";
  const rows = await Promise.all(nodes.map((node) => demo.sql(node, shown)));
  return rows.map(([row]) => String(row?.["rule"]));
}

async function syncStates(): Promise<string> {
  const rows = await demo.sql(
    "pg1",
    "SELECT application_name || ' ' || sync_state AS text FROM pg_stat_replication ORDER BY 1",
  );
  return rows.map((row) => row["text"]).join(", ");
}

async function proof(): Promise<string> {
  const { commit } = await demo.status();
  return (commit as { readonly proof: string }).proof;
}

function everywhere(rule: string): string[] {
  return [rule, rule, rule];
}

test("async, quorum, sync, async: in effect at once, without a restart and without dropping a connection", async () => {
  const client = await demo.connect("pg1");
  try {
    const identity = "SELECT pg_backend_pid() AS pid, pg_postmaster_start_time()::text AS started";
    const before = (await client.query(identity)).rows;

    const quorum = await demo.ok("mode", "quorum");
    expect(quorum.stderr).toMatch(
      /Every commit from [0-9A-F]+\/[0-9A-F]+ on is on pg1 and on at least 1 of pg2, pg3 when it returns\./,
    );
    expect(await settings()).toEqual(everywhere("ANY 1 (pg1, pg2, pg3) on"));
    expect(await syncStates()).toBe("pg2 quorum, pg3 quorum");

    await demo.ok("mode", "sync", "--acks", "2", "--commit", "remote_apply");
    expect(await settings()).toEqual(everywhere("FIRST 2 (pg1, pg2, pg3) remote_apply"));
    expect(await syncStates()).toBe("pg2 sync, pg3 sync");
    await client.query("CREATE TABLE seen_at_once ()");
    for (const node of ["pg2", "pg3"]) expect(await demo.sql(node, "SELECT FROM seen_at_once")).toEqual([]);

    await demo.ok("mode", "sync", "--acks", "1", "--commit", "on");
    expect(await syncStates()).toBe("pg2 sync, pg3 potential");

    await demo.ok("mode", "async");
    expect(await settings()).toEqual(everywhere(" on"));
    expect(await syncStates()).toBe("pg2 async, pg3 async");
    expect(await record()).toMatchObject({ rule: null, proofs: [] });

    expect((await client.query(identity)).rows).toEqual(before);
  } finally {
    await client.end();
  }
});

test("the proof names the LSN and the timeline from which on it holds, and every standby has flushed past it", async () => {
  const [before] = await demo.sql("pg1", "SELECT pg_current_wal_lsn()::text AS lsn");
  await demo.ok("mode", "quorum");
  const { rule, proofs } = await record();
  expect(rule).toEqual({ method: "ANY", acks: 1, listed: ["pg1", "pg2", "pg3"], commit: "on" });
  expect(proofs).toHaveLength(1);
  const since = proofs[0]?.since;
  expect(since?.timeline).toBe(1);
  const [flushed] = await demo.sql(
    "pg1",
    "SELECT $1::pg_lsn >= $2::pg_lsn AS later, bool_and(flush_lsn >= $1::pg_lsn) AS everywhere FROM pg_stat_replication",
    [since?.lsn, before?.["lsn"]],
  );
  expect(flushed).toEqual({ later: true, everywhere: true });
  expect((await demo.ok("mode")).stdout).toContain(`proved since ${since?.lsn}`);
});

test("only those that are named among them confirm, until all may again", async () => {
  await demo.ok("mode", "quorum", "--among", "pg2");
  expect(await settings()).toEqual(everywhere("ANY 1 (pg2) on"));
  expect(await syncStates()).toBe("pg2 quorum, pg3 async");
  await demo.ok("mode", "quorum", "--among", "all");
  expect(await syncStates()).toBe("pg2 quorum, pg3 quorum");
});

test("--dry-run shows the statements and changes nothing", async () => {
  const before = [await file(), await record(), await settings()];
  const { stdout } = await demo.ok("mode", "sync", "--acks", "2", "--dry-run");
  expect(stdout).toContain("FIRST 2 (pg1, pg2, pg3)");
  expect(stdout).toMatch(/Nothing was changed/);
  expect([await file(), await record(), await settings()]).toEqual(before);
});

test("-o json and yaml tell the new mode in the shape that status has for it, and no prose", async () => {
  const changed = await demo.ok("mode", "quorum", "--acks", "2", "-o", "json");
  const told = JSON.parse(changed.stdout) as Record<string, unknown>;
  expect(told).toEqual({ version: 1, ...((await demo.status())["commit"] as object) });
  expect(told).toMatchObject({ mode: "quorum", acks: 2, level: "on", proof: "proved" });
  expect(changed.stderr).not.toContain("Every commit");
  expect((await demo.ok("mode", "-o", "json")).stdout).toBe(changed.stdout);
  const back = await demo.ok("mode", "quorum", "--acks", "1", "-o", "yaml");
  expect(back.stdout).toMatch(/^version: 1\nmode: quorum\nacks: 1\n/);
});

test("asked for what is there already, it does nothing", async () => {
  const before = await record();
  await demo.ok("mode", "quorum");
  expect(await record()).toEqual(before);
});

describe("a proof that cannot be had yet", () => {
  test("stays pending while a standby is frozen, says which one, and is had by running again", async () => {
    await demo.ok("mode", "async");
    await host.pause("pg3");
    try {
      const result = await demo.cli("mode", "quorum");
      expect(result.code).toBe(UNFINISHED);
      expect(result.stderr).toMatch(/unfinished: still waiting for pg3 \(frozen\)/);
      expect((await record()).proofs).toMatchObject([{ since: null }]);
      const status = await demo.status();
      expect(status.findings.map((one) => one.code)).toContain("proof-pending");
      expect(status["outlook"]).toMatchObject({ kind: "refused", reasons: [{ code: "proof-pending" }] });
      expect(await syncStates()).toContain("pg2 quorum");
    } finally {
      await host.resume("pg3");
    }
    await demo.ok("mode", "quorum");
    expect(await proof()).toBe("proved");
  });

  test("a change of how many confirm keeps both sums until the new one is proved", async () => {
    await host.stop("pg3", 20_000);
    // pg3 is away, so two cannot confirm now.
    const refused = await demo.cli("mode", "quorum", "--acks", "2");
    expect(refused.code).toBe(REFUSED);
    const wished = demo.begin("mode", "quorum", "--acks", "2", "--allow-blocking");
    await eventually("both rules to be in the record", async () => (await record()).proofs.length === 2);
    expect((await record()).proofs).toMatchObject([
      { rule: { acks: 1 }, since: { timeline: 1 } },
      { rule: { acks: 2 }, since: null },
    ]);
    const status = await demo.status();
    wished.child.kill("SIGINT");
    expect((await wished.result).code).toBe(INTERRUPTED);
    expect(status.findings.map((one) => one.code)).toContain("proof-changing");
    // By the old rule one of two confirmed: only pg2 reached proves nothing.
    expect(status["outlook"]).toMatchObject({ kind: "refused", reasons: [{ code: "quorum-not-reached" }] });
    await demo.ok("up");
    expect((await record()).proofs).toMatchObject([{ rule: { acks: 2 }, since: { timeline: 1 } }]);
    await demo.ok("mode", "quorum", "--acks", "1");
  });
});

describe("a mode that would block every commit", () => {
  test("is refused with a hint, and the file stays as it was", async () => {
    await demo.ok("mode", "async");
    await Promise.all(["pg2", "pg3"].map((node) => host.stop(node, 20_000)));
    const before = [await file(), await record()];
    const refused = await demo.cli("mode", "quorum");
    expect(refused.code).toBe(REFUSED);
    expect(refused.stderr).toContain("[would-block]");
    expect(refused.stderr).toMatch(/hint: .*--allow-blocking/);
    expect([await file(), await record()]).toEqual(before);
  });

  test("is obeyed when asked for all the same: commits wait, and return once a standby is back", async () => {
    const command = demo.begin("mode", "quorum", "--allow-blocking");
    const client = await demo.connect("pg1");
    await eventually("the primary to run by it", async () => (await settings(["pg1"]))[0] !== " on");
    try {
      let done = false;
      const commit = client.query("CREATE TABLE waited ()").then(() => (done = true));
      await eventually("the commit to wait for a standby", async () => {
        const rows = await demo.sql("pg1", "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        return rows.length === 1;
      });
      expect((await demo.status()).findings[0]?.code).toBe("commits-blocked");
      expect(done).toBe(false);
      command.child.kill("SIGINT");
      await command.result;
      await demo.ok("up");
      await commit;
      expect(await proof()).toBe("proved");
    } finally {
      await client.end();
    }
  });
});

test("killed between the record and the settings, a mode that is turned off has no proof any more", async () => {
  expect(await proof()).toBe("proved");
  const command = demo.begin("mode", "async");
  await eventually("the proofs to be withdrawn", async () => (await record()).proofs.length === 0);
  command.child.kill("SIGKILL");
  await command.result;
  expect(await record()).toMatchObject({ rule: null, proofs: [] });
  await demo.ok("mode", "async");
  expect(await settings()).toEqual(everywhere(" on"));
  await demo.ok("mode", "quorum");
});

describe("settings changed by other hands", () => {
  async function doubted(): Promise<void> {
    const status = await demo.status();
    expect(status.findings.map((one) => one.code)).toContain("proof-void");
    expect(status["outlook"]).toMatchObject({ kind: "refused", reasons: [{ code: "proof-void" }] });
    expect((await demo.cli("status")).stdout).toMatch(/the\s+proof\s+does\s+not\s+hold/);
    const before = (await record()).proofs[0]?.since?.lsn;
    await demo.ok("up");
    const after = (await record()).proofs[0]?.since?.lsn;
    const [order] = await demo.sql("pg1", "SELECT $1::pg_lsn > $2::pg_lsn AS later", [after, before]);
    expect(order?.["later"]).toBe(true);
    expect(await settings()).toEqual(everywhere("ANY 1 (pg1, pg2, pg3) on"));
    expect((await demo.status()).verdict).toBe("healthy");
  }

  test.each(["synchronous_standby_names = ''", "synchronous_commit = off"])(
    "ALTER SYSTEM SET %s on the primary ends the proof, and up proves it anew",
    async (tampered) => {
      await demo.sql("pg1", `ALTER SYSTEM SET ${tampered}`);
      await demo.sql("pg1", "SELECT pg_reload_conf()");
      const [name, value] = tampered.replaceAll("'", "").split(" = ");
      await eventually("the server to run by it", async () => {
        const [row] = await demo.sql("pg1", "SELECT current_setting($1) = $2 AS yes", [name, value]);
        return row?.["yes"] === true;
      });
      await doubted();
    },
  );

  test("an edited configuration file, reloaded, ends the proof as well", async () => {
    const path = "conf/postgresql.conf";
    const text = (await host.readFile("pg1", path)) ?? "";
    const edited = text.replace(/^synchronous_standby_names = .*$/m, "synchronous_standby_names = ''");
    expect(edited).not.toBe(text);
    await host.writeFiles("pg1", [{ path, content: edited, mode: 0o600 }]);
    await demo.sql("pg1", "SELECT pg_reload_conf()");
    await eventually("the server to run by it", async () => (await settings())[0] === " on");
    await doubted();
  });

  test("a standby with other settings is named, the proof holds, and up mends it", async () => {
    await demo.sql("pg2", "ALTER SYSTEM SET synchronous_standby_names = ''");
    await demo.sql("pg2", "SELECT pg_reload_conf()");
    await eventually("the standby to run by it", async () => (await settings())[1] === " on");
    const status = await demo.status();
    expect(status.findings.map((one) => `${one.code} ${one.node}`)).toEqual(["settings-overridden pg2"]);
    expect(status["outlook"]).toMatchObject({ kind: "proved" });
    await demo.ok("up");
    expect(await settings()).toEqual(everywhere("ANY 1 (pg1, pg2, pg3) on"));
  });
});
