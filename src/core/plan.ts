/**
 * Plans: what is to be done, as data. A plan is a list of stages; the steps of one stage do not depend on one another
 * and run side by side. Every kind of step has one idempotent handler in `runtime/steps/` (law L9), but for
 * `record-authority`, which is the controller's own.
 */
import type { AuthorityChange } from "./authority.ts";
import type { CommitRule } from "./commit-rule.ts";
import type { NodeConfiguration } from "./node-configuration.ts";
import type { NodeName } from "./spec.ts";

export type StepAction =
  | { readonly kind: "record-authority"; readonly change: AuthorityChange }
  /** An empty data directory with checksums and SCRAM; whole or absent (L8). */
  | { readonly kind: "initialise"; readonly node: NodeName }
  /** A base backup of `from`; whole or absent (L8). */
  | { readonly kind: "clone"; readonly node: NodeName; readonly from: NodeName; readonly slot: string }
  /** Writes the configuration, then starts the server and waits until it accepts connections. */
  | { readonly kind: "start"; readonly node: NodeName; readonly configuration: NodeConfiguration }
  /** Writes the configuration of a running node, reloads it, and waits until the server reports it. */
  | { readonly kind: "configure"; readonly node: NodeName; readonly configuration: NodeConfiguration }
  /** A fast shutdown. */
  | { readonly kind: "stop"; readonly node: NodeName }
  /** Roles, database and sample. */
  | { readonly kind: "prepare"; readonly node: NodeName }
  | { readonly kind: "make-slots"; readonly node: NodeName; readonly slots: readonly string[] }
  | { readonly kind: "drop-slots"; readonly node: NodeName; readonly slots: readonly string[] }
  | { readonly kind: "await-streaming"; readonly node: NodeName; readonly from: NodeName }
  /** Ends when every confirmer has flushed past the LSN at which `rule` took effect on `node`; yields that position. */
  | {
      readonly kind: "confirm-rule";
      readonly node: NodeName;
      readonly rule: CommitRule;
      /** Statements from before may have been told to wait for nobody: they must have ended. */
      readonly afterWeakCommit: boolean;
      /** No rule is proved to be in force: that commits wait at all has to be shown, too. */
      readonly fromNothing: boolean;
    }
  /** Stops the node and removes its data: only for nodes that left the file. */
  | { readonly kind: "remove"; readonly node: NodeName };

export type Step = StepAction & {
  /** Why, as the end of a sentence: "so that it has the slot when it connects". */
  readonly because: string;
};

export type Stage = readonly Step[];
export type Plan = readonly Stage[];
export type StepKind = Step["kind"];

/** The node that a step works on; null for the record, which belongs to no node. */
export function stepNode(step: Step): NodeName | null {
  return step.kind === "record-authority" ? null : step.node;
}
