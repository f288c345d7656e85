/**
 * Waits until an upstream's WAL sender has this standby streaming, which it is only once it has caught up; and then, for
 * a moment, until it has replayed what it was sent by then: its control file, and with it what it may be started with
 * next, follows the replay. A standby that replays late or not at all is no reason to wait longer.
 */
import { type Lsn, parseLsn } from "../../core/lsn.ts";
import type { NodeName } from "../../core/spec.ts";
import { WAL_SENDERS } from "../../postgres/queries.ts";
import type { Row } from "../../postgres/session.ts";
import { until } from "../../support/until.ts";
import type { RuntimeContext } from "../context.ts";
import type { StepOutcome } from "../node-runtime.ts";

const DEADLINE_MS = 30_000;
const REPLAY_GRACE_MS = 2_000;
const POLL_MS = 15;

export async function awaitStreaming(
  context: RuntimeContext,
  node: NodeName,
  from: NodeName,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const waiting = { everyMs: POLL_MS, deadlineMs: DEADLINE_MS, signal };
  const streaming = await until(() => streamingSender(context, node, from), waiting);
  if (streaming === null) return { kind: "unknown", waitedFor: `${node} to stream from ${from}` };
  const sent = position(streaming["sent"]);
  await until(
    async () => {
      const replayed = position((await streamingSender(context, node, from))?.["replayed"]);
      return sent === null || (replayed !== null && replayed >= sent) ? true : null;
    },
    { ...waiting, deadlineMs: REPLAY_GRACE_MS },
  );
  return { kind: "done" };
}

/** An upstream that cannot be asked just now has no sender that anybody could know of. */
async function streamingSender(context: RuntimeContext, node: NodeName, from: NodeName): Promise<Row | null> {
  try {
    const session = await context.sessions.to(from);
    const rows = await session.query(WAL_SENDERS);
    return rows.find((row) => row["name"] === node && row["state"] === "streaming") ?? null;
  } catch {
    return null;
  }
}

function position(value: unknown): Lsn | null {
  return typeof value === "string" ? parseLsn(value) : null;
}
