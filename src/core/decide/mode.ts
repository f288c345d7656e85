/**
 * Change what commits wait for on a live cluster, and nothing else: what is down stays down, and what is not attached
 * stays so. Settings of running servers that are not as they should be are put right on the way, or no rule could be proved.
 */
import type { Authority } from "../authority.ts";
import { confirmers, ruleOf } from "../commit-rule.ts";
import type { Decision, Intent } from "../decision.ts";
import type { Observation } from "../observation.ts";
import type { Refusal } from "../refusals.ts";
import type { ClusterSpec, NodeName } from "../spec.ts";
import { blockedStandbys } from "./blocked-standbys.ts";
import { doubtTampered, planCommitRule } from "./commit-mode.ts";
import { newDraft } from "./draft.ts";
import { planDrift } from "./plan-drift.ts";
import { clusterRefusals, nothingFounded, primaryRefusals } from "./safety.ts";

export function decideMode(
  intent: Intent & { kind: "mode" },
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
): Decision {
  if (authority === null) return { kind: "refuse", refusals: [nothingFounded()] };
  const refusals = [
    ...clusterRefusals(spec, authority, observation),
    ...primaryDown(spec, authority, observation),
  ];
  if (refusals.length > 0) return { kind: "refuse", refusals };
  const draft = newDraft(spec, authority, observation);
  const blocked = blockedStandbys(draft);
  for (const name of blocked.keys()) draft.running.delete(name);
  doubtTampered(draft);
  planDrift(draft, blocked);
  const refusal = planCommitRule(draft, intent.allowBlocking);
  if (refusal !== null) {
    const listed = confirmersOf(spec, authority);
    const standing = [...blocked].flatMap(([name, why]) => (listed.includes(name) ? [why] : []));
    return { kind: "refuse", refusals: [refusal, ...standing] };
  }
  return draft.stages.length > 0 ? { kind: "act", plan: draft.stages } : { kind: "settled" };
}

/** Those by whom the rule that is asked for is proved. */
function confirmersOf(spec: ClusterSpec, { primary }: Authority): NodeName[] {
  const rule = ruleOf(spec);
  return rule === null ? [] : confirmers(rule, primary);
}

function primaryDown(spec: ClusterSpec, authority: Authority, observation: Observation): Refusal[] {
  const primary = observation.nodes[authority.primary];
  // One that was not seen may run well; whatever else keeps it from being used is a refusal of its own.
  if (primary?.kind === "primary" || primaryRefusals(spec, authority, observation).length > 0) return [];
  return [
    {
      code: "primary-down",
      message: `${authority.primary}, the primary, does not run`,
      detail: "What commits wait for is changed, and proved, on a running primary.",
      hint: "Start it first: pgrep-kit up",
    },
  ];
}
