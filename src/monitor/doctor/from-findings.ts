/** Checks that the diagnosis has answered already: its findings, each with the best remedy that can be typed. */
import type { Finding, FindingCode } from "../../core/diagnose/finding.ts";
import { nextSteps } from "../../core/diagnose/next-steps.ts";
import {
  type Check,
  type Problem,
  type Remedy,
  onCluster,
  problem,
  psql,
  silenceOf,
  sqlText,
  unseenServers,
} from "./check.ts";
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

/** Where the host itself does not answer, they say nothing of the nodes. */
const UNREACHED: ReadonlySet<FindingCode> = new Set(["primary-unseen", "standby-unreachable"]);

export interface FindingsCheck {
  readonly codes: readonly FindingCode[];
  readonly goodText: (made: MadeFacts, cluster: ClusterFacts) => string;
  /** Which servers must have answered before the check can pass. */
  readonly needs: "all" | "primary";
  /** Notes that are said although all is well. */
  readonly notes?: readonly FindingCode[];
}

export function fromFindings({ codes, goodText, needs, notes = [] }: FindingsCheck): Check["run"] {
  return onCluster((cluster) => {
    const { made } = cluster;
    if (made === null) return null;
    const found = made.diagnosis.findings.filter(
      (one) =>
        codes.includes(one.code) &&
        one.severity !== "note" &&
        (cluster.host.seen || !UNREACHED.has(one.code)),
    );
    const said = made.diagnosis.findings.filter((one) => notes.includes(one.code) && one.severity === "note");
    const text = [goodText(made, cluster), ...said.map((one) => one.message)]
      .filter((part) => part !== "")
      .join("; ");
    const missed = needs === "all" ? unseenServers(cluster) : unseenPrimary(cluster, made);
    // Nothing was found that it could be said of, such as before the cluster is made.
    if (found.length === 0 && text === "" && missed === null) return null;
    return {
      problems: found.map((one) => fromFinding(one, cluster, made)),
      good: text,
      unseen: missed,
    };
  });
}

function unseenPrimary(cluster: ClusterFacts, { authority, observation }: MadeFacts): string | null {
  if (authority === null) return null;
  return observation.nodes[authority.primary]?.kind === "primary"
    ? null
    : silenceOf(cluster, [authority.primary]);
}

function fromFinding(one: Finding, { spec }: ClusterFacts, made: MadeFacts): Problem {
  const level = one.severity === "error" ? "fail" : "warning";
  return problem(level, one.node, one.message, remedyOf(one, spec, made));
}

function remedyOf(one: Finding, spec: ClusterFacts["spec"], made: MadeFacts): Remedy {
  const { observation, diagnosis } = made;
  const { findings, outlook } = diagnosis;
  const steps = nextSteps({ spec, observation, findings, outlook }, [one]);
  const step = steps.find(({ verb }) => verb === null || !LATER_VERBS.has(verb));
  if (step === undefined) return { command: "pgrep-kit status" };
  if (step.command === null) return sentence(step.why);
  return {
    advice: step.once === undefined ? "" : `${sentence(step.once).slice(0, -1)}:`,
    command: step.command,
    remark: step.why === "" ? "" : sentence(step.why),
  };
}

export function dropSlot(holder: string, slot: string): Remedy {
  return {
    advice: "If nobody needs it:",
    command: psql(holder, `select pg_drop_replication_slot(${sqlText(slot)})`),
  };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
