/**
 * The documented shape of `status -o json|yaml`; `guides/json.md` lists every key. Keys are never renamed or dropped
 * within a version; LSNs are text in PostgreSQL's notation; units stand last in names.
 */
import { type Authority, coverage } from "../core/authority.ts";
import { confirmers } from "../core/commit-rule.ts";
import type { Diagnosis, NodeDiagnosis, Verdict } from "../core/diagnose.ts";
import { remarkOf } from "../core/diagnose/next-steps.ts";
import type { Fact, FindingCode, Severity } from "../core/diagnose/finding.ts";
import type { LossOutlook, OutlookReason } from "../core/loss-outlook.ts";
import { formatLsn } from "../core/lsn.ts";
import { type Observation, isRunning } from "../core/observation.ts";
import { type ClusterSpec, nodeSpec } from "../core/spec.ts";
import type { WalPosition } from "../core/timeline.ts";
import { type StageReport, stageReport } from "./lag-report.ts";

interface PositionReport {
  readonly timeline: number;
  readonly lsn: string;
}

export interface StatusReport {
  readonly version: 1;
  readonly cluster: string;
  readonly observedAt: string;
  readonly runtime: string;
  readonly verdict: Verdict;
  readonly term: number | null;
  /** The node with the authority. */
  readonly primary: string | null;
  readonly commit: {
    readonly mode: "async" | "sync" | "quorum";
    readonly acks: number;
    readonly level: string;
    readonly confirmers: readonly string[];
    readonly proof: "none" | "pending" | "proved";
    readonly provedSince: PositionReport | null;
  } | null;
  readonly nodes: readonly NodeReport[];
  readonly findings: readonly {
    readonly code: FindingCode;
    readonly severity: Severity;
    readonly node: string | null;
    readonly message: string;
    readonly facts: Readonly<Record<string, Fact>>;
  }[];
  readonly outlook: OutlookReport;
  readonly next: readonly { readonly command: string | null; readonly why: string }[];
}

interface NodeReport {
  readonly name: string;
  readonly inFile: boolean;
  readonly role: string;
  readonly state: string;
  readonly marks: readonly string[];
  readonly upstream: string | null;
  readonly timeline: number | null;
  readonly lsn: string | null;
  readonly behindBytes: number | null;
  readonly serverVersion: number | null;
  readonly startedAt: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly lag: StageReport | null;
}

interface OutlookReport {
  readonly kind: LossOutlook["kind"];
  readonly candidate: string | null;
  /** At most this much is lost; 0 where nothing is, null where nobody knows. */
  readonly boundBytes: number | null;
  readonly reasons: readonly OutlookReason[];
  readonly arithmetic: readonly {
    readonly acks: number;
    readonly listed: readonly string[];
    readonly reached: readonly string[];
    readonly holds: boolean;
  }[];
}

export function statusReport(
  spec: ClusterSpec,
  authority: Authority | null,
  observation: Observation,
  diagnosis: Diagnosis,
): StatusReport {
  return {
    version: 1,
    cluster: spec.name,
    observedAt: new Date(observation.atMs).toISOString(),
    runtime: spec.runtime,
    verdict: diagnosis.verdict,
    term: authority?.term ?? null,
    primary: diagnosis.primary,
    commit: authority === null ? null : commitReport(authority),
    nodes: diagnosis.nodes.map((node) => nodeReport(node, spec, observation)),
    findings: diagnosis.findings.map(({ code, severity, node, message, facts }) => ({
      code,
      severity,
      node,
      message,
      facts,
    })),
    outlook: outlookReport(diagnosis.outlook),
    next: diagnosis.next.map((step) => ({ command: step.command, why: remarkOf(step) })),
  };
}

export function commitReport(authority: Authority): NonNullable<StatusReport["commit"]> {
  const { rule } = authority;
  const covered = coverage(authority);
  return {
    mode: rule === null ? "async" : rule.method === "FIRST" ? "sync" : "quorum",
    acks: rule?.acks ?? 0,
    level: rule?.commit ?? "on",
    confirmers: rule === null ? [] : confirmers(rule, authority.primary),
    proof: covered.kind,
    provedSince: covered.kind === "proved" ? positionReport(covered.since) : null,
  };
}

function positionReport(position: WalPosition): PositionReport {
  return { timeline: position.timeline, lsn: formatLsn(position.lsn) };
}

function nodeReport(node: NodeDiagnosis, spec: ClusterSpec, observation: Observation): NodeReport {
  const seen = observation.nodes[node.name];
  const wire = observation.wiring[node.name];
  return {
    name: node.name,
    inFile: nodeSpec(spec, node.name) !== null,
    role: node.role,
    state: node.state,
    marks: node.marks.filter((mark) => mark !== "not-in-file"),
    upstream: node.upstream,
    timeline: node.timeline,
    lsn: node.position === null ? null : formatLsn(node.position.lsn),
    behindBytes: node.behindBytes,
    serverVersion: isRunning(seen) ? seen.serverVersion : null,
    startedAt: isRunning(seen) ? new Date(seen.startedAtMs).toISOString() : null,
    host: wire?.host ?? null,
    port: wire?.port ?? null,
    lag: node.lag === null ? null : stageReport(node.lag),
  };
}

function outlookReport(outlook: LossOutlook): OutlookReport {
  const empty = { kind: outlook.kind, candidate: null, boundBytes: null, reasons: [], arithmetic: [] };
  switch (outlook.kind) {
    case "none":
      return empty;
    case "proved": {
      const sums = outlook.arithmetic.map(({ rule, listed, reached, holds }) => ({
        acks: rule.acks,
        listed,
        reached,
        holds,
      }));
      return { ...empty, candidate: outlook.candidate, boundBytes: 0, arithmetic: sums };
    }
    case "lossy":
      return { ...empty, candidate: outlook.candidate, boundBytes: outlook.boundBytes };
    case "refused":
      return {
        ...empty,
        candidate: outlook.accepting?.candidate ?? null,
        boundBytes: outlook.accepting?.boundBytes ?? null,
        reasons: outlook.reasons,
      };
  }
}
