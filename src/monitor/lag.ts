/**
 * Judges the lag of every standby of the file, from one observation and what was seen before it.
 * A standby that is missing from its upstream's pg_stat_replication is never fine, and neither is one that nobody could see.
 */
import type { Authority } from "../core/authority.ts";
import { formatBytes, formatDuration } from "../core/diagnose/units.ts";
import { type LagTime, type StandbyLag, standbyLags } from "../core/lag.ts";
import type { Observation } from "../core/observation.ts";
import { type ClusterSpec, nodeSpec } from "../core/spec.ts";
import { behindSinceMs, growingMs, type LagTrail } from "./lag-trail.ts";
import { type Band, bandOf, type Thresholds, worseBand } from "./thresholds.ts";

export interface JudgedLag {
  readonly lag: StandbyLag;
  /** The best that is known, measured or seen; null: not known. */
  readonly replayTime: LagTime | null;
  readonly band: Band;
  /** Why it is not good or acceptable, each without the node's name; empty if it is. */
  readonly reasons: readonly string[];
}

/** Nagios' words. */
export type LagVerdict = "ok" | "warning" | "critical" | "unknown";

export interface LagAssessment {
  readonly cluster: string;
  readonly atMs: number;
  readonly verdict: LagVerdict;
  /** One line for a person: which standbys, and why. */
  readonly message: string;
  readonly standbys: readonly JudgedLag[];
  readonly thresholds: Thresholds;
}

export const LAG_EXIT_CODES: Readonly<Record<LagVerdict, 0 | 1 | 2 | 3>> = {
  ok: 0,
  warning: 1,
  critical: 2,
  unknown: 3,
};

/** `trail` holds earlier observations only; one look alone has an empty one. */
export function assessLag(
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
  thresholds: Thresholds,
  trail: LagTrail,
): LagAssessment {
  const lags = standbyLags(spec, authority, observation).filter((lag) => nodeSpec(spec, lag.node) !== null);
  const standbys = lags.map((lag) => judge(lag, observation, thresholds, trail));
  const verdict = verdictOf(standbys);
  return {
    cluster: spec.name,
    atMs: observation.atMs,
    verdict,
    message: messageOf(standbys, verdict),
    standbys,
    thresholds,
  };
}

function verdictOf(standbys: readonly JudgedLag[]): LagVerdict {
  if (standbys.length === 0) return "unknown";
  const worst = standbys.reduce<Band>((band, one) => worseBand(band, one.band), "good");
  if (worst === "critical" || worst === "unknown") return worst;
  return worst === "concerning" ? "warning" : "ok";
}

function messageOf(standbys: readonly JudgedLag[], verdict: LagVerdict): string {
  if (standbys.length === 0) return "no standby to judge";
  if (verdict !== "ok") {
    const bad = standbys.filter((one) => one.reasons.length > 0);
    return bad.map((one) => `${one.lag.node} ${one.reasons.join(", ")}`).join("; ");
  }
  const worst = standbys.toSorted((a, b) => (b.lag.replay.bytes ?? 0) - (a.lag.replay.bytes ?? 0))[0];
  const count = standbys.length === 1 ? "1 standby streams" : `${standbys.length} standbys stream`;
  if (worst === undefined || worst.lag.replay.bytes === 0) return `${count}, caught up`;
  const time = worst.replayTime === null ? "" : `, ${formatDuration(worst.replayTime.ms)}`;
  return `${count}; furthest behind is ${worst.lag.node}: ${formatBytes(worst.lag.replay.bytes ?? 0)}${time}`;
}

/** After this long of nothing but growth, a lag is critical whatever its size; a few bytes more are no growth. */
const GROWING_CRITICAL_MS = 60_000;
const GROWING_MATTERS_BYTES = 1024 * 1024;

function judge(
  lag: StandbyLag,
  observation: Observation,
  thresholds: Thresholds,
  trail: LagTrail,
): JudgedLag {
  const replayTime = latestTime(lag, behindSinceMs(trail, observation.atMs, lag));
  const absent = missing(lag, observation);
  if (absent !== null) return { lag, replayTime, ...absent };
  let band: Band = "good";
  const reasons: string[] = [];
  const add = (worse: Band, reason: string): void => {
    band = worseBand(band, worse);
    if (worse !== "good" && worse !== "acceptable") reasons.push(reason);
  };
  judgeConnection(lag, add);
  // A delayed standby is late by order: judged are what it has received, and what it is late beyond that.
  const isDelayed = lag.delayMs > 0;
  const bytes = isDelayed ? lag.flush.bytes : lag.replay.bytes;
  if (bytes === null) add("unknown", "has no known position");
  else add(bandOf(bytes, "bytes", thresholds), `is ${formatBytes(bytes)} behind`);
  if (replayTime !== null) {
    const beyondMs = Math.max(0, replayTime.ms - lag.delayMs);
    const text = `${replayTime.atLeast ? "at least " : ""}${formatDuration(replayTime.ms)}`;
    add(bandOf(beyondMs, "ms", thresholds), `is ${text} behind`);
  }
  const growth = growingMs(trail, observation.atMs, lag);
  if (growth >= GROWING_CRITICAL_MS && !isDelayed && (bytes ?? 0) >= GROWING_MATTERS_BYTES) {
    add("critical", `has been falling behind for ${formatDuration(growth)}`);
  }
  return { lag, replayTime, band, reasons };
}

/** A time that was measured before replay stopped says less than the time since which it is seen to be behind. */
function latestTime(lag: StandbyLag, sinceMs: number | null): LagTime | null {
  const measured = lag.replay.time;
  if (sinceMs !== null && sinceMs > (measured?.ms ?? -1)) return { ms: sinceMs, atLeast: true };
  return measured;
}

function missing(lag: StandbyLag, observation: Observation): Pick<JudgedLag, "band" | "reasons"> | null {
  const upstream = lag.upstream ?? "its upstream";
  switch (lag.attachment) {
    case "attached":
      return null;
    case "detached":
      return {
        band: "critical",
        reasons: [`is not connected: ${upstream} has no row for it in pg_stat_replication`],
      };
    case "no-upstream":
      return { band: "critical", reasons: ["follows no node of the cluster"] };
    case "upstream-unseen": {
      const kind = observation.nodes[lag.upstream ?? ""]?.kind;
      const isDown = kind === "stopped" || kind === "absent";
      return isDown
        ? { band: "critical", reasons: [`receives nothing: ${upstream} is down`] }
        : { band: "unknown", reasons: [`cannot be judged: ${upstream} does not answer`] };
    }
  }
}

function judgeConnection(lag: StandbyLag, add: (band: Band, reason: string) => void): void {
  if (lag.senderState !== "streaming") add("concerning", `is not streaming yet (${lag.senderState})`);
  if (lag.replayPaused === true) {
    const bytes = lag.replay.bytes;
    add("concerning", `has its replay paused${bytes === null ? "" : ` (${formatBytes(bytes)} behind)`}`);
  }
  if (lag.silentMs !== null) add("concerning", `has not answered for ${formatDuration(lag.silentMs)}`);
  if (lag.slot?.walStatus === "lost") add("critical", "has lost its slot");
  if (lag.slot?.walStatus === "unreserved") add("concerning", "is about to lose its slot");
}
