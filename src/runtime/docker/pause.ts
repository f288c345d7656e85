/**
 * Freezing a server and letting it go on. Both are idempotent.
 */
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError, messageOf } from "../../support/errors.ts";
import { seeServer } from "./containers.ts";
import { WORK_DEADLINE_MS, type Engine } from "./engine-client.ts";
import { nullOn } from "./engine-error.ts";
import type { ClusterIdentity } from "./names.ts";

const FREEZE_ATTEMPTS = 10;

export async function pauseServer(engine: Engine, identity: ClusterIdentity, node: NodeName): Promise<void> {
  const seen = await seeServer(engine, identity, node);
  if (seen?.State.Status === "paused") return;
  if (seen?.State.Status === "running" && (await freeze(engine, seen.Id))) return;
  throw new PgrepKitError("docker-failed", {
    message: `node ${node} cannot be paused: its server is not running`,
  });
}

/** A server that is not paused is left as it is. */
export async function resumeServer(engine: Engine, identity: ClusterIdentity, node: NodeName): Promise<void> {
  const seen = await seeServer(engine, identity, node);
  if (seen?.State.Status === "paused") await post(engine, seen.Id, "unpause");
}

/** On a busy machine the kernel may not get all processes frozen in the time that it is given; asked again, it does. */
async function freeze(engine: Engine, container: string): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await post(engine, container, "pause");
    } catch (thrown) {
      if (attempt === FREEZE_ATTEMPTS || !/unable to freeze/i.test(messageOf(thrown))) throw thrown;
    }
  }
}

/** False: the container's state has changed meanwhile. */
async function post(engine: Engine, container: string, verb: "pause" | "unpause"): Promise<boolean> {
  const path = `/containers/${container}/${verb}`;
  const done = engine.socket.bytes({ method: "POST", path, deadlineMs: WORK_DEADLINE_MS });
  return (await nullOn([404, 409], done)) !== null;
}
