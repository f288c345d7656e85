/**
 * The volumes: a node is its volume, so nothing in here removes one without having seen this cluster's label on it.
 */
import {
  LIST_DEADLINE_MS,
  LOOK_DEADLINE_MS,
  WORK_DEADLINE_MS,
  queryString,
  type Engine,
} from "./engine-client.ts";
import { isStatus, nullOn } from "./engine-error.ts";
import { CLUSTER_LABEL, ID_LABEL, STRAY_LABEL, nodeLabels, nodeThing, ownOrThrow } from "./names.ts";
import type { ClusterIdentity, Labels } from "./names.ts";
import { PgrepKitError } from "../../support/errors.ts";
import type { NodeName } from "../../core/spec.ts";

export interface Volume {
  readonly Name: string;
  readonly Labels: Labels | null;
}

async function listVolumes(engine: Engine, filters: Record<string, string[]>): Promise<readonly Volume[]> {
  const path = `/volumes?${queryString({ filters })}`;
  const seen = await engine.socket.json<{ readonly Volumes: readonly Volume[] | null }>({
    method: "GET",
    path,
    deadlineMs: LIST_DEADLINE_MS,
  });
  return seen.Volumes ?? [];
}

/** Makes the node's volume, or finds it; throws if it is somebody else's. */
export async function ensureVolume(engine: Engine, identity: ClusterIdentity, node: NodeName): Promise<void> {
  const name = nodeThing(identity, node);
  await removeStrayVolume(engine, identity, node);
  // The engine answers with the existing volume, unchanged, if there is one of this name (dockerode drops the answer).
  const volume = await engine.socket.json<Volume>({
    method: "POST",
    path: "/volumes/create",
    json: { Name: name, Labels: nodeLabels(identity, node) },
    deadlineMs: WORK_DEADLINE_MS,
  });
  ownOrThrow(identity, "volume", name, volume.Labels);
}

/**
 * Throws if the node's volume is missing or somebody else's. To be called before a container is made on it: the
 * engine would silently make a missing volume, empty.
 */
export async function requireVolume(
  engine: Engine,
  identity: ClusterIdentity,
  node: NodeName,
): Promise<void> {
  const name = nodeThing(identity, node);
  const volume = await seeVolume(engine, name);
  if (volume === null || isStray(volume)) {
    throw new PgrepKitError("docker-failed", {
      message: `node ${node} has no storage: the Docker volume ${name} does not exist`,
      hint: `Make a standby anew: pgrep-kit remove-standby ${node}, then pgrep-kit add-standby ${node}.`,
    });
  }
  ownOrThrow(identity, "volume", name, volume.Labels);
}

/** Removes the node's volume if it is one that the engine made for a reader (reader.ts): there is nothing in it. */
export async function removeStrayVolume(
  engine: Engine,
  identity: ClusterIdentity,
  node: NodeName,
): Promise<void> {
  const name = nodeThing(identity, node);
  const volume = await seeVolume(engine, name);
  if (volume === null || !isStray(volume)) return;
  ownOrThrow(identity, "volume", name, volume.Labels);
  await removeVolume(engine, name);
}

async function seeVolume(engine: Engine, name: string): Promise<Volume | null> {
  const path = `/volumes/${name}`;
  return await nullOn(
    [404],
    engine.socket.json<Volume>({ method: "GET", path, deadlineMs: LOOK_DEADLINE_MS }),
  );
}

function isStray({ Labels }: Volume): boolean {
  return Labels?.[STRAY_LABEL] !== undefined;
}

/** Throws if volumes that this cluster would use are somebody else's. */
export async function refuseForeignVolumes(engine: Engine, identity: ClusterIdentity): Promise<void> {
  const prefix = nodeThing(identity, "");
  for (const volume of await listVolumes(engine, { name: [prefix] })) {
    if (!volume.Name.startsWith(prefix)) continue;
    const owner = volume.Labels?.[CLUSTER_LABEL];
    // "demo" and "demo-2" live side by side: their volumes begin alike.
    if (owner !== undefined && owner !== identity.cluster) continue;
    ownOrThrow(identity, "volume", volume.Name, volume.Labels);
  }
}

/** Removes a volume that has been seen to carry this cluster's label. */
export async function removeVolume(engine: Engine, name: string): Promise<void> {
  const dockerode = await engine.dockerode();
  try {
    await nullOn([404], dockerode.getVolume(name).remove());
  } catch (thrown) {
    if (!isStatus(thrown, 409)) throw thrown;
    throw new PgrepKitError("remove-failed", {
      message: `the Docker volume ${name} is still in use`,
      detail: thrown.message,
      hint: `Find the container with \`docker ps --all --filter volume=${name}\`, remove it, and run the command again.`,
      cause: thrown,
    });
  }
}

/** The volumes of one cluster. */
export function ownVolumes(engine: Engine, { clusterId }: ClusterIdentity): Promise<readonly Volume[]> {
  return listVolumes(engine, { label: [`${ID_LABEL}=${clusterId}`] });
}
