/**
 * The commit rule, from what is in force to what the file asks for (laws L4 and L7): record the demand, tell every node,
 * then prove it. Withdrawing records first, too: a proof must never outlive the settings it rests on.
 */
import { type CommitRule, confirmers, ruleOf, sameRule, synchronousStandbyNames } from "../commit-rule.ts";
import { isSettled } from "../authority.ts";
import { type Observation, isRunning } from "../observation.ts";
import type { Step } from "../plan.ts";
import type { Refusal } from "../refusals.ts";
import type { NodeName } from "../spec.ts";
import { type Draft, configurationOf, record, stage } from "./draft.ts";
import { isWeakCommit, obeys, synchronousOf } from "./drift.ts";

/**
 * A rule that was proved, or is being proved, but that the primary does not run by, because its settings were changed
 * by other hands: acknowledged commits may be anywhere. The proof is withdrawn before anything else is done.
 */
export function doubtTampered(draft: Draft): void {
  const settings = synchronousOf(draft.observation.nodes[draft.authority.primary]);
  const { proofs } = draft.authority;
  if (settings === null || proofs.some((proof) => obeys(settings, proof.rule))) return;
  const afterWeakCommit = isWeakCommit(settings.synchronousCommit);
  const isProved = proofs.some((proof) => proof.since !== null);
  // What is pending is not believed yet; but that its statements may wait for nobody has to be known.
  const isNews = afterWeakCommit && proofs.some((proof) => !proof.afterWeakCommit);
  if (!isProved && !isNews) return;
  record(
    draft,
    { kind: "doubt", afterWeakCommit },
    `because ${draft.authority.primary} does not run by the rule that is recorded`,
  );
}

/**
 * Adds what brings the commit rule to the file's; returns why it must not, or cannot, if so. `blocked`: standbys that
 * nobody will bring back now; a proof that needs one of them is not waited for.
 */
export function planCommitRule(
  draft: Draft,
  allowBlocking: boolean,
  blocked: ReadonlyMap<NodeName, Refusal> = new Map(),
): Refusal | null {
  const wanted = ruleOf(draft.spec);
  if (!sameRule(draft.authority.rule, wanted)) {
    const refusal = wanted === null || allowBlocking ? null : wouldBlock(draft, wanted);
    if (refusal !== null) return refusal;
    const settings = synchronousOf(draft.observation.nodes[draft.authority.primary]);
    const afterWeakCommit = settings !== null && isWeakCommit(settings.synchronousCommit);
    record(draft, { kind: "demand", rule: wanted, afterWeakCommit }, whyRecordFirst(wanted));
    stage(draft, tellEveryNode(draft));
  }
  if (wanted !== null && !isSettled(draft.authority)) {
    const { proofs, primary } = draft.authority;
    const missing = confirmers(wanted, primary).find((name) => blocked.has(name));
    if (missing !== undefined) return blocked.get(missing) ?? null;
    stage(draft, [
      {
        kind: "confirm-rule",
        node: primary,
        rule: wanted,
        afterWeakCommit: proofs.some((proof) => proof.afterWeakCommit),
        fromNothing: proofs.every((proof) => proof.since === null),
        because: "so that the rule is known to cover every commit from there on",
      },
    ]);
  }
  return null;
}

function whyRecordFirst(rule: CommitRule | null): string {
  return rule === null
    ? "before any node is told, so that no proof outlives its settings"
    : "before any node is told, so that an interrupted change is known";
}

function tellEveryNode(draft: Draft): Step[] {
  const names = synchronousStandbyNames(draft.authority.rule);
  const because =
    names === ""
      ? "so that no commit waits for a standby"
      : `so that commits wait by ${names}, whoever is primary`;
  return [...draft.running].map((node) => ({
    kind: "configure",
    node,
    configuration: configurationOf(draft, node),
    because,
  }));
}

/** A demand that nobody could meet would stop every commit at once. */
function wouldBlock(draft: Draft, rule: CommitRule): Refusal | null {
  const { primary } = draft.authority;
  const able = confirmers(rule, primary).filter(
    (name) => draft.running.has(name) && !isUnable(draft.observation, name, rule),
  );
  if (able.length >= rule.acks) return null;
  const listed = confirmers(rule, primary);
  return {
    code: "would-block",
    message: `every commit would wait: ${able.length} of ${listed.length} standbys could confirm, ${rule.acks} must`,
    detail: `They do not stream from ${primary}, or would have to replay and are paused: ${listed.filter((name) => !able.includes(name)).join(", ")}.`,
    hint: "Bring the standbys back first (pgrep-kit up), or ask for it all the same with --allow-blocking.",
  };
}

/** Runs, but is known not to confirm such commits: it does not stream, or must replay and does not. Who is about to start may yet. */
function isUnable(observation: Observation, name: NodeName, rule: CommitRule): boolean {
  const node = observation.nodes[name];
  if (!isRunning(node)) return false;
  if (node.kind !== "standby" || node.receiver?.streaming !== true) return true;
  return rule.commit === "remote_apply" && node.replayPaused;
}
