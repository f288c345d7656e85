/**
 * NodeHost over local PostgreSQL processes: one data directory, one port and one postmaster per node, all on
 * 127.0.0.1. This file only puts the parts together; each does one thing in a file of its own.
 */
import type { NodeName } from "../../core/spec.ts";
import type { Endpoint, NodeHost, Tool } from "../node-host.ts";
import type { Binaries } from "./binaries.ts";
import { checkHost, requireBinaries } from "./check-host.ts";
import { killServer, pauseServer, resumeServer, serverEnded, stopServer } from "./end-server.ts";
import { endLeftoverTools } from "./leftover-tools.ts";
import { readNodeFile, writeNodeFiles } from "./node-files.ts";
import { freeBytesAt, listNodes, makeBase, makeNode, removeBase, removeNode } from "./node-folders.ts";
import { runTool } from "./run-tool.ts";
import { readLog } from "./server-log.ts";
import { startServer } from "./start-server.ts";
import { noteStateFolder, refuseOrphans } from "./state-note.ts";
import { nodePlace, openStorage, type NodePlace, type Storage } from "./storage.ts";

export interface ProcessHostOptions {
  readonly cluster: string;
  /** Of this cluster's state folder: two clusters of one name never share a node. */
  readonly clusterId: string;
  /** Absolute path of `.pgrep-kit`. */
  readonly stateFolder: string;
  /** Null: whatever the machine has. */
  readonly major: number | null;
  readonly env?: NodeJS.ProcessEnv;
}

/** Opens the host without starting anything; binaries and user are looked for when something needs them. */
export async function openProcessHost(options: ProcessHostOptions): Promise<NodeHost> {
  const env = options.env ?? process.env;
  const storage = await openStorage({ ...options, env });
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  let known: Promise<Binaries> | null = null;
  const binaries = async (): Promise<string> =>
    (await (known ??= requireBinaries(options.major, env))).folder;
  const at = (node: NodeName): NodePlace => nodePlace(storage, node);

  return {
    kind: "process",
    startsProgramsSlowly: false,
    check: async () => {
      const report = await checkHost(storage, options.major, env);
      await refuseOrphans({ ...options, base: storage.base });
      return report;
    },
    fetch: async () => undefined,
    setUp: async () => {
      await makeBase(storage);
      await noteStateFolder({ ...options, base: storage.base });
    },
    paths: (node) => ({ root: at(node).root, data: at(node).data, conf: at(node).conf }),
    wiring: (_node, port) => wiringOf(port),
    list: () => listNodes(storage),
    create: async (node) => makeNode(storage, at(node), await storage.user()),
    writeFiles: async (node, files) => {
      await makeBase(storage);
      await writeNodeFiles(at(node), files, await storage.user());
    },
    readFile: (node, path) => readNodeFile(at(node), path),
    run: (node, tool, signal) =>
      tracked(
        running,
        run(
          storage,
          binaries,
          at(node),
          tool,
          signal ? AbortSignal.any([signal, closing.signal]) : closing.signal,
        ),
      ),
    beside: () => null,
    start: async (node, port) => {
      await endLeftoverTools(at(node));
      await startServer({ place: at(node), port, binaries: await binaries(), user: await storage.user() });
    },
    stop: (node, timeoutMs) => stopServer(at(node), timeoutMs),
    kill: (node) => killServer(at(node)),
    pause: (node) => pauseServer(at(node)),
    resume: (node) => resumeServer(at(node)),
    ended: (node, signal) => serverEnded(at(node), signal),
    logs: (node, logOptions) => readLog(at(node), logOptions),
    remove: (node) => remove(storage, at(node)),
    tearDown: () => removeBase(storage),
    freeBytes: (node) => freeBytesAt(at(node).root),
    close: async () => {
      closing.abort();
      await Promise.allSettled(running);
    },
  };
}

async function run(
  storage: Storage,
  binaries: () => Promise<string>,
  place: NodePlace,
  tool: Tool,
  signal: AbortSignal,
): ReturnType<NodeHost["run"]> {
  const surroundings = { place, binaries: await binaries(), user: await storage.user() };
  return runTool(surroundings, tool, signal);
}

async function tracked<T>(running: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  running.add(work);
  try {
    return await work;
  } finally {
    running.delete(work);
  }
}

async function remove(storage: Storage, place: NodePlace): Promise<void> {
  await endLeftoverTools(place);
  // Its data goes with it: a clean shutdown would only cost time.
  await killServer(place);
  await removeNode(storage, place);
}

function wiringOf(port: number): ReturnType<NodeHost["wiring"]> {
  const endpoint: Endpoint = { host: "127.0.0.1", port };
  return { endpoint, peer: endpoint, listenAddresses: "127.0.0.1", listenPort: port };
}
