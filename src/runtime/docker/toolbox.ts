/**
 * One-off containers on the nodes' volumes, for programs that run while no server does. A node's toolbox is made
 * when it is first needed, and serves until it is closed: an exec costs a fraction of a new container. It lives on a
 * connection of ours, so that whatever ends pgrep-kit ends the toolbox with all its programs: an orphaned
 * pg_basebackup must never write on (law L8).
 */
import type { Duplex } from "node:stream";
import { WORK_DEADLINE_MS, createContainer, type Engine } from "./engine-client.ts";
import { isStatus } from "./engine-error.ts";
import { execIn, type ExecRequest, type ExecResult } from "./exec.ts";
import { removeContainer, seeContainer } from "./containers.ts";
import {
  SERVER_USER,
  foreignError,
  isOwn,
  networkName,
  toolLabels,
  toolboxName,
  type ClusterIdentity,
} from "./names.ts";
import { PROGRAM_ENV } from "./run-script.ts";
import { imageTrouble } from "./image-trouble.ts";
import { nodeMount } from "./server-container.ts";
import { requireVolume } from "./volumes.ts";
import { PgrepKitError } from "../../support/errors.ts";
import type { NodeName } from "../../core/spec.ts";

/** Another pgrep-kit could make the same toolbox again and again; the lock above us forbids that. */
const ATTEMPTS = 3;

interface Toolbox {
  readonly id: string;
  start(): Promise<void>;
  /** Kills every program in it; returns when it is gone. */
  remove(): Promise<void>;
}

export interface Toolboxes {
  /** A container that is made but not started: it gives access to the volume's files. Returns its id. */
  made(node: NodeName): Promise<string>;
  exec(node: NodeName, request: Omit<ExecRequest, "container">): Promise<ExecResult>;
  isOpen(node: NodeName): boolean;
  /** Ends the node's tools. When it returns, what an earlier pgrep-kit left behind is gone; ours, idle, is going. */
  retire(node: NodeName): Promise<void>;
  /** Ends all toolboxes of this process; returns when they are gone. */
  close(): Promise<void>;
}

export function openToolboxes(engine: Engine, identity: ClusterIdentity, image: string): Toolboxes {
  const open = new Map<NodeName, Promise<Toolbox>>();
  const toolboxOf = (node: NodeName): Promise<Toolbox> => {
    const known = open.get(node);
    if (known !== undefined) return known;
    const made = makeToolbox(engine, identity, image, node);
    open.set(node, made);
    made.catch(() => open.delete(node));
    return made;
  };
  const leaving = new Set<Promise<void>>();
  const discard = async (node: NodeName): Promise<void> => {
    const toolbox = await open.get(node)?.catch(() => undefined);
    open.delete(node);
    await toolbox?.remove();
  };
  return {
    made: async (node) => (await toolboxOf(node)).id,
    isOpen: (node) => open.has(node),
    async retire(node) {
      if (!open.has(node)) return await removeLeftover(engine, identity, node);
      const left = discard(node).catch(() => undefined);
      leaving.add(left);
      void left.then(() => leaving.delete(left));
    },
    async exec(node, request) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const toolbox = await toolboxOf(node);
        await toolbox.start();
        try {
          const result = await execIn(engine, { ...request, container: toolbox.id });
          if (result !== null) return result;
        } catch (thrown) {
          // Aborted or broken: nothing of it may go on behind our back.
          await discard(node);
          throw thrown;
        }
        // It was removed under our hands; a new one does.
        open.delete(node);
      }
      throw new PgrepKitError("docker-failed", {
        message: `the container for the tools of node ${node} is removed again and again`,
        hint: "See whether something on this machine removes containers, or another pgrep-kit is running.",
      });
    },
    async close() {
      await Promise.all([...[...open.keys()].map(discard), ...leaving]);
    },
  };
}

async function makeToolbox(
  engine: Engine,
  identity: ClusterIdentity,
  image: string,
  node: NodeName,
): Promise<Toolbox> {
  await requireVolume(engine, identity, node);
  const id = await createToolbox(engine, identity, image, node);
  let connection: Duplex | null = null;
  let started: Promise<void> | null = null;
  const start = async (): Promise<void> => {
    connection = await engine.socket.upgrade({
      method: "POST",
      path: `/containers/${id}/attach?stream=true&stdin=true`,
      deadlineMs: WORK_DEADLINE_MS,
    });
    connection.on("error", () => undefined);
    connection.resume();
    const dockerode = await engine.dockerode();
    try {
      await dockerode.getContainer(id).start();
    } catch (thrown) {
      throw imageTrouble(thrown, image);
    }
  };
  return {
    id,
    start: () => (started ??= start()),
    async remove() {
      await removeContainer(engine, id);
      connection?.destroy();
    },
  };
}

async function createToolbox(
  engine: Engine,
  identity: ClusterIdentity,
  image: string,
  node: NodeName,
): Promise<string> {
  const name = toolboxName(identity, node);
  for (let attempt = 1; ; attempt++) {
    try {
      return (await createContainer(engine, name, toolboxConfig(identity, image, node))).id;
    } catch (thrown) {
      // The name is taken: an earlier pgrep-kit left its toolbox behind.
      if (!isStatus(thrown, 409) || attempt === ATTEMPTS) throw imageTrouble(thrown, image);
      await removeLeftover(engine, identity, node);
    }
  }
}

async function removeLeftover(engine: Engine, identity: ClusterIdentity, node: NodeName): Promise<void> {
  const name = toolboxName(identity, node);
  const seen = await seeContainer(engine, name);
  if (seen === null) return;
  if (!isOwn(identity, seen.Config.Labels)) throw foreignError("container", name, seen.Config.Labels);
  await removeContainer(engine, seen.Id);
}

function toolboxConfig(identity: ClusterIdentity, image: string, node: NodeName) {
  return {
    Image: image,
    User: SERVER_USER,
    // It ends when its stdin does: when we close the connection, or when we are no more.
    Entrypoint: ["/bin/sh", "-c", "cat >/dev/null"],
    Cmd: [],
    Env: [...PROGRAM_ENV],
    WorkingDir: "/",
    Labels: { ...toolLabels(identity, node) },
    Healthcheck: { Test: ["NONE"] },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: networkName(identity),
      Mounts: [nodeMount(identity, node)],
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "none", Config: {} },
      ShmSize: 256 * 1024 * 1024,
    },
  };
}
