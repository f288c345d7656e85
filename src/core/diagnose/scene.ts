/** Everything that a diagnosis is made from, with what several findings need worked out once. No judgement in here. */
import type { Authority } from "../authority.ts";
import { referenceHistory } from "../candidates.ts";
import { type StandbyLag, standbyLags } from "../lag.ts";
import type { NodeObservation, Observation } from "../observation.ts";
import { type ClusterSpec, type NodeName, nodeSpec, upstreamOf } from "../spec.ts";
import type { TimelineHistory } from "../timeline.ts";
import { type Divergence, divergence } from "./divergence.ts";

export interface Scene {
  readonly spec: ClusterSpec;
  /** Null: there is no record. */
  readonly authority: Authority | null;
  readonly observation: Observation;
  /** What the others' histories are measured by; null: nothing to measure by was seen. */
  readonly reference: TimelineHistory | null;
  readonly lags: ReadonlyMap<NodeName, StandbyLag>;
  /** The nodes of the file in its order, then the others of which anything is left. */
  readonly names: readonly NodeName[];
}

export function sceneOf(spec: ClusterSpec, authority: Authority | null, observation: Observation): Scene {
  const named = spec.nodes.map((node) => node.name);
  const others = Object.entries(observation.nodes).flatMap(([name, node]) =>
    named.includes(name) || isGone(node) ? [] : [name],
  );
  return {
    spec,
    authority,
    observation,
    reference: referenceHistory(authority, observation),
    lags: new Map(standbyLags(spec, authority, observation).map((lag) => [lag.node, lag])),
    names: [...named, ...others],
  };
}

/** Neither in the file nor anywhere else: only its name is still remembered. */
function isGone(node: NodeObservation): boolean {
  return node.kind === "absent" && !node.debris;
}

export function seen(scene: Scene, name: NodeName): NodeObservation | undefined {
  return scene.observation.nodes[name];
}

export function isInFile(scene: Scene, name: NodeName): boolean {
  return nodeSpec(scene.spec, name) !== null;
}

/** Whom the file tells it to follow; null for the primary, for a node outside of the file, and without a record. */
export function expectedUpstream(scene: Scene, name: NodeName): NodeName | null {
  if (scene.authority === null || !isInFile(scene, name)) return null;
  return upstreamOf(scene.spec, name, scene.authority.primary);
}

/** The identity of the data on the node; null where it could not be read. */
export function identityOf(node: NodeObservation | undefined): string | null {
  if (node?.kind === "primary" || node?.kind === "standby") return node.systemIdentifier;
  return node?.kind === "stopped" ? (node.control?.systemIdentifier ?? null) : null;
}

/** Whether the node's WAL is known to have left the cluster's history. A stopped one is judged by its last checkpoint. */
export function divergenceOf(scene: Scene, name: NodeName): Divergence | null {
  const node = seen(scene, name);
  if (scene.reference === null || name === scene.authority?.primary) return null;
  if (node?.kind === "standby") return divergence(node.received, node.history, scene.reference);
  if (node?.kind === "stopped" && node.control !== null) {
    const position = { timeline: node.control.timeline, lsn: node.control.checkpoint };
    return divergence(position, null, scene.reference);
  }
  return null;
}
