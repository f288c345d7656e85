/**
 * Timelines and their histories: which WAL is a prefix of which (law L6).
 * Every promotion starts a new timeline at a fork; a server whose WAL on the old timeline goes past that fork has diverged.
 * https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
 */
import { type Lsn, parseLsn } from "./lsn.ts";

export type Timeline = number;

/** A place in a cluster's history. Two of them are comparable only through a `TimelineHistory`. */
export interface WalPosition {
  readonly timeline: Timeline;
  readonly lsn: Lsn;
}

/** One ancestor: `timeline` was left at `end`. */
export interface TimelineSwitch {
  readonly timeline: Timeline;
  readonly end: Lsn;
}

/** A timeline and all its ancestors, oldest first. Timeline 1 has none. */
export interface TimelineHistory {
  readonly timeline: Timeline;
  readonly ancestors: readonly TimelineSwitch[];
}

/** Reads a `0000000N.history` file: lines of timeline, LSN and reason; null if a line makes no sense. */
export function parseHistoryFile(timeline: Timeline, text: string): TimelineHistory | null {
  const ancestors: TimelineSwitch[] = [];
  for (const line of text.split("\n")) {
    const content = line.replace(/#.*$/, "").trim();
    if (content === "") continue;
    const [id, lsnText] = content.split(/\s+/);
    const end = parseLsn(lsnText ?? "");
    if (!/^\d+$/.test(id ?? "") || end === null) return null;
    ancestors.push({ timeline: Number(id), end });
  }
  return { timeline, ancestors };
}

export type Relation =
  /** The position is part of the history: its holder can follow. */
  | { readonly kind: "prefix" }
  /** The holder has WAL that never became part of the history. `fork` is where they parted, null if they share no timeline. */
  | { readonly kind: "diverged"; readonly fork: WalPosition | null };

/** Whether what lies before `position` is part of `history`, that is, whether its holder can follow that server. */
export function relate(position: WalPosition, history: TimelineHistory): Relation {
  if (position.timeline === history.timeline) return { kind: "prefix" };
  const left = history.ancestors.find((ancestor) => ancestor.timeline === position.timeline);
  if (!left) return { kind: "diverged", fork: null };
  if (position.lsn <= left.end) return { kind: "prefix" };
  return { kind: "diverged", fork: { timeline: left.timeline, lsn: left.end } };
}

/**
 * Bytes that `position` lacks of `tip`, measured along `history` (the history of the tip's timeline);
 * null where `position` is not part of that history, so that no number would mean anything.
 */
export function bytesAlong(position: WalPosition, tip: WalPosition, history: TimelineHistory): number | null {
  if (relate(position, history).kind === "diverged") return null;
  return tip.lsn > position.lsn ? Number(tip.lsn - position.lsn) : 0;
}
