/**
 * A primary that went back in time: an old copy of its data was put in its place. It must not be followed, and commits
 * to it prove nothing, because its standbys confirm what they have received in another past. That they stream is no sign
 * of health: a WAL receiver asks from the beginning of its segment on.
 */
import type { Authority } from "./authority.ts";
import type { Lsn } from "./lsn.ts";
import type { NodeObservation, Observation } from "./observation.ts";
import type { NodeName } from "./spec.ts";

export interface Ahead {
  readonly node: NodeName;
  readonly lsn: Lsn;
  /** What the primary has of the same kind: flushed WAL while it runs, its last checkpoint while it is down. */
  readonly primaryLsn: Lsn;
}

/** The standbys that have more than their primary. Its position has to be read after theirs. */
export function standbysAhead(authority: Authority, observation: Observation): Ahead[] {
  const primary = observation.nodes[authority.primary];
  if (primary === undefined) return [];
  return Object.entries(observation.nodes).flatMap(([node, seen]) => {
    const found = node === authority.primary ? null : ahead(primary, seen);
    return found === null ? [] : [{ node, ...found }];
  });
}

function ahead(primary: NodeObservation, node: NodeObservation): Omit<Ahead, "node"> | null {
  if (primary.kind === "primary" && node.kind === "standby") {
    const comparable =
      node.systemIdentifier === primary.systemIdentifier &&
      node.received.timeline === primary.flushed.timeline;
    const { lsn } = node.received;
    return comparable && lsn > primary.flushed.lsn ? { lsn, primaryLsn: primary.flushed.lsn } : null;
  }
  // Both down: a standby makes its restart points at its primary's checkpoints, so it never has a later one.
  if (primary.kind !== "stopped" || node.kind !== "stopped" || !node.standbySignal) return null;
  const own = primary.control;
  const other = node.control;
  if (own === null || other === null) return null;
  const comparable = own.systemIdentifier === other.systemIdentifier && own.timeline === other.timeline;
  return comparable && other.checkpoint > own.checkpoint
    ? { lsn: other.checkpoint, primaryLsn: own.checkpoint }
    : null;
}
