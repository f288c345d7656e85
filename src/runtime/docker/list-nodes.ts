/**
 * What the engine has of a cluster's nodes, in two calls side by side; only stopped nodes cost a second look.
 */
import type { Engine } from "./engine-client.ts";
import { listContainers, seeContainer, type ListedContainer } from "./containers.ts";
import { ID_LABEL, NODE_LABEL, type ClusterIdentity } from "./names.ts";
import { sweepLeftBehind } from "./tool-owner.ts";
import { ownVolumes } from "./volumes.ts";
import type { HostNode } from "../node-host.ts";
import type { NodeName } from "../../core/spec.ts";

const NEVER_RAN: HostNode = { state: "stopped", exitCode: null, stoppedAtMs: null };

export async function listNodes(
  engine: Engine,
  identity: ClusterIdentity,
): Promise<ReadonlyMap<NodeName, HostNode>> {
  const [containers, volumes] = await Promise.all([
    listContainers(engine, `${ID_LABEL}=${identity.clusterId}`),
    ownVolumes(engine, identity),
  ]);
  const nodes = new Map<NodeName, HostNode>();
  for (const { Labels } of volumes) {
    const node = Labels?.[NODE_LABEL];
    if (node !== undefined) nodes.set(node, NEVER_RAN);
  }
  const seen = containers.map(async (container) => {
    const node = container.Labels[NODE_LABEL];
    if (node !== undefined) nodes.set(node, await hostNode(engine, container));
  });
  await Promise.all([...seen, sweepLeftBehind(engine, containers)]);
  return nodes;
}

async function hostNode(engine: Engine, { Id, State }: ListedContainer): Promise<HostNode> {
  switch (State) {
    case "running":
    case "restarting":
      return { state: "running", startedAtMs: null };
    case "paused":
      return { state: "paused" };
    case "created":
    case "removing":
      return NEVER_RAN;
    case "exited":
    case "dead": {
      const seen = await seeContainer(engine, Id);
      if (seen === null) return NEVER_RAN;
      return {
        state: "stopped",
        exitCode: seen.State.ExitCode,
        stoppedAtMs: Date.parse(seen.State.FinishedAt),
      };
    }
  }
}
