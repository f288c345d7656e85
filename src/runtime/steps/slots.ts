/** Physical replication slots: made before a standby needs them, dropped with it (law L10). */
import type { NodeName } from "../../core/spec.ts";
import { DROP_SLOT, END_SLOT_USERS, MAKE_SLOT, SLOT_ACTIVE } from "../../postgres/queries.ts";
import { until } from "../../support/until.ts";
import type { RuntimeContext } from "../context.ts";
import type { StepOutcome } from "../node-runtime.ts";

const RELEASE_DEADLINE_MS = 10_000;
const POLL_MS = 20;

export async function makeSlots(
  context: RuntimeContext,
  node: NodeName,
  slots: readonly string[],
): Promise<StepOutcome> {
  const session = await context.sessions.to(node);
  for (const slot of slots) await session.query(MAKE_SLOT, [slot]);
  return { kind: "done" };
}

export async function dropSlots(
  context: RuntimeContext,
  node: NodeName,
  slots: readonly string[],
  signal: AbortSignal,
): Promise<StepOutcome> {
  const session = await context.sessions.to(node);
  for (const slot of slots) {
    const released = await until(
      async () => {
        await session.query(END_SLOT_USERS, [slot]);
        const [row] = await session.query(SLOT_ACTIVE, [slot]);
        return row?.["active"] === true ? null : true;
      },
      { everyMs: POLL_MS, deadlineMs: RELEASE_DEADLINE_MS, signal },
    );
    if (released === null) return { kind: "unknown", waitedFor: `slot ${slot} on ${node} to be released` };
    await session.query(DROP_SLOT, [slot]);
  }
  return { kind: "done" };
}
