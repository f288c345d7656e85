/**
 * What things of a cluster are called on the engine, and how they are recognised. The label `pgrep-kit.id` decides
 * what is ours: a name alone proves nothing, because two clusters in different folders may bear the same one.
 */
import type { NodeName } from "../../core/spec.ts";
import type { NodePaths } from "../node-host.ts";
import { PgrepKitError } from "../../support/errors.ts";

export const CLUSTER_LABEL = "pgrep-kit.cluster";
export const ID_LABEL = "pgrep-kit.id";
export const NODE_LABEL = "pgrep-kit.node";
export const TOOL_LABEL = "pgrep-kit.tool";
/** On containers that only read a node's volume. */
export const READER_LABEL = "pgrep-kit.reader";
/** Which process a container for tools belongs to. */
export const OWNER_LABEL = "pgrep-kit.owner";
/** On a volume that no node is: the engine made it for a container, because the node's own was removed just then. */
export const STRAY_LABEL = "pgrep-kit.stray";
export const RECIPE_LABEL = "pgrep-kit.recipe";

/** PostgreSQL's port inside of every container. */
export const SERVER_PORT = 5432;
/** Where the volume is mounted: no image declares a VOLUME here or above. */
export const MOUNT_POINT = "/pgrep-kit";
export const SERVER_USER = "postgres";

export const NODE_PATHS: NodePaths = {
  root: `${MOUNT_POINT}/node`,
  data: `${MOUNT_POINT}/node/data`,
  conf: `${MOUNT_POINT}/node/conf`,
};

export interface ClusterIdentity {
  readonly cluster: string;
  readonly clusterId: string;
}

export type Labels = Readonly<Record<string, string>>;

export function networkName({ cluster }: ClusterIdentity): string {
  return `pgrep-kit-${cluster}`;
}

/** The volume and the server's container bear the same name. */
export function nodeThing({ cluster }: ClusterIdentity, node: NodeName): string {
  return `pgrep-kit-${cluster}-${node}`;
}

/** No node name holds a dot, so this is no node's own container. */
export function toolboxName(identity: ClusterIdentity, node: NodeName): string {
  return `${nodeThing(identity, node)}.tools`;
}

/** Unlike the toolbox's, a new one each time: any number of readers may look at a node at once. */
export function readerName(identity: ClusterIdentity, node: NodeName, token: string): string {
  return `${nodeThing(identity, node)}.reader-${token}`;
}

export function clusterLabels({ cluster, clusterId }: ClusterIdentity): Labels {
  return { [CLUSTER_LABEL]: cluster, [ID_LABEL]: clusterId };
}

export function nodeLabels(identity: ClusterIdentity, node: NodeName): Labels {
  return { ...clusterLabels(identity), [NODE_LABEL]: node };
}

export function toolLabels(identity: ClusterIdentity, node: NodeName): Labels {
  return { ...clusterLabels(identity), [TOOL_LABEL]: node };
}

export function readerLabels(identity: ClusterIdentity, node: NodeName): Labels {
  return { ...clusterLabels(identity), [READER_LABEL]: node };
}

export function strayLabels(identity: ClusterIdentity): Labels {
  return { ...clusterLabels(identity), [STRAY_LABEL]: "true" };
}

/** The filter that finds everything of this cluster and nothing else. */
export function ownFilter({ clusterId }: ClusterIdentity): { readonly label: string[] } {
  return { label: [`${ID_LABEL}=${clusterId}`] };
}

function isOwn({ clusterId }: ClusterIdentity, labels: Labels | null | undefined): boolean {
  return labels?.[ID_LABEL] === clusterId;
}

/** Throws if the thing is not this cluster's: before anything of a stranger's is touched. */
export function ownOrThrow(
  identity: ClusterIdentity,
  kind: "volume" | "container" | "network",
  name: string,
  labels: Labels | null | undefined,
): void {
  if (isOwn(identity, labels)) return;
  const owner = labels?.[CLUSTER_LABEL];
  const message = `the Docker ${kind} ${name} exists and does not belong to this cluster`;
  if (owner === identity.cluster) {
    // Perhaps the very data that is looked for: nothing here may advise to remove it.
    throw new PgrepKitError("volume-foreign", {
      message,
      detail: `It was made for a cluster named "${owner}" as well, by another state folder (.pgrep-kit/).`,
      hint: "Was this folder's .pgrep-kit/ lost or replaced? Then bring it back: nothing else belongs to that data. Otherwise give this cluster another name.",
    });
  }
  const remove = kind === "container" ? `docker rm ${name}` : `docker ${kind} rm ${name}`;
  throw new PgrepKitError("volume-foreign", {
    message,
    detail:
      owner === undefined
        ? "It was not made by pgrep-kit."
        : `It belongs to another cluster named "${owner}".`,
    hint: `Give this cluster another name, or remove the ${kind} if nobody needs it: ${remove}.`,
  });
}
