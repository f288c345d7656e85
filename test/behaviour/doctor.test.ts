// The doctor on a real cluster: it passes a healthy one whole, and finds what was broken on purpose, with the way back.
import { chmod, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DoctorReport } from "../../src/monitor/doctor/doctor-report.ts";
import { type TestCluster, eventually, startCluster } from "../setup/cluster.ts";

let demo: TestCluster;
beforeAll(async () => {
  demo = await startCluster({ nodes: 3 });
});
afterAll(async () => demo?.[Symbol.asyncDispose]());

interface Seen {
  readonly code: number | null;
  readonly report: DoctorReport;
}

async function doctor(): Promise<Seen> {
  const { code, stdout } = await demo.cli("doctor", "-o", "json");
  return { code, report: JSON.parse(stdout) as DoctorReport };
}

function problemsOf({ report }: Seen, id: string) {
  return report.checks.find((check) => check.id === id)?.problems ?? [];
}

/** Runs what the finding says, word for word, but for the program's name. */
async function follow(command: string | null | undefined): Promise<void> {
  const words = [...(command ?? "").matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
  expect(words[0]).toBe("pgrep-kit");
  await demo.ok(...words.slice(1));
}

test("passes every check of a healthy cluster, and leaves it as it was", async () => {
  const { code, report } = await doctor();
  expect(report.checks.filter((check) => check.status !== "pass")).toEqual([]);
  expect(report).toMatchObject({ version: 1, cluster: demo.name, status: "pass" });
  expect(report.counts.passed).toBeGreaterThan(45);
  expect(code).toBe(0);
});

describe("what was broken on purpose", () => {
  let seen: Seen;
  beforeAll(async () => {
    await demo.sql("pg1", "ALTER SYSTEM SET fsync = off");
    await demo.sql("pg1", "ALTER SYSTEM SET work_mem = '8MB'");
    await demo.sql("pg1", "SELECT pg_reload_conf()");
    await demo.sql("pg1", "SELECT pg_create_physical_replication_slot('leftover', true)");
    await demo.sql("pg2", "SELECT pg_wal_replay_pause()");
    await demo.sql("pg1", "ALTER ROLE app SET synchronous_commit = off");
    await demo.sql("pg1", "ALTER ROLE replicator CREATEDB");
    await chmod(join(demo.folder, ".pgrep-kit"), 0o755);
    await chmod(join(demo.folder, ".pgrep-kit/credentials.json"), 0o644);
    seen = await eventually("the server to load fsync = off", async () => {
      const now = await doctor();
      // Reading the passwords closes their file: open it again for the look that counts.
      await chmod(join(demo.folder, ".pgrep-kit/credentials.json"), 0o644);
      return problemsOf(now, "durability").length > 0 ? now : null;
    });
  });

  test("fails, and counts it", () => {
    expect(seen.code).toBe(1);
    expect(seen.report.status).toBe("fail");
    expect(seen.report.counts.failed).toBe(2);
  });

  test("fsync is off, and following the advice turns it on", async () => {
    const [found] = problemsOf(seen, "durability");
    expect(found).toMatchObject({ level: "fail", node: "pg1" });
    await follow(found?.command);
    await eventually("fsync to be on", async () => {
      const [row] = await demo.sql("pg1", "SHOW fsync");
      return row?.["fsync"] === "on";
    });
  });

  test("an override beside the file, and the way back", async () => {
    const [found] = problemsOf(seen, "overrides");
    expect(found?.text).toBe("pg1 has work_mem = 8MB beside the file, by ALTER SYSTEM");
    await follow(found?.command);
  });

  test("an orphan slot, and the way back", async () => {
    const [found] = problemsOf(seen, "orphan-slots");
    expect(found?.text).toMatch(/^slot leftover on pg1 belongs to no standby and keeps /);
    await follow(found?.command);
    expect(await demo.sql("pg1", "SELECT FROM pg_replication_slots WHERE slot_name = 'leftover'")).toEqual(
      [],
    );
  });

  test("a paused replay, and the way back", async () => {
    const [found] = problemsOf(seen, "replay");
    expect(found).toMatchObject({ level: "warning", node: "pg2" });
    await follow(found?.command);
  });

  test("a role that commits with synchronous_commit = off, and the way back", async () => {
    const [found] = problemsOf(seen, "commit-defaults");
    expect(found?.text).toMatch(/^role app commits with synchronous_commit = off/);
    await follow(found?.command);
  });

  test("a replication role with more rights than it needs, and the way back", async () => {
    await follow(problemsOf(seen, "replication-role")[0]?.command);
  });

  test("a state folder that others can look into, and passwords that they could read", async () => {
    const folder = join(demo.folder, ".pgrep-kit");
    expect(problemsOf(seen, "state-folder")[0]).toMatchObject({
      level: "fail",
      command: `chmod 700 ${folder}`,
    });
    expect(problemsOf(seen, "secret-files")[0]?.text).toMatch(/credentials\.json \(mode 0644\)$/);
    await chmod(folder, 0o700);
    expect((await stat(join(folder, "credentials.json"))).mode & 0o777).toBe(0o600);
  });

  test("passes again when every advice was followed", async () => {
    await eventually("the doctor to find nothing", async () => (await doctor()).report.status === "pass");
  });
});

test("a node that is down is never said to be well", async () => {
  await (await demo.host()).kill("pg3");
  const seen = await eventually("pg3 to be seen as stopped", async () => {
    const now = await doctor();
    return problemsOf(now, "streaming").length > 0 ? now : null;
  });
  expect(seen.code).toBe(0);
  expect(seen.report.checks.find((check) => check.id === "durability")).toMatchObject({
    status: "not-checked",
    text: "not checked: pg3 is stopped",
  });
  const { stdout } = await demo.cli("doctor");
  expect(stdout).toContain("Warnings alone do not fail the check: exit code 0.");
});
