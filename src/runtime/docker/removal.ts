/**
 * Removing nodes and clusters. Only things that the engine lists under this cluster's label are removed, never things
 * that merely bear a fitting name.
 */
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { removeNetworks } from "./cluster-network.ts";
import { listContainers, removeContainer } from "./containers.ts";
import type { Engine } from "./engine-client.ts";
import {
  ID_LABEL,
  NODE_LABEL,
  READER_LABEL,
  TOOL_LABEL,
  type ClusterIdentity,
  type Labels,
} from "./names.ts";
import { ownVolumes, removeVolume } from "./volumes.ts";

const ATTEMPTS = 3;

export async function removeNode(engine: Engine, identity: ClusterIdentity, node: NodeName): Promise<void> {
  await removeLabelled(
    engine,
    identity,
    (labels) => labels[NODE_LABEL] === node || labels[TOOL_LABEL] === node || labels[READER_LABEL] === node,
  );
}

/** Everything of the cluster, whatever is left of it. */
export async function removeCluster(engine: Engine, identity: ClusterIdentity): Promise<void> {
  await removeLabelled(engine, identity, () => true);
  await removeNetworks(engine, identity);
}

/** A command that looks at the nodes may open a reader between the removal of the containers and that of the volume. */
async function removeLabelled(
  engine: Engine,
  identity: ClusterIdentity,
  isMeant: (labels: Labels) => boolean,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await removeOnce(engine, identity, isMeant);
    } catch (thrown) {
      const isInUse = thrown instanceof PgrepKitError && thrown.code === "remove-failed";
      if (!isInUse || attempt === ATTEMPTS) throw thrown;
    }
  }
}

async function removeOnce(
  engine: Engine,
  identity: ClusterIdentity,
  isMeant: (labels: Labels) => boolean,
): Promise<void> {
  const containers = await listContainers(engine, `${ID_LABEL}=${identity.clusterId}`);
  const meant = containers.filter((container) => isMeant(container.Labels));
  await Promise.all(meant.map((container) => removeContainer(engine, container.Id)));
  const volumes = await ownVolumes(engine, identity);
  const meantVolumes = volumes.filter((volume) => isMeant(volume.Labels ?? {}));
  await Promise.all(meantVolumes.map((volume) => removeVolume(engine, volume.Name)));
}
