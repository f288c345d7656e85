/**
 * Who could take over: the standbys that were seen, on the right history, furthest received first (received, not replayed).
 * It ranks and rejects with reasons; whether a promotion may happen at all is not its business.
 */
import type { Authority } from "./authority.ts";
import { divergence } from "./diagnose/divergence.ts";
import type { NodeObservation, Observation, StandbyObservation } from "./observation.ts";
import { type ClusterSpec, type NodeName, nodeSpec } from "./spec.ts";
import type { TimelineHistory, WalPosition } from "./timeline.ts";

export interface Candidate {
  readonly node: NodeName;
  readonly received: WalPosition;
  /** Behind the first of them. */
  readonly behindBytes: number;
  readonly priority: number;
  readonly delayMs: number;
}

export type RejectionReason =
  | "not-in-file"
  | "accepts-writes"
  | "starting"
  | "stopped"
  | "frozen"
  | "unreachable"
  | "no-data"
  | "foreign-data"
  | "diverged";

export interface Rejection {
  readonly node: NodeName;
  readonly reason: RejectionReason;
}

export interface Candidacy {
  /** The best first. */
  readonly ranked: readonly Candidate[];
  readonly rejected: readonly Rejection[];
  /**
   * Standbys whose history contradicts that of the ranked ones, while no primary is there to say which is right.
   * Not empty: nobody may be chosen (law L5).
   */
  readonly contradicting: readonly NodeName[];
}

/** Ranks every node but the primary of the record. Ties go to the greater priority, then to the name. */
export function candidacy(spec: ClusterSpec, authority: Authority, observation: Observation): Candidacy {
  const reference = referenceHistory(authority, observation);
  const primarySeen = observation.nodes[authority.primary]?.kind === "primary";
  const rejected: Rejection[] = [];
  const found: (Candidate & { readonly received: WalPosition })[] = [];
  for (const [node, seen] of Object.entries(observation.nodes)) {
    if (node === authority.primary) continue;
    const reason = rejection(spec, authority, node, seen, reference);
    if (reason !== null) rejected.push({ node, reason });
    else if (seen.kind === "standby") found.push(candidate(spec, node, seen));
  }
  const ordered = found.toSorted(byRank);
  const best = ordered[0];
  // All of them are prefixes of one history, so that their bare positions may be compared.
  const ranked = ordered.map((one) => ({
    ...one,
    behindBytes: best === undefined ? 0 : Number(best.received.lsn - one.received.lsn),
  }));
  const diverged = rejected.filter((one) => one.reason === "diverged").map((one) => one.node);
  return { ranked, rejected, contradicting: primarySeen ? [] : diverged };
}

function byRank(a: Candidate, b: Candidate): number {
  if (a.received.lsn !== b.received.lsn) return a.received.lsn > b.received.lsn ? -1 : 1;
  if (a.priority !== b.priority) return b.priority - a.priority;
  return a.node < b.node ? -1 : 1;
}

function candidate(spec: ClusterSpec, node: NodeName, seen: StandbyObservation): Candidate {
  return {
    node,
    received: seen.received,
    behindBytes: 0,
    priority: nodeSpec(spec, node)?.priority ?? 0,
    delayMs: seen.delayMs,
  };
}

const NO_STANDBY: Readonly<Record<Exclude<NodeObservation["kind"], "standby">, RejectionReason>> = {
  primary: "accepts-writes",
  starting: "starting",
  stopped: "stopped",
  paused: "frozen",
  unreachable: "unreachable",
  absent: "no-data",
};

function rejection(
  spec: ClusterSpec,
  authority: Authority,
  node: NodeName,
  seen: NodeObservation,
  reference: TimelineHistory | null,
): RejectionReason | null {
  if (seen.kind !== "standby") return NO_STANDBY[seen.kind];
  if (nodeSpec(spec, node) === null) return "not-in-file";
  if (isForeign(seen.systemIdentifier, authority)) return "foreign-data";
  if (reference !== null && divergence(seen.received, seen.history, reference) !== null) return "diverged";
  return null;
}

export function isForeign(systemIdentifier: string, authority: Authority | null): boolean {
  const own = authority?.systemIdentifier ?? null;
  return own !== null && own !== systemIdentifier;
}

/**
 * The history that the others are measured by: that of the primary by record, where it is seen as such;
 * else that of the standby on the latest timeline, which the others must be prefixes of. Null: there is neither.
 */
export function referenceHistory(
  authority: Authority | null,
  observation: Observation,
): TimelineHistory | null {
  if (authority === null) return null;
  const primary = observation.nodes[authority.primary];
  if (primary?.kind === "primary")
    return isForeign(primary.systemIdentifier, authority) ? null : primary.history;
  const standbys = Object.values(observation.nodes)
    .filter(
      (node): node is StandbyObservation =>
        node.kind === "standby" && !isForeign(node.systemIdentifier, authority),
    )
    .toSorted(
      (a, b) => b.received.timeline - a.received.timeline || (a.received.lsn > b.received.lsn ? -1 : 1),
    );
  return standbys[0]?.history ?? null;
}
