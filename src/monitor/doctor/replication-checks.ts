/** Checks of replication itself: who may write and who does, one history, streaming standbys, and the commit mode. */
import { listed } from "../../core/listed.ts";
import { coverage } from "../../core/authority.ts";
import { synchronousStandbyNames } from "../../core/commit-rule.ts";
import { isWeakCommit } from "../../core/decide/drift.ts";
import { formatDuration } from "../../core/diagnose/units.ts";
import { formatLsn } from "../../core/lsn.ts";
import { type Problem, type Check, onPrimary, onServers, problem, sqlIdentifier, psql } from "./check.ts";
import type { ClusterFacts, MadeFacts, Server } from "./facts.ts";
import { fromFindings } from "./from-findings.ts";

/** A receiver hears of its upstream at least this often (wal_sender_timeout is a minute), or something is wrong. */
const RECEIVER_SILENT_MS = 30_000;

export const REPLICATION_CHECKS: readonly Check[] = [
  {
    id: "authority",
    group: "Replication",
    title: "Authority",
    run: fromFindings({
      codes: [
        "no-authority",
        "primary-lost",
        "primary-behind",
        "primary-in-recovery",
        "primary-unseen",
        "primary-starting",
        "primary-not-in-file",
        "not-prepared",
      ],
      goodText: ({ authority }) =>
        authority === null ? "" : `${authority.primary} is the primary, as recorded (term ${authority.term})`,
      needs: "primary",
    }),
  },
  {
    id: "one-writer",
    group: "Replication",
    title: "One writer",
    run: fromFindings({ codes: ["split-brain"], goodText: oneWriter, needs: "all" }),
  },
  {
    id: "one-history",
    group: "Replication",
    title: "One history",
    run: fromFindings({ codes: ["diverged", "foreign-data"], goodText: oneHistory, needs: "all" }),
  },
  {
    id: "streaming",
    group: "Replication",
    title: "Streaming",
    run: fromFindings({
      codes: [
        "standby-stopped",
        "standby-starting",
        "standby-frozen",
        "standby-unreachable",
        "standby-missing",
        "standby-half-copied",
        "standby-disconnected",
        "standby-catching-up",
        "standby-silent",
        "wrong-upstream",
        "behind",
        "not-in-file",
      ],
      goodText: streaming,
      needs: "all",
    }),
  },
  {
    id: "wal-receivers",
    group: "Replication",
    title: "WAL receivers",
    run: onServers(receiver, (servers) => `every standby hears of its upstream${of(servers)}`),
  },
  {
    id: "replay",
    group: "Replication",
    title: "Replay",
    run: fromFindings({
      codes: ["replay-paused"],
      goodText: () => "no standby's replay is paused",
      notes: ["delayed"],
      needs: "all",
    }),
  },
  {
    id: "commit-mode",
    group: "Replication",
    title: "Commit mode",
    run: fromFindings({
      codes: [
        "proof-void",
        "commit-settings-changed",
        "commits-blocked",
        "mode-not-applied",
        "proof-pending",
        "proof-changing",
      ],
      goodText: commitMode,
      needs: "primary",
    }),
  },
  {
    id: "commit-defaults",
    group: "Replication",
    title: "Commit defaults",
    run: onPrimary(commitDefaults, "no role and no database overrides synchronous_commit"),
  },
];

function oneWriter({ authority, observation }: MadeFacts): string {
  const writers = Object.keys(observation.nodes).filter(
    (name) => observation.nodes[name]?.kind === "primary",
  );
  return writers.length === 0
    ? "nobody accepts writes"
    : `${listed(writers)} alone accepts writes${authority === null ? "" : `, as term ${authority.term} says`}`;
}

function oneHistory({ authority, diagnosis }: MadeFacts): string {
  const timelines = new Set(diagnosis.nodes.flatMap(({ timeline }) => (timeline === null ? [] : [timeline])));
  const data = authority?.systemIdentifier == null ? "" : `, system identifier ${authority.systemIdentifier}`;
  return `timeline ${[...timelines].join(", ")}${data}`;
}

/** A paused replay is another check's finding, and must not be contradicted here. */
function streaming({ diagnosis }: MadeFacts, { spec }: ClusterFacts): string {
  const inFile = new Set(spec.nodes.map((node) => node.name));
  const standbys = diagnosis.nodes.filter((node) => node.role === "standby" && inFile.has(node.name));
  if (standbys.length === 0) return "there is no standby";
  const verbs = standbys.length === 1 ? ["receives", "replays"] : ["receive", "replay"];
  const replaying = standbys.every((node) => node.state !== "replay-paused");
  return `${listed(standbys.map((node) => node.name))} ${verbs.slice(0, replaying ? 2 : 1).join(" and ")}`;
}

function of(servers: readonly Server[]): string {
  const standbys = servers.filter(({ seen }) => seen.kind === "standby").map(({ name }) => name);
  return standbys.length === 0 ? "" : ` (${standbys.join(", ")})`;
}

/** That there is none at all is the finding of "Streaming". */
function receiver({ name, health }: Server): Problem[] {
  const seen = health.receiver;
  if (seen === null || seen.silentMs === null || seen.silentMs < RECEIVER_SILENT_MS) return [];
  const text = `the WAL receiver of ${name} (${seen.status}) has heard nothing for ${formatDuration(seen.silentMs)}`;
  return [problem("warning", name, text, { command: `pgrep-kit logs ${name}` })];
}

function commitMode({ authority }: MadeFacts): string {
  if (authority === null || authority.rule === null) return "async: commits wait for no standby";
  const covered = coverage(authority);
  const since = covered.kind === "proved" ? `, proved since ${formatLsn(covered.since.lsn)}` : "";
  return `${synchronousStandbyNames(authority.rule)}, synchronous_commit = ${authority.rule.commit}${since}`;
}

/** What they commit by default is outside of what a failover is proved to keep; `off` gives up even the local flush. */
function commitDefaults({ name, health }: Server, { made }: ClusterFacts): Problem[] {
  const primary = made?.authority?.primary ?? name;
  const isSynchronous = made?.authority?.rule != null;
  return health.commitDefaults
    .filter(({ value }) => value === "off" || (isSynchronous && isWeakCommit(value)))
    .map(({ role, database, value }) => {
      const whose = [role === null ? "" : `role ${role}`, database === null ? "" : `database ${database}`];
      const who = whose.filter((part) => part !== "").join(" in ") || "every role";
      const waits = isSynchronous
        ? "its commits wait for no standby, and a failover may lose them"
        : "a crash may lose its newest commits";
      const text = `${who} commits with synchronous_commit = ${value}: ${waits}`;
      return problem("warning", null, text, { command: psql(primary, resetDefault(role, database)) });
    });
}

function resetDefault(role: string | null, database: string | null): string {
  if (role === null && database !== null)
    return `alter database ${sqlIdentifier(database)} reset synchronous_commit`;
  const place = database === null ? "" : ` in database ${sqlIdentifier(database)}`;
  return `alter role ${role === null ? "all" : sqlIdentifier(role)}${place} reset synchronous_commit`;
}
