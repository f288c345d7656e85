/** Checks of settings: as the file says, loaded, the same where they must be, and none that gives data away. */
import { OWN_SETTINGS } from "../../core/node-configuration.ts";
import {
  type Check,
  type Problem,
  type Remedy,
  namesOf,
  onServers,
  problem,
  resetSettings,
} from "./check.ts";
import type { ClusterFacts, Server } from "./facts.ts";
import { fromFindings } from "./from-findings.ts";

/** A promotion, and a standby's return, may wait for as long as this. */
const RETRY_INTERVAL_MS = 1000;

export const SETTINGS_CHECKS: readonly Check[] = [
  {
    id: "configuration",
    group: "Settings",
    title: "Configuration",
    run: fromFindings({
      codes: ["settings-not-written", "settings-not-loaded", "settings-changed"],
      goodText: () => "as the file and the record ask, written and loaded",
      needs: "all",
    }),
  },
  {
    id: "configuration-errors",
    group: "Settings",
    title: "Files without errors",
    run: onServers(fileErrors, "every line of the configuration files is taken"),
  },
  {
    id: "overrides",
    group: "Settings",
    title: "ALTER SYSTEM",
    run: onServers(overrides, "nothing overrides the file"),
  },
  {
    id: "pending-restart",
    group: "Settings",
    title: "Restarts",
    run: fromFindings({
      codes: ["restart-pending"],
      goodText: () => "no setting waits for one",
      needs: "all",
    }),
  },
  {
    id: "parity",
    group: "Settings",
    title: "Parity",
    run: onServers(parity, "no standby is smaller than the primary in the five settings that stop it"),
  },
  {
    id: "retry-interval",
    group: "Settings",
    title: "Retry interval",
    run: onServers(
      retryInterval,
      (servers) => `wal_retrieve_retry_interval is at most ${retryMs(servers)} ms`,
    ),
  },
  {
    id: "durability",
    group: "Settings",
    title: "Durability",
    run: onServers(durability, "fsync and full_page_writes are on, synchronous_commit is not off"),
  },
  {
    id: "checksums",
    group: "Settings",
    title: "Checksums",
    run: onServers(checksums, "data checksums are on, and none has failed"),
  },
  {
    id: "rewind",
    group: "Settings",
    title: "Rewind",
    run: onServers(rewind, (servers) => `${namesOf(servers)} can be rewound after a failover`),
  },
];

function fileErrors({ name, health }: Server): Problem[] {
  return health.configurationErrors.map(({ setting, error }) => {
    const text = `the configuration of ${name} is not taken: ${setting === null ? "" : `${setting}: `}${error}`;
    return problem("fail", name, text, "Mend settings: in the file; then pgrep-kit up.");
  });
}

/** What "Durability" tells, with the same remedy. */
const DANGEROUS = ["fsync", "full_page_writes"] as const;

/** `up` takes back those that pgrep-kit answers for; the others are somebody's wish, and belong into the file. */
function overrides({ name, seen, health }: Server): Problem[] {
  const told = DANGEROUS.filter((setting) => health.settings[setting] === "off") as readonly string[];
  const all = Object.entries(seen.configuration.overrides).filter(([setting]) => !told.includes(setting));
  const text = (some: typeof all): string =>
    `${name} has ${some.map(([setting, value]) => `${setting} = ${value}`).join(", ")} beside the file, by ALTER SYSTEM`;
  const own = all.filter(([setting]) => OWN_SETTINGS.has(setting));
  const others = all.filter(([setting]) => !OWN_SETTINGS.has(setting));
  const found: Problem[] = [];
  if (own.length > 0) {
    found.push(problem("warning", name, text(own), { advice: "Take it back:", command: "pgrep-kit up" }));
  }
  if (others.length > 0) {
    found.push(
      problem("warning", name, text(others), {
        advice: "Write it under settings: in the file, so that every node has it; then take it back here:",
        command: resetSettings(
          name,
          others.map(([setting]) => setting),
        ),
      }),
    );
  }
  return found;
}

/** A standby with less refuses to start, or pauses its replay: https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN */
function parity({ name, seen }: Server, { made }: ClusterFacts): Problem[] {
  const primary = made?.authority?.primary;
  const source = primary === undefined ? undefined : made?.observation.nodes[primary];
  if (source?.kind !== "primary" || seen.kind !== "standby") return [];
  return Object.entries(source.configuration.limits).flatMap(([setting, wanted]) => {
    const has = seen.configuration.limits[setting];
    if (has === undefined || has >= wanted) return [];
    const text = `${setting} is ${has} on ${name}, but ${wanted} on ${primary}: the standby would stop`;
    return [
      problem(
        "fail",
        name,
        text,
        `Write ${setting} under settings: in the file, so that every node has it; then pgrep-kit up, and pgrep-kit restart ${name}.`,
      ),
    ];
  });
}

function retryInterval({ name, health }: Server): Problem[] {
  const ms = Number(health.settings["wal_retrieve_retry_interval"] ?? 0);
  if (ms <= RETRY_INTERVAL_MS) return [];
  const text = `wal_retrieve_retry_interval is ${ms} ms on ${name}: a promotion may wait for as long`;
  return [
    problem(
      "warning",
      name,
      text,
      "Take it out of settings: in the file (pgrep-kit's own value is 100ms), and any ALTER SYSTEM; then pgrep-kit up.",
    ),
  ];
}

function retryMs(servers: readonly Server[]): number {
  return Math.max(
    ...servers.map(({ health }) => Number(health.settings["wal_retrieve_retry_interval"] ?? 0)),
  );
}

function durability({ name, seen, health }: Server): Problem[] {
  const found: Problem[] = [];
  for (const setting of DANGEROUS) {
    if (health.settings[setting] !== "off") continue;
    const text = `${setting} is off on ${name}: a crash of the machine can corrupt all of its data`;
    found.push(problem("fail", name, text, backToDefault(name, seen, setting)));
  }
  if (seen.configuration.synchronousCommit === "off") {
    const text = `synchronous_commit is off on ${name}: a crash loses commits that were acknowledged`;
    found.push(problem("fail", name, text, { command: "pgrep-kit up" }));
  }
  return found;
}

/** Where the value comes from decides what is to be done. */
function backToDefault(name: string, { configuration }: Server["seen"], setting: string): Remedy {
  if (configuration.overrides[setting] !== undefined) return { command: resetSettings(name, [setting]) };
  return { advice: `Take ${setting} out of settings: in the file; then:`, command: "pgrep-kit up" };
}

function checksums({ name, health }: Server): Problem[] {
  const found = health.databases
    .filter(({ checksumFailures }) => checksumFailures > 0)
    .map((database) => {
      const text = `${database.checksumFailures} pages of database ${database.name} on ${name} failed their checksum`;
      return problem("fail", name, text, {
        advice: "Suspect the disk, and keep the data. See:",
        command: `pgrep-kit logs ${name}`,
      });
    });
  if (health.settings["data_checksums"] !== "off") return found;
  const text = `data checksums are off on ${name}: damage on disk is not noticed`;
  return [
    ...found,
    problem(
      "warning",
      name,
      text,
      "Shut the cluster down (pgrep-kit down) and run pg_checksums --enable on every node's data.",
    ),
  ];
}

/** https://www.postgresql.org/docs/current/app-pgrewind.html */
function rewind({ name, health }: Server): Problem[] {
  const { data_checksums: sums, wal_log_hints: hints } = health.settings;
  if (sums === "on" || hints === "on") return [];
  const text = `${name} could not be rewound after a failover: neither data checksums nor wal_log_hints is on`;
  return [
    problem(
      "warning",
      name,
      text,
      "pgrep-kit up, then pgrep-kit restart: wal_log_hints is among pgrep-kit's own settings.",
    ),
  ];
}
