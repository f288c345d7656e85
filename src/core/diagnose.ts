/**
 * What is the matter with the cluster: one verdict, one row for every node, every finding, and what a failover would lose.
 * Pure, and a judgement only: it never says what was not seen, and it changes nothing.
 */
import type { Authority } from "./authority.ts";
import { isForeign } from "./candidates.ts";
import { type Finding, bySeverity } from "./diagnose/finding.ts";
import { type NextStep, nextSteps } from "./diagnose/next-steps.ts";
import { type NodeMark, type NodeState, isClean, marksOf, nodeState } from "./diagnose/node-state.ts";
import { primaryFindings } from "./diagnose/primary-findings.ts";
import { type Scene, expectedUpstream, sceneOf, seen } from "./diagnose/scene.ts";
import { commitFindings, settingsFindings } from "./diagnose/settings-findings.ts";
import { slotFindings } from "./diagnose/slot-findings.ts";
import { standbyFindings } from "./diagnose/standby-findings.ts";
import type { StandbyLag } from "./lag.ts";
import { type LossOutlook, lossOutlook } from "./loss-outlook.ts";
import type { Observation } from "./observation.ts";
import type { ClusterSpec, NodeName } from "./spec.ts";
import { type Timeline, type WalPosition, bytesAlong } from "./timeline.ts";

export type Verdict =
  | "healthy"
  /** The primary is there, but something is not as the file asks. */
  | "degraded"
  /** The node with the authority is known not to be a primary. Nobody accepts writes. */
  | "primary-lost"
  /** A node accepts writes without authority. */
  | "split-brain"
  /** What would have to be known could not be seen. */
  | "unknown"
  /** Everything was shut down. */
  | "stopped"
  /** Nothing was made yet. */
  | "empty";

export interface NodeDiagnosis {
  readonly name: NodeName;
  /** As seen; as the record says where it was not seen. */
  readonly role: "primary" | "standby";
  readonly state: NodeState;
  readonly marks: readonly NodeMark[];
  /** Whom it follows, or should: its place in the tree. */
  readonly upstream: NodeName | null;
  readonly timeline: Timeline | null;
  /** Flushed on a primary, received on a standby; null where no server answers. */
  readonly position: WalPosition | null;
  /** What the primary has flushed and this node has not replayed; null where either is not known. */
  readonly behindBytes: number | null;
  /** Of a standby, by its upstream. */
  readonly lag: StandbyLag | null;
}

export interface Diagnosis {
  readonly verdict: Verdict;
  /** The node with the authority. */
  readonly primary: NodeName | null;
  /** The nodes of the file in its order, then the others. */
  readonly nodes: readonly NodeDiagnosis[];
  /** The gravest first. */
  readonly findings: readonly Finding[];
  readonly outlook: LossOutlook;
  /** For the gravest finding, the best first. */
  readonly next: readonly NextStep[];
}

export function diagnose(
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
): Diagnosis {
  const scene = sceneOf(spec, authority, observation);
  const findings = bySeverity(findingsOf(scene));
  const verdict = verdictOf(scene, findings);
  const outlook = lossOutlook(spec, authority, observation);
  // A cluster that was shut down, or never made, needs one thing only.
  const idle = verdict === "stopped" || verdict === "empty";
  const up: NextStep = { verb: "up", command: "pgrep-kit up", why: "" };
  return {
    verdict,
    primary: authority?.primary ?? null,
    nodes: scene.names.map((name) => nodeDiagnosis(scene, name)),
    findings: idle ? findings.filter(mattersAtRest) : findings,
    outlook,
    next: idle ? [up] : nextSteps({ spec, observation, findings, outlook }),
  };
}

/** That its nodes are down is no news about a cluster that was shut down. */
function mattersAtRest(one: Finding): boolean {
  return (
    one.code === "foreign-data" ||
    one.code === "primary-behind" ||
    one.code === "primary-not-in-file" ||
    one.code === "not-in-file"
  );
}

function findingsOf(scene: Scene): Finding[] {
  const standbys = scene.names
    .filter((name) => name !== scene.authority?.primary)
    .flatMap((name) => standbyFindings(scene, name));
  // A rule cannot be proved, nor much else be done, while a standby is frozen: of the two it is the one to act on first.
  const isFrozen = (one: Finding): boolean => one.code === "standby-frozen";
  return [
    ...primaryFindings(scene),
    ...standbys.filter(isFrozen),
    ...commitFindings(scene),
    ...standbys.filter((one) => !isFrozen(one)),
    ...scene.names.flatMap((name) => slotFindings(scene, name)),
    ...scene.names.flatMap((name) => settingsFindings(scene, name)),
  ];
}

function verdictOf(scene: Scene, findings: readonly Finding[]): Verdict {
  const { authority } = scene;
  if (findings.some((one) => one.code === "split-brain")) return "split-brain";
  const nothing = scene.names.every((name) => seen(scene, name)?.kind === "absent");
  if (nothing && (authority === null || authority.systemIdentifier === null)) return "empty";
  if (authority === null) return "unknown";
  const primary = seen(scene, authority.primary);
  switch (primary?.kind) {
    case "primary":
      if (isForeign(primary.systemIdentifier, authority)) return "unknown";
      return findings.some((one) => one.severity !== "note") ? "degraded" : "healthy";
    case "starting":
      return "degraded";
    case "stopped":
      return isClean(primary) && everythingIsDown(scene) ? "stopped" : "primary-lost";
    case "standby":
    case "absent":
      return "primary-lost";
    default:
      return "unknown";
  }
}

/** Known to be down: a node that was not seen may run. */
function everythingIsDown(scene: Scene): boolean {
  return Object.values(scene.observation.nodes).every(
    (node) => node.kind === "stopped" || node.kind === "absent",
  );
}

function nodeDiagnosis(scene: Scene, name: NodeName): NodeDiagnosis {
  const node = seen(scene, name);
  const lag = scene.lags.get(name) ?? null;
  const position = node?.kind === "primary" ? node.flushed : node?.kind === "standby" ? node.received : null;
  const role = node?.kind === "primary" || node?.kind === "standby" ? node.kind : recordedRole(scene, name);
  return {
    name,
    role,
    state: nodeState(scene, name),
    marks: marksOf(scene, name),
    upstream: node?.kind === "primary" ? null : (lag?.upstream ?? expectedUpstream(scene, name)),
    timeline: position?.timeline ?? (node?.kind === "stopped" ? (node.control?.timeline ?? null) : null),
    position,
    behindBytes: behindPrimary(scene, name),
    lag,
  };
}

function recordedRole(scene: Scene, name: NodeName): "primary" | "standby" {
  return scene.authority?.primary === name ? "primary" : "standby";
}

/** Measured against the primary and not against the upstream: a cascaded standby is behind by all the links together. */
function behindPrimary(scene: Scene, name: NodeName): number | null {
  const primary = scene.authority === null ? undefined : seen(scene, scene.authority.primary);
  const node = seen(scene, name);
  if (
    primary?.kind !== "primary" ||
    node?.kind !== "standby" ||
    marksOf(scene, name).some((mark) => mark !== "not-in-file")
  ) {
    return null;
  }
  const replayed =
    scene.lags.get(name)?.replay.bytes === 0 && scene.lags.get(name)?.upstream === scene.authority?.primary;
  if (replayed) return 0;
  return bytesAlong(
    { timeline: node.received.timeline, lsn: node.replayed },
    primary.flushed,
    primary.history,
  );
}
