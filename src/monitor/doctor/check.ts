/**
 * The form of a check: a small named question, answered from facts alone. A check that could not see everything never
 * passes: it says what was not seen, beside whatever it found elsewhere.
 */
import type { NodeName } from "../../core/spec.ts";
import type { NodeObservation } from "../../core/observation.ts";
import { listed } from "../../core/listed.ts";
import { shellWord } from "../../core/shell-word.ts";
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
  /** What to do, in words, or what must be so before the command; empty where the command says it all. */
  readonly advice: string;
  /** To be typed as it is; null: there is nothing to type. */
  readonly command: string | null;
  /** What comes after the command, or may be typed in its place; may be empty. */
  readonly remark: string;
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

/** Words alone, or a command with or without words before and after it. */
export type Remedy =
  | string
  | { readonly advice?: string; readonly command: string | null; readonly remark?: string };

export function problem(
  level: Problem["level"],
  node: NodeName | null,
  text: string,
  remedy: Remedy,
): Problem {
  if (typeof remedy === "string") return { level, node, text, advice: remedy, command: null, remark: "" };
  const { advice = "", command, remark = "" } = remedy;
  return { level, node, text, advice, command, remark };
}

export function bad(level: Problem["level"], text: string, remedy: Remedy): Answer {
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
  return silent.length === 0 ? null : silenceOf(cluster, silent);
}

/** `pg2 and pg3 are stopped`. */
export function silenceOf({ made }: ClusterFacts, silent: readonly NodeName[]): string {
  const byState = new Map<
    string,
    { readonly names: NodeName[]; readonly words: readonly [string, string] }
  >();
  for (const name of silent) {
    const words = silence(made?.observation.nodes[name]);
    const known = byState.get(words[0]) ?? { names: [], words };
    known.names.push(name);
    byState.set(words[0], known);
  }
  return [...byState.values()]
    .map(({ names, words }) => `${listed(names)} ${words[names.length === 1 ? 0 : 1]}`)
    .join(", ");
}

/** For one node, and for several. */
function silence(node: NodeObservation | undefined): readonly [string, string] {
  switch (node?.kind) {
    case "stopped":
      return ["is stopped", "are stopped"];
    case "paused":
      return ["is frozen", "are frozen"];
    case "starting":
      return ["is starting", "are starting"];
    case "absent":
      return ["has no data", "have no data"];
    default:
      return ["does not answer", "do not answer"];
  }
}

export function namesOf(servers: readonly Server[]): string {
  return listed(servers.map((server) => server.name));
}

/** A command for `psql` on one node, to be typed as it is; several statements are several transactions. */
export function psql(node: NodeName, ...statements: readonly string[]): string {
  return `pgrep-kit psql --node ${node} ${statements.map((sql) => `-c ${readableWord(sql)}`).join(" ")}`;
}

/** Takes settings back that ALTER SYSTEM made, and has the server notice. */
export function resetSettings(node: NodeName, settings: readonly string[]): string {
  return psql(
    node,
    ...settings.map((name) => `alter system reset ${sqlIdentifier(name)}`),
    "select pg_reload_conf()",
  );
}

/** In the quotes that leave it readable; POSIX shells take nothing of these texts for their own. */
export function readableWord(text: string): string {
  if (text.includes("'") && !/["$`\\!]/.test(text)) return `"${text}"`;
  return shellWord(text);
}

/** https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
export function sqlIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
