/** Sees one node: first what its host knows, then what its server says. Never guesses: what did not answer is unreachable. */
import type { NodeObservation } from "../core/observation.ts";
import type { NodeName } from "../core/spec.ts";
import { OBSERVE } from "../postgres/queries.ts";
import { serverFacts } from "../postgres/server-facts.ts";
import { ConnectError } from "../postgres/session.ts";
import { messageOf } from "../support/errors.ts";
import type { RuntimeContext } from "./context.ts";
import { inspectStopped } from "./inspect-stopped.ts";
import type { HostNode } from "./node-host.ts";

const QUERY_TIMEOUT_MS = 3_000;

export async function observeNode(
  context: RuntimeContext,
  node: NodeName,
  seen: HostNode | undefined,
  signal?: AbortSignal,
): Promise<NodeObservation> {
  if (seen === undefined || seen.state === "absent") return { kind: "absent", debris: false };
  if (seen.state === "paused") {
    return { kind: "paused", ...(seen.processes === undefined ? {} : { processes: seen.processes }) };
  }
  try {
    if (seen.state === "stopped") return await inspectStopped(context, node, seen, signal);
    const session = await context.sessions.to(node);
    const [row] = await session.query(OBSERVE, [], QUERY_TIMEOUT_MS);
    return serverFacts(String(row?.["observation"]));
  } catch (error) {
    // One node that cannot be seen hides no other; an interruption is no news of any node.
    signal?.throwIfAborted();
    if (!(error instanceof ConnectError)) {
      return {
        kind: "unreachable",
        reason: messageOf(error),
        ...(seen.state === "stopped" ? { isStopped: true } : {}),
      };
    }
    const { kind, reason } = error.failure;
    return { kind: kind === "starting" ? "starting" : "unreachable", reason };
  }
}
