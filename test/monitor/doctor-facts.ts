/** The facts of a healthy machine and cluster for the doctor's tests; each test says only what is different. */
import { diagnose } from "../../src/core/diagnose.ts";
import { isRunning } from "../../src/core/observation.ts";
import { slotName } from "../../src/core/spec.ts";
import { examine, type CheckResult } from "../../src/monitor/doctor/examine.ts";
import type {
  ClusterFacts,
  DoctorFacts,
  MachineFacts,
  MadeFacts,
  StateFacts,
} from "../../src/monitor/doctor/facts.ts";
import type { ServerHealth, SlotHealth } from "../../src/monitor/doctor/server-health.ts";
import { type World, type WorldBuilder, cluster } from "../core/builders/world.ts";

const FREE = 50 * 1024 ** 3;

export const machine: MachineFacts = {
  docker: {
    seen: true,
    value: { title: "Docker 20.10", place: "unix:///sock", source: "postgres:17", major: 17 },
  },
  binaries: {
    seen: true,
    value: { title: "local processes", place: "/nodes", source: "/usr/lib/postgresql/17/bin", major: 17 },
  },
  choice: { seen: true, value: { runtime: "docker", postgres: 17 } },
  psql: { version: "17.5", major: 17 },
  here: { folder: "/here", freeBytes: FREE },
};

const state: StateFacts = {
  folder: "/here/.pgrep-kit",
  folderMode: 0o700,
  secrets: [{ path: "/here/.pgrep-kit/credentials.json", mode: 0o600, modeNow: 0o600 }],
  trouble: null,
  authority: { seen: true, value: null },
  journal: { seen: true, value: { entries: 3, unreadable: [] } },
  lock: { kind: "free" },
};

export const health: ServerHealth = {
  clock: { offsetMs: 0, uncertaintyMs: 2 },
  build: "PostgreSQL 17.5 on x86_64",
  settings: {
    archive_mode: "off",
    data_checksums: "on",
    fsync: "on",
    full_page_writes: "on",
    max_replication_slots: "16",
    max_slot_wal_keep_size: "1024",
    max_wal_senders: "16",
    wal_level: "replica",
    wal_log_hints: "on",
    wal_retrieve_retry_interval: "100",
  },
  collations: { libc: "2.41", icu: "153.1" },
  databases: [{ name: "app", recordedCollation: "2.41", actualCollation: "2.41", checksumFailures: 0 }],
  commitDefaults: [],
  replicationRole: {
    login: true,
    replication: true,
    superuser: false,
    createDatabase: false,
    createRole: false,
    bypassRowSecurity: false,
    password: "scram",
    expired: false,
  },
  md5Roles: [],
  hbaProblems: [],
  configurationErrors: [],
  archiver: { failed: 0, lastFailedWal: null, failing: false },
  receiver: null,
  slots: [],
  idleTransactions: [],
  preparedTransactions: [],
};

export const slot: SlotHealth = {
  name: "leftover",
  kind: "physical",
  active: false,
  walStatus: "reserved",
  retainedBytes: 0,
  synced: false,
  xminAge: null,
  catalogXminAge: null,
};

export const three = (): WorldBuilder =>
  cluster()
    .primary("pg1", "0/5000", { serverVersion: 170005 })
    .standby("pg2", "0/5000", { serverVersion: 170005 })
    .standby("pg3", "0/5000", { serverVersion: 170005 });

export interface Different {
  readonly world?: WorldBuilder;
  readonly machine?: Partial<MachineFacts>;
  readonly state?: Partial<StateFacts> | null;
  readonly file?: DoctorFacts["file"];
  readonly cluster?: Partial<ClusterFacts> | null;
  readonly made?: Partial<MadeFacts>;
  /** Of every server that runs. */
  readonly everyServer?: Partial<ServerHealth>;
  readonly server?: Readonly<Record<string, Partial<ServerHealth>>>;
}

export function facts(different: Different = {}): DoctorFacts {
  const world = (different.world ?? three()).build();
  const found: ClusterFacts = {
    spec: world.spec,
    host: {
      seen: true,
      value: { title: "Docker 20.10", place: "unix:///sock", source: "postgres:17", major: 17 },
    },
    image: "postgres:17",
    inTheWay: null,
    made: { ...madeOf(world, different), ...different.made },
    ...different.cluster,
  };
  return {
    machine: { ...machine, ...different.machine },
    file: different.file ?? { kind: "valid", path: "/here/pgrep-kit.yaml" },
    state: different.state === null ? null : { ...state, ...different.state },
    cluster: different.cluster === null ? null : found,
  };
}

function madeOf({ spec, authority, observation }: World, { everyServer, server }: Different): MadeFacts {
  const answered = Object.entries(observation.nodes).flatMap(([name, node]) => {
    if (!isRunning(node)) return [];
    const receiver =
      node.kind === "standby" ? { status: "streaming", slot: slotName(name), silentMs: 10 } : null;
    return [[name, { ...health, receiver, ...everyServer, ...server?.[name] }] as const];
  });
  return {
    authority,
    observation,
    diagnosis: diagnose(spec, authority, observation),
    health: Object.fromEntries(answered),
    freeBytes: Object.fromEntries(spec.nodes.map(({ name }) => [name, FREE])),
    takenPorts: [],
  };
}

/** The answer of one check; null where it does not apply. */
export function answer(id: string, different: Different = {}): CheckResult | null {
  return examine(facts(different)).checks.find((check) => check.id === id) ?? null;
}

/** `fail: text` of every problem of one check, or its status. */
export function told(id: string, different: Different = {}): string {
  const found = answer(id, different);
  if (found === null) return "does not apply";
  if (found.problems.length === 0) return found.status;
  return found.problems.map(({ level, text }) => `${level}: ${text}`).join("\n");
}
