/**
 * What a failover would lose if the primary died now (laws L3 to L5): nothing, with the arithmetic that proves it;
 * up to a bound; or nobody can say, with all the reasons. It speaks of commits that asked to be confirmed: a transaction
 * that set synchronous_commit to local or off for itself is outside every proof.
 */
import { type Authority, coverage } from "./authority.ts";
import { type Candidacy, candidacy } from "./candidates.ts";
import type { CommitRule } from "./commit-rule.ts";
import { obeys, synchronousOf } from "./decide/drift.ts";
import type { Observation } from "./observation.ts";
import { standbysAhead } from "./primary-behind.ts";
import { type Arithmetic, arithmetic } from "./quorum.ts";
import type { ClusterSpec, NodeName } from "./spec.ts";
import { type WalPosition, bytesAlong } from "./timeline.ts";

export type LossOutlook =
  /** No acknowledged commit would be lost. */
  | {
      readonly kind: "proved";
      readonly candidate: NodeName;
      readonly arithmetic: readonly Arithmetic[];
      readonly since: WalPosition;
    }
  /** Commits wait for no standby. Null bound: the primary's position is not known. */
  | { readonly kind: "lossy"; readonly candidate: NodeName; readonly boundBytes: number | null }
  | {
      readonly kind: "refused";
      readonly reasons: readonly OutlookReason[];
      /** Whom to promote, and what it would cost at most, if the loss were accepted; null: not even that. */
      readonly accepting: { readonly candidate: NodeName; readonly boundBytes: number | null } | null;
    }
  /** There is no cluster to fail over. */
  | { readonly kind: "none" };

export type OutlookCode =
  | "split-brain"
  | "contradicting-histories"
  | "no-candidate"
  | "proof-pending"
  | "proof-void"
  | "quorum-not-reached";

export interface OutlookReason {
  readonly code: OutlookCode;
  /** A short factual sentence without a full stop. */
  readonly message: string;
}

export function lossOutlook(
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
): LossOutlook {
  if (authority === null || authority.systemIdentifier === null) return { kind: "none" };
  const choice = candidacy(spec, authority, observation);
  const best = choice.ranked[0];
  const unsafe = [...splitBrain(authority, observation), ...unclearOrder(choice)];
  if (best === undefined)
    unsafe.push({ code: "no-candidate", message: "no standby that could take over was seen" });
  if (best === undefined || unsafe.length > 0) return { kind: "refused", reasons: unsafe, accepting: null };
  const boundBytes = bound(authority, observation, best.received);
  const accepting = { candidate: best.node, boundBytes };
  const covered = coverage(authority);
  if (covered.kind === "none") return { kind: "lossy", ...accepting };
  const voided = voidedProof(authority, observation) ?? wentBack(authority, observation);
  if (voided !== null) return { kind: "refused", reasons: [voided], accepting };
  if (covered.kind === "pending") return { kind: "refused", reasons: [pending()], accepting };
  const sums = covered.rules.map((rule) =>
    arithmetic(rule, authority.primary, reachedSince(choice, covered.since)),
  );
  const failing = sums.filter((sum) => !sum.holds);
  if (failing.length > 0) return { kind: "refused", reasons: unlike(failing.map(notReached)), accepting };
  return { kind: "proved", candidate: best.node, arithmetic: sums, since: covered.since };
}

/** `2 reached + 1 confirms > 2 listed`, or why not. */
export function arithmeticText(sum: Arithmetic): string {
  const compared = sum.holds ? ">" : "is not more than";
  return `${sum.reached.length} reached + ${confirmText(sum.rule)} ${compared} ${sum.listed.length} listed`;
}

function confirmText(rule: CommitRule): string {
  return rule.acks === 1 ? "1 confirms" : `${rule.acks} confirm`;
}

function splitBrain(authority: Authority, observation: Observation): OutlookReason[] {
  return Object.entries(observation.nodes)
    .filter(([name, node]) => node.kind === "primary" && name !== authority.primary)
    .map(([name]) => ({ code: "split-brain", message: `${name} accepts writes without authority` }));
}

function unclearOrder(choice: Candidacy): OutlookReason[] {
  const { contradicting, ranked } = choice;
  if (contradicting.length === 0) return [];
  const others = ranked.map((one) => one.node).join(", ");
  const message = `the histories of ${contradicting.join(", ")} and ${others} contradict each other, and no primary says which is right`;
  return [{ code: "contradicting-histories", message }];
}

/** Settings changed by other hands: from then on nobody knows who confirmed what. */
function voidedProof(authority: Authority, observation: Observation): OutlookReason | null {
  const settings = synchronousOf(observation.nodes[authority.primary]);
  if (settings === null || authority.proofs.length === 0) return null;
  if (authority.proofs.some((proof) => obeys(settings, proof.rule))) return null;
  const message = `${authority.primary} does not run by the commit rule that was proved, so the proof does not hold`;
  return { code: "proof-void", message };
}

/** Its standbys confirm what they have received in another past: nothing is proved by that. */
function wentBack(authority: Authority, observation: Observation): OutlookReason | null {
  const [first] = standbysAhead(authority, observation);
  if (first === undefined) return null;
  const message = `${authority.primary} is behind ${first.node}: its data is older than it was, so the proof does not hold`;
  return { code: "proof-void", message };
}

function pending(): OutlookReason {
  return { code: "proof-pending", message: "it is not proved yet that every commit obeys the commit rule" };
}

function notReached(sum: Arithmetic): OutlookReason {
  return { code: "quorum-not-reached", message: arithmeticText(sum) };
}

/** The old rule and the new one may fail by the same arithmetic. */
function unlike(reasons: readonly OutlookReason[]): OutlookReason[] {
  return reasons.filter(
    (one, place) => reasons.findIndex(({ message }) => message === one.message) === place,
  );
}

/**
 * Candidates that hold at least what the proof begins with. A listed standby behind that place has lost what it once
 * confirmed (an older copy was put back), so that it says nothing about the others' commits.
 */
function reachedSince(choice: Candidacy, since: WalPosition): NodeName[] {
  return choice.ranked.filter(({ received }) => !isBefore(received, since)).map((one) => one.node);
}

/** Positions on one history: an earlier timeline is earlier. */
function isBefore(position: WalPosition, place: WalPosition): boolean {
  if (position.timeline !== place.timeline) return position.timeline < place.timeline;
  return position.lsn < place.lsn;
}

/** What the primary has flushed and the best standby has not received; null where the primary is not seen. */
function bound(authority: Authority, observation: Observation, received: WalPosition): number | null {
  const primary = observation.nodes[authority.primary];
  if (primary?.kind === "primary") return bytesAlong(received, primary.flushed, primary.history);
  if (primary?.kind === "standby") return bytesAlong(received, primary.received, primary.history);
  return null;
}
