// The doctor's checks of settings, security and activity: where each fires, and a near miss where it does not.
import { describe, expect, test } from "vitest";
import type { ServerHealth } from "../../src/monitor/doctor/server-health.ts";
import { cluster } from "../core/builders/world.ts";
import { answer, health, three, told, type Different } from "./doctor-facts.ts";

const HOUR = 3_600_000;
const command = (id: string, different: Different) => answer(id, different)?.problems[0]?.command;
const on = (node: string, found: Partial<ServerHealth>): Different => ({ server: { [node]: found } });
const setting = (name: string, value: string): Different =>
  on("pg2", { settings: { ...health.settings, [name]: value } });

describe("settings", () => {
  const configured = (configuration: object) =>
    three().standby("pg4", "0/5000", { serverVersion: 170005, configuration });

  test("other settings than the file asks for", () => {
    expect(told("configuration", { world: configured({ loaded: "another" }) })).toMatch(
      /^warning: pg4 has its settings written, but not loaded/,
    );
  });

  test("a line that PostgreSQL does not take", () => {
    expect(
      told(
        "configuration-errors",
        on("pg2", { configurationErrors: [{ setting: "work_mem", error: "no number" }] }),
      ),
    ).toBe("fail: the configuration of pg2 is not taken: work_mem: no number");
  });

  test("overrides are named, with the way back for each kind", () => {
    const world = configured({ overrides: { work_mem: "8MB" } });
    expect(told("overrides", { world })).toBe(
      "warning: pg4 has work_mem = 8MB beside the file, by ALTER SYSTEM",
    );
    expect(command("overrides", { world })).toBe(
      "pgrep-kit psql --node pg4 -c 'alter system reset work_mem' -c 'select pg_reload_conf()'",
    );
    expect(
      command("overrides", { world: configured({ overrides: { synchronous_standby_names: "" } }) }),
    ).toBe("pgrep-kit up");
  });

  test("fsync by ALTER SYSTEM is told once", () => {
    const off = {
      world: configured({ overrides: { fsync: "off" } }),
      ...on("pg4", { settings: { fsync: "off" } }),
    };
    expect(told("overrides", off)).toBe("pass");
    expect(told("durability", off)).toMatch(/^fail: fsync is off on pg4/);
    expect(command("durability", off)).toBe(
      "pgrep-kit psql --node pg4 -c 'alter system reset fsync' -c 'select pg_reload_conf()'",
    );
  });

  test("a setting that waits for a restart", () => {
    const world = configured({ pendingRestart: ["max_connections"] });
    expect(told("pending-restart", { world })).toMatch(/^warning: pg4 needs a restart/);
    expect(command("pending-restart", { world })).toBe("pgrep-kit restart pg4");
    const all = cluster()
      .primary("pg1", "0/5000", { configuration: { pendingRestart: ["max_connections"] } })
      .standby("pg2", "0/5000", { configuration: { pendingRestart: ["max_connections"] } });
    expect(command("pending-restart", { world: all })).toBe("pgrep-kit restart");
  });

  test("a standby that is smaller than its primary", () => {
    const limits = (max_connections: number) => configured({ limits: { max_connections } });
    expect(told("parity", { world: limits(99) })).toBe(
      "fail: max_connections is 99 on pg4, but 100 on pg1: the standby would stop",
    );
    expect(told("parity", { world: limits(101) })).toBe("pass");
  });

  test.each([
    ["retry-interval", "wal_retrieve_retry_interval", "5000", "1000"],
    ["durability", "full_page_writes", "off", "on"],
    ["checksums", "data_checksums", "off", "on"],
  ])("%s: %s = %s, and not %s", (id, name, wrong, right) => {
    expect(told(id, setting(name, wrong))).toMatch(/^(fail|warning): .* on pg2/);
    expect(told(id, setting(name, right))).toBe("pass");
  });

  test("synchronous_commit = off in effect", () => {
    expect(told("durability", { world: configured({ synchronousCommit: "off" }) })).toMatch(
      /^fail: synchronous_commit is off on pg4/,
    );
    expect(told("durability", { world: configured({ synchronousCommit: "local" }) })).toBe("pass");
  });

  test("pages that failed their checksum", () => {
    const database = { name: "app", recordedCollation: null, actualCollation: null, checksumFailures: 2 };
    expect(told("checksums", on("pg3", { databases: [database] }))).toBe(
      "fail: 2 pages of database app on pg3 failed their checksum",
    );
  });

  test("a rewind needs one of the two", () => {
    const both = (sums: string, hints: string) =>
      on("pg2", { settings: { ...health.settings, data_checksums: sums, wal_log_hints: hints } });
    expect(told("rewind", both("off", "off"))).toMatch(/^warning: pg2 could not be rewound/);
    expect(told("rewind", both("off", "on"))).toBe("pass");
    expect(told("rewind", both("on", "off"))).toBe("pass");
  });
});

describe("security", () => {
  const role = (different: Partial<NonNullable<ServerHealth["replicationRole"]>>) =>
    on("pg1", { replicationRole: { ...health.replicationRole!, ...different } });

  test("the replication role may replicate and nothing else", () => {
    expect(told("replication-role", on("pg1", { replicationRole: null }))).toMatch(/^fail: there is no role/);
    expect(told("replication-role", role({ replication: false }))).toMatch(
      /^fail: replicator lacks replication/,
    );
    expect(told("replication-role", role({ superuser: true }))).toMatch(/^fail: .*more rights .* superuser/);
    expect(told("replication-role", role({ createRole: true }))).toMatch(/^warning: .*createrole/);
    expect(command("replication-role", role({ createDatabase: true, createRole: true }))).toBe(
      "pgrep-kit psql --node pg1 -c 'alter role replicator nocreatedb nocreaterole'",
    );
    expect(told("replication-role", role({ password: "md5" }))).toMatch(/^fail: .*not stored as SCRAM/);
    expect(told("replication-role", role({ expired: true }))).toMatch(/^fail: .*expired/);
    expect(told("replication-role", role({}))).toBe("pass");
  });

  test("a password stored as an MD5 hash", () => {
    expect(told("password-hashes", on("pg1", { md5Roles: ["old"] }))).toMatch(
      /^warning: the password of old/,
    );
  });

  test("lines of pg_hba.conf that admit too easily, or are broken", () => {
    const line = (method: string | null, error: string | null) =>
      on("pg2", { hbaProblems: [{ line: 9, method, error }] });
    expect(told("hba-rules", line("trust", null))).toBe(
      "fail: line 9 of pg_hba.conf on pg2 admits by trust, without a password",
    );
    expect(told("hba-rules", line("md5", null))).toMatch(/admits by md5$/);
    expect(told("hba-rules", line(null, "invalid IP mask"))).toMatch(/is not valid: invalid IP mask$/);
  });
});

describe("activity", () => {
  test("clocks that differ by more than the way there and back explains", () => {
    const clock = (offsetMs: number, uncertaintyMs: number) =>
      on("pg3", { clock: { offsetMs, uncertaintyMs } });
    expect(told("clocks", clock(-4_000, 5))).toMatch(/^warning: the clock of pg3 is 4 s behind/);
    expect(told("clocks", clock(1_004, 5))).toBe("pass");
    expect(told("clocks", clock(1_006, 5))).toMatch(/ahead of/);
  });

  test("a transaction that somebody forgot", () => {
    const idle = (idleMs: number) =>
      on("pg1", { idleTransactions: [{ pid: 42, role: "app", database: "app", idleMs }] });
    expect(told("idle-transactions", idle(2 * HOUR))).toMatch(
      /^warning: a transaction of app in app on pg1 has been idle for 2 h/,
    );
    expect(command("idle-transactions", idle(2 * HOUR))).toBe(
      "pgrep-kit psql --node pg1 -c 'select pg_terminate_backend(42)'",
    );
    expect(told("idle-transactions", idle(HOUR))).toBe("pass");
  });

  test("a prepared transaction is told of the primary, which alone can end it", () => {
    const prepared = (node: string, ageMs: number) =>
      on(node, { preparedTransactions: [{ id: "it's", database: "app", ageMs }] });
    expect(told("prepared-transactions", prepared("pg1", 2 * HOUR))).toMatch(
      /^warning: the prepared transaction it's in app on pg1 is 2 h old/,
    );
    expect(told("prepared-transactions", prepared("pg2", 2 * HOUR))).toBe("pass");
    expect(told("prepared-transactions", prepared("pg1", HOUR))).toBe("pass");
  });
});
