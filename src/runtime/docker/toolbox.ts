/**
 * A one-off container on a node's volume, for programs that change it while no server runs there. It ends with the
 * pgrep-kit that made it, because an orphaned pg_basebackup must never write on (law L8). Its name is taken as long as
 * it lives, so there is never a second one, and nobody removes it whose owner may live.
 */
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import {
  ATTACHED_HOST,
  NO_USER,
  STAY,
  attachedConfig,
  openAttached,
  type AttachedContainer,
} from "./attached-container.ts";
import { removeContainer, seeContainer } from "./containers.ts";
import { createContainer, type Engine } from "./engine-client.ts";
import { isStatus } from "./engine-error.ts";
import { imageTrouble } from "./image-trouble.ts";
import {
  NODE_PATHS,
  OWNER_LABEL,
  SERVER_USER,
  networkName,
  ownOrThrow,
  toolLabels,
  toolboxName,
  type ClusterIdentity,
} from "./names.ts";
import { SHARED_MEMORY_BYTES, nodeMount } from "./server-container.ts";
import { isLeftBehind, ownerPid, type ToolOwner } from "./tool-owner.ts";
import { requireVolume } from "./volumes.ts";

const ATTEMPTS = 3;

/** A volume on a path that the image lacks belongs to root, so this one step is root's; programs are the server user's. */
const SCRIPT = `
  group=$(id -g ${SERVER_USER}) || { echo '${NO_USER}' >&2; exit 1; }
  umask 077
  mkdir -p ${NODE_PATHS.conf} && chown ${SERVER_USER}:$group ${NODE_PATHS.root} ${NODE_PATHS.conf} &&
  chmod 700 ${NODE_PATHS.root} ${NODE_PATHS.conf} && ${STAY}
`;

export interface ToolboxOptions extends ClusterIdentity {
  readonly image: string;
  readonly owner: ToolOwner;
}

/**
 * Makes it anew; one that a dead pgrep-kit left behind is gone then, and a living one's stays: that is thrown. The node
 * has `root` and `conf`.
 */
export async function openToolbox(
  engine: Engine,
  options: ToolboxOptions,
  node: NodeName,
): Promise<AttachedContainer> {
  await requireVolume(engine, options, node);
  const container = await createToolbox(engine, options, node);
  return await openAttached(engine, { container, folder: NODE_PATHS.root }, options.image, node);
}

/** Removes the toolbox that a dead pgrep-kit left behind, with whatever still runs in it; throws if its owner lives. */
export async function removeLeftover(engine: Engine, options: ToolboxOptions, node: NodeName): Promise<void> {
  const name = toolboxName(options, node);
  const seen = await seeContainer(engine, name);
  if (seen === null) return;
  const labels = seen.Config.Labels;
  ownOrThrow(options, "container", name, labels);
  // Our own that could not be removed earlier: whoever asks has none open.
  const isOurs = labels?.[OWNER_LABEL] === (await options.owner.label());
  if (!isOurs && !(await isLeftBehind(labels))) throw busy(node, name, ownerPid(labels));
  await removeContainer(engine, seen.Id);
}

async function createToolbox(engine: Engine, options: ToolboxOptions, node: NodeName): Promise<string> {
  const config = toolboxConfig(options, node, await options.owner.label());
  for (let attempt = 1; ; attempt++) {
    try {
      return (await createContainer(engine, toolboxName(options, node), config)).id;
    } catch (thrown) {
      // The name is taken.
      if (!isStatus(thrown, 409) || attempt === ATTEMPTS) throw imageTrouble(thrown, options.image);
      await removeLeftover(engine, options, node);
    }
  }
}

function busy(node: NodeName, name: string, pid: number | null): PgrepKitError {
  return new PgrepKitError("locked", {
    message: `another pgrep-kit command is working on node ${node}`,
    detail: `${pid === null ? "It" : `Process ${pid}`} runs its tools in the container ${name}.`,
    hint: `Wait for it to end. If none is running, remove what it left: docker rm --force ${name}.`,
  });
}

function toolboxConfig(options: ToolboxOptions, node: NodeName, owner: string) {
  return {
    ...attachedConfig(options.image, SCRIPT),
    User: "0:0",
    Labels: { ...toolLabels(options, node), [OWNER_LABEL]: owner },
    HostConfig: {
      ...ATTACHED_HOST,
      CapDrop: ["ALL"],
      CapAdd: ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
      NetworkMode: networkName(options),
      Mounts: [nodeMount(options, node)],
      ShmSize: SHARED_MEMORY_BYTES,
    },
  };
}
