/**
 * A plan in the making. It carries what will be true once the stages so far are done (the record as it will be),
 * so that a whole plan can be shown before the first step is taken; only its first stage is ever applied.
 */
import { present } from "../../support/assert.ts";
import { type Authority, type AuthorityChange, changed } from "../authority.ts";
import { type NodeConfiguration, desiredConfiguration } from "../node-configuration.ts";
import { type Observation, isRunning } from "../observation.ts";
import type { Step } from "../plan.ts";
import type { ClusterSpec, NodeName } from "../spec.ts";

export interface Draft {
  readonly spec: ClusterSpec;
  readonly observation: Observation;
  /** As it will be after the stages so far. */
  authority: Authority;
  readonly stages: Step[][];
  /** Nodes that will run after the stages so far. */
  readonly running: Set<NodeName>;
}

export function newDraft(spec: ClusterSpec, authority: Authority, observation: Observation): Draft {
  const running = spec.nodes.map((node) => node.name).filter((name) => isRunning(observation.nodes[name]));
  return { spec, observation, authority, stages: [], running: new Set(running) };
}

/** The nodes of the file that should follow. */
export function standbysOf(draft: Draft): NodeName[] {
  return draft.spec.nodes.map((node) => node.name).filter((name) => name !== draft.authority.primary);
}

export function stage(draft: Draft, steps: Step[]): void {
  if (steps.length > 0) draft.stages.push(steps);
}

/** Adds a change of the record as a stage of its own: it must be durable before anybody acts on it. */
export function record(draft: Draft, change: AuthorityChange, because: string): void {
  draft.authority = present(changed(draft.authority, change), "the record after a planned change");
  stage(draft, [{ kind: "record-authority", change, because }]);
}

export function configurationOf(draft: Draft, node: NodeName): NodeConfiguration {
  return desiredConfiguration(draft.spec, draft.authority, node, draft.observation);
}
