/** Which node a reader wants to reach: by name, by role, or the primary. */
import type { NodeName } from "../core/spec.ts";
import { isRunning } from "../core/observation.ts";
import { PgrepKitError } from "../support/errors.ts";
import { type OpenCluster, knownNode } from "./open-cluster.ts";

export interface NodeChoice {
  readonly node?: string;
  readonly role?: "primary" | "standby";
}

/** By the authority record, not by who happens to accept writes (law L1). A standby must be seen running. */
export async function chooseNode(cluster: OpenCluster, choice: NodeChoice): Promise<NodeName> {
  if (choice.node !== undefined) return knownNode(cluster, choice.node);
  const authority = await cluster.authority.read();
  if (authority === null) {
    throw new PgrepKitError("state-missing", {
      message: "nobody is primary yet: the cluster was never completed",
      hint: "Complete it: pgrep-kit up",
    });
  }
  if (choice.role !== "standby") return authority.primary;
  const { nodes } = await cluster.runtime.observe(cluster.nodes);
  const standby = cluster.spec.nodes.find(({ name }) => name !== authority.primary && isRunning(nodes[name]));
  if (standby !== undefined) return standby.name;
  throw new PgrepKitError("server-unreachable", {
    message: "no standby runs",
    hint: "Bring them up: pgrep-kit up",
  });
}
