// The doctor's checks of replication, slots and versions: where each fires, and a near miss where it does not.
import { describe, expect, test } from "vitest";
import { type Different, answer, slot, three, told } from "./doctor-facts.ts";

const MB = 1024 ** 2;
const command = (id: string, different: Different) => answer(id, different)?.problems[0]?.command;

describe("who writes, and who follows", () => {
  test("the primary by record is gone", () => {
    expect(told("authority", { world: three().down("pg1") })).toMatch(/^fail: pg1 ended/);
    expect(told("authority", { world: three().unreachable("pg1") })).toMatch(/^fail: pg1 does not answer/);
    expect(told("authority", { world: three().down("pg3") })).toBe("pass");
  });

  test("two writers", () => {
    const world = three().primary("pg4", "0/6000", { serverVersion: 170005 });
    expect(told("one-writer", { world })).toMatch(
      /^fail: pg4 accepts writes on timeline 1 without authority/,
    );
  });

  test("a standby with WAL that never became history, and one with other data", () => {
    const base = () => three().forks("0/4000");
    expect(told("one-history", { world: base() })).toBe("pass");
    const diverged = base().standby("pg4", "0/5000", { timeline: 1, forks: [], serverVersion: 170005 });
    expect(told("one-history", { world: diverged })).toMatch(/^fail: pg4 holds WAL/);
    const foreign = three().standby("pg4", "0/5000", { systemIdentifier: "42", serverVersion: 170005 });
    expect(told("one-history", { world: foreign })).toMatch(/^fail: pg4 holds the data of another cluster/);
  });

  test("a standby that receives nothing", () => {
    const world = three().standby("pg4", "0/4000", { receiver: false, serverVersion: 170005 });
    expect(told("streaming", { world })).toMatch(/^warning: pg4 receives nothing from pg1/);
    expect(command("streaming", { world })).toBe("pgrep-kit up");
    expect(answer("streaming")?.text).toBe("pg2 and pg3 receive and replay");
  });

  test("a receiver that hears nothing", () => {
    const receiver = (silentMs: number) => ({
      server: { pg2: { receiver: { status: "streaming", slot: "pg2", silentMs } } },
    });
    expect(told("wal-receivers", receiver(45_000))).toMatch(/^warning: the WAL receiver of pg2 .* 45 s/);
    expect(told("wal-receivers", receiver(5_000))).toBe("pass");
  });

  test("a paused replay is found, a delayed one only named", () => {
    const paused = three().standby("pg4", "0/5000", {
      replayPaused: true,
      replayed: "0/4000",
      serverVersion: 170005,
    });
    expect(told("replay", { world: paused })).toMatch(/^warning: pg4 receives, but its replay is paused/);
    expect(command("replay", { world: paused })).toBe(
      "pgrep-kit psql --node pg4 -c 'select pg_wal_replay_resume()'",
    );
    // "Streaming" must not say the opposite.
    expect(answer("streaming", { world: paused })?.text).toBe("pg2, pg3 and pg4 receive");
    const delayed = three().standby("pg4", "0/5000", { delayMs: 3_600_000, serverVersion: 170005 });
    expect(answer("replay", { world: delayed })).toMatchObject({
      status: "pass",
      text: expect.stringMatching(/pg4 replays 1 h late/),
    });
  });
});

describe("commits", () => {
  test("a mode that is asked for and not applied, a proof that is pending, a rule that nobody runs by", () => {
    const quorum = three().quorum(1);
    expect(answer("commit-mode", { world: quorum })?.text).toMatch(/^ANY 1 .*proved since 0\/1000$/);
    expect(told("commit-mode", { world: quorum.pending() })).toMatch(/^warning: it is not proved yet/);
    expect(told("commit-mode", { world: three().fileAsks({ mode: "sync" }) })).toMatch(
      /^warning: the file asks for FIRST/,
    );
    expect(told("commit-mode", { world: quorum.down("pg2").down("pg3") })).toMatch(
      /^fail: every commit waits/,
    );
  });

  const defaults = (value: string, role: string | null = "loose", database: string | null = null) => ({
    server: { pg1: { commitDefaults: [{ role, database, value }] } },
  });

  test("a role that does not wait is told where commits should", () => {
    expect(told("commit-defaults", { world: three().quorum(1), ...defaults("local") })).toMatch(
      /^warning: role loose commits/,
    );
    expect(told("commit-defaults", defaults("local"))).toBe("pass");
    expect(told("commit-defaults", defaults("off"))).toMatch(/a crash may lose its newest commits$/);
    expect(told("commit-defaults", { world: three().quorum(1), ...defaults("on") })).toBe("pass");
  });

  test.each([
    ["loose", null, "alter role loose reset synchronous_commit"],
    ['A "b"', null, 'alter role "A ""b""" reset synchronous_commit'],
    [null, "shop", "alter database shop reset synchronous_commit"],
    ["loose", "shop", "alter role loose in database shop reset synchronous_commit"],
  ])("and taken back for role %s in database %s", (role, database, sql) => {
    expect(command("commit-defaults", defaults("off", role, database))).toBe(
      `pgrep-kit psql --node pg1 -c '${sql}'`,
    );
  });
});

describe("slots", () => {
  test("a standby that streams through no slot, or through another one", () => {
    const through = (name: string | null) => ({
      server: { pg2: { receiver: { status: "streaming", slot: name, silentMs: 1 } } },
    });
    expect(told("own-slots", through(null))).toMatch(/^warning: pg2 streams without a slot/);
    expect(told("own-slots", through("pg3"))).toMatch(/^warning: pg2 streams through the slot pg3/);
    expect(told("own-slots", through("pg2"))).toBe("pass");
  });

  test("a standby without a slot on its upstream", () => {
    const world = three().standby("pg4", "0/5000", { slot: null, serverVersion: 170005 });
    expect(told("slot-missing", { world })).toMatch(/^warning: pg1 has no slot for pg4/);
  });

  const slots = (...found: Partial<typeof slot>[]) => ({
    server: { pg1: { slots: found.map((one) => ({ ...slot, ...one })) } },
  });

  test("slots of nobody", () => {
    expect(told("orphan-slots", slots({ retainedBytes: 48 * MB }))).toBe(
      "warning: slot leftover on pg1 belongs to no standby and keeps 48 MB of WAL",
    );
    expect(told("orphan-slots", slots({ kind: "logical", name: "cdc" }))).toMatch(
      /^warning: nobody reads from the logical slot cdc/,
    );
    expect(told("orphan-slots", slots({ name: "pg2" }, { active: true }, { synced: true }))).toBe("pass");
    // A slot for pg2 on pg3 is one of nobody: pg2 follows pg1.
    expect(told("orphan-slots", { server: { pg3: { slots: [{ ...slot, name: "pg2" }] } } })).toMatch(
      /^warning: slot pg2 on pg3/,
    );
  });

  test("lost slots", () => {
    const world = (walStatus: string) =>
      three().standby("pg4", "0/5000", { slot: { walStatus }, serverVersion: 170005 });
    expect(told("lost-slots", { world: world("lost") })).toMatch(/^fail: pg4 needs WAL that is gone/);
    expect(told("lost-slots", { world: world("unreserved") })).toMatch(/^warning: slot of pg4/);
    expect(told("lost-slots", { world: world("extended") })).toBe("pass");
  });

  test.each([
    [513, "1024", /^warning: slot leftover on pg1 keeps 513 MB of WAL of at most 1 GB/],
    [511, "1024", /^pass$/],
    [1025, "-1", /^warning: .* without a limit/],
    [1023, "-1", /^pass$/],
  ])("%d MB of WAL kept, with a limit of %s MB", (megabytes, limit, expected) => {
    const found = {
      slots: [{ ...slot, retainedBytes: megabytes * MB }],
      settings: { max_slot_wal_keep_size: limit },
    };
    expect(told("slot-wal", { server: { pg1: found } })).toMatch(expected);
  });

  test("no limit on a standby either: it may be the next primary", () => {
    expect(told("slot-limit", { server: { pg3: { settings: { max_slot_wal_keep_size: "-1" } } } })).toMatch(
      /^fail: .* on pg3/,
    );
    expect(told("slot-limit", { server: { pg3: { settings: { max_slot_wal_keep_size: "64" } } } })).toBe(
      "pass",
    );
  });

  test("a slot that holds vacuum back", () => {
    expect(told("slot-horizon", slots({ xminAge: 250_000_000 }))).toMatch(/^fail: .* 250 million/);
    expect(told("slot-horizon", slots({ catalogXminAge: 60_000_000 }))).toMatch(/^warning: /);
    expect(told("slot-horizon", slots({ xminAge: 49_000_000 }))).toBe("pass");
  });

  test("no room for one more standby", () => {
    const settings = (name: string, value: string) => ({
      server: {
        pg1: {
          slots: [slot, slot],
          settings: { max_replication_slots: "16", max_wal_senders: "16", [name]: value },
        },
      },
    });
    expect(told("slot-capacity", settings("max_replication_slots", "3"))).toMatch(
      /^warning: pg1 has 2 of at most 3 slots/,
    );
    expect(told("slot-capacity", settings("max_replication_slots", "4"))).toBe("pass");
    expect(told("slot-capacity", settings("max_wal_senders", "3"))).toMatch(
      /^warning: pg1 has 2 of at most 3 WAL senders/,
    );
  });

  test("an archiver that fails, where it is on", () => {
    const archiver = { failed: 3, lastFailedWal: "000000010000000000000007", failing: true };
    expect(told("archiving", { server: { pg1: { archiver, settings: { archive_mode: "on" } } } })).toMatch(
      /^fail: archiving fails on pg1: 3 times/,
    );
    expect(told("archiving", { server: { pg1: { archiver, settings: { archive_mode: "off" } } } })).toBe(
      "pass",
    );
    expect(
      told("archiving", {
        server: { pg1: { archiver: { ...archiver, failing: false }, settings: { archive_mode: "on" } } },
      }),
    ).toBe("pass");
  });
});

describe("versions", () => {
  const world = (serverVersion: number) => three().standby("pg4", "0/5000", { serverVersion });

  test("one version on every node", () => {
    expect(told("version-same", { world: world(170006) })).toBe(
      "warning: pg4 runs PostgreSQL 17.6, pg1 runs 17.5",
    );
    expect(told("version-same", { world: world(160009) })).toMatch(/^fail: /);
    expect(told("version-same", { world: world(170005) })).toBe("pass");
  });

  test("a supported one", () => {
    expect(told("version-supported", { world: world(190000) })).toMatch(
      /^warning: pg4 runs PostgreSQL 19, newer/,
    );
    expect(told("version-supported", { world: world(140020) })).toMatch(/^fail: /);
    expect(told("version-supported", { world: world(180000) })).toBe("pass");
  });

  test.each([
    [150012, true],
    [150013, false],
    [160008, true],
    [160009, false],
    [170004, true],
    [170005, false],
    [180000, false],
  ])("%d has the fault of synchronous_standby_names at start: %s", (serverVersion, has) => {
    expect(told("version-fixes", { world: world(serverVersion) }) !== "pass").toBe(has);
  });

  test("one build, one C library, and databases that fit it", () => {
    expect(told("build-same", { server: { pg3: { build: "PostgreSQL 17.5 on aarch64" } } })).toMatch(
      /^warning: pg3 and pg1 are different builds/,
    );
    expect(
      told("collation-library", { server: { pg3: { collations: { libc: null, icu: "153.1" } } } }),
    ).toMatch(/^fail: pg3 sorts by other libraries/);
    const database = { name: "app", recordedCollation: "2.36", actualCollation: "2.41", checksumFailures: 0 };
    expect(told("collation-versions", { server: { pg1: { databases: [database] } } })).toMatch(
      /^warning: database app on pg1/,
    );
    expect(
      told("collation-versions", {
        server: { pg1: { databases: [{ ...database, recordedCollation: null }] } },
      }),
    ).toBe("pass");
  });
});
