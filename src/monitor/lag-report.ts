/** The documented shape of `lag -o json|yaml` and of its NDJSON lines; `guides/json.md` lists every key. */
import type { NodeState } from "../core/diagnose/node-state.ts";
import type { StandbyLag } from "../core/lag.ts";
import type { JudgedLag, LagAssessment, LagVerdict } from "./lag.ts";
import type { Band } from "./thresholds.ts";

export interface StageReport {
  readonly node: string;
  readonly upstream: string | null;
  readonly attachment: string;
  readonly senderState: string | null;
  readonly syncState: string | null;
  readonly replayPaused: boolean | null;
  readonly delayMs: number;
  readonly silentMs: number | null;
  readonly sendLagBytes: number | null;
  readonly writeLagBytes: number | null;
  readonly writeLagMs: number | null;
  readonly flushLagBytes: number | null;
  readonly flushLagMs: number | null;
  readonly replayLagBytes: number | null;
  readonly replayLagMs: number | null;
  /** The time is only a lower bound. */
  readonly replayLagAtLeast: boolean;
  readonly slot: {
    readonly name: string;
    readonly active: boolean;
    readonly walStatus: string | null;
    readonly retainedBytes: number;
    readonly safeBytes: number | null;
  } | null;
}

export interface LagReport {
  readonly version: 1;
  readonly cluster: string;
  readonly observedAt: string;
  readonly verdict: LagVerdict;
  readonly message: string;
  readonly warnBytes: number | null;
  readonly warnMs: number | null;
  readonly critBytes: number | null;
  readonly critMs: number | null;
  readonly standbys: readonly JudgedReport[];
}

interface JudgedReport extends StageReport {
  readonly state: NodeState;
  readonly band: Band;
  readonly reasons: readonly string[];
}

export function lagReport({
  cluster,
  atMs,
  verdict,
  message,
  thresholds,
  standbys,
}: LagAssessment): LagReport {
  return {
    version: 1,
    cluster,
    observedAt: new Date(atMs).toISOString(),
    verdict,
    message,
    warnBytes: thresholds.warn.bytes,
    warnMs: thresholds.warn.ms,
    critBytes: thresholds.crit.bytes,
    critMs: thresholds.crit.ms,
    standbys: standbys.map(standbyReport),
  };
}

function standbyReport({ lag, state, replayTime, band, reasons }: JudgedLag): JudgedReport {
  const replay = { ...lag.replay, time: replayTime };
  return { ...stageReport({ ...lag, replay }), state, band, reasons };
}

export function stageReport(lag: StandbyLag): StageReport {
  const { slot } = lag;
  return {
    node: lag.node,
    upstream: lag.upstream,
    attachment: lag.attachment,
    senderState: lag.senderState,
    syncState: lag.syncState,
    replayPaused: lag.replayPaused,
    delayMs: lag.delayMs,
    silentMs: lag.silentMs,
    sendLagBytes: lag.send.bytes,
    writeLagBytes: lag.write.bytes,
    writeLagMs: lag.write.time?.ms ?? null,
    flushLagBytes: lag.flush.bytes,
    flushLagMs: lag.flush.time?.ms ?? null,
    replayLagBytes: lag.replay.bytes,
    replayLagMs: lag.replay.time?.ms ?? null,
    replayLagAtLeast: lag.replay.time?.atLeast ?? false,
    slot:
      slot === null
        ? null
        : {
            name: slot.name,
            active: slot.active,
            walStatus: slot.walStatus,
            retainedBytes: slot.retainedBytes,
            safeBytes: slot.safeBytes,
          },
  };
}
