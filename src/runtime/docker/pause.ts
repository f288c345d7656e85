/**
 * Freezing a server and letting it go on. Both are idempotent.
 */
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { seeServer } from "./containers.ts";
import { WORK_DEADLINE_MS, type Engine } from "./engine-client.ts";
import { nullOn } from "./engine-error.ts";
import type { ClusterIdentity } from "./names.ts";

export async function pauseServer(engine: Engine, identity: ClusterIdentity, node: NodeName): Promise<void> {
  const seen = await seeServer(engine, identity, node);
  if (seen?.State.Status === "paused") return;
  if (seen?.State.Status === "running" && (await post(engine, seen.Id, "pause"))) return;
  throw new PgrepKitError("docker-failed", {
    message: `node ${node} cannot be paused: its server is not running`,
  });
}

/** A server that is not paused is left as it is. */
export async function resumeServer(engine: Engine, identity: ClusterIdentity, node: NodeName): Promise<void> {
  const seen = await seeServer(engine, identity, node);
  if (seen?.State.Status === "paused") await post(engine, seen.Id, "unpause");
}

/** False: the container's state has changed meanwhile. */
async function post(engine: Engine, container: string, verb: "pause" | "unpause"): Promise<boolean> {
  const path = `/containers/${container}/${verb}`;
  const done = engine.socket.bytes({ method: "POST", path, deadlineMs: WORK_DEADLINE_MS });
  return (await nullOn([404, 409], done)) !== null;
}
