/**
 * Freezing a server and letting it go on. Both are idempotent.
 */
import { seeContainer } from "./containers.ts";
import { WORK_DEADLINE_MS, type Engine } from "./engine-client.ts";
import { EngineError } from "./engine-error.ts";

export async function pauseServer(engine: Engine, container: string): Promise<void> {
  await change(engine, container, "pause", (status) => status === "paused");
}

/** A server that is not paused is left as it is. */
export async function resumeServer(engine: Engine, container: string): Promise<void> {
  await change(engine, container, "unpause", (status) => status !== "paused");
}

async function change(
  engine: Engine,
  container: string,
  verb: "pause" | "unpause",
  isDone: (status: string) => boolean,
): Promise<void> {
  try {
    await engine.socket.bytes({
      method: "POST",
      path: `/containers/${container}/${verb}`,
      deadlineMs: WORK_DEADLINE_MS,
    });
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    const seen = await seeContainer(engine, container);
    if (!isDone(seen?.State.Status ?? "absent")) throw thrown;
  }
}
