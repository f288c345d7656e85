/**
 * Ending a server and learning of its end. The engine tells of an exit within milliseconds; nothing in here polls.
 */
import { WORK_DEADLINE_MS, queryString, type Engine } from "./engine-client.ts";
import { seeContainer, signalContainer, waitForContainer } from "./containers.ts";
import { PgrepKitError } from "../../support/errors.ts";

/** Fast shutdown. It never turns into a SIGKILL: past the deadline the outcome is unknown, and the server goes on. */
export async function stopServer(engine: Engine, container: string, timeoutMs: number): Promise<void> {
  // The engine lets a paused container go on when it is sent its stop signal.
  if (!(await signalContainer(engine, container, "SIGINT"))) return;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    await waitForContainer(engine, container, "not-running", { deadlineMs: null, signal: deadline });
  } catch (thrown) {
    if (!deadline.aborted) throw thrown;
    throw new PgrepKitError("deadline", {
      message: `the server in ${container} has not shut down within ${timeoutMs / 1000} s`,
      detail: "It was asked for a fast shutdown, and may still come to its end.",
      hint: `See what it is doing: docker logs --tail 20 ${container}.`,
    });
  }
}

export async function killServer(engine: Engine, container: string): Promise<void> {
  if (!(await signalContainer(engine, container, "SIGKILL"))) return;
  await waitForContainer(engine, container, "not-running", { deadlineMs: WORK_DEADLINE_MS });
}

/** Resolves when the container has run and ended; one that never ran is waited for, too. Rejects on abort. */
export async function serverEnded(engine: Engine, container: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const seen = await seeContainer(engine, container);
    if (seen !== null && seen.State.Running) {
      await waitForContainer(engine, seen.Id, "not-running", { deadlineMs: null, signal });
      return;
    }
    if (seen !== null && seen.State.Status !== "created") return;
    await nextStart(engine, container, signal);
  }
}

/** Resolves when a container of this name is started, or already runs. */
async function nextStart(engine: Engine, container: string, signal: AbortSignal): Promise<void> {
  const query = queryString({ filters: { type: ["container"], event: ["start"], container: [container] } });
  const stream = await engine.socket.stream({
    method: "GET",
    path: `/events?${query}`,
    deadlineMs: WORK_DEADLINE_MS,
    signal,
  });
  const onAbort = (): void => void stream.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    // It may have come between the caller's look and our listening.
    const seen = await seeContainer(engine, container);
    if (seen !== null && seen.State.Status !== "created") return;
    for await (const _ of stream) return;
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  } finally {
    signal.removeEventListener("abort", onAbort);
    stream.destroy();
  }
}
