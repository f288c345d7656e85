/**
 * Judges the lag of every standby of the file, from one observation and what was seen before it. None is left out.
 * A standby that is missing from its upstream's pg_stat_replication is never fine, neither is one that nobody could see,
 * and neither is one that streams by all figures while the diagnosis knows better.
 */
import type { Authority } from "../core/authority.ts";
import type { Finding } from "../core/diagnose/finding.ts";
import { type NodeState, nodeState } from "../core/diagnose/node-state.ts";
import { primaryFindings } from "../core/diagnose/primary-findings.ts";
import { type Scene, sceneOf } from "../core/diagnose/scene.ts";
import { formatBytes, formatDuration } from "../core/diagnose/units.ts";
import type { LagTime, StandbyLag } from "../core/lag.ts";
import type { Observation } from "../core/observation.ts";
import { type ClusterSpec, nodeSpec } from "../core/spec.ts";
import { type LagFault, clusterFaults, lagFaults, silentUpstream } from "./lag-faults.ts";
import { behindSinceMs, growingMs, type LagTrail } from "./lag-trail.ts";
import { type Band, bandOf, type Thresholds, worseBand } from "./thresholds.ts";

export interface JudgedLag {
  readonly lag: StandbyLag;
  /** As `status` says it. */
  readonly state: NodeState;
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
  const scene = sceneOf(spec, authority, observation);
  const lags = [...scene.lags.values()].filter((lag) => nodeSpec(spec, lag.node) !== null);
  const ofPrimary = primaryFindings(scene);
  const standbys = lags.map((lag) => judge(lag, scene, ofPrimary, thresholds, trail));
  const listed = lags.map((lag) => lag.node);
  const faults = clusterFaults(ofPrimary, listed);
  const verdict = verdictOf(standbys, faults);
  return {
    cluster: spec.name,
    atMs: observation.atMs,
    verdict,
    message: messageOf(standbys, faults, verdict),
    standbys,
    thresholds,
  };
}

function verdictOf(standbys: readonly JudgedLag[], faults: readonly LagFault[]): LagVerdict {
  const start: Band = standbys.length === 0 ? "unknown" : "good";
  const worst = [...faults, ...standbys].reduce<Band>((band, one) => worseBand(band, one.band), start);
  if (worst === "critical" || worst === "unknown") return worst;
  return worst === "concerning" ? "warning" : "ok";
}

function messageOf(standbys: readonly JudgedLag[], faults: readonly LagFault[], verdict: LagVerdict): string {
  const bad = standbys.filter((one) => one.reasons.length > 0);
  const said = [
    ...faults.map((one) => one.reason),
    ...bad.map((one) => `${one.lag.node} ${one.reasons.join(", ")}`),
  ];
  if (said.length > 0) return said.join("; ");
  return verdict === "ok" ? goodNews(standbys) : "no standby to judge";
}

function goodNews(standbys: readonly JudgedLag[]): string {
  const worst = standbys.toSorted((a, b) => (b.lag.replay.bytes ?? 0) - (a.lag.replay.bytes ?? 0))[0];
  const count = standbys.length === 1 ? "1 standby streams" : `${standbys.length} standbys stream`;
  if (worst === undefined || worst.lag.replay.bytes === 0) return `${count}, caught up`;
  const time = worst.replayTime === null ? "" : `, ${formatDuration(worst.replayTime.ms)}`;
  return `${count}; furthest behind is ${worst.lag.node}: ${formatBytes(worst.lag.replay.bytes ?? 0)}${time}`;
}

/** After this long of nothing but growth, a lag is critical whatever its size; a few bytes more are no growth. */
const GROWING_CRITICAL_MS = 60_000;
const GROWING_MATTERS_BYTES = 1024 * 1024;

type Add = (band: Band, reason: string) => void;

function judge(
  lag: StandbyLag,
  scene: Scene,
  ofPrimary: readonly Finding[],
  thresholds: Thresholds,
  trail: LagTrail,
): JudgedLag {
  const { atMs } = scene.observation;
  const replayTime = latestTime(lag, behindSinceMs(trail, atMs, lag));
  let band: Band = "good";
  const reasons: string[] = [];
  const add: Add = (worse, reason) => {
    band = worseBand(band, worse);
    if (worse !== "good" && worse !== "acceptable") reasons.push(reason);
  };
  const faults = lagFaults(scene, lag, ofPrimary);
  for (const fault of faults) add(fault.band, fault.reason);
  if (lag.attachment === "attached") {
    judgeConnection(lag, add);
    judgeFigures(lag, replayTime, thresholds, add);
    judgeGrowth(lag, growingMs(trail, atMs, lag), add);
  } else if (!faults.some((fault) => fault.band === "critical")) {
    // Of one that is down, or was promoted, it goes without saying.
    const fault = missing(lag, scene);
    add(fault.band, fault.reason);
  }
  return { lag, state: nodeState(scene, lag.node), replayTime, band, reasons };
}

/** A delayed standby is late by order: judged are what it has received, and what it is late beyond that. */
function judgedBytes(lag: StandbyLag): number | null {
  return lag.delayMs > 0 ? lag.flush.bytes : lag.replay.bytes;
}

function judgeFigures(lag: StandbyLag, replayTime: LagTime | null, thresholds: Thresholds, add: Add): void {
  const bytes = judgedBytes(lag);
  if (bytes === null) add("unknown", "has no known position");
  else add(bandOf(bytes, "bytes", thresholds), `is ${formatBytes(bytes)} behind`);
  if (replayTime === null) return;
  const beyondMs = Math.max(0, replayTime.ms - lag.delayMs);
  const text = `${replayTime.atLeast ? "at least " : ""}${formatDuration(replayTime.ms)}`;
  add(bandOf(beyondMs, "ms", thresholds), `is ${text} behind`);
}

function judgeGrowth(lag: StandbyLag, growthMs: number, add: Add): void {
  if (growthMs < GROWING_CRITICAL_MS || lag.delayMs > 0) return;
  if ((judgedBytes(lag) ?? 0) < GROWING_MATTERS_BYTES) return;
  add("critical", `has been falling behind for ${formatDuration(growthMs)}`);
}

/** A time that was measured before replay stopped says less than the time since which it is seen to be behind. */
function latestTime(lag: StandbyLag, sinceMs: number | null): LagTime | null {
  const measured = lag.replay.time;
  if (sinceMs !== null && sinceMs > (measured?.ms ?? -1)) return { ms: sinceMs, atLeast: true };
  return measured;
}

/** Of a standby that no sender is there for. */
function missing({ upstream, attachment }: StandbyLag, scene: Scene): LagFault {
  if (attachment === "no-upstream") return { band: "critical", reason: "follows no node of the cluster" };
  if (attachment === "upstream-unseen") return silentUpstream(scene, upstream);
  const reason = `is not connected: ${upstream} has no row for it in pg_stat_replication`;
  return { band: "critical", reason };
}

function judgeConnection(lag: StandbyLag, add: Add): void {
  if (lag.senderState !== "streaming") add("concerning", `is not streaming yet (${lag.senderState})`);
  if (lag.replayPaused === true) {
    const bytes = lag.replay.bytes;
    add("concerning", `has its replay paused${bytes === null ? "" : ` (${formatBytes(bytes)} behind)`}`);
  }
  if (lag.silentMs !== null) add("concerning", `has not answered for ${formatDuration(lag.silentMs)}`);
  if (lag.slot?.walStatus === "lost") add("critical", "has lost its slot");
  if (lag.slot?.walStatus === "unreserved") add("concerning", "is about to lose its slot");
}
