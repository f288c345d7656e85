/** Checks that the diagnosis has answered already: its findings, each with the best remedy that can be typed. */
import type { Finding, FindingCode } from "../../core/diagnose/finding.ts";
import { nextSteps } from "../../core/diagnose/next-steps.ts";
import { type Check, type Problem, onCluster, problem, psql, sqlText, unseenServers } from "./check.ts";
import type { ClusterFacts, MadeFacts } from "./facts.ts";

/** Verbs that `nextSteps` may name and that do not exist yet. */
const LATER_VERBS: ReadonlySet<string> = new Set([
  "adopt",
  "divergence",
  "failover",
  "fence",
  "reinit",
  "rejoin",
]);

export interface FindingsCheck {
  readonly codes: readonly FindingCode[];
  readonly goodText: (made: MadeFacts, cluster: ClusterFacts) => string;
  /** Without the servers that did not answer, nothing can be said; where false, their absence is another check's. */
  readonly needsAll: boolean;
  /** Notes that are said although all is well. */
  readonly notes?: readonly FindingCode[];
}

export function fromFindings({ codes, goodText, needsAll, notes = [] }: FindingsCheck): Check["run"] {
  return onCluster((cluster) => {
    const { made } = cluster;
    if (made === null) return null;
    const found = made.diagnosis.findings.filter(
      (one) => codes.includes(one.code) && one.severity !== "note",
    );
    const said = made.diagnosis.findings.filter((one) => notes.includes(one.code) && one.severity === "note");
    const text = [goodText(made, cluster), ...said.map((one) => one.message)]
      .filter((part) => part !== "")
      .join("; ");
    return {
      problems: found.map((one) => fromFinding(one, cluster, made)),
      good: text,
      unseen: needsAll ? unseenServers(cluster) : null,
    };
  });
}

export function fromFinding(one: Finding, { spec }: ClusterFacts, made: MadeFacts): Problem {
  const level = one.severity === "error" ? "fail" : "warning";
  return problem(level, one.node, one.message, remedyOf(one, spec, made));
}

function remedyOf(one: Finding, spec: ClusterFacts["spec"], made: MadeFacts): string {
  if (one.code === "slot-orphaned") return dropSlot(String(one.facts["holder"]), String(one.facts["slot"]));
  const steps = nextSteps(spec, [one], made.diagnosis.outlook);
  const step = steps.find(({ verb }) => verb === null || !LATER_VERBS.has(verb));
  if (step === undefined) return "pgrep-kit status";
  if (step.command === null) return sentence(step.why);
  return step.why === "" ? step.command : `${step.command}  (${step.why})`;
}

export function dropSlot(holder: string, slot: string): string {
  return `If nobody needs it: ${psql(holder, `select pg_drop_replication_slot(${sqlText(slot)})`)}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
