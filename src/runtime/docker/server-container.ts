/**
 * The container that runs a node's server. It is disposable: made when missing, made anew when it no longer fits the
 * image, the port or our own recipe. Data is never in it; the volume is the node.
 */
import { createHash } from "node:crypto";
import type { ContainerCreateOptions, MountSettings } from "dockerode";
import { createContainer, type Engine } from "./engine-client.ts";
import { EngineError, isStatus } from "./engine-error.ts";
import { removeContainer, seeServer, type SeenContainer } from "./containers.ts";
import { imageTrouble } from "./image-trouble.ts";
import { imageId } from "./image.ts";
import {
  MOUNT_POINT,
  RECIPE_LABEL,
  SERVER_PORT,
  SERVER_USER,
  networkName,
  nodeLabels,
  nodeThing,
  type ClusterIdentity,
} from "./names.ts";
import { PROGRAM_ENV, serverCommand } from "./run-script.ts";
import { PgrepKitError } from "../../support/errors.ts";
import type { NodeName } from "../../core/spec.ts";

/** Parallel queries fail with the engine's 64 MB. */
export const SHARED_MEMORY_BYTES = 256 * 1024 * 1024;

export interface ServerContainer {
  readonly identity: ClusterIdentity;
  readonly image: string;
  readonly major: number;
  readonly node: NodeName;
  readonly port: number;
}

/** Starts the server, in a container that fits. Does nothing if it runs already. */
export async function startServer(engine: Engine, wanted: ServerContainer): Promise<void> {
  const name = nodeThing(wanted.identity, wanted.node);
  const [seen, image] = await Promise.all([
    seeServer(engine, wanted.identity, wanted.node),
    imageId(engine, wanted.image),
  ]);
  if (seen?.State.Running === true) return;
  const config = await serverConfig(wanted);
  const isKept = seen !== null && fits(seen, config.Labels[RECIPE_LABEL], image);
  if (seen !== null && !isKept) await removeContainer(engine, seen.Id);
  try {
    const dockerode = await engine.dockerode();
    const container = isKept ? dockerode.getContainer(seen.Id) : await createContainer(engine, name, config);
    await container.start();
  } catch (thrown) {
    throw startTrouble(thrown, wanted);
  }
}

function fits(seen: SeenContainer, recipe: string | undefined, image: string | null): boolean {
  // One that never came up may hold a broken network endpoint.
  if (seen.State.Status !== "exited") return false;
  // An image that is gone from the machine still serves the containers made from it.
  return seen.Config.Labels?.[RECIPE_LABEL] === recipe && (image === null || seen.Image === image);
}

function startTrouble(thrown: unknown, { identity, image, node, port }: ServerContainer): unknown {
  if (!(thrown instanceof EngineError)) return thrown;
  if (/port is already allocated|address already in use/i.test(thrown.message)) {
    return new PgrepKitError("port-taken", {
      message: `port ${port} of node ${node} is taken by another program`,
      detail: thrown.message,
      hint: `Find it with \`ss -ltnp 'sport = :${port}'\` or \`docker ps --filter publish=${port}\`, end it, and run the command again.`,
      cause: thrown,
    });
  }
  if (isStatus(thrown, 404) && /network .*not found/i.test(thrown.message)) {
    return new PgrepKitError("docker-failed", {
      message: `the Docker network ${networkName(identity)} is missing`,
      detail: thrown.message,
      hint: "Run `pgrep-kit up`: it makes the network anew.",
      cause: thrown,
    });
  }
  return imageTrouble(thrown, image);
}

/** The node's volume, for any container on it. */
export function nodeMount(
  identity: ClusterIdentity,
  node: NodeName,
  labels = nodeLabels(identity, node),
): MountSettings {
  return {
    Type: "volume",
    Source: nodeThing(identity, node),
    Target: MOUNT_POINT,
    // Should the volume vanish just now, the engine makes a new one: then at least one that is known as ours.
    VolumeOptions: {
      NoCopy: true,
      Labels: { ...labels },
      DriverConfig: { Name: "", Options: {} },
    },
  };
}

async function serverConfig({ identity, image, major, node, port }: ServerContainer) {
  const network = networkName(identity);
  const containerPort = `${SERVER_PORT}/tcp`;
  const config = {
    Image: image,
    Hostname: node,
    User: SERVER_USER,
    Entrypoint: await serverCommand(major),
    Cmd: [],
    Env: [...PROGRAM_ENV],
    WorkingDir: "/",
    ExposedPorts: { [containerPort]: {} },
    Healthcheck: { Test: ["NONE"] },
    // `docker stop` by hand is a fast shutdown, and has time for its checkpoint.
    StopSignal: "SIGINT",
    StopTimeout: 60,
    HostConfig: {
      Init: true,
      ShmSize: SHARED_MEMORY_BYTES,
      // A node must never come back by itself: it may have been fenced (law L2).
      RestartPolicy: { Name: "no" },
      NetworkMode: network,
      PortBindings: { [containerPort]: [{ HostIp: "127.0.0.1", HostPort: String(port) }] },
      Mounts: [nodeMount(identity, node)],
      LogConfig: { Type: "json-file", Config: { "max-size": "16m", "max-file": "4" } },
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [node] } } },
  } satisfies ContainerCreateOptions;
  const recipe = createHash("sha256").update(JSON.stringify(config)).digest("hex").slice(0, 16);
  return { ...config, Labels: { ...nodeLabels(identity, node), [RECIPE_LABEL]: recipe } };
}
