/**
 * The server's log as the engine keeps it, line by line. A node whose container was removed has no log any more.
 */
import type { NodeName } from "../../core/spec.ts";
import { seeServer } from "./containers.ts";
import { WORK_DEADLINE_MS, queryString, type Engine } from "./engine-client.ts";
import { nullOn } from "./engine-error.ts";
import type { ClusterIdentity } from "./names.ts";
import { linesOf } from "./output.ts";

export interface LogRequest {
  readonly lines: number | null;
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

/** With `follow` it ends when the server does, or on abort. */
export async function* nodeLogs(
  engine: Engine,
  identity: ClusterIdentity,
  node: NodeName,
  request: LogRequest,
): AsyncGenerator<string> {
  const { lines, follow, signal } = request;
  const query = queryString({ stdout: true, stderr: true, follow, tail: lines ?? "all" });
  const seen = await seeServer(engine, identity, node);
  if (seen === null) return;
  const path = `/containers/${seen.Id}/logs?${query}`;
  const opened = engine.socket.stream({ method: "GET", path, deadlineMs: WORK_DEADLINE_MS, signal });
  const stream = await nullOn([404], opened);
  if (stream === null) return;
  const onAbort = (): void => void stream.destroy();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const line of linesOf(stream)) {
      if (signal?.aborted === true) return;
      yield line;
    }
  } catch (thrown) {
    if (signal?.aborted !== true) throw thrown;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    stream.destroy();
  }
}
