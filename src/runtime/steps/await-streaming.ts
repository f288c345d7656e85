/** Waits until an upstream's WAL sender has this standby streaming, which it is only once it has caught up. */
import type { NodeName } from "../../core/spec.ts";
import { WAL_SENDERS } from "../../postgres/queries.ts";
import { until } from "../../support/until.ts";
import type { RuntimeContext } from "../context.ts";
import type { StepOutcome } from "../node-runtime.ts";

const DEADLINE_MS = 30_000;
const POLL_MS = 15;

export async function awaitStreaming(
  context: RuntimeContext,
  node: NodeName,
  from: NodeName,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const streaming = await until(() => hasSender(context, node, from), {
    everyMs: POLL_MS,
    deadlineMs: DEADLINE_MS,
    signal,
  });
  return streaming === null
    ? { kind: "unknown", waitedFor: `${node} to stream from ${from}` }
    : { kind: "done" };
}

/** An upstream that cannot be asked just now has no sender that anybody could know of. */
async function hasSender(context: RuntimeContext, node: NodeName, from: NodeName): Promise<true | null> {
  try {
    const session = await context.sessions.to(from);
    const rows = await session.query(WAL_SENDERS);
    return rows.some((row) => row["name"] === node && row["state"] === "streaming") ? true : null;
  } catch {
    return null;
  }
}
