/**
 * How far each standby is behind its upstream, stage by stage, in bytes and in time, from one observation.
 * Bytes lead: `current − replay`. A time that PostgreSQL no longer measures (replay paused, a silent standby) is never
 * passed on as if it were current, and a standby that its upstream does not know is never taken for one without lag.
 */
import type { Authority } from "./authority.ts";
import { followedBy } from "./diagnose/upstream.ts";
import { type Lsn, bytesBetween, laterLsn } from "./lsn.ts";
import { type Observation, type ReplicationSlot, type WalSender, isRunning } from "./observation.ts";
import { type ClusterSpec, type NodeName, slotName, upstreamOf } from "./spec.ts";

/** A measured time; `atLeast`: it is only known that it is no shorter. */
export interface LagTime {
  readonly ms: number;
  readonly atLeast: boolean;
}

export interface LagStage {
  readonly bytes: number | null;
  readonly time: LagTime | null;
}

export type Attachment =
  /** The upstream has a WAL sender for it. */
  | "attached"
  /** The upstream answers and does not know it. */
  | "detached"
  /** The upstream did not answer: nothing can be said. */
  | "upstream-unseen"
  /** The record or the file gives it no upstream. */
  | "no-upstream";

export interface StandbyLag {
  readonly node: NodeName;
  readonly upstream: NodeName | null;
  readonly attachment: Attachment;
  /** Of pg_stat_replication: startup, catchup, streaming, … */
  readonly senderState: string | null;
  readonly syncState: string | null;
  /** Where the upstream is, and how far the standby has replayed; null where not known. */
  readonly current: Lsn | null;
  readonly replayed: Lsn | null;
  /** For how long the upstream has heard nothing, if that is too long; null if it hears of it. */
  readonly silentMs: number | null;
  readonly send: LagStage;
  readonly write: LagStage;
  readonly flush: LagStage;
  readonly replay: LagStage;
  /** Null: the standby itself was not seen. */
  readonly replayPaused: boolean | null;
  readonly delayMs: number;
  /** On the upstream; null: none. */
  readonly slot: ReplicationSlot | null;
}

/** A standby that sends no sign of life for this long is silent; its reports come every second. */
const SILENT_AFTER_MS = 5000;

/** One entry for every node of the file but the primary, whatever became of it, and for every other one that is known. */
export function standbyLags(
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
): StandbyLag[] {
  const named = spec.nodes.map((node) => node.name);
  const others = Object.keys(observation.nodes).filter((name) => !named.includes(name));
  return [...named, ...others]
    .filter((name) => isStandby(name, authority, observation))
    .map((name) => standbyLag(name, lagUpstream(name, spec, authority, observation), observation));
}

/** One that was promoted without authority is still a standby by the record, and is not to vanish. */
function isStandby(name: NodeName, authority: Authority | null, observation: Observation): boolean {
  const { nodes } = observation;
  if (nodes[name]?.kind === "standby") return true;
  if (authority !== null) return name !== authority.primary;
  const writers = Object.values(nodes).filter((node) => node.kind === "primary");
  return nodes[name]?.kind !== "primary" || writers.length > 1;
}

/** Where it receives from in fact, else where it should. */
function lagUpstream(
  name: NodeName,
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
): NodeName | null {
  const node = observation.nodes[name];
  if (node?.kind === "standby") {
    const followed = followedBy(node, observation.wiring);
    if (followed.kind === "node") return followed.node;
    if (followed.kind === "stranger") return null;
  }
  return authority === null ? null : upstreamOf(spec, name, authority.primary);
}

function standbyLag(name: NodeName, upstream: NodeName | null, observation: Observation): StandbyLag {
  const node = observation.nodes[name];
  const standby = node?.kind === "standby" ? node : null;
  const source = upstream === null ? undefined : observation.nodes[upstream];
  const running = isRunning(source) ? source : null;
  const sender = running?.senders.find((row) => row.applicationName === name) ?? null;
  const current =
    running === null ? null : running.kind === "primary" ? running.flushed.lsn : running.received.lsn;
  const behind = (place: Lsn | null): number | null =>
    place === null || current === null ? null : bytesBetween(place, current);
  // Each of the two is true of some moment, and a position only grows: the later one is closer to now.
  const replayed = latest(sender?.replayed ?? null, standby?.replayed ?? null);
  const flushed = latest(sender?.flushed ?? null, standby?.received.lsn ?? null);
  const replayBytes = behind(replayed);
  return {
    node: name,
    upstream,
    attachment: attachmentOf(upstream, running !== null, sender),
    senderState: sender?.state ?? null,
    syncState: sender?.syncState ?? null,
    current,
    replayed,
    silentMs: silence(sender),
    send: { bytes: behind(sender?.sent ?? null), time: null },
    write: stageOf(behind(sender?.written ?? null), sender?.writeLagMs ?? null, sender),
    flush: stageOf(behind(flushed), sender?.flushLagMs ?? null, sender),
    replay:
      standby?.replayPaused === true && replayBytes !== 0
        ? { bytes: replayBytes, time: null }
        : stageOf(replayBytes, sender?.replayLagMs ?? null, sender),
    replayPaused: standby?.replayPaused ?? null,
    delayMs: standby?.delayMs ?? 0,
    slot: running?.slots.find((slot) => slot.name === slotName(name)) ?? null,
  };
}

function attachmentOf(
  upstream: NodeName | null,
  upstreamRuns: boolean,
  sender: WalSender | null,
): Attachment {
  if (upstream === null) return "no-upstream";
  if (!upstreamRuns) return "upstream-unseen";
  return sender === null ? "detached" : "attached";
}

/**
 * Nothing outstanding is no lag, whatever was measured last. An idle, caught-up standby is at zero (it is not falling behind);
 * one that owes bytes and is silent has been behind for at least as long as it is silent.
 */
function stageOf(bytes: number | null, measuredMs: number | null, sender: WalSender | null): LagStage {
  if (bytes === null || sender === null) return { bytes, time: null };
  if (bytes === 0) return { bytes, time: { ms: 0, atLeast: false } };
  const silentMs = silence(sender);
  if (silentMs !== null && silentMs > (measuredMs ?? 0))
    return { bytes, time: { ms: silentMs, atLeast: true } };
  return { bytes, time: measuredMs === null ? null : { ms: measuredMs, atLeast: false } };
}

function silence(sender: WalSender | null): number | null {
  const agoMs = sender?.repliedAgoMs ?? null;
  return agoMs !== null && agoMs > SILENT_AFTER_MS ? agoMs : null;
}

function latest(a: Lsn | null, b: Lsn | null): Lsn | null {
  if (a === null || b === null) return a ?? b;
  return laterLsn(a, b);
}
