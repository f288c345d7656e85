/**
 * The NodeHost on a local Docker engine: one volume and one disposable container for each node, one network for the
 * cluster. This file only puts the parts beside it together. It never touches what does not carry this cluster's id.
 */
import type { NodeName } from "../../core/spec.ts";
import type { NodeHost, Wiring } from "../node-host.ts";
import { besideCommand } from "./beside.ts";
import { ensureNetwork } from "./cluster-network.ts";
import { seeServer } from "./containers.ts";
import { engineSocketPath } from "./engine-address.ts";
import { describeEngine } from "./engine-check.ts";
import { openEngine } from "./engine-client.ts";
import { doing } from "./engine-error.ts";
import { ensureImage } from "./image.ts";
import { listNodes } from "./list-nodes.ts";
import { NODE_PATHS, SERVER_PORT } from "./names.ts";
import { readNodeFile, writeNodeFiles, type RunOnVolume } from "./node-files.ts";
import { nodeLogs } from "./node-logs.ts";
import { freeBytes, runOnVolume, runTool } from "./node-tools.ts";
import { pauseServer, resumeServer } from "./pause.ts";
import { removeCluster, removeNode } from "./removal.ts";
import { startServer } from "./server-container.ts";
import { killServer, serverEnded, stopServer } from "./server-end.ts";
import { newToolOwner } from "./tool-owner.ts";
import { openToolContainers, type Toolboxes } from "./toolboxes.ts";
import { ensureVolume, refuseForeignVolumes, requireVolume } from "./volumes.ts";

export interface DockerHostOptions {
  /** The cluster's name. */
  readonly cluster: string;
  /** Tells two clusters of one name in different folders apart. */
  readonly clusterId: string;
  readonly image: string;
  readonly major: number;
  /** Instead of DOCKER_HOST and the usual places. */
  readonly socketPath?: string;
}

/** Nothing is asked of the engine yet: an absent one is noticed by the first call. */
export async function openDockerHost(options: DockerHostOptions): Promise<NodeHost> {
  const { image, major } = options;
  const engine = openEngine(engineSocketPath(options.socketPath, process.env));
  const containers = openToolContainers(engine, { ...options, owner: newToolOwner() });
  const { toolboxes } = containers;
  const onVolume = (node: NodeName, apart: Toolboxes): RunOnVolume =>
    runOnVolume(engine, apart, options, node);

  return {
    kind: "docker",
    startsProgramsSlowly: true,
    check: () =>
      doing("look at itself and the image", async () => {
        // Also before the first trace of a new cluster is written, which its state folder is.
        const [report] = await Promise.all([
          describeEngine(engine, image),
          refuseForeignVolumes(engine, options),
        ]);
        return report;
      }),
    fetch: (progress) => doing("look for the image", () => ensureImage(engine, image, major, progress)),
    setUp: (progress) =>
      doing("set up the cluster", async () => {
        await Promise.all([ensureNetwork(engine, options), ensureImage(engine, image, major, progress)]);
      }),
    paths: () => NODE_PATHS,
    wiring: wiringOf,
    list: () => doing("list the nodes", () => listNodes(engine, options)),
    create: (node) =>
      doing(`make the storage of node ${node}`, async () => {
        await ensureVolume(engine, options, node);
        // A server that runs has its folders.
        const server = await seeServer(engine, options, node);
        if (server?.State.Running !== true) await toolboxes.open(node);
      }),
    writeFiles: (node, files) =>
      doing(`write files of node ${node}`, () => writeNodeFiles(onVolume(node, toolboxes), node, files)),
    readFile: (node, path) =>
      doing(`read ${path} of node ${node}`, () =>
        readNodeFile(onVolume(node, containers.reading(node)), node, path),
      ),
    run: (node, tool, signal) =>
      doing(`run ${tool.argv[0]} for node ${node}`, () => runTool(containers, options, node, tool, signal)),
    beside: (node, request) => besideCommand(engine.socket.path, options, node, request),
    start: (node, port) =>
      doing(`start node ${node}`, async () => {
        await Promise.all([requireVolume(engine, options, node), containers.retire(node)]);
        await startServer(engine, { identity: options, image, major, node, port });
      }),
    stop: (node, timeoutMs) => doing(`stop node ${node}`, () => stopServer(engine, options, node, timeoutMs)),
    kill: (node) => doing(`kill node ${node}`, () => killServer(engine, options, node)),
    pause: (node) => doing(`pause node ${node}`, () => pauseServer(engine, options, node)),
    resume: (node) => doing(`resume node ${node}`, () => resumeServer(engine, options, node)),
    ended: (node, signal) => doing(`wait for node ${node}`, () => serverEnded(engine, options, node, signal)),
    logs: (node, request) => nodeLogs(engine, options, node, request),
    remove: (node) =>
      doing(`remove node ${node}`, async () => {
        await containers.retire(node);
        await removeNode(engine, options, node);
      }),
    tearDown: () =>
      doing("remove the cluster", async () => {
        await containers.close();
        await removeCluster(engine, options);
      }),
    freeBytes: (node) =>
      doing(`look at the disk of node ${node}`, () => freeBytes(engine, toolboxes, options, node)),
    async close() {
      await containers.close();
      engine.close();
    },
  };
}

function wiringOf(node: NodeName, port: number): Wiring {
  return {
    endpoint: { host: "127.0.0.1", port },
    peer: { host: node, port: SERVER_PORT },
    listenAddresses: "*",
    listenPort: SERVER_PORT,
  };
}
