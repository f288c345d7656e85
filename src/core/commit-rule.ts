/**
 * A commit rule: who must confirm a commit before it returns, as PostgreSQL is told it.
 * The same rule is written on every node, the primary's own name included (law L7): a server ignores its own name,
 * so nothing has to change at a promotion.
 * https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
 */
import type { ClusterSpec, CommitLevel, NodeName } from "./spec.ts";

export interface CommitRule {
  /** FIRST: the `acks` first of the list that are connected. ANY: any `acks` of the list. */
  readonly method: "FIRST" | "ANY";
  /** W. */
  readonly acks: number;
  /** Every node that may confirm, whichever of them is the primary now. */
  readonly listed: readonly NodeName[];
  readonly commit: CommitLevel;
}

/** The rule that the file asks for; null for `async`. */
export function ruleOf(spec: ClusterSpec): CommitRule | null {
  const { mode, acks, commit, among } = spec.replication;
  if (mode === "async") return null;
  // A cascaded standby is not connected to the primary and can confirm nothing to it.
  const attached = spec.nodes.filter((node) => node.upstream === null);
  const eligible = among === null ? attached : attached.filter((node) => among.includes(node.name));
  const byPriority = eligible.toSorted((a, b) => b.priority - a.priority).map((node) => node.name);
  if (mode === "sync") return { method: "FIRST", acks, listed: byPriority, commit };
  // The order means nothing to ANY: with one order only, no other order of the file looks like another rule.
  return { method: "ANY", acks, listed: byPriority.toSorted(), commit };
}

/** N's members: the listed nodes that can confirm while `primary` is the primary. */
export function confirmers(rule: CommitRule, primary: NodeName): NodeName[] {
  return rule.listed.filter((name) => name !== primary);
}

/** `ANY 1 (pg1, pg2)`, quoted where PostgreSQL needs it; the empty text for no rule. */
export function synchronousStandbyNames(rule: CommitRule | null): string {
  if (rule === null) return "";
  return `${rule.method} ${rule.acks} (${rule.listed.map(quoteListed).join(", ")})`;
}

function quoteListed(name: NodeName): string {
  return /^[a-z][a-z0-9]*$/.test(name) && name !== "any" && name !== "first" ? name : `"${name}"`;
}

export function sameRule(a: CommitRule | null, b: CommitRule | null): boolean {
  if (a === null || b === null) return a === b;
  return a.commit === b.commit && synchronousStandbyNames(a) === synchronousStandbyNames(b);
}
