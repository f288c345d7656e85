/**
 * The authority record (laws L1 and L4): who may be primary, and which commit rules cover the acknowledged commits.
 * Here is its shape and its only legal changes, as pure functions; `control/authority-store.ts` makes them durable.
 */
import { type CommitRule, sameRule } from "./commit-rule.ts";
import type { NodeName } from "./spec.ts";
import type { WalPosition } from "./timeline.ts";

/** One rule that acknowledged commits may rest on. */
export interface Proof {
  readonly rule: CommitRule;
  /** Every acknowledged commit from here on obeys the rule; null while that is still to be shown. */
  readonly since: WalPosition | null;
  /**
   * While pending: the primary ran with `synchronous_commit` off or local before, so that a statement which began
   * then may still commit without waiting for anybody. Such statements must have ended before the rule is proved.
   */
  readonly afterWeakCommit: boolean;
}

export interface Authority {
  readonly cluster: string;
  readonly term: number;
  readonly primary: NodeName;
  /** Of the data; null until the first primary was seen running. */
  readonly systemIdentifier: string | null;
  /** What the nodes are told to demand now; null: commits wait for no standby. */
  readonly rule: CommitRule | null;
  /**
   * Together they cover every acknowledged commit, if none is pending but the last. Empty: nothing is proved.
   * During a change of N or W both the old rule and the new, pending one are here: the arithmetic of both must hold (L4).
   */
  readonly proofs: readonly Proof[];
}

export type AuthorityChange =
  | { readonly kind: "found"; readonly cluster: string; readonly primary: NodeName }
  | { readonly kind: "identify"; readonly systemIdentifier: string }
  /** Ask for a rule: to be recorded before any node is told. A null rule withdraws every proof first. */
  | { readonly kind: "demand"; readonly rule: CommitRule | null; readonly afterWeakCommit: boolean }
  /** What was proved no longer holds (settings changed by hand): keep the demand, prove it anew. */
  | { readonly kind: "doubt"; readonly afterWeakCommit: boolean }
  /** The demanded rule covers every commit from `since` on. */
  | { readonly kind: "prove"; readonly rule: CommitRule; readonly since: WalPosition };

/** The record after `change`, or null where the change does not apply to the record as it is (somebody was quicker). */
export function changed(authority: Authority | null, change: AuthorityChange): Authority | null {
  if (change.kind === "found") {
    if (authority !== null) return null;
    return {
      cluster: change.cluster,
      term: 1,
      primary: change.primary,
      systemIdentifier: null,
      rule: null,
      proofs: [],
    };
  }
  if (authority === null) return null;
  switch (change.kind) {
    case "identify":
      return authority.systemIdentifier === null
        ? { ...authority, systemIdentifier: change.systemIdentifier }
        : null;
    case "demand":
      return {
        ...authority,
        rule: change.rule,
        proofs: demanded(authority.proofs, change.rule, change.afterWeakCommit),
      };
    case "doubt":
      return {
        ...authority,
        proofs: pendingOnly(authority.rule, change.afterWeakCommit || isWeak(authority.proofs)),
      };
    case "prove":
      if (!sameRule(authority.rule, change.rule)) return null;
      return { ...authority, proofs: [{ rule: change.rule, since: change.since, afterWeakCommit: false }] };
  }
}

/**
 * The proofs once `rule` is demanded. A proved old rule stays beside the new one until that is proved, too;
 * a pending one never covered anything, so it falls away, but then what it interrupted stays.
 */
function demanded(proofs: readonly Proof[], rule: CommitRule | null, afterWeakCommit: boolean): Proof[] {
  const proved = proofs.filter((proof) => proof.since !== null);
  const weak = afterWeakCommit || isWeak(proofs);
  if (rule === null || proved.length === 0) return pendingOnly(rule, weak);
  const abandoned = proofs.filter((proof) => proof.since === null && !sameRule(proof.rule, rule));
  // A change that was itself interrupted may have let commits through by its own rule: keep its arithmetic as well.
  return [...proved, ...abandoned, { rule, since: null, afterWeakCommit: weak }];
}

function isWeak(proofs: readonly Proof[]): boolean {
  return proofs.some((proof) => proof.afterWeakCommit);
}

function pendingOnly(rule: CommitRule | null, afterWeakCommit: boolean): Proof[] {
  return rule === null ? [] : [{ rule, since: null, afterWeakCommit }];
}

export type Coverage =
  /** No rule: commits wait for no standby. */
  | { readonly kind: "none" }
  /** A rule is demanded, but earlier commits may not obey it. */
  | { readonly kind: "pending"; readonly rule: CommitRule }
  /** Every acknowledged commit obeys at least one of `rules`; with more than one, a failover must satisfy them all. */
  | { readonly kind: "proved"; readonly rules: readonly CommitRule[]; readonly since: WalPosition };

export function coverage(authority: Authority): Coverage {
  const first = authority.proofs[0];
  if (authority.rule === null || first === undefined) return { kind: "none" };
  if (first.since === null) return { kind: "pending", rule: authority.rule };
  return { kind: "proved", rules: authority.proofs.map((proof) => proof.rule), since: first.since };
}

/** The demanded rule is the proved one, and no change is under way. */
export function isSettled(authority: Authority): boolean {
  const [only, ...others] = authority.proofs;
  if (authority.rule === null) return only === undefined;
  return (
    only !== undefined && others.length === 0 && only.since !== null && sameRule(only.rule, authority.rule)
  );
}
