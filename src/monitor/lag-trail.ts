/**
 * What was seen of the lag before: it tells how old a standby's replayed position is even where PostgreSQL has stopped
 * to measure (replay paused), and whether the lag keeps growing. Bounded; a value, replaced and never changed.
 */
import type { StandbyLag } from "../core/lag.ts";
import type { Lsn } from "../core/lsn.ts";
import type { NodeName } from "../core/spec.ts";

interface Sample {
  readonly atMs: number;
  readonly standbys: ReadonlyMap<
    NodeName,
    { readonly current: Lsn | null; readonly replayBytes: number | null }
  >;
}

export type LagTrail = readonly Sample[];

/** Of one sample a second: an hour. */
const SAMPLES_MAX = 3600;

export function extendTrail(trail: LagTrail, atMs: number, lags: readonly StandbyLag[]): LagTrail {
  const standbys = new Map(
    lags.map((lag) => [lag.node, { current: lag.current, replayBytes: lag.replay.bytes }]),
  );
  return [...trail, { atMs, standbys }].slice(-SAMPLES_MAX);
}

/**
 * For how long at least the upstream has been past what the standby has replayed: since the first sample that shows it.
 * Null: it is not behind, or nothing earlier was seen.
 */
export function behindSinceMs(trail: LagTrail, atMs: number, lag: StandbyLag): number | null {
  const { replayed } = lag;
  if (replayed === null || lag.replay.bytes === null || lag.replay.bytes === 0) return null;
  for (const sample of trail) {
    const current = sample.standbys.get(lag.node)?.current ?? null;
    if (current !== null && current > replayed) return Math.max(0, atMs - sample.atMs) || null;
  }
  return null;
}

/** For how long the bytes behind have only grown, up to now; 0 if they have not. */
export function growingMs(trail: LagTrail, atMs: number, lag: StandbyLag): number {
  let later = lag.replay.bytes;
  let sinceMs = atMs;
  let steps = 0;
  for (const sample of trail.toReversed()) {
    if (sample.atMs === atMs) continue;
    const bytes = sample.standbys.get(lag.node)?.replayBytes ?? null;
    if (bytes === null || later === null || bytes >= later) break;
    later = bytes;
    sinceMs = sample.atMs;
    steps += 1;
  }
  return steps === 0 ? 0 : atMs - sinceMs;
}
