/**
 * The bridge network of a cluster. Only a network that carries the cluster's own label is ever used or removed.
 */
import type Dockerode from "dockerode";
import { type Engine, LOOK_DEADLINE_MS, queryString } from "./engine-client.ts";
import { isStatus, nullOn } from "./engine-error.ts";
import { clusterLabels, networkName, ownFilter, ownOrThrow, type ClusterIdentity } from "./names.ts";
import { PgrepKitError } from "../../support/errors.ts";

export async function ensureNetwork(engine: Engine, identity: ClusterIdentity): Promise<void> {
  if (await hasNetwork(engine, identity)) return;
  const dockerode = await engine.dockerode();
  try {
    await dockerode.createNetwork({
      Name: networkName(identity),
      Driver: "bridge",
      CheckDuplicate: true,
      Labels: { ...clusterLabels(identity) },
    });
  } catch (thrown) {
    // Another pgrep-kit made it just now.
    if (isStatus(thrown, 409) && (await hasNetwork(engine, identity))) return;
    throw thrown;
  }
}

/** Throws if a network of the cluster's name is somebody else's. */
async function hasNetwork(engine: Engine, identity: ClusterIdentity): Promise<boolean> {
  const name = networkName(identity);
  // On our own socket: every change of a cluster asks this, and dockerode takes its time to load.
  const filters = queryString({ filters: { name: [name] } });
  const alike = await engine.socket.json<readonly Dockerode.NetworkInspectInfo[]>({
    method: "GET",
    path: `/networks?${filters}`,
    deadlineMs: LOOK_DEADLINE_MS,
  });
  // The filter finds every network whose name contains this one.
  const network = alike.find((candidate) => candidate.Name === name);
  if (network === undefined) return false;
  ownOrThrow(identity, "network", name, network.Labels);
  return true;
}

export async function removeNetworks(engine: Engine, identity: ClusterIdentity): Promise<void> {
  const dockerode = await engine.dockerode();
  const own = await dockerode.listNetworks({ filters: ownFilter(identity) });
  for (const { Id, Name } of own) await removeNetwork(dockerode, Id, Name);
}

async function removeNetwork(dockerode: Dockerode, id: string, name: string): Promise<void> {
  const network = dockerode.getNetwork(id);
  try {
    await nullOn([404], network.remove());
  } catch (thrown) {
    if (!isStatus(thrown, 403, 409)) throw thrown;
    const seen = (await network.inspect()) as Dockerode.NetworkInspectInfo;
    const users = Object.values(seen.Containers ?? {}).map((container) => container.Name);
    throw new PgrepKitError("remove-failed", {
      message: `the Docker network ${name} is still in use`,
      detail: `It is used by: ${users.join(", ")}.`,
      hint: `Take the containers off it (docker network disconnect ${name} CONTAINER), and run the command again.`,
      cause: thrown,
    });
  }
}
