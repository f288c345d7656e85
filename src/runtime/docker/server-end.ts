/**
 * Ending a server and learning of its end. The engine tells of an exit within milliseconds; nothing in here polls.
 */
import type { NodeName } from "../../core/spec.ts";
import { PgrepKitError } from "../../support/errors.ts";
import { seeServer, signalContainer, waitForContainer } from "./containers.ts";
import { WORK_DEADLINE_MS, queryString, type Engine } from "./engine-client.ts";
import { nodeThing, type ClusterIdentity } from "./names.ts";

/** Fast shutdown. It never turns into a SIGKILL: past the deadline the outcome is unknown, and the server goes on. */
export async function stopServer(
  engine: Engine,
  identity: ClusterIdentity,
  node: NodeName,
  timeoutMs: number,
): Promise<void> {
  const seen = await seeServer(engine, identity, node);
  if (seen === null) return;
  // The engine lets a paused container go on when it is sent its stop signal.
  if (!(await signalContainer(engine, seen.Id, "SIGINT"))) return;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    await waitForContainer(engine, seen.Id, "not-running", { deadlineMs: null, signal: deadline });
  } catch (thrown) {
    if (!deadline.aborted) throw thrown;
    throw new PgrepKitError("deadline", {
      message: `the server of node ${node} has not shut down within ${timeoutMs / 1000} s`,
      detail: "It was asked for a fast shutdown, and may still come to its end.",
      hint: `See what it is doing: docker logs --tail 20 ${nodeThing(identity, node)}.`,
    });
  }
}

export async function killServer(engine: Engine, identity: ClusterIdentity, node: NodeName): Promise<void> {
  const seen = await seeServer(engine, identity, node);
  if (seen === null || !(await signalContainer(engine, seen.Id, "SIGKILL"))) return;
  await waitForContainer(engine, seen.Id, "not-running", { deadlineMs: WORK_DEADLINE_MS });
}

/** Resolves when the server has run and ended; one that never ran is waited for, too. Rejects on abort. */
export async function serverEnded(
  engine: Engine,
  identity: ClusterIdentity,
  node: NodeName,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const seen = await seeServer(engine, identity, node);
    if (seen !== null && seen.State.Running) {
      return await waitForContainer(engine, seen.Id, "not-running", { deadlineMs: null, signal });
    }
    if (seen !== null && seen.State.Status !== "created") return;
    await nextStart(engine, identity, node, signal);
  }
}

/** Resolves when the node's container is started, or is found to have been. */
async function nextStart(
  engine: Engine,
  identity: ClusterIdentity,
  node: NodeName,
  signal: AbortSignal,
): Promise<void> {
  const container = [nodeThing(identity, node)];
  const query = queryString({ filters: { type: ["container"], event: ["start"], container } });
  const path = `/events?${query}`;
  const stream = await engine.socket.stream({ method: "GET", path, deadlineMs: WORK_DEADLINE_MS, signal });
  const onAbort = (): void => void stream.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    // It may have come between the caller's look and our listening.
    const seen = await seeServer(engine, identity, node);
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
