/** One thing worth telling, with its facts. Messages are short, factual, and without colour or a full stop. */
import type { NodeName } from "../spec.ts";

/** `error`: writes, safety or a standby are lost. `warning`: less than the file asks for. `note`: healthy all the same. */
export type Severity = "error" | "warning" | "note";

export const FINDING_CODES = [
  "split-brain",
  "no-authority",
  "foreign-data",
  "primary-lost",
  "primary-in-recovery",
  "primary-behind",
  "primary-unseen",
  "primary-starting",
  "primary-not-in-file",
  "proof-void",
  "commit-settings-changed",
  "commits-blocked",
  "diverged",
  "slot-lost",
  "slot-unreserved",
  "slot-missing",
  "slot-orphaned",
  "standby-stopped",
  "standby-starting",
  "standby-frozen",
  "standby-unreachable",
  "standby-missing",
  "standby-half-copied",
  "standby-disconnected",
  "standby-catching-up",
  "standby-silent",
  "replay-paused",
  "wrong-upstream",
  "behind",
  "delayed",
  "not-in-file",
  "not-prepared",
  "settings-not-written",
  "settings-not-loaded",
  "settings-changed",
  "settings-overridden",
  "restart-pending",
  "mode-not-applied",
  "proof-pending",
  "proof-changing",
  "unknown-receiver",
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];
export type Fact = string | number | boolean | null;

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Null: it is about the cluster. */
  readonly node: NodeName | null;
  readonly message: string;
  readonly facts: Readonly<Record<string, Fact>>;
}

export function finding(
  severity: Severity,
  code: FindingCode,
  node: NodeName | null,
  message: string,
  facts: Readonly<Record<string, Fact>> = {},
): Finding {
  return { code, severity, node, message, facts };
}

const ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** The gravest first; among equals as they were found. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => ORDER[a.severity] - ORDER[b.severity]);
}
