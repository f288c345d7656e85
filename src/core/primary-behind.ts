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

/**
 * What was replayed are whole records, which their primary had flushed and keeps over a crash. What was only received may
 * end in the first part of a record that the crash cut off: the primary then begins anew before it, and is not behind.
 */
const INCOMPLETE_RECORD_BYTES = 16n * 1024n * 1024n;

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
    const { lsn: own } = primary.flushed;
    const isAhead = node.replayed > own || lsn > own + INCOMPLETE_RECORD_BYTES;
    return comparable && isAhead ? { lsn, primaryLsn: own } : null;
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
