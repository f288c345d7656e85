/**
 * Law L3, the arithmetic: with W of N listed standbys confirming each commit, any R of the N that were reached
 * hold every acknowledged commit between them if R + W > N. FIRST and ANY count alike.
 */
import { type CommitRule, confirmers } from "./commit-rule.ts";
import type { NodeName } from "./spec.ts";

export interface Arithmetic {
  readonly rule: CommitRule;
  /** N, as names. */
  readonly listed: readonly NodeName[];
  /** R, as names. */
  readonly reached: readonly NodeName[];
  /** R + W > N. */
  readonly holds: boolean;
}

/** The arithmetic of one rule while `primary` was the primary and `reached` answer. */
export function arithmetic(rule: CommitRule, primary: NodeName, reached: readonly NodeName[]): Arithmetic {
  const listed = confirmers(rule, primary);
  const counted = listed.filter((name) => reached.includes(name));
  return { rule, listed, reached: counted, holds: counted.length + rule.acks > listed.length };
}
