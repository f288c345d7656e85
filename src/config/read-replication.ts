/**
 * The `replication` of a cluster file, and whether the standbys that it asks for exist.
 */
import { confirmers, ruleOf } from "../core/commit-rule.ts";
import type { ClusterSpec, NodeName, NodeSpec, ReplicationSpec } from "../core/spec.ts";
import { nearest } from "./did-you-mean.ts";
import { type Problems, quoted, report } from "./problems.ts";
import {
  type Entry,
  described,
  listed,
  readChoice,
  readList,
  readMap,
  readWhole,
  refuseUnknown,
  scalarOf,
} from "./yaml-reading.ts";

const KEYS = ["mode", "acks", "commit", "among", "on_quorum_lost"] as const;
const MODES = ["async", "sync", "quorum"] as const;
const COMMITS = ["remote_write", "on", "remote_apply"] as const;

/** What holds where the file says nothing. */
export const DEFAULT_REPLICATION: ReplicationSpec = { mode: "async", acks: 1, commit: "on", among: null };

/** The section, with defaults filled in. `nodes` is null where they are too damaged to judge by. */
export function readReplication(
  problems: Problems,
  entry: Entry | undefined,
  nodes: readonly NodeSpec[] | null,
): ReplicationSpec {
  // `replication:` with everything under it commented out.
  if (entry === undefined || entry.value === null) return DEFAULT_REPLICATION;
  const entries = readMap(problems, entry.value, "replication", entry.offset);
  if (entries === null) return DEFAULT_REPLICATION;
  refuseUnknown(problems, entries, KEYS);
  const before = problems.all.length;
  const [mode, acks, commit, among, onQuorumLost] = KEYS.map((key) => entries.get(key));
  const replication: ReplicationSpec = {
    mode: (mode && readChoice(problems, mode, MODES)) ?? DEFAULT_REPLICATION.mode,
    acks: (acks && readWhole(problems, acks, 1, 15)) ?? DEFAULT_REPLICATION.acks,
    commit: (commit && readCommit(problems, commit)) ?? DEFAULT_REPLICATION.commit,
    among: among === undefined ? null : readAmong(problems, among, nodes),
  };
  if (onQuorumLost !== undefined) checkOnQuorumLost(problems, onQuorumLost);
  if (nodes !== null && problems.all.length === before) {
    const place = acks ?? among ?? mode ?? entry;
    checkAcks(problems, nodes, replication, { place, reason: among ?? null, isWritten: acks !== undefined });
  }
  return replication;
}

function readCommit(problems: Problems, entry: Entry): ReplicationSpec["commit"] | null {
  const scalar = scalarOf(problems, entry.value, entry.name);
  if (scalar?.value === "local" || scalar?.value === "off" || scalar?.value === false) {
    const hint =
      "For commits that wait for no standby say mode: async; a transaction may choose less for itself.";
    report(problems, entry.offset, `${entry.name} ${described(entry.value)} would wait for no standby`, hint);
    return null;
  }
  // Editors and programs that speak YAML 1.1 write `on` as `true`.
  return scalar?.value === true ? "on" : readChoice(problems, entry, COMMITS);
}

function readAmong(problems: Problems, entry: Entry, nodes: readonly NodeSpec[] | null): NodeName[] | null {
  const items = readList(problems, entry);
  if (items === null) return null;
  if (items.length === 0) {
    report(
      problems,
      entry.offset,
      `${entry.name} is empty`,
      "Name the nodes that may confirm, or remove it: then all may.",
    );
  }
  const names: NodeName[] = [];
  for (const item of items) {
    const offset = item.range?.[0] ?? entry.offset;
    const name = scalarOf(problems, item, entry.name)?.value;
    if (typeof name !== "string") {
      report(problems, offset, `${entry.name} must list node names, not ${described(item)}`);
      continue;
    }
    checkAmongName(problems, name, offset, names, nodes);
    names.push(name);
  }
  return names;
}

function checkAmongName(
  problems: Problems,
  name: string,
  offset: number,
  earlier: readonly string[],
  nodes: readonly NodeSpec[] | null,
): void {
  if (earlier.includes(name)) report(problems, offset, `replication.among names ${quoted(name)} twice`);
  if (nodes === null) return;
  const node = nodes.find((candidate) => candidate.name === name);
  if (node === undefined) {
    const known = nodes.map((candidate) => candidate.name);
    const meant = nearest(name, known);
    const hint = meant === null ? `The nodes are ${listed(known)}.` : `Did you mean ${meant}?`;
    report(
      problems,
      offset,
      `replication.among names ${quoted(name)}, which is no node of this cluster`,
      hint,
      "cluster-file-invalid",
      { ofOption: `${quoted(name)} is no node of this cluster` },
    );
  } else if (node.upstream !== null) {
    const message = `replication.among names ${name}, which receives from ${node.upstream} and cannot confirm to the primary`;
    const ofOption = `${name} receives from ${node.upstream} and cannot confirm to the primary`;
    const hint = `Leave ${name} out, or remove its upstream.`;
    report(problems, offset, message, hint, "cluster-file-invalid", { ofOption });
  }
}

function checkOnQuorumLost(problems: Problems, entry: Entry): void {
  const choice = readChoice(problems, entry, ["block", "async"]);
  if (choice !== "async") return;
  const hint =
    "Use block: commits wait until enough standbys confirm again. pgrep-kit mode async ends the wait by hand.";
  report(problems, entry.offset, `${entry.name}: async is not supported yet`, hint);
}

/**
 * N as it is with the first node as the primary. A switchover to a listed node may make it smaller by one where `among`
 * leaves the first one out (`among: [pg2, pg3]` has two confirmers under pg1, one under pg2): that is for the switchover to say.
 */
function checkAcks(
  problems: Problems,
  nodes: readonly NodeSpec[],
  replication: ReplicationSpec,
  { place, reason, isWritten }: { place: Entry; reason: Entry | null; isWritten: boolean },
): void {
  const rule = ruleOf({ nodes, replication } as ClusterSpec);
  const primary = nodes[0];
  if (rule === null || primary === undefined) return;
  const count = confirmers(rule, primary.name).length;
  if (rule.acks <= count) return;
  const can = count === 0 ? "no standby" : count === 1 ? "only 1 standby" : `only ${count} standbys`;
  const said = isWritten ? `replication.acks is ${rule.acks}` : `replication.acks is ${rule.acks} unless set`;
  const cascaded = nodes.filter((node) => node.upstream !== null).map((node) => node.name);
  const note =
    cascaded.length === 0
      ? ""
      : ` Nodes with an upstream (${cascaded.join(", ")}) cannot confirm to the primary.`;
  const use = Array.from({ length: count }, (_, i) => String(i + 1));
  const none = replication.among === null ? "Add a standby" : "Name a standby that may confirm";
  const remedy = count === 0 ? `${none}, or use mode: async.` : `Use ${listed(use)}, or add a standby.`;
  report(
    problems,
    place.offset,
    `${said}, but ${can} can confirm`,
    `${remedy}${note}`,
    "cluster-file-invalid",
    { ofOption: `${can} can confirm`, ...(reason === null ? {} : { orOffset: reason.offset }) },
  );
}
