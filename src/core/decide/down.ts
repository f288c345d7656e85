/**
 * Stop cleanly: the primary first, because a fast shutdown ends only when its standbys have received
 * the shutdown checkpoint; then the standbys, which hold everything by then. A frozen standby receives nothing, and
 * would only be waited for until its connection times out: it is stopped before.
 */
import type { Authority } from "../authority.ts";
import type { Decision } from "../decision.ts";
import type { NodeObservation, Observation } from "../observation.ts";
import type { Step } from "../plan.ts";
import type { NodeName } from "../spec.ts";

export function decideDown(authority: Authority | null, observation: Observation): Decision {
  const up = Object.entries(observation.nodes)
    .filter(([, node]) => mayRun(node))
    .map(([name]) => name);
  const first = up.filter(
    (name) => name === authority?.primary || observation.nodes[name]?.kind === "primary",
  );
  const isFrozen = (name: NodeName): boolean => observation.nodes[name]?.kind === "paused";
  const frozen = up.filter((name) => !first.includes(name) && isFrozen(name));
  const others = up.filter((name) => !first.includes(name) && !isFrozen(name));
  const plan = [
    frozen.map((name) => stop(name, "because it is frozen, and the primary's shutdown would wait for it")),
    first.map((name) => stop(name, "first, so that its last WAL reaches the standbys")),
    others.map((name) => stop(name, "now that nothing more can arrive")),
  ].filter((stage) => stage.length > 0);
  return plan.length === 0 ? { kind: "settled" } : { kind: "act", plan };
}

/** Whatever may have a process: one that does not answer has to be stopped all the more. */
function mayRun(node: NodeObservation): boolean {
  if (node.kind === "unreachable") return node.isStopped !== true;
  return node.kind !== "stopped" && node.kind !== "absent";
}

function stop(node: NodeName, because: string): Step {
  return { kind: "stop", node, because };
}
