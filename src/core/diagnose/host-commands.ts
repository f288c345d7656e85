/**
 * What a person types to the host itself, where pgrep-kit has no verb: to let a frozen server go on, and to stop one.
 * Each line can be copied as it is; none of them is ever run by pgrep-kit.
 */
import type { Observation } from "../observation.ts";
import { shellWord } from "../shell-word.ts";
import type { ClusterSpec, NodeName } from "../spec.ts";

/** Null: it is not frozen, or its host does not tell which processes to wake. */
export function thawCommand(name: NodeName, spec: ClusterSpec, observation: Observation): string | null {
  const node = observation.nodes[name];
  if (node?.kind !== "paused") return null;
  if (spec.runtime === "docker") return `docker unpause ${container(name, spec)}`;
  const processes = node.processes ?? [];
  return processes.length === 0 ? null : `kill -CONT ${processes.join(" ")}`;
}

/**
 * A fast shutdown. SIGINT asks a postmaster for one, of its owner and of root alike, while `pg_ctl` refuses to run as root:
 * https://www.postgresql.org/docs/current/server-shutdown.html
 */
export function stopCommand(name: NodeName, spec: ClusterSpec, observation: Observation): string | null {
  if (spec.runtime === "docker") return `docker stop ${container(name, spec)}`;
  const data = observation.wiring[name]?.data;
  return data === undefined ? null : `kill -INT $(head -n 1 ${shellWord(`${data}/postmaster.pid`)})`;
}

/** As the Docker host names it. */
function container(name: NodeName, { name: cluster }: ClusterSpec): string {
  return `pgrep-kit-${cluster}-${name}`;
}
