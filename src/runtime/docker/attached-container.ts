/**
 * A container that lives on a connection of ours: whatever ends pgrep-kit ends it and every program in it, and the engine
 * removes it. It says when it is ready, then waits for the end of its stdin: until we close the connection, or are no more.
 */
import type { Duplex } from "node:stream";
import type { ContainerCreateOptions } from "dockerode";
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { removeContainer } from "./containers.ts";
import { WORK_DEADLINE_MS, type Engine } from "./engine-client.ts";
import { diskFull, tellsOfFullDisk } from "./engine-error.ts";
import { imageTrouble, userMissing } from "./image-trouble.ts";
import { framesOf } from "./output.ts";
import { PROGRAM_ENV } from "./run-script.ts";

const READY = "pgrep-kit: ready";

/** What a script in such a container says when the image lacks the server's user. */
export const NO_USER = "pgrep-kit: no user";

/** How every script in such a container ends. */
export const STAY = `echo '${READY}' && exec cat >/dev/null`;

export interface AttachedContainer {
  readonly container: string;
  /** Where programs in it begin. */
  readonly folder: string;
  /** Kills every program in it; returns when it is gone. */
  remove(): Promise<void>;
}

/** What all of them have in common; a container beside it says what it is for. */
export function attachedConfig(image: string, script: string) {
  return {
    Image: image,
    Entrypoint: ["/bin/sh", "-c", script],
    Cmd: [],
    Env: [...PROGRAM_ENV],
    WorkingDir: "/",
    Healthcheck: { Test: ["NONE"] },
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
  } satisfies ContainerCreateOptions;
}

/** The same for what the engine does with them. */
export const ATTACHED_HOST = {
  AutoRemove: true,
  RestartPolicy: { Name: "no" },
  LogConfig: { Type: "none", Config: {} },
} satisfies ContainerCreateOptions["HostConfig"];

/** Starts a container that was made of `attachedConfig`; on any failure it is removed. */
export async function openAttached(
  engine: Engine,
  made: { readonly container: string; readonly folder: string },
  image: string,
  node: NodeName,
): Promise<AttachedContainer> {
  const { container } = made;
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
    const ready = untilReady(connection, image, node);
    ready.catch(() => undefined);
    await startContainer(engine, container, image);
    await ready;
    connection.resume();
  } catch (thrown) {
    await remove().catch(() => undefined);
    throw thrown;
  }
  return { ...made, remove };
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
  // The connection stays open when we stop listening: it keeps the container alive.
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
