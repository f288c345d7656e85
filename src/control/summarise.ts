/** An observation in one line, for the journal: the facts that a decision rested on, without judging them. */
import type { Authority } from "../core/authority.ts";
import { formatLsn } from "../core/lsn.ts";
import type { NodeObservation, Observation } from "../core/observation.ts";

export function summarise(authority: Authority | null, observation: Observation): string {
  const record = authority === null ? "no record" : `term ${authority.term} belongs to ${authority.primary}`;
  const nodes = Object.entries(observation.nodes).map(([name, node]) => `${name} ${describe(node)}`);
  return [record, ...nodes].join("; ");
}

function describe(node: NodeObservation): string {
  switch (node.kind) {
    case "primary":
      return `primary at ${node.flushed.timeline}:${formatLsn(node.flushed.lsn)}`;
    case "standby":
      return `standby, received ${node.received.timeline}:${formatLsn(node.received.lsn)}${node.receiver?.streaming === true ? "" : ", not streaming"}`;
    case "stopped":
      return `stopped (${node.control?.state ?? "control file unreadable"}${node.standbySignal ? ", a standby" : ""})`;
    case "starting":
    case "unreachable":
      return `${node.kind}: ${node.reason}`;
    case "absent":
      return node.debris ? "absent (an unfinished copy is there)" : "absent";
    case "paused":
      return "frozen";
  }
}
