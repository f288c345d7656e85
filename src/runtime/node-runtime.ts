/**
 * PORT: how the controller sees and changes the nodes. `postgres-runtime.ts` does it for real servers;
 * the simulator will do it for imagined ones, under the same `drive` and `decide`.
 */
import type { Observation } from "../core/observation.ts";
import type { Step } from "../core/plan.ts";
import type { NodeName } from "../core/spec.ts";
import type { WalPosition } from "../core/timeline.ts";

/** What a step found out that a later decision rests on. */
export type StepOutcome =
  | { readonly kind: "done" }
  /** `confirm-rule`: from here on every acknowledged commit obeys the rule. */
  | { readonly kind: "confirmed"; readonly since: WalPosition }
  /** The deadline passed. Nothing is known about the effect: observe again (law L9). */
  | { readonly kind: "unknown"; readonly waitedFor: string };

export interface NodeRuntime {
  observe(nodes: readonly NodeName[], signal?: AbortSignal): Promise<Observation>;
  apply(step: Step, signal: AbortSignal): Promise<StepOutcome>;
}
