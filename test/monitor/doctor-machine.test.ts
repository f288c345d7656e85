// The doctor's checks of machine, files and nodes: where each fires, and a near miss where it does not.
import { describe, expect, test } from "vitest";
import type { Looked } from "../../src/monitor/doctor/facts.ts";
import { answer, machine, three, told } from "./doctor-facts.ts";

const GB = 1024 ** 3;
const trouble = (message: string, hint = "do this") => ({ message, detail: null, hint });
const failed = (message: string): Looked<never> => ({ seen: false, trouble: trouble(message) });
const nothing = { cluster: null, state: null, file: { kind: "none", folder: "/here" } } as const;

describe("what nodes can live on", () => {
  test("an engine that does not answer fails a cluster on Docker, and only that", () => {
    const gone = failed("no engine answers");
    expect(told("docker-engine", { cluster: { host: gone } })).toBe("fail: no engine answers");
    const onProcesses = three().spec({ runtime: "process" });
    expect(told("docker-engine", { world: onProcesses, machine: { docker: gone } })).toBe("pass");
  });

  test("one of the two is enough for a new cluster", () => {
    const docker = failed("no engine answers");
    expect(told("docker-engine", { ...nothing, machine: { docker } })).toBe("pass");
    const binaries = failed("no binaries");
    expect(told("docker-engine", { ...nothing, machine: { docker, binaries } })).toBe(
      "fail: no engine answers",
    );
    expect(told("postgres-binaries", { ...nothing, machine: { docker, binaries } })).toBe(
      "fail: no binaries",
    );
  });

  test("an old PostgreSQL is nothing that init could use", () => {
    const choice = (postgres: number) => ({ seen: true, value: { runtime: "process", postgres } }) as const;
    expect(told("init-choice", { ...nothing, machine: { choice: choice(14) } })).toMatch(/^fail: .*too old$/);
    expect(told("init-choice", { ...nothing, machine: { choice: choice(15) } })).toBe("pass");
    expect(told("init-choice", { ...nothing, machine: { choice: failed("nothing found") } })).toBe(
      "fail: nothing found",
    );
  });

  test("an image that init would have to pull first is named", () => {
    const onDocker = { runtime: "docker", postgres: 17 } as const;
    const text = (value: object) =>
      answer("init-choice", {
        ...nothing,
        machine: { choice: { seen: true, value: { ...onDocker, ...value } } },
      })?.text;
    expect(text({})).toBe("would make a cluster of PostgreSQL 17 on Docker here");
    expect(text({ missingImage: "postgres:17" })).toMatch(/pull the image postgres:17 first, .*not on this/);
  });

  test("psql is wanted, unless a container has one, and told when it is older than the servers", () => {
    const none = { machine: { psql: null } };
    expect(told("psql-client", { ...nothing, ...none })).toMatch(/^warning: psql is not/);
    const onProcesses = three().spec({ runtime: "process" });
    expect(told("psql-client", { world: onProcesses, ...none })).toMatch(/^warning: psql is not/);
    expect(answer("psql-client", none)?.text).toMatch(/takes that of a node's container/);
    expect(answer("psql-client", { machine: { psql: { version: "15.1", major: 15 } } })?.text).toMatch(
      /postgresql-client-17/,
    );
    expect(answer("psql-client", { machine })?.text).toBe("psql 17.5");
  });

  test.each([
    [100 * 1024 ** 2, /^fail: only 100 MB/],
    [0.9 * GB, /^warning: only 922 MB/],
    [1.1 * GB, /^pass$/],
  ])("%d bytes of room here", (freeBytes, expected) => {
    expect(told("disk-here", { machine: { here: { folder: "/here", freeBytes } } })).toMatch(expected);
  });
});

describe("files", () => {
  test("an invalid cluster file fails with its reason", () => {
    const file = { kind: "invalid", trouble: trouble("pgrep-kit.yaml:3:1: unknown key") } as const;
    expect(told("cluster-file", { file, cluster: null, state: null })).toBe(
      "fail: pgrep-kit.yaml:3:1: unknown key",
    );
  });

  test("a cluster that was never made is no failure", () => {
    expect(answer("made", { state: null, cluster: { made: null } })).toMatchObject({
      status: "pass",
      text: expect.stringMatching(/pgrep-kit up/),
    });
    expect(answer("made")).toBeNull();
  });

  test.each([
    [0o700, "pass"],
    [0o711, "pass"],
    [0o755, "fail: other users can look into /here/.pgrep-kit (mode 0755)"],
  ])("a state folder of mode %o", (folderMode, expected) => {
    expect(told("state-folder", { state: { folderMode } })).toBe(expected);
  });

  test("passwords that others could read are told, even where the file is closed by now", () => {
    const path = "/here/.pgrep-kit/credentials.json";
    const secrets = (mode: number, modeNow: number) => ({ state: { secrets: [{ path, mode, modeNow }] } });
    expect(told("secret-files", secrets(0o644, 0o600))).toMatch(/^warning: other users could read/);
    expect(told("secret-files", secrets(0o644, 0o644))).toMatch(/^fail: /);
    expect(answer("secret-files", secrets(0o644, 0o644))?.problems[0]?.command).toBe(`chmod 600 ${path}`);
    expect(told("secret-files", secrets(0o400, 0o400))).toBe("pass");
  });

  test("damaged state, record and journal", () => {
    expect(told("state-files", { state: { trouble: trouble("it is damaged") } })).toBe("fail: it is damaged");
    expect(told("authority-record", { state: { authority: failed("it is damaged") } })).toBe(
      "fail: it is damaged",
    );
    expect(told("journal", { state: { journal: failed("permission denied") } })).toBe(
      "fail: permission denied",
    );
    const unreadable = ["journal.ndjson:7"];
    expect(told("journal", { state: { journal: { seen: true, value: { entries: 9, unreadable } } } })).toBe(
      "warning: 1 line of the journal cannot be read, the first at journal.ndjson:7",
    );
  });

  test("a lock that nobody can judge is told; one that the next command clears is not", () => {
    const owner = { verb: "up", pid: 7, since: "2025-01-01T00:00:00Z", host: "elsewhere" };
    expect(told("lock", { state: { lock: { kind: "foreign", ...owner } } })).toMatch(
      /^warning: .*process 7 on elsewhere/,
    );
    expect(told("lock", { state: { lock: { kind: "left", ...owner } } })).toBe("pass");
    expect(told("lock", { state: { lock: { kind: "held", ...owner } } })).toBe("pass");
    const unreadable = { kind: "unreadable", path: "/lock", reason: "is no JSON" } as const;
    expect(told("lock", { state: { lock: unreadable } })).toMatch(/^fail: /);
  });
});

describe("what the nodes stand on", () => {
  test("an image that is missing, or of another version", () => {
    const image = (source: string, major: number | null) => ({
      cluster: { host: { seen: true, value: { title: "", place: "", source, major } } } as const,
    });
    expect(told("image", image("postgres:17 (not on this machine yet)", null))).toMatch(
      /^warning: .*not on this machine/,
    );
    expect(told("image", image("postgres:17", 16))).toMatch(/^fail: .*holds PostgreSQL 16, the file says 17/);
    expect(told("image", image("postgres:17", null))).toBe("pass");
    expect(answer("image", { cluster: { image: null } })).toBeNull();
  });

  test("a volume of another cluster is in the way", () => {
    expect(told("foreign-things", { cluster: { inTheWay: trouble("volume x is not ours") } })).toBe(
      "fail: volume x is not ours",
    );
  });

  test("a port of a node that is down is held by somebody else", () => {
    const takenPorts = [{ node: "pg3", port: 54323 }];
    expect(told("node-ports", { made: { takenPorts } })).toMatch(/^fail: port 54323 of pg3/);
    expect(answer("node-ports", { made: { takenPorts } })?.problems[0]?.command).toBe(
      "ss -ltnp 'sport = :54323'",
    );
  });

  test("a node's disk must have room for what slots may keep", () => {
    const freeBytes = { pg1: 2 * GB, pg2: 9 * GB, pg3: 9 * GB };
    expect(told("node-disk", { made: { freeBytes } })).toBe("pass");
    const keeps = {
      pg1: { settings: { max_slot_wal_keep_size: "4096" }, slots: [{ ...SLOT, active: true }] },
    };
    expect(told("node-disk", { made: { freeBytes }, server: keeps })).toMatch(
      /^warning: only 2 GB are free .* pg1/,
    );
    expect(told("node-disk", { made: { freeBytes: { ...freeBytes, pg1: null } } })).toBe("not-checked");
  });

  test("a server that answers one question and not the other", () => {
    expect(told("servers", { made: { health: {} } })).toMatch(
      /^warning: pg1 runs, but did not answer in time/,
    );
  });
});

const SLOT = {
  name: "pg2",
  kind: "physical",
  active: true,
  walStatus: "reserved",
  retainedBytes: 0,
  synced: false,
  xminAge: null,
  catalogXminAge: null,
} as const;
