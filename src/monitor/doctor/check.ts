/**
 * The form of a check: a small named question, answered from facts alone. A check that could not see everything never
 * passes: it says what was not seen, beside whatever it found elsewhere.
 */
import type { NodeName } from "../../core/spec.ts";
import type { NodeObservation } from "../../core/observation.ts";
import { type ClusterFacts, type DoctorFacts, type Server, serversOf } from "./facts.ts";

export const GROUPS = [
  "Machine",
  "Files",
  "Nodes",
  "Replication",
  "Slots and WAL",
  "Versions",
  "Settings",
  "Security",
  "Activity",
] as const;

export type Group = (typeof GROUPS)[number];

export interface Problem {
  /** `fail`: data, writes or secrets are in danger, or a standby is lost. `warning`: less than it should be. */
  readonly level: "fail" | "warning";
  /** Null: it is about no single node. */
  readonly node: NodeName | null;
  /** A short factual sentence without a full stop. */
  readonly text: string;
  /** What to do: a command where there is one. */
  readonly remedy: string;
}

export interface Answer {
  readonly problems: readonly Problem[];
  /** What was found in order; said where there is no problem. */
  readonly good: string;
  /** What could not be looked at, and why; null: everything was. */
  readonly unseen: string | null;
}

export interface Check {
  /** Stable: scripts rely on it. */
  readonly id: string;
  readonly group: Group;
  readonly title: string;
  /** Null: it does not apply here. */
  readonly run: (facts: DoctorFacts) => Answer | null;
}

export function good(text: string): Answer {
  return { problems: [], good: text, unseen: null };
}

export function unseen(reason: string): Answer {
  return { problems: [], good: "", unseen: reason };
}

export function problem(
  level: Problem["level"],
  node: NodeName | null,
  text: string,
  remedy: string,
): Problem {
  return { level, node, text, remedy };
}

export function bad(level: Problem["level"], text: string, remedy: string): Answer {
  return judged([problem(level, null, text, remedy)], "");
}

export function judged(problems: readonly Problem[], goodText: string): Answer {
  return { problems, good: goodText, unseen: null };
}

type Judge = (server: Server, cluster: ClusterFacts) => readonly Problem[];

/** A question to every server of the file. `goodText` is told of the servers that were seen. */
export function onServers(
  judge: Judge,
  goodText: string | ((servers: readonly Server[], cluster: ClusterFacts) => string),
): Check["run"] {
  return onCluster((cluster) => {
    const servers = serversOf(cluster);
    const problems = servers.flatMap((server) => judge(server, cluster));
    const text =
      typeof goodText === "string" ? goodText : servers.length === 0 ? "" : goodText(servers, cluster);
    return { problems, good: text, unseen: unseenServers(cluster) };
  });
}

/** A question to the server with the authority: what it says holds for the standbys, which are its copies. */
export function onPrimary(
  judge: Judge,
  goodText: string | ((server: Server, cluster: ClusterFacts) => string),
): Check["run"] {
  return onCluster((cluster) => {
    const name = cluster.made?.authority?.primary;
    // A standby holds the same catalogs: better asked than nobody.
    const servers = serversOf(cluster);
    const server = servers.find((one) => one.name === name) ?? servers[0];
    if (server === undefined) return unseen(unseenServers(cluster) ?? "no server answers");
    const text = typeof goodText === "string" ? goodText : goodText(server, cluster);
    return judged(judge(server, cluster), text);
  });
}

/** A question that needs a cluster which was made. */
export function onCluster(run: (cluster: ClusterFacts) => Answer | null): Check["run"] {
  return ({ cluster }) => (cluster?.made == null ? null : run(cluster));
}

/** `pg3 does not answer`; null: every node of the file answered. */
export function unseenServers(cluster: ClusterFacts): string | null {
  const answered = new Set(serversOf(cluster).map((server) => server.name));
  const silent = cluster.spec.nodes.map((node) => node.name).filter((name) => !answered.has(name));
  if (silent.length === 0) return null;
  return silent.map((name) => `${name} ${silence(cluster.made?.observation.nodes[name])}`).join(", ");
}

function silence(node: NodeObservation | undefined): string {
  switch (node?.kind) {
    case "stopped":
      return "is stopped";
    case "paused":
      return "is frozen";
    case "starting":
      return "is starting";
    case "absent":
      return "has no data";
    default:
      return "does not answer";
  }
}

/** `pg1`, `pg1 and pg2`, `pg1, pg2 and pg3`. */
export function named(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

export function namesOf(servers: readonly Server[]): string {
  return named(servers.map((server) => server.name));
}

/** A command for `psql` on one node, to be typed as it is. */
export function psql(node: NodeName, sql: string): string {
  return `pgrep-kit psql --node ${node} -c ${shellQuoted(sql)}`;
}

export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
export function sqlIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
