/**
 * What the diagnosis knows of a node that no lag could tell: that it is frozen, stopped, or accepts writes itself.
 * The upstream's row in pg_stat_replication can outlive all of that, and looks like good news then.
 */
import type { Finding, FindingCode } from "../core/diagnose/finding.ts";
import { type Scene, seen } from "../core/diagnose/scene.ts";
import { standbyFindings } from "../core/diagnose/standby-findings.ts";
import { formatBytes } from "../core/diagnose/units.ts";
import type { StandbyLag } from "../core/lag.ts";
import type { NodeName } from "../core/spec.ts";
import type { Band } from "./thresholds.ts";

export interface LagFault {
  readonly band: Band;
  /** Without the node's name. */
  readonly reason: string;
}

/** What is judged by the figures, or only follows from the upstream's state, is not in here. */
const BANDS: ReadonlyMap<FindingCode, Band> = new Map([
  ["split-brain", "critical"],
  ["primary-in-recovery", "critical"],
  ["foreign-data", "critical"],
  ["diverged", "critical"],
  ["slot-lost", "critical"],
  ["standby-stopped", "critical"],
  ["standby-missing", "critical"],
  ["standby-half-copied", "critical"],
  ["standby-frozen", "critical"],
  // Their upstream still hears of them, or else they are critical for that.
  ["standby-starting", "concerning"],
  ["standby-unreachable", "concerning"],
  ["wrong-upstream", "concerning"],
]);

const WRITES = "accepts writes without authority";

/** The faults of one standby; `lag` is its own, `ofPrimary` what the diagnosis found of who may write. */
export function lagFaults(scene: Scene, lag: StandbyLag, ofPrimary: readonly Finding[]): LagFault[] {
  const { node, upstream } = lag;
  const own = ofPrimary.filter((one) => one.node === node);
  const follows = followsWriter(scene, lag)
    ? [{ band: "critical", reason: `follows ${upstream}, which ${WRITES}` } as const]
    : [];
  const faults = [...own, ...standbyFindings(scene, node)].flatMap((one): LagFault[] => {
    // The one who is followed matters more than that it is another one.
    if (one.code === "wrong-upstream" && follows.length > 0) return [];
    const band = isCutOff(one, lag) || isAstray(one, lag) ? "critical" : BANDS.get(one.code);
    return band === undefined ? [] : [{ band, reason: reasonOf(one, node, lag) }];
  });
  return [...follows, ...faults];
}

/** What is wrong beside the standbys of the list, each with a node's name where it is about one. */
export function clusterFaults(ofPrimary: readonly Finding[], listed: readonly NodeName[]): LagFault[] {
  return ofPrimary.flatMap((one): LagFault[] => {
    if (one.code === "no-authority") return [{ band: "unknown", reason: one.message }];
    if (one.code !== "split-brain" || one.node === null || listed.includes(one.node)) return [];
    return [{ band: "critical", reason: `${one.node} ${WRITES} (split brain)` }];
  });
}

/** The row of its last connection is all that is left of it. */
function isCutOff({ code }: Finding, { attachment }: StandbyLag): boolean {
  return code === "standby-disconnected" && attachment === "attached";
}

/** It follows an address that belongs to no node of the cluster. */
function isAstray({ code }: Finding, { attachment }: StandbyLag): boolean {
  return code === "wrong-upstream" && attachment === "no-upstream";
}

function followsWriter({ authority, observation }: Scene, { upstream, attachment }: StandbyLag): boolean {
  if (authority === null || upstream === null || upstream === authority.primary) return false;
  return attachment === "attached" && observation.nodes[upstream]?.kind === "primary";
}

function reasonOf({ code, message }: Finding, node: NodeName, { replay }: StandbyLag): string {
  if (code === "split-brain") return `${WRITES} (split brain)`;
  const reason = message.startsWith(`${node} `) ? message.slice(node.length + 1) : "was not seen";
  const isBehind = code === "standby-frozen" && replay.bytes !== null && replay.bytes > 0;
  return isBehind ? `${reason} (${formatBytes(replay.bytes)} behind)` : reason;
}

/** Why a standby gets nothing, or why that cannot be told: its upstream did not answer. */
export function silentUpstream(scene: Scene, upstream: NodeName | null): LagFault {
  const name = upstream ?? "its upstream";
  const node = upstream === null ? undefined : seen(scene, upstream);
  switch (node?.kind) {
    case "stopped":
    case "absent":
      return { band: "critical", reason: `receives nothing: ${name} is down` };
    case "starting":
      return { band: "critical", reason: `receives nothing: ${name} is starting` };
    case "paused":
      return { band: "unknown", reason: `cannot be judged: ${name} is frozen` };
    default: {
      const isDown = node?.kind === "unreachable" && node.isStopped === true;
      return isDown
        ? { band: "critical", reason: `receives nothing: ${name} is down` }
        : { band: "unknown", reason: `cannot be judged: ${name} does not answer` };
    }
  }
}
