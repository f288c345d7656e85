/**
 * Where two histories part (law L6), told from the whole path of a node and not from its last timeline alone:
 * two servers can both call their timeline 2 and have left timeline 1 at different places.
 */
import type { Lsn } from "../lsn.ts";
import { type TimelineHistory, type WalPosition, relate } from "../timeline.ts";

export interface Divergence {
  /** The last place that both share; null if they share none, or if it cannot be told. */
  readonly fork: WalPosition | null;
}

/** Null: what lies before `position` is part of `reference`. `own` is the node's own history, null where unknown. */
export function divergence(
  position: WalPosition,
  own: TimelineHistory | null,
  reference: TimelineHistory,
): Divergence | null {
  if (own === null) {
    const relation = relate(position, reference);
    return relation.kind === "prefix" ? null : { fork: relation.fork };
  }
  const path = [
    ...own.ancestors.filter((ancestor) => ancestor.timeline < position.timeline),
    { timeline: position.timeline, end: position.lsn },
  ];
  let fork: WalPosition | null = null;
  for (const [index, leg] of path.entries()) {
    const other = reference.ancestors[index] ?? last(reference, index);
    if (other === null || other.timeline !== leg.timeline) return { fork };
    const isLast = index === path.length - 1;
    const within = other.end === null || leg.end <= other.end;
    if (isLast && within) return null;
    if (isLast || leg.end !== other.end)
      return { fork: { timeline: leg.timeline, lsn: earlier(leg.end, other.end) } };
    fork = { timeline: leg.timeline, lsn: leg.end };
  }
  return null;
}

/** The leg of `history` after its ancestors: its own timeline, without an end. */
function last(
  history: TimelineHistory,
  index: number,
): { readonly timeline: number; readonly end: Lsn | null } | null {
  return index === history.ancestors.length ? { timeline: history.timeline, end: null } : null;
}

function earlier(a: Lsn, b: Lsn | null): Lsn {
  return b !== null && b < a ? b : a;
}
