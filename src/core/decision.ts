/** What `decide` answers, and what it is asked. */
import type { NodeName } from "./spec.ts";
import type { Plan } from "./plan.ts";
import type { Refusal } from "./refusals.ts";

export type Intent =
  /** Converge to the file: `init`, `up`, `add-standby`, `remove-standby`. */
  | {
      readonly kind: "up";
      /** Turn synchronous commit on even though no standby could confirm: every commit would wait. */
      readonly allowBlocking: boolean;
      /** Nodes that left the file and whose data the user agreed to lose. */
      readonly remove: readonly NodeName[];
      /** A standby that must be left alone ends the command in a refusal only if it is one of these; null: any is. */
      readonly concerning: readonly NodeName[] | null;
    }
  /** Change what commits wait for, and nothing else: what is down stays down. */
  | { readonly kind: "mode"; readonly allowBlocking: boolean }
  | { readonly kind: "down" }
  /** Restart each of `nodes`; standbys first. */
  | {
      readonly kind: "restart";
      readonly nodes: readonly NodeName[];
      /** When the servers were started that the command met, by their own clocks; null: none ran. */
      readonly before: Readonly<Record<NodeName, number | null>>;
    };

export type Decision =
  | { readonly kind: "settled" }
  | { readonly kind: "act"; readonly plan: Plan }
  | { readonly kind: "refuse"; readonly refusals: readonly Refusal[] };
