/**
 * What is done to single containers, whatever they hold: look, wait, remove. Every call is idempotent: what is
 * already gone or already done is no error.
 */
import {
  LIST_DEADLINE_MS,
  LOOK_DEADLINE_MS,
  WORK_DEADLINE_MS,
  queryString,
  type Engine,
} from "./engine-client.ts";
import { isStatus, nullOn } from "./engine-error.ts";
import { nodeThing, ownOrThrow, type ClusterIdentity, type Labels } from "./names.ts";
import type { NodeName } from "../../core/spec.ts";

export interface SeenContainer {
  readonly Id: string;
  /** Id of the image it was made from. */
  readonly Image: string;
  readonly Config: { readonly Labels: Labels | null };
  readonly State: {
    readonly Status: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";
    /** True of a paused one, too. */
    readonly Running: boolean;
    readonly ExitCode: number;
    readonly FinishedAt: string;
  };
}

export interface ListedContainer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: SeenContainer["State"]["Status"];
  readonly Labels: Labels;
}

/** Null: there is none of this name or id. */
export async function seeContainer(engine: Engine, name: string): Promise<SeenContainer | null> {
  const look = engine.socket.json<SeenContainer>({
    method: "GET",
    path: `/containers/${name}/json`,
    deadlineMs: LOOK_DEADLINE_MS,
  });
  return await nullOn([404], look);
}

/** The container of a node's server; null: there is none. Throws if one of its name is somebody else's. */
export async function seeServer(
  engine: Engine,
  identity: ClusterIdentity,
  node: NodeName,
): Promise<SeenContainer | null> {
  const name = nodeThing(identity, node);
  const seen = await seeContainer(engine, name);
  if (seen !== null) ownOrThrow(identity, "container", name, seen.Config.Labels);
  return seen;
}

/** All containers with this label, running or not. */
export async function listContainers(engine: Engine, label: string): Promise<readonly ListedContainer[]> {
  const query = queryString({ all: true, filters: { label: [label] } });
  return await engine.socket.json({
    method: "GET",
    path: `/containers/json?${query}`,
    deadlineMs: LIST_DEADLINE_MS,
  });
}

/** Resolves when the container is not running, or not there. `deadlineMs` null: as long as it takes. */
export async function waitForContainer(
  engine: Engine,
  name: string,
  condition: "not-running" | "removed" | "next-exit",
  { deadlineMs, signal }: { readonly deadlineMs: number | null; readonly signal?: AbortSignal },
): Promise<void> {
  const wait = engine.socket.bytes({
    method: "POST",
    path: `/containers/${name}/wait?condition=${condition}`,
    deadlineMs,
    signal,
  });
  await nullOn([404], wait);
}

/** Kills it if it runs, and removes it with its anonymous volumes; returns when it is gone. */
export async function removeContainer(engine: Engine, name: string): Promise<void> {
  try {
    await engine.socket.bytes({
      method: "DELETE",
      path: `/containers/${name}?force=true&v=true`,
      deadlineMs: WORK_DEADLINE_MS,
    });
  } catch (thrown) {
    if (isStatus(thrown, 404)) return;
    // Somebody is removing it already: the engine itself (AutoRemove), or another pgrep-kit.
    if (!isStatus(thrown, 409)) throw thrown;
    await waitForContainer(engine, name, "removed", { deadlineMs: WORK_DEADLINE_MS });
  }
}

/** False: it was not running. */
export async function signalContainer(
  engine: Engine,
  name: string,
  signal: "SIGINT" | "SIGKILL",
): Promise<boolean> {
  const sent = engine.socket.bytes({
    method: "POST",
    path: `/containers/${name}/kill?signal=${signal}`,
    deadlineMs: WORK_DEADLINE_MS,
  });
  return (await nullOn([404, 409], sent)) !== null;
}
