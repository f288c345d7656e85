/**
 * A one-off container on a node's volume, for programs that run while no server does. It lives on a connection of
 * ours: whatever ends pgrep-kit ends the toolbox and every program in it, because an orphaned pg_basebackup must never
 * write on (law L8). Its name is taken as long as it lives, so there is never a second one.
 */
import type { Duplex } from "node:stream";
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { removeContainer, seeContainer } from "./containers.ts";
import { WORK_DEADLINE_MS, createContainer, type Engine } from "./engine-client.ts";
import { diskFull, isStatus, tellsOfFullDisk } from "./engine-error.ts";
import { imageTrouble, userMissing } from "./image-trouble.ts";
import { NODE_PATHS, SERVER_USER, networkName, ownOrThrow, toolLabels, toolboxName } from "./names.ts";
import type { ClusterIdentity } from "./names.ts";
import { framesOf } from "./output.ts";
import { PROGRAM_ENV } from "./run-script.ts";
import { SHARED_MEMORY_BYTES, nodeMount } from "./server-container.ts";
import { requireVolume } from "./volumes.ts";

const ATTEMPTS = 3;
const READY = "pgrep-kit: ready";
const NO_USER = "pgrep-kit: no user";

/**
 * A volume on a path that the image lacks belongs to root, so this one step is root's; programs are the server user's.
 * Then it waits for the end of its stdin: until we close the connection, or are no more.
 */
const SCRIPT = `
  group=$(id -g ${SERVER_USER}) || { echo '${NO_USER}' >&2; exit 1; }
  umask 077
  mkdir -p ${NODE_PATHS.conf} && chown ${SERVER_USER}:$group ${NODE_PATHS.root} ${NODE_PATHS.conf} &&
  chmod 700 ${NODE_PATHS.root} ${NODE_PATHS.conf} && echo '${READY}' && exec cat >/dev/null
`;

export interface ToolboxOptions extends ClusterIdentity {
  readonly image: string;
}

export interface Toolbox {
  readonly container: string;
  /** Kills every program in it; returns when it is gone. */
  remove(): Promise<void>;
}

/** Makes it anew; one that an earlier pgrep-kit left behind is gone then. The node has `root` and `conf`. */
export async function openToolbox(engine: Engine, options: ToolboxOptions, node: NodeName): Promise<Toolbox> {
  await requireVolume(engine, options, node);
  const container = await createToolbox(engine, options, node);
  let connection: Duplex | null = null;
  const remove = async (): Promise<void> => {
    await removeContainer(engine, container);
    connection?.destroy();
  };
  try {
    const path = `/containers/${container}/attach?stream=true&stdin=true&stdout=true&stderr=true`;
    connection = await engine.socket.upgrade({ method: "POST", path, deadlineMs: WORK_DEADLINE_MS });
    // Once it is broken, the next program will find the container gone.
    connection.on("error", () => undefined);
    const ready = untilReady(connection, options.image, node);
    ready.catch(() => undefined);
    await startContainer(engine, container, options.image);
    await ready;
    connection.resume();
  } catch (thrown) {
    await remove().catch(() => undefined);
    throw thrown;
  }
  return { container, remove };
}

/** Removes the toolbox that an earlier pgrep-kit left behind, with whatever still runs in it. */
export async function removeLeftover(
  engine: Engine,
  identity: ClusterIdentity,
  node: NodeName,
): Promise<void> {
  const name = toolboxName(identity, node);
  const seen = await seeContainer(engine, name);
  if (seen === null) return;
  ownOrThrow(identity, "container", name, seen.Config.Labels);
  await removeContainer(engine, seen.Id);
}

async function createToolbox(engine: Engine, options: ToolboxOptions, node: NodeName): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await createContainer(engine, toolboxName(options, node), toolboxConfig(options, node))).id;
    } catch (thrown) {
      // The name is taken: an earlier pgrep-kit left its toolbox behind.
      if (!isStatus(thrown, 409) || attempt === ATTEMPTS) throw imageTrouble(thrown, options.image);
      await removeLeftover(engine, options, node);
    }
  }
}

async function startContainer(engine: Engine, container: string, image: string): Promise<void> {
  const dockerode = await engine.dockerode();
  try {
    await dockerode.getContainer(container).start();
  } catch (thrown) {
    throw imageTrouble(thrown, image);
  }
}

async function untilReady(connection: Duplex, image: string, node: NodeName): Promise<void> {
  const late = new PgrepKitError("deadline", {
    message: `the container for the tools of node ${node} was not ready within ${WORK_DEADLINE_MS / 1000} s`,
    hint: "See whether the engine's disk hangs, then run the command again.",
  });
  const timer = setTimeout(() => connection.destroy(late), WORK_DEADLINE_MS);
  try {
    await readyLine(connection, image, node);
  } finally {
    clearTimeout(timer);
  }
}

async function readyLine(connection: Duplex, image: string, node: NodeName): Promise<void> {
  let told = "";
  // The connection stays open when we stop listening: it keeps the toolbox alive.
  for await (const { bytes } of framesOf(connection.iterator({ destroyOnReturn: false }))) {
    told += bytes.toString("utf8");
    if (told.includes(READY)) return;
  }
  if (told.includes(NO_USER)) throw userMissing(image);
  if (tellsOfFullDisk(told)) throw diskFull(`make the storage of node ${node}`, new Error(told.trim()));
  throw new PgrepKitError("image-unusable", {
    message: `a container of the image ${image} for the tools of node ${node} ended at once`,
    detail: told.trim() === "" ? "It gave no message." : told.trim(),
    hint: "Choose an image with a POSIX shell and its usual programs; the official postgres images have them.",
  });
}

function toolboxConfig(options: ToolboxOptions, node: NodeName) {
  return {
    Image: options.image,
    User: "0:0",
    Entrypoint: ["/bin/sh", "-c", SCRIPT],
    Cmd: [],
    Env: [...PROGRAM_ENV],
    WorkingDir: "/",
    Labels: { ...toolLabels(options, node) },
    Healthcheck: { Test: ["NONE"] },
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: {
      AutoRemove: true,
      CapDrop: ["ALL"],
      CapAdd: ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
      NetworkMode: networkName(options),
      Mounts: [nodeMount(options, node)],
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "none", Config: {} },
      ShmSize: SHARED_MEMORY_BYTES,
    },
  };
}
